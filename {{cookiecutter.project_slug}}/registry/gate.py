"""The gate before a stage: thresholds, and the version that the stage holds now.

Both versions are scored on the same current test data, so that they differ in nothing else. The
interval of their difference comes from a paired bootstrap: both are scored on the same resampled
rows (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.card import number
from pipeline.refusal import Refusal
from registry import text
from registry.catalogue import Catalogue, package_of
from registry.fetch import fetch
from registry.outputs import outputs_of
from registry.storage import storage_of
from registry.version import Version

PARAMS = "params.yaml"
TEST = "test.parquet"


@dataclass(frozen=True)
class Verdict:
    """Whether a version passes, and the table that shows why."""

    passed: bool
    table: str


def judge(catalogue: Catalogue, version: Version, live: Version | None) -> Verdict:
    """Compare a version with the thresholds and with what is live.

    Raises:
        Refusal: params.yaml, the test data or a package cannot be used.
    """
    head = catalogue.git.commit("HEAD")
    if head is None:
        raise Refusal("there is no commit yet.")
    present = Version(version.model, head)
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        place = Path(directory)
        params = read_params_of(catalogue, present, place)
        put_test_data(catalogue, present, place / TEST)
        outcomes = {}
        for one in (version, live):
            if one is not None:
                fetch(catalogue, one, place / one.label)
                outcomes[one.label] = scored(place / one.label, place / TEST, one)
    return verdict(
        params, outcomes[version.label], outcomes[live.label] if live else None, version, live
    )


def read_params_of(catalogue: Catalogue, version: Version, place: Path) -> Any:
    """Return the params of a commit, typed.

    Raises:
        Refusal: the commit has none, or they cannot be used.
    """
    from pipeline.params import read_params

    content = catalogue.git.read_one(f"{version.commit}:{version.directory}{PARAMS}")
    if content is None:
        raise Refusal(f"commit {version.commit[:7]} has no {PARAMS}.")
    (place / PARAMS).write_bytes(content)
    try:
        return read_params(place / PARAMS)
    except Refusal as refusal:
        raise Refusal(str(refusal).replace(f"{place}/", "").replace(f"{place}\\", "")) from None


def put_test_data(catalogue: Catalogue, version: Version, target: Path) -> None:
    """Write the test rows that the line of a commit made.

    Raises:
        Refusal: there are none, or their object is nowhere.
    """
    line = catalogue.line(version)
    maker = line.maker(package_of(line, version)[0])
    deps = {dep.path for dep in maker[0].deps} if maker else set()
    with storage_of(catalogue.git, version) as storage:
        for output in outputs_of(catalogue, version):
            if output.path in deps and output.md5.endswith(".dir"):
                name = storage.files(output.md5, output.path).get(TEST)
                if name:
                    storage.get({name: f"{output.path}/{TEST}"})
                    target.write_bytes(storage.path(name).read_bytes())
                    return
    raise Refusal(f"the line of commit {version.commit[:7]} makes no {TEST}: nothing to score on.")


def scored(package: Path, test: Path, version: Version) -> Any:
    """Return what a packaged model says of the test rows, beside the truth.

    Raises:
        Refusal: it cannot be loaded here, or cannot read these rows.
    """
    import pandas as pd

    from pipeline.features import features_of
    from pipeline.metrics import outcome_of
    from pipeline.packaged import open_package

    try:
        found = open_package(package)
        rows = pd.read_parquet(test)
        lacking = {found.schema.target, *found.schema.features} - set(rows)
        if lacking:
            raise Refusal(f"they have no column '{min(lacking)}'.")
        truth = rows[found.schema.target].to_numpy()
        outcome = outcome_of(found.model, features_of(rows, found.schema), truth)
        return found.schema.task, found.schema.target, outcome
    # Values of another type than the model was trained on are errors of pandas or scikit-learn.
    except (Refusal, TypeError, ValueError) as error:
        raise Refusal(
            f"{version.label} cannot be scored on the current test rows: {error}"
        ) from None


def verdict(
    params: Any, candidate: Any, incumbent: Any, version: Version, live: Version | None
) -> Verdict:
    """Return what the thresholds and the comparison say.

    Args:
        params: the typed params.yaml.
        candidate: task, target and outcome of the version that asks.
        incumbent: task, target and outcome of what is live, or None.
        version: the version that asks.
        live: what is live, or None.

    Raises:
        Refusal: a metric is not known or not defined, or the two do not predict the same.
    """
    from pipeline.metrics import headline_metric

    task, target, outcome = candidate
    rows, passed = [], True
    for name, bound in params.promote.thresholds.items():
        try:
            metric = headline_metric(name, task, outcome)
        except Refusal as refusal:
            told = str(refusal).replace("evaluate.headline", "promote.thresholds")
            raise Refusal(told) from None
        value = float(metric.score(outcome))
        good = value >= bound if metric.higher_is_better else value <= bound
        sign = "at least" if metric.higher_is_better else "at most"
        rows.append([name, f"{sign} {number(bound)}", number(value), _word(good)])
        passed &= good
    if live is not None:
        if incumbent[:2] != (task, target):
            raise Refusal(
                f"{version.label} is a {task} of {target}, {live.label} a {incumbent[0]} of "
                f"{incumbent[1]}: they cannot be compared."
            )
        row, good = _compared(params, task, outcome, incumbent[2], version, live)
        rows.append(row)
        passed &= good
    title = f"{version.label} on the {len(outcome.truth)} test rows of HEAD"
    if not rows:
        return Verdict(True, f"{title}: no thresholds, and the stage is empty.")
    return Verdict(passed, f"{title}:\n{text.table(('', 'WANTED', 'FOUND', ''), rows, ('FOUND',))}")


def _compared(
    params: Any, task: str, outcome: Any, incumbent: Any, version: Version, live: Version
) -> tuple[list[str], bool]:
    """Return the row of the comparison with what is live, and whether it is good enough."""
    from pipeline.metrics import headline_metric, paired_interval

    settings, name = params.promote, params.evaluate.headline
    metric = headline_metric(name, task, outcome)
    headline_metric(name, task, incumbent)
    difference = float(metric.score(outcome) - metric.score(incumbent))
    low, high = paired_interval(
        metric,
        outcome,
        incumbent,
        params.evaluate.resamples,
        params.evaluate.confidence,
        params.evaluate.seed,
    )
    allowed = settings.allowed_loss
    if metric.higher_is_better:
        good, wanted = difference >= -allowed, f"at least {number(-allowed or 0)}"
    else:
        good, wanted = difference <= allowed, f"at most {number(allowed)}"
    found = f"{text.signed(difference)} ({text.signed(low)} to {text.signed(high)})"
    return [f"{name}: {version.label} - {live.label}", wanted, found, _word(good)], good


def _word(good: bool) -> str:
    return "passes" if good else "fails"
