"""The gate before a stage: thresholds, and the version that is in the stage now.

Both versions are scored on the same current test rows, so that they differ in nothing else. The
interval of their difference comes from a paired bootstrap: both are scored on the same resampled
rows (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from modelkeep import text
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.fetch import fetch
from modelkeep.registry.gate_settings import (
    PARAMS,
    Bounds,
    Evaluated,
    params_file,
    read_bounds,
    read_evaluated,
)
from modelkeep.registry.servable import check_fetched
from modelkeep.registry.tested_on import put_test_rows
from modelkeep.registry.version import Version
from modelkeep_core.card import number
from modelkeep_core.errors import UserError, reason_of
from modelkeep_core.visible import in_line

if TYPE_CHECKING:
    from modelkeep_core.metrics import Metric, ScoredRows

TEST = "test.parquet"


class Unscored(UserError):
    """A version cannot be scored on the current test rows."""


class Incomparable(UserError):
    """What is in the stage cannot be compared with the version that asks."""


@dataclass(frozen=True)
class Verdict:
    """Whether a version passes, the table that shows why, and the file that has the thresholds."""

    passed: bool
    table: str
    params: str = PARAMS


@dataclass(frozen=True)
class Scored:
    """What a version predicts for the test rows.

    Attributes:
        version: the version.
        task, target: what it predicts.
        tested: the test rows, with what it predicts for them.
        own: the metrics of its project's own.
    """

    version: Version
    task: str
    target: str
    tested: "ScoredRows"
    own: "Mapping[str, Metric]" = field(default_factory=dict)


def judge(catalogue: Catalogue, version: Version, assigned: Version | None) -> Verdict:
    """Compare a version with the thresholds and with what is in the stage.

    Args:
        catalogue: the versions.
        version: the version that asks.
        assigned: the version that is in the stage now, or None.

    Raises:
        UserError: params.yaml, the test rows or a package cannot be used, or the version cannot be
            served here.
        Unscored: it cannot be scored on these rows.
        Incomparable: the one in the stage predicts something else, or of other columns.
    """
    head = catalogue.git.commit("HEAD")
    if head is None:
        raise UserError("there is no commit yet.")
    present = Version(version.model, head)
    evaluated = read_evaluated(catalogue, version)
    params = params_file(catalogue, present)
    bounds = read_bounds(catalogue, present, params)
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        place = Path(directory)
        fetch(catalogue, version, place / version.label)
        check_fetched(version, place / version.label)
        put_test_rows(catalogue, present, place / TEST)
        candidate, compared = scored(place / version.label, place / TEST, version), None
        if assigned is not None:
            fetch(catalogue, assigned, place / assigned.label)
            try:
                compared = scored(place / assigned.label, place / TEST, assigned)
            except Unscored as error:
                raise Incomparable(str(error)) from None
    return verdict(bounds, evaluated, candidate, compared, params)


def scored(package: Path, test: Path, version: Version) -> Scored:
    """Return what a packaged model predicts for the test rows, beside the truth.

    Raises:
        Unscored: it cannot be loaded here, or cannot read these rows.
    """
    import pandas as pd

    from modelkeep_core.inputs import model_inputs
    from modelkeep_core.metrics import Unscorable, scored_rows
    from modelkeep_core.own_metrics import packaged_metrics
    from modelkeep_core.packaged import open_package

    try:
        # Git vouches for what `fetch` has put there: each version predicts with its own code.
        opened = open_package(package, trust_code=True)
        schema = opened.schema
        rows = pd.read_parquet(test)
        lacking = {schema.target, *schema.features} - set(rows)
        if lacking:
            raise UserError(f"they have no column '{min(lacking)}'.")
        truth = rows[schema.target].to_numpy()
        tested = scored_rows(opened.model, model_inputs(rows, schema), truth)
        own = packaged_metrics(package, opened.metadata, trust_code=True)
        return Scored(version, schema.task, schema.target, tested, own)
    # Values of another type than the model was trained on are errors of pandas or scikit-learn.
    except (UserError, TypeError, ValueError) as error:
        # What helps in training does not help here: the version is as it is.
        reason = error.reason if isinstance(error, Unscorable) else f"{reason_of(error)}."
        raise Unscored(
            f"{version.label} cannot be scored on the current test rows: {reason}"
        ) from None


def verdict(
    bounds: Bounds,
    evaluated: Evaluated,
    candidate: Scored,
    assigned: Scored | None = None,
    params: str = PARAMS,
) -> Verdict:
    """Return what the thresholds and the comparison say.

    Args:
        bounds: what is asked of a version.
        evaluated: how the candidate was evaluated: the metric and the bootstrap.
        candidate: the version that asks.
        assigned: the version that is in the stage now, or None.
        params: the file that has the bounds.

    Raises:
        UserError: a metric is unknown or not defined, or the two do not predict the same.
    """
    tested, label = candidate.tested, candidate.version.label
    rows, passed = [], True
    for name, bound in bounds.thresholds.items():
        metric = _metric(name, candidate, tested, f"{params}: promote.thresholds")
        value = float(metric.score(tested))
        good = value >= bound if metric.higher_is_better else value <= bound
        sign = "at least" if metric.higher_is_better else "at most"
        rows.append([name, f"{sign} {number(bound)}", number(value), _word(good)])
        passed &= good
    if bounds.findings is not None:
        row, good = _severity_row(bounds.findings, evaluated)
        rows.append(row)
        passed &= good
    if assigned is not None:
        if (assigned.task, assigned.target) != (candidate.task, candidate.target):
            raise Incomparable(
                f"{label} is a {candidate.task} of {candidate.target}, {assigned.version.label} a "
                f"{assigned.task} of {assigned.target}: they cannot be compared."
            )
        row, good = _compared(bounds, evaluated, candidate, assigned)
        rows.append(row)
        passed &= good
    title = f"{label} on the {len(tested.actual)} test rows of HEAD"
    if not rows:
        return Verdict(True, f"{title}: no thresholds, and the stage is empty.", params)
    # It is kept with the tag, so nothing of it is cut to the width of a terminal.
    table = text.table(("", "WANTED", "FOUND", ""), rows, ())
    return Verdict(passed, f"{title}:\n{table}", params)


def _severity_row(severity: str, evaluated: Evaluated) -> tuple[list[str], bool]:
    """Return the row of the findings, and whether none is as severe as that."""
    severe = [
        finding.name
        for finding in evaluated.findings
        if severity == "note" or finding.severity == severity
    ]
    wanted = "none" if severity == "note" else f"no {severity}"
    names = ", ".join(map(in_line, dict.fromkeys(severe)))
    return ["findings", wanted, names or "none", _word(not severe)], not severe


def _compared(
    bounds: Bounds, evaluated: Evaluated, candidate: Scored, assigned: Scored
) -> tuple[list[str], bool]:
    """Return the row of the comparison with what is in the stage, and whether it is good enough."""
    from modelkeep_core.metrics import paired_interval

    name = evaluated.headline
    new, old = candidate.tested, assigned.tested
    # Both are scored by the candidate's metric, so that they differ in nothing else
    metric, _ = (
        _metric(name, candidate, tested, f"the headline of {candidate.version.label}")
        for tested in (new, old)
    )
    difference = float(metric.score(new) - metric.score(old))
    low, high = paired_interval(
        metric, new, old, evaluated.resamples, evaluated.confidence, evaluated.seed
    )
    allowed = bounds.allowed_loss
    if metric.higher_is_better:
        good, wanted = difference >= -allowed, f"at least {number(-allowed or 0)}"
    else:
        good, wanted = difference <= allowed, f"at most {number(allowed)}"
    got = f"{text.signed(difference)} ({text.signed(low)} to {text.signed(high)})"
    title = f"{name}: {candidate.version.label} - {assigned.version.label}"
    return [title, wanted, got, _word(good)], good


def _metric(name: str, scored: Scored, tested: "ScoredRows", where: str) -> "Metric":
    """Return a metric of the task or of a version's own by its name, to score rows by it.

    Raises:
        UserError: it is unknown, or not defined on these rows; the message begins with `where`.
    """
    from modelkeep_core.metrics import headline_metric

    try:
        return headline_metric(name, scored.task, tested, scored.own)
    except UserError as error:
        raise UserError(str(error).replace("params.yaml: evaluate.headline", where)) from None


def _word(good: bool) -> str:
    return "passes" if good else "fails"
