"""MLflow as a registry: `python mlflow_peer.py STORE COMMAND ...`, with a Python that has MLflow.

STORE is a directory with a SQLite database; MLflow is used through its public client, without a
server in between, which is the fastest way that it offers. `make VERSIONS` fills it with what
history.py has registered: metrics, parameters and hashes of data in runs, and a version of a
registered model for each. The other commands look something up and print it.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from registered import data_of, leaves

ALL = 10_000


def make(client: MlflowClient, store: Path, versions: Path) -> None:
    """Write one run and one model version for each version that was registered."""
    experiment = client.create_experiment("line", artifact_location=str(store / "artifacts"))
    created = set()
    with versions.open(encoding="utf-8") as lines:
        for line in lines:
            version = json.loads(line)
            name, metadata = version["model"], version["metadata"]
            if name not in created:
                created.add(name)
                client.create_registered_model(name)
            run = client.create_run(experiment, run_name=f"{name}@{version['version']}")
            log(client, run, metadata)
            tags = {"version": version["version"], "data": data_of(metadata)}
            made = client.create_model_version(
                name, run.info.artifact_uri, run.info.run_id, tags=tags, await_creation_for=0
            )
            for stage in version["stages"]:
                client.set_registered_model_alias(name, stage, made.version)


def log(client: MlflowClient, run: Run, metadata: dict[str, Any]) -> None:
    """Put metadata in a run: numbers as metrics, and all that made the model as parameters."""
    time = run.info.start_time
    metrics = [
        Metric(name, value, time, 0)
        for name, value in leaves(metadata["metrics"])
        if isinstance(value, int | float)
    ]
    params = [Param(name, str(value)) for name, value in leaves(metadata["recipe"])]
    tags = [RunTag("recipe_id", metadata["recipe_id"]), RunTag("data", data_of(metadata))]
    client.log_batch(run.info.run_id, metrics, params, tags)
    client.set_terminated(run.info.run_id)


def run_of(client: MlflowClient, name: str, version: str) -> Run:
    """Return the run that a model version came from."""
    return client.get_run(client.get_model_version(name, version).run_id)


def list_versions(client: MlflowClient) -> None:
    """Print all versions of all models, then what each stage holds."""
    for version in client.search_model_versions(max_results=ALL):
        print(version.name, version.version, version.tags["version"])
    list_stages(client)


def list_metrics(client: MlflowClient, metric: str) -> None:
    """Print the same with a metric of each version, which its run has."""
    [experiment] = client.search_experiments(filter_string="name = 'line'")
    runs = client.search_runs([experiment.experiment_id], max_results=ALL)
    metrics = {run.info.run_id: run.data.metrics[metric] for run in runs}
    for version in client.search_model_versions(max_results=ALL):
        print(version.name, version.version, version.tags["version"], metrics[version.run_id])
    list_stages(client)


def list_stages(client: MlflowClient) -> None:
    """Print which version each stage of each model holds."""
    for model in client.search_registered_models():
        for stage, version in model.aliases.items():
            print(model.name, stage, version)


def show(client: MlflowClient, name: str, version: str) -> None:
    """Print all that is known of a version."""
    data = run_of(client, name, version).data
    for key, value in (data.tags | data.params | data.metrics).items():
        print(key, value)


def diff(client: MlflowClient, name: str, old: str, new: str) -> None:
    """Print what differs between two versions."""
    before, after = (run_of(client, name, version).data for version in (old, new))
    for kind in ("tags", "params", "metrics"):
        was, now = getattr(before, kind), getattr(after, kind)
        for key in sorted(was.keys() | now.keys()):
            if was.get(key) != now.get(key):
                print(key, was.get(key), now.get(key))


def of_data(client: MlflowClient, sha256: str) -> None:
    """Print the versions that came from a file of data."""
    for version in client.search_model_versions(f"tags.data = '{sha256}'", max_results=ALL):
        print(version.name, version.version, version.tags["version"])


COMMANDS = {
    "list": list_versions,
    "list-metrics": list_metrics,
    "show": show,
    "diff": diff,
    "of-data": of_data,
}


def main() -> None:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("command", choices=["make", *COMMANDS])
    parser.add_argument("arguments", nargs="*")
    args = parser.parse_args()
    store = args.store.absolute()
    client = MlflowClient(f"sqlite:///{store / 'mlflow.db'}")
    if args.command == "make":
        make(client, store, *map(Path, args.arguments))
    else:
        COMMANDS[args.command](client, *args.arguments)


if __name__ == "__main__":
    main()
