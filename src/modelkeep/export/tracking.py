"""The versions of a model, mirrored in MLflow: what is missing is written, what is gone is deleted.

Git stays the only truth: what MLflow has follows from the tags, and is known again by their ids.
Nothing there is touched that this module did not write.
"""

import logging
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelkeep.export.runs import IDENTITY, Described, described, registered_name
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.fetch import fetch
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.installing import install

# How many parameters and metrics MLflow takes at once
BATCH = 100
# The directory of the model among the artifacts of its run
MODEL = "model"
# On a registered model: the repository that it comes from, and the stages that are aliases of it
ORIGIN, STAGES, DEPRECATED = "modelkeep.repository", "modelkeep.stages", "modelkeep.deprecated"
FINISHED = "FINISHED"
# The libraries that a prediction comes from: a pin of any other could not be had beside MLflow
PINNED = ("lightgbm", "numpy", "scikit-learn", "scipy", "xgboost", "xgboost-cpu")
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
CLIENT = "'mlflow-skinny>=3.17'"


@dataclass
class Done:
    """What was done to a registered model in MLflow.

    Attributes:
        name: its name there.
        added, removed: the numbers of the versions that were written and deleted there.
        present: how many versions it has now.
        aliases: the stages that are aliases now, and their versions.
        left_out: the stages that MLflow takes no alias of.
    """

    name: str
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    present: int = 0
    aliases: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def described(self) -> str:
        """Return it in a line for a person."""
        parts = [f"{self.present} version{'' if self.present == 1 else 's'}"]
        if self.added:
            parts.append(f"{', '.join(self.added)} added")
        if self.removed:
            parts.append(f"{', '.join(self.removed)} removed")
        parts += [f"{stage} is {number}" for stage, number in sorted(self.aliases.items())]
        parts += [f"MLflow takes no alias '{stage}'" for stage in sorted(self.left_out)]
        return "; ".join(parts) + "."


