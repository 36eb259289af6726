"""Write the page that `dvc plots` fills in, with Vega inside so that it works offline.

DVC's own page loads Vega from the network. This script puts the browser builds of vega,
vega-lite and vega-embed in place of `<!-- VEGA -->` in a skeleton page, to be named in
DVC's `plots.html_template` setting. The same packages always give the same bytes.

    npm pack vega@5 vega-lite@5 vega-embed@6
    python tools/make_plots_page.py . plots_page.html offline.html
"""

import argparse
import json
import re
import tarfile
from pathlib import Path

PACKAGES = ("vega", "vega-lite", "vega-embed")  # in this order: each needs those before it
PLACEHOLDER = "<!-- VEGA -->"
# DVC replaces these wherever they stand, so only the skeleton may hold them.
DVC_FIELDS = ("{plot_divs}", "{scripts}", "{refresh_tag}")


def read_package(directory: Path, name: str) -> tuple[str, str]:
    """Return the version and minified build of a package, unpacked or packed."""
    members = ("package.json", f"build/{name}.min.js")
    for folder in (directory / "node_modules" / name, directory / name):
        if folder.is_dir():
            manifest, code = ((folder / m).read_bytes() for m in members)
            break
    else:
        archives = sorted(directory.glob(f"{name}-[0-9]*.tgz"))
        if len(archives) != 1:
            raise SystemExit(f"{directory}: expected one {name} package, found {len(archives)}")
        with tarfile.open(archives[0]) as tar:
            streams = (tar.extractfile(f"package/{m}") for m in members)
            manifest, code = (stream.read() if stream else b"" for stream in streams)
    return json.loads(manifest)["version"], code.decode()


def script_element(name: str, version: str, code: str) -> str:
    """Return a script element with the code inline, after checking that it is safe there."""
    code = re.sub(r"^//# sourceMappingURL=.*$", "", code, flags=re.MULTILINE).strip()
    for text in ("</script", "<script", "<!--", *DVC_FIELDS):
        if text in code.lower():
            raise SystemExit(f"{name} {version}: cannot be put inline, it contains {text!r}")
    return f'<script data-package="{name}@{version}">\n{code}\n</script>'


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the offline page for `dvc plots`.")
    parser.add_argument("packages", type=Path, help="directory with the npm packages")
    parser.add_argument("skeleton", type=Path, help=f"HTML page that contains {PLACEHOLDER}")
    parser.add_argument("output", type=Path, help="page to write")
    args = parser.parse_args()
    page = args.skeleton.read_text("utf-8")
    if page.count(PLACEHOLDER) != 1 or "{plot_divs}" not in page:
        parser.error(f"{args.skeleton} needs one {PLACEHOLDER} and a {{plot_divs}}")
    scripts = [script_element(name, *read_package(args.packages, name)) for name in PACKAGES]
    args.output.write_bytes(page.replace(PLACEHOLDER, "\n".join(scripts)).encode())
