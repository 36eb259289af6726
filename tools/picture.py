"""Take the picture of the comparison page that the README shows: `make picture`.

A project is generated, trained twice, and the page of `dvc plots diff` is photographed by a
headless Chromium (`chromium`, `google-chrome`, or the program that CHROMIUM names).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "comparison.png"
SIZE = "1100,905"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STEPS = (
    "dvc repro --quiet && git add . && git commit --quiet -m 'Train the first model'",
    "dvc exp run --quiet --set-param train.LogisticRegression.C=0.001",
    "dvc plots diff",
)


def browser() -> str:
    """Return the path of a Chromium.

    Raises:
        SystemExit: there is none.
    """
    for name in (os.environ.get("CHROMIUM", ""), *BROWSERS):
        if program := shutil.which(name):
            return program
    sys.exit("error: there is no Chromium here: install it, or name it in CHROMIUM.")


def main() -> None:
    """Generate, train, draw, and take the picture."""
    chromium = browser()
    with tempfile.TemporaryDirectory() as directory:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        generate = ["cookiecutter", str(ROOT), "--no-input", "--output-dir", directory]
        subprocess.run(generate, check=True, env=os.environ | {"PATH": path})
        project = Path(directory, "my-model")
        path = f"{project / '.venv' / 'bin'}{os.pathsep}{path}"
        for step in STEPS:
            subprocess.run(
                ["bash", "-c", step], cwd=project, check=True, env=os.environ | {"PATH": path}
            )
        PICTURE.parent.mkdir(exist_ok=True)
        page = project / "dvc_plots" / "index.html"
        subprocess.run(
            [
                *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *("--no-first-run", f"--user-data-dir={directory}/browser"),
                *("--virtual-time-budget=10000", f"--window-size={SIZE}"),
                *(f"--screenshot={PICTURE}", page.as_uri()),
            ],
            check=True,
            timeout=120,
        )
    print(f"{PICTURE}: look at it.")


if __name__ == "__main__":
    main()