class Tracking:
    """One model of a repository and the registered model of an MLflow server that follows it."""

    def __init__(self, uri: str, catalogue: Catalogue, model: str, prefix: str = "") -> None:
        """Connect to the server.

        Args:
            uri: the address of the tracking server.
            catalogue: the versions of the repository.
            model: the full name of the model.
            prefix: what its name begins with there.

        Raises:
            UserError: the client of MLflow is not installed.
        """
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            import mlflow
        except ImportError:
            raise UserError(
                f"the client of MLflow is not installed here: {install(CLIENT)}."
            ) from None
        self.uri, self.catalogue, self.model = uri, catalogue, model
        self.name = registered_name(model, prefix)
        # Parts of MLflow take no client, and would make a database in the working directory.
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        self._client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)

    def follow(self) -> Done:
        """Let the registered model have the versions and the stages that the tags say.

        A version that was written only in part, as by a killed process, is written again.

        Raises:
            UserError: a tag is not signed where that is asked for; the server cannot be used, a
                model of this name is somebody else's, or a version cannot be fetched; what was
                written before stays and is not written again.
        """
        from mlflow.exceptions import MlflowException

        self._check_signed()

        done = Done(self.name)
        try:
            self._claim()
            experiment = self._experiment()
            versions = {
                version.event.oid: version
                for version in reversed(self.catalogue.registered(self.model))
            }
            runs = self._runs(experiment)
            whole = {key for key, run in runs.items() if run.info.status == FINISHED}
            for key in runs.keys() - versions.keys():
                done.removed.append(self._remove(runs[key]))
            for key in versions.keys() - whole:
                if key in runs:
                    self._remove(runs[key])
            for key, version in versions.items():
                if key not in whole:
                    self._write(experiment, version)
                    done.added.append(version.label)
            done.present = len(versions)
            self._assign(done)
        except MlflowException as error:
            raise UserError(self._sentence(error)) from None
        return done

    def _check_signed(self) -> None:
        """Make sure that every version and assignment is signed, where that is asked for.

        Raises:
            UserError: one is not.
        """
        for version in self.catalogue.registered(self.model):
            self.catalogue.trust.check_number(version)
        for event in self.catalogue.assignments.get(self.model, {}).values():
            self.catalogue.check_signed(event)

    def _sentence(self, error: Exception) -> str:
        message = str(error).strip().partition("\n")[0].rstrip(".")
        if "Max retries exceeded" in message:
            return f"no MLflow can be reached at {self.uri}: is it running there?"
        return f"MLflow at {self.uri}: {message}."

    def _claim(self) -> None:
        """Make the registered model, or see that it is of this repository.

        Raises:
            UserError: it was made by somebody else, or of another repository.
        """
        from mlflow.exceptions import MlflowException

        origin = f"{self._origin()} {self.model}"
        try:
            there = self._client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            self._client.create_registered_model(self.name, tags={ORIGIN: origin})
            return
        if there.tags.get(ORIGIN) != origin:
            raise UserError(
                f"MLflow at {self.uri} has a model '{self.name}' that is not of this repository: "
                "give yours another name with --prefix."
            )

    def _origin(self) -> str:
        """Return the first commit that the oldest version goes back to: the same in every clone."""
        first = self.catalogue.registered(self.model)[-1:]
        start = first[0].commit if first else "HEAD"
        roots = self.catalogue.git.run("rev-list", "--max-parents=0", start)
        return sorted(roots.split())[0]

    def _experiment(self) -> str:
        experiment = self._client.get_experiment_by_name(self.name)
        if experiment is None:
            return str(self._client.create_experiment(self.name))
        if experiment.lifecycle_stage != "active":
            raise UserError(
                f"the experiment '{self.name}' was deleted in MLflow at {self.uri}: restore it "
                f"(`mlflow experiments restore -x {experiment.experiment_id}`), or give another "
                "name with --prefix."
            )
        return str(experiment.experiment_id)

    def _runs(self, experiment: str) -> dict[str, Any]:
        """Return the runs that were written before, by the id of the tag of their version."""
        runs: dict[str, Any] = {}
        token = None
        while True:
            page = self._client.search_runs(
                [experiment], f"tags.`{IDENTITY}` != ''", max_results=1000, page_token=token
            )
            runs |= {run.data.tags[IDENTITY]: run for run in page}
            token = page.token
            if not token:
                return runs

    def _write(self, experiment: str, version: Version) -> None:
        """Write the run of a version, then its model version; the run is finished at the end."""
        about = described(self.catalogue, version)
        with tempfile.TemporaryDirectory(prefix="export-") as directory:
            package, saved = Path(directory, "package"), Path(directory, MODEL)
            fetch(self.catalogue, version, package)
            _save(package, saved, self.catalogue.records.of(version))
            run = self._client.create_run(
                experiment, start_time=about.milliseconds, tags=about.tags, run_name=about.name
            )
            identity = run.info.run_id
            for params, metrics in _batches(about):
                self._client.log_batch(identity, params=params, metrics=metrics)
            self._client.log_artifacts(identity, str(saved), MODEL)
        self._client.create_model_version(
            self.name,
            f"runs:/{identity}/{MODEL}",
            identity,
            tags=about.identity,
            description=about.reason,
            await_creation_for=0,
        )
        self._client.set_terminated(identity, FINISHED, end_time=about.milliseconds)

    def _remove(self, run: Any) -> str:
        """Delete a run and its model version, and return the number of the version."""
        for there in self._model_versions():
            if there.run_id == run.info.run_id:
                self._client.delete_model_version(self.name, there.version)
        self._client.delete_run(run.info.run_id)
        return str(run.data.tags.get("modelkeep.version", run.info.run_id))

    def _model_versions(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_model_versions(
                f"name = '{self.name}'", max_results=1000, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    def _assign(self, done: Done) -> None:
        """Let the aliases be what the stages are; only those that were stages are deleted."""
        there = self._client.get_registered_model(self.name)
        numbers = {
            version.tags[IDENTITY]: str(version.version)
            for version in self._model_versions()
            if IDENTITY in version.tags
        }
        before = (there.tags.get(STAGES) or "").split()
        aliases: dict[str, str] = {}
        for stage, event in self.catalogue.assignments.get(self.model, {}).items():
            version = self.catalogue.at(self.model, event.commit)
            number = numbers.get(version.event.oid) if version.registered else None
            if not _is_alias(stage):
                done.left_out.append(stage)
            elif number:
                aliases[stage], done.aliases[stage] = number, version.label
        # What is about to be an alias is noted before: a killed process leaves none behind.
        self._tag(there, STAGES, " ".join(sorted({*before, *aliases})))
        for stage in before:
            if stage in there.aliases and stage not in aliases:
                self._client.delete_registered_model_alias(self.name, stage)
        for stage, number in aliases.items():
            if str(there.aliases.get(stage)) != number:
                self._client.set_registered_model_alias(self.name, stage, number)
        retired = self.catalogue.deprecation(self.model)
        self._tag(there, DEPRECATED, retired["message"] if retired else "")

    def _tag(self, there: Any, key: str, value: str) -> None:
        if there.tags.get(key, "") != value:
            self._client.set_registered_model_tag(self.name, key, value)


def _batches(about: Described) -> Iterator[tuple[list[Any], list[Any]]]:
    """Yield parameters and metrics in lists that MLflow takes."""
    from mlflow.entities import Metric, Param

    params = [Param(name, value) for name, value in about.params.items()]
    metrics = [Metric(name, value, about.milliseconds, 0) for name, value in about.metrics.items()]
    for start in range(0, max(len(params), len(metrics)), BATCH):
        yield params[start : start + BATCH], metrics[start : start + BATCH]


def _save(package: Path, saved: Path, metadata: dict[str, Any]) -> None:
    """Write a package as MLflow's kind of a model, which `modelkeep.export.pyfunc` loads."""
    from mlflow import pyfunc

    from modelkeep import __version__

    libraries = metadata["libraries"]
    needed = [f"{name}=={libraries[name]}" for name in PINNED if name in libraries]
    # It warns of what this environment has in other versions, which is no matter here.
    logging.getLogger("mlflow.utils.requirements_utils").setLevel(logging.ERROR)
    pyfunc.save_model(
        saved,
        loader_module="modelkeep.export.pyfunc",
        data_path=str(package),
        pip_requirements=[f"modelkeep=={__version__}", *needed],
        metadata={"recipe_id": metadata["recipe_id"]},
    )


def _is_alias(stage: str) -> bool:
    """Say whether MLflow takes a stage as an alias."""
    return "/" not in stage and not re.fullmatch(r"v\d+|latest", stage, re.ASCII | re.IGNORECASE)
