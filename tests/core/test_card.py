"""The model card says what model.json says, in Markdown that shows every name as it was typed."""

import copy
import json
import re

import pytest

from modelkeep_core.card import card, escape, table


@pytest.fixture
def metadata(run):
    """The content of a classification's model.json."""
    return json.loads(run.metadata.read_text(encoding="utf-8"))


@pytest.fixture
def regression_metadata(regression_run):
    """The content of a regression's model.json."""
    return json.loads(regression_run.metadata.read_text(encoding="utf-8"))


def shown(markdown):
    """Return Markdown without its escapes, nearly as a viewer shows it."""
    return markdown.replace("\\", "")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain words, 1.5 and (so) on!", "plain words, 1.5 and (so) on!"),
        ("*bold* and `code`", r"\*bold\* and \`code\`"),
        ("[a](b)", r"\[a\](b)"),
        ("<script>", r"\<script\>"),
        ("a | b", r"a \| b"),
        ("C# and C:\\", "C\\# and C:\\\\"),
        ("~~gone~~ $x$", r"\~\~gone\~\~ \$x\$"),
        ("body_mass_g", "body_mass_g"),
        ("_private_ __init__", r"\_private\_ \_\_init\_\_"),
        ("R&D, &amp; &#35;", r"R&D, \&amp; &\#35;"),
        ("- item", r"\- item"),
        ("+ item", r"\+ item"),
        ("1. item", r"1\. item"),
        ("2) item", r"2\) item"),
        ("===", r"\==="),
        ("a - b + c = d", "a - b + c = d"),
    ],
)
def test_what_markdown_would_take_for_markup_is_escaped(text, escaped):
    """A text reads as it was typed, and what needs no escape has none."""
    assert escape(text) == escaped


@pytest.mark.parametrize("start", ["- ", "+ ", "1. ", "2) ", "---", "==="])
def test_markup_is_escaped_at_the_start_of_every_line(start):
    """A text of several lines makes no list and no heading."""
    assert "\n" + start not in escape(f"first line\n{start}second")


def test_a_table_has_a_header_a_rule_and_a_line_for_each_row():
    """The Markdown is the one that every viewer knows."""
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_the_card_says_what_the_model_is_and_how_good(metadata):
    """Title, description, target, classes, headline and recipe are those of the metadata."""
    text = card(metadata, ["Only on Mondays."])
    assert text.startswith("# Made up\n\nA model of nothing.\n\n")
    assert "predicts the class of **label**: high, low, mid" in text
    headline = metadata["metrics"]["headline"]
    assert f"**macro_f1 {headline['value']:.4g}**" in text
    assert f"90% interval {headline['low']:.4g} to {headline['high']:.4g}; higher is better" in text
    assert "trained on 90 rows and tested on 30 others" in text
    assert metadata["recipe_id"] in text
    assert text.endswith("## Limits\n\n- Only on Mondays.\n")


def test_the_card_says_how_good_intervals_are(regression_metadata):
    """How wide they are, what they are to hold, and what they held of the test rows."""
    metadata = copy.deepcopy(regression_metadata)
    metadata["training"]["interval"] = {"coverage": 0.9, "half_width": 2.5, "rows": 30}
    metadata["metrics"]["test"]["interval_coverage"] = 0.9333
    written = shown(card(metadata, []))
    assert "an interval of ± 2.5 that is to hold the true value of at least 90% of rows" in written
    assert (
        "30 training rows that were set aside. Of the test rows, it holds that of 93.3%" in written
    )
    assert "± " not in card(regression_metadata, [])


def test_the_card_lists_every_input_with_what_it_allows(metadata):
    """Whoever uses the model sees which columns it needs."""
    text = shown(card(metadata, []))
    assert "| size | number | -100 to 100 | yes |" in text
    assert "| count | integer | 0 or more | no |" in text
    assert "| member | boolean | any | yes |" in text
    assert "| colour | category | red, green, blue | yes |" in text
    assert "| shop |" not in text
    assert "| label | category" not in text


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 1, "0 to 1"),
        (None, 2.5, "2.5 or less"),
        (0, None, "0 or more"),
        (None, 0, "0 or less"),
        (None, None, "any"),
    ],
)
def test_bounds_are_said_in_words(metadata, low, high, words):
    """A bound of zero is a bound."""
    metadata["schema"]["columns"]["size"] |= {"min": low, "max": high}
    assert f"| size | number | {words} | yes |" in shown(card(metadata, []))


def test_scores_stand_beside_those_of_the_naive_guess(metadata):
    """Training rows, test rows and baseline have a line each."""
    text = card(metadata, [])
    for name, words in (
        ("train", "training rows"),
        ("test", "test rows"),
        ("baseline", "test rows, naive baseline"),
    ):
        scores = [f"{value:.4g}" for value in metadata["metrics"][name].values()]
        assert f"| {words} | {' | '.join(scores)} |" in text


def test_a_score_that_a_side_lacks_leaves_its_cell_empty(metadata):
    """A metric that is not defined on the training rows does not shift the others."""
    del metadata["metrics"]["train"]["balanced_accuracy"]
    accuracy = metadata["metrics"]["train"]["accuracy"]
    assert f"| training rows | {accuracy:.4g} |  | " in card(metadata, [])


