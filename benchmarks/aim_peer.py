"""Fill Aim: `python aim_peer.py STORE VERSIONS`, with a Python that has Aim.

STORE is a directory; VERSIONS is what history.py has registered. Each version becomes a run with
its metrics, its parameters, the hash of its data and its stages, written by Aim's own client.
"""

import argparse
import json
from pathlib import Path

from aim import Run
from registered import data_of, leaves


def make(store: Path, versions: Path) -> None:
    """Write one run for each version that was registered."""
    with versions.open(encoding="utf-8") as lines:
        for line in lines:
            version = json.loads(line)
            metadata = version["metadata"]
            run = Run(
                repo=str(store),
                experiment=version["model"],
                system_tracking_interval=None,
                log_system_params=False,
                capture_terminal_logs=False,
            )
            run.name = f"{version['model']}@{version['version']}"
            run["recipe"] = {name: str(value) for name, value in leaves(metadata["recipe"])}
            run["data"], run["recipe_id"] = data_of(metadata), metadata["recipe_id"]
            for stage in version["stages"]:
                run.add_tag(stage)
            for name, value in leaves(metadata["metrics"]):
                if isinstance(value, int | float):
                    run.track(value, name=name)
            run.close()


def main() -> None:
    """Read the command line and fill the store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("versions", type=Path)
    args = parser.parse_args()
    args.store.mkdir(parents=True, exist_ok=True)
    make(args.store, args.versions)


if __name__ == "__main__":
    main()
