"""The model card: what a person reads before using the model, as Markdown."""

import re
from typing import Any

from modelkeep_core.boosters import BOOSTERS, class_name
from modelkeep_core.visible import counted, in_line, visible

FOLDS = {"random": "at random", "time": "by time", "group": "by group"}
LIBRARIES = {"lightgbm": "A LightGBM", "xgboost": "An XGBoost"}
ROWS = {"train": "training rows", "test": "test rows", "baseline": "test rows, naive baseline"}


def card(metadata: dict[str, Any], limits: list[str]) -> str:
    """Return the card of the model that `metadata`, the content of model.json, describes."""
    parts = [
        f"# {inline(metadata['title'])}",
        escape(metadata["description"]),
        *_use(metadata),
        *_quality(metadata["metrics"]),
        *_validated(metadata["training"]),
        *_findings(metadata.get("findings", [])),
        *_making(metadata),
    ]
    if limits:
        parts += ["## Limits", "\n".join(f"- {escape(limit)}" for limit in limits)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Escape what Markdown would take for markup, so that the text reads as it was typed.

    Control characters and what hides or turns text are made visible.
    """
    text = visible(text)
    text = re.sub(r"([\\`*\[\]<>#|~$]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)
    text = re.sub(r"&(?=#?\w+;)", r"\\&", text)
    text = re.sub(r"^(\d+)([.)])", r"\1\\\2", text, flags=re.MULTILINE)
    # GitHub makes links of bare addresses, with the backslashes in them
    text = re.sub(r"(?i)(:(?=//)|(?<=www)\.)(?=[^ \n]*\\)", r"\\\1", text)
    return re.sub(r"^([-+=])", r"\\\1", text, flags=re.MULTILINE)


def inline(text: str) -> str:
    r"""Escape a name or a value that stands in a line or a cell: its line ends become "\n"."""
    return escape(in_line(text))


def number(value: float | None) -> str:
    """Write a metric as a person reads it; nothing where there is none."""
    if value is None:
        return ""
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _use(metadata: dict[str, Any]) -> list[str]:
    # What only writes numbers as a card does has no need of pydantic, which takes long to load.
    from modelkeep_core.schema import Column

    what = "the class" if metadata["task"] == "classification" else "the value"
    classes = metadata["training"]["classes"]
    among = f": {', '.join(inline(str(name)) for name in classes)}" if classes else ""
    columns = {
        name: Column.model_validate(column)
        for name, column in metadata["schema"]["columns"].items()
        if column["feature"] and name != metadata["target"]
    }
    inputs = [
        [inline(name), column.type, inline(column.allowed()), "yes" if column.missing else "no"]
        for name, column in columns.items()
    ]
    return [
        "## What it predicts",
        f"It predicts {what} of **{inline(metadata['target'])}**{among}, from:",
        table(["input", "type", "allowed", "may be missing"], inputs),
        *_decides(metadata["training"]),
        *_intervals(metadata),
    ]


def _decides(training: dict[str, Any]) -> list[str]:
    """Return how probabilities become a decision, where that is not the likeliest class."""
    sentences = []
    if method := training.get("calibration"):
        sentences.append(f"Its probabilities are calibrated ({escape(method)}).")
    if threshold := training.get("threshold"):
        label, value = escape(str(threshold["label"])), number(threshold["value"])
        how = "" if threshold["chosen"] == "fixed" else f" ({escape(threshold['chosen'])})"
        sentences.append(f"It predicts **{label}** from a probability of {value} on{how}.")
    return [" ".join(sentences)]


def _intervals(metadata: dict[str, Any]) -> list[str]:
    """Return what is said of the intervals around a number, and how good they were."""
    interval = metadata["training"].get("interval")
    if interval is None:
        return []
    sentence = (
        f"Around each prediction lies an interval of ± {number(interval['half_width'])} that is to "
        f"hold the true value of at least {interval['coverage'] * 100:g}% of rows; it was learnt "
        f"from {interval['rows']} training rows that were set aside."
    )
    measured = metadata["metrics"]["test"].get("interval_coverage")
    if measured is not None:
        sentence += f" Of the test rows, it holds that of {measured * 100:.1f}%."
    return [sentence]


def _quality(metrics: dict[str, Any]) -> list[str]:
    headline, names = metrics["headline"], list(metrics["test"])
    low, high = number(headline["low"]), number(headline["high"])
    better = "higher" if headline["higher_is_better"] else "lower"
    measured = [
        [rows, *(number(metrics[key].get(name)) for name in names)] for key, rows in ROWS.items()
    ]
    parts = [
        "## How good it is",
        f"**{inline(headline['metric'])} {number(headline['value'])}** on rows that it never saw "
        f"({headline['confidence'] * 100:g}% interval {low} to {high}; {better} is better).",
        table(["measured on", *map(escape, names)], measured),
    ]
    if metrics["recall_by_class"]:
        recalls = metrics["recall_by_class"].items()
        parts += [
            "Of the test rows of each class, this share is found:",
            table(["class", "recall"], [[inline(name), number(share)] for name, share in recalls]),
        ]
    if metrics["by_group"]:
        column, groups = inline(metrics["by_group"]["column"]), metrics["by_group"]["groups"]
        scored = [
            [inline(group["group"]), str(group["rows"]), number(group["score"])] for group in groups
        ]
        parts += [
            f"By {column}:",
            table([column, "test rows", inline(headline["metric"])], scored),
        ]
    return parts


def _validated(training: dict[str, Any]) -> list[str]:
    """Return the score over folds of the training rows, by which experiments are compared."""
    validated, searched = training.get("cross_validation"), training.get("search")
    if not validated:
        return []
    sentences = [
        f"Cross-validated on the training rows, in {validated['folds']} folds "
        f"{FOLDS[validated['split']]}: {inline(validated['scoring'])} {number(validated['mean'])}, "
        f"with a standard deviation of {number(validated['standard_deviation'])} over the folds."
    ]
    if searched:
        sentences.append(
            f"It is the best of {searched['trials']} trials ({searched['method']})"
            + (
                ", and its search was repeated inside each fold: the score is of rows that the "
                "search did not see."
                if validated["nested"]
                else ", chosen by this score, which so looks a little better than it is."
            )
        )
    return [" ".join(sentences)]


def _findings(findings: list[dict[str, Any]]) -> list[str]:
    if not findings:
        return []
    lines = [f"- {finding['severity']}: {escape(finding['says'])}" for finding in findings]
    return ["## What to look at", "\n".join(lines)]


def _left_out(rows: int) -> str:
    were = "was" if rows == 1 else "were"
    return f" ({counted(rows, 'row')} without a target {were} left out)" if rows else ""


def _kind(estimator: str) -> str:
    """Say whose an estimator is, by the name of its class."""
    for name in BOOSTERS:
        if class_name(name) == estimator:
            return LIBRARIES[name.partition(".")[0]]
    return "A scikit-learn"


def _left(training: dict[str, Any]) -> list[str]:
    """Return what the estimator gets as it is."""
    if not (left := training.get("left_to_estimator")):
        return []
    knows = f"`{training['estimator']}`, which knows them"
    return [f"They leave {escape(' and '.join(left))} to {knows}."]


def _warnings(warnings: list[str]) -> list[str]:
    if not warnings:
        return []
    listed = "\n".join(f"- {escape(warning)}" for warning in warnings)
    return ["While it was trained, the estimator warned:", listed]


def _making(metadata: dict[str, Any]) -> list[str]:
    training, data = metadata["training"], metadata["data"]
    files = [
        [inline(file["path"]), str(file["rows"]), f"`{file['sha256'][:16]}...`"]
        for file in data["files"]
    ]
    steps = [
        f"- {', '.join(inline(name) for name in group['columns'])}: "
        + " → ".join(f"`{step}`" for step in group["steps"])
        for group in training["preprocessing"]
    ]
    rows = data["rows"]
    return [
        "## How it was made",
        f"{_kind(training['estimator'])} `{training['estimator']}`, trained on {rows['train']} "
        f"rows and tested on {rows['test']} others, of these files"
        f"{_left_out(rows['without_target'])}:",
        table(["file", "rows", "SHA-256"], files),
        "Each input passes through these steps first, which are part of the model:",
        "\n".join(steps),
        *_left(training),
        *_warnings(training["warnings"]),
        f"Recipe `{metadata['recipe_id']}`. `model.json` has all parameters, the hashes of data "
        "and code, and the versions of the libraries.",
    ]