def test_recalls_and_groups_are_told(metadata):
    """Classes and groups that fare worse than the rest can be seen."""
    metadata["metrics"]["by_group"]["groups"][0]["score"] = None
    text = card(metadata, [])
    for name, value in metadata["metrics"]["recall_by_class"].items():
        assert f"| {name} | {value:.4g} |" in text
    first, second, *_ = metadata["metrics"]["by_group"]["groups"]
    assert "| colour | test rows | macro_f1 |" in text
    assert f"| {first['group']} | {first['rows']} |  |" in text
    assert f"| {second['group']} | {second['rows']} | {second['score']:.4g} |" in text


def test_what_is_not_there_has_no_heading(regression_metadata):
    """A regression has no recall, and a card without limits or groups no part for them."""
    regression_metadata["metrics"]["by_group"] = None
    text = card(regression_metadata, [])
    assert "predicts the value of **price**, from:" in text
    assert "lower is better" in text
    assert not re.search(r"recall|Limits|By |\n\n\n", text)


def test_the_metadata_are_not_modified(metadata):
    """Writing the card leaves the metadata as they were."""
    before = copy.deepcopy(metadata)
    card(metadata, ["x"])
    assert metadata == before


def hostile(metadata, place, text):
    """Put a text into one place of the metadata."""
    metrics, columns = metadata["metrics"], metadata["schema"]["columns"]
    if place == "column":
        columns[text] = columns.pop("size")
    elif place == "category":
        columns["colour"]["values"][0] = text
    elif place == "class":
        metadata["training"]["classes"][0] = text
        metrics["recall_by_class"] = {text: 1.0}
    elif place == "group":
        metrics["by_group"]["groups"][0]["group"] = text
        metrics["by_group"]["column"] = text
    elif place == "file":
        metadata["data"]["files"][0]["path"] = f"raw/{text}.csv"
    else:
        metadata[place] = text


@pytest.mark.parametrize("text", ["a|b", "`a`", "**a**", "<b>a</b>", "[a](b)"])
@pytest.mark.parametrize(
    "place", ["title", "description", "target", "column", "category", "class", "group", "file"]
)
def test_no_name_breaks_the_card(metadata, place, text):
    """Whatever a team calls its things, tables keep their columns and no name becomes markup."""
    if place == "target":
        metadata["schema"]["columns"][text] = metadata["schema"]["columns"].pop("label")
    hostile(metadata, place, text)
    result = card(metadata, [])
    for part in result.split("\n\n"):
        if part.startswith("| "):
            bars = {len(re.findall(r"(?<!\\)\|", line)) for line in part.splitlines()}
            assert len(bars) == 1
    if place != "file":
        assert not re.search(rf"(?<![\\*]){re.escape(text)}", result)


@pytest.mark.parametrize("place", ["title", "target", "class"])
def test_a_name_with_line_ends_and_control_characters_stays_in_its_line(metadata, place):
    """A line end in a category ends no row of a table, and nothing acts on a terminal."""
    name = "a\n\n# b\x1b[8m\u202ec"
    if place == "class":
        metadata["training"]["classes"][0] = name
    else:
        metadata[place] = name
    whole = card(metadata, [])
    assert r"a\n\n# b\x1b[8m\u202ec" in shown(whole.replace("\\\\", "\0")).replace("\0", "\\")
    assert not {"\x1b", "\u202e"} & {*whole}


@pytest.mark.parametrize(
    ("searched", "nested", "words"),
    [
        (None, False, "standard deviation of 0.02 over the folds."),
        (
            {"trials": 20, "method": "tpe"},
            False,
            "It is the best of 20 trials (tpe), chosen by this score, which so looks a little "
            "better than it is.",
        ),
        (
            {"trials": 20, "method": "grid"},
            True,
            "It is the best of 20 trials (grid), and its search was repeated inside each fold: the "
            "score is of rows that the search did not see.",
        ),
    ],
)
def test_the_card_has_the_cross_validated_score(metadata, searched, nested, words):
    """With how the folds were made, and whether the score was the one that was searched for."""
    metadata["training"] |= {
        "search": searched,
        "cross_validation": {
            "scoring": "macro_f1",
            "higher_is_better": True,
            "split": "time",
            "folds": 5,
            "nested": nested,
            "mean": 0.98,
            "standard_deviation": 0.02,
        },
    }
    text = shown(card(metadata, []))
    assert "Cross-validated on the training rows, in 5 folds by time: macro_f1 0.98, with" in text
    assert words in text


def test_a_model_that_was_not_cross_validated_says_nothing_of_it(metadata):
    """Neither does the card of a package that an earlier version made."""
    metadata["training"] |= {"cross_validation": None}
    assert "Cross-validated" not in card(metadata, [])
    del metadata["training"]["cross_validation"]
    assert "Cross-validated" not in card(metadata, [])


@pytest.mark.parametrize(
    ("estimator", "kind"),
    [
        ("LGBMClassifier", "A LightGBM"),
        ("XGBRegressor", "An XGBoost"),
        ("Ridge", "A scikit-learn"),
    ],
)
def test_an_estimator_is_of_its_own_library(metadata, estimator, kind):
    """A booster is none of scikit-learn."""
    metadata["training"]["estimator"] = estimator
    assert f"{kind} `{estimator}`, trained on" in card(metadata, [])
