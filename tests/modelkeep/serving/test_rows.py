"""What does not fit the schema is refused with row, column and rule; what fits is not changed."""

from collections import Counter

import pytest

from modelkeep.serving.rows import LISTED, SUGGESTED, Contract, TooMany, Unfit
from modelkeep_core.schema import Schema

COLUMNS = {
    "size": {"type": "number", "min": 0, "max": 100, "missing": True},
    "count": {"type": "integer", "min": -5},
    "member": {"type": "boolean"},
    "colour": {"type": "category", "values": ["red", "green"]},
    "shop": {"type": "category"},
    "label": {"type": "category", "feature": False},
}
PROFILE = {
    "features": {
        "size": {"min": 1.0, "max": 50.0},
        "count": {"min": None, "max": None},
        "member": {"counts": {"true": 4}},
        "colour": {"counts": {"red": 4}, "others": 0},
        "shop": {"counts": {"here": 4}, "others": 0},
    }
}
GOOD = {"size": 1.5, "count": 2, "member": True, "colour": "red", "shop": "anything"}


@pytest.fixture
def contract():
    """A contract with a column of every type."""
    schema = {"task": "classification", "target": "label", "missing_values": [""]}
    schema |= {"duplicates": False, "columns": COLUMNS}
    return Contract(Schema.model_validate(schema), PROFILE)


def faults(read, rows):
    """Return row, column and rule of each problem."""
    with pytest.raises(Unfit) as unfit:
        read(rows)
    return [
        (problem.row, problem.column, problem.rule, problem.reason)
        for problem in unfit.value.problems
    ]


def test_records_and_lists_give_the_same_rows(contract):
    """Names may come in any order; lists are in the order of the schema."""
    turned = dict(reversed(GOOD.items()))
    assert contract.from_records([GOOD, turned]) == [list(GOOD.values())] * 2
    assert contract.from_lists([list(GOOD.values())]) == [list(GOOD.values())]


@pytest.mark.parametrize(
    "change",
    [{"size": None}, {"size": 0}, {"size": 100}, {"count": -5}, {"count": 7.0}, {"shop": " "}],
)
def test_the_edges_of_the_schema_are_inside(contract, change):
    """Limits, whole floats, null where it is allowed and any text where no values are listed."""
    assert contract.from_records([GOOD | change]) == [list((GOOD | change).values())]


@pytest.mark.parametrize(
    ("change", "rule", "reason"),
    [
        ({"size": "1.5"}, "a number", "type"),
        ({"size": True}, "a number", "type"),
        ({"size": [1]}, "a number", "type"),
        ({"size": -0.1}, "at least 0", "range"),
        ({"size": 100.5}, "at most 100", "range"),
        ({"count": 2.5}, "a whole number", "type"),
        ({"count": "2"}, "a whole number", "type"),
        ({"count": None}, "present", "missing"),
        ({"count": -6}, "at least -5", "range"),
        ({"member": 1}, "true or false", "type"),
        ({"member": "true"}, "true or false", "type"),
        ({"size": float("inf")}, "finite", "range"),
        ({"count": float("nan")}, "finite", "range"),
        ({"colour": "blue"}, "one of red, green", "category"),
        ({"colour": 1}, "text", "type"),
        ({"shop": {"a": 1}}, "text", "type"),
    ],
)
def test_a_value_that_breaks_a_rule_is_named(contract, change, rule, reason):
    """The row, the column and the rule are said, whichever way the row was given."""
    bad = GOOD | change
    (column,) = change
    assert faults(contract.from_records, [GOOD, bad]) == [(1, column, rule, reason)]
    assert faults(contract.from_lists, [list(bad.values())]) == [(0, column, rule, reason)]


def test_all_problems_are_found_at_once(contract):
    """Nobody mends a request value by value."""
    named = faults(contract.from_records, [GOOD | {"size": "x", "shop": 1}, GOOD | {"count": None}])
    assert [(row, column) for row, column, *_ in named] == [(0, "size"), (0, "shop"), (1, "count")]


def test_a_column_that_is_missing_or_unknown_is_named(contract):
    """A misspelt name is told with the one that was meant."""
    record = {name: value for name, value in GOOD.items() if name != "colour"}
    named = faults(contract.from_records, [record | {"color": "red", "label": "low"}])
    assert named == [
        (0, "colour", "there; where its value is not known, give null", "column"),
        (0, "color", "left out: there is no such column (did you mean 'colour'?)", "column"),
    ]


def test_a_column_of_the_raw_data_is_left_alone(contract):
    """A row may hold what the model does not see, such as the target, as `predict` has it."""
    assert contract.from_records([GOOD | {"label": "low"}]) == [list(GOOD.values())]


def test_a_text_for_nothing_is_an_empty_cell(contract):
    """In JSON as in CSV: it means null, and where a cell may not be empty it is refused."""
    assert faults(contract.from_records, [GOOD | {"shop": ""}]) == [
        (0, "shop", "present", "missing")
    ]
    contract.schema.columns["shop"].missing = True
    contract.schema.columns["shop"].missing_values = ["none"]
    again = Contract(contract.schema, PROFILE)
    for text in ("", "none"):
        assert again.from_records([GOOD | {"shop": text}])[0][-1] is None
        assert again.from_lists([[*list(GOOD.values())[:-1], text]])[0][-1] is None
    assert again.from_records([GOOD | {"shop": "None"}])[0][-1] == "None"


@pytest.mark.parametrize("code", [7, 7.0, "7", "7.0", "7.", " 7 "])
def test_a_code_has_one_spelling(contract, code):
    """Store 7 is the same however a client's language writes it; 007 and 7a are others."""
    contract.schema.columns["shop"].codes = True
    again = Contract(contract.schema, PROFILE)
    assert again.from_records([GOOD | {"shop": code}])[0][-1] == "7"
    for other in ("007", "7a", "7.5"):
        assert again.from_records([GOOD | {"shop": other}])[0][-1] == other


@pytest.mark.parametrize("rows", [None, {}, "rows", 3, []])
def test_what_is_no_list_of_rows_is_refused(contract, rows):
    """An empty list is none, either."""
    for read in (contract.from_lists, contract.from_records):
        ((row, _, rule, reason),) = faults(read, rows)
        assert (row, reason) == (None, "form")
        assert rule.startswith("a list with at least one row")


def test_a_row_of_another_kind_or_length_is_named(contract):
    """A list with a value too few, and a row that is none."""
    good = list(GOOD.values())
    rule = "5 values: size, count, member, colour, shop"
    assert faults(contract.from_lists, [good, good[1:]]) == [(1, "", rule, "form")]
    assert faults(contract.from_lists, [good, GOOD])[0][:2] == (1, "")
    assert faults(contract.from_records, [good])[0][:2] == (0, "")


def test_of_very_many_problems_the_first_are_listed_and_all_are_counted(contract):
    """What a refused request costs, and how long its answer is, is bounded."""
    names = {f"made up {number}": 1 for number in range(LISTED)}
    with pytest.raises(Unfit) as unfit:
        contract.from_records([GOOD | names | {"shap": 1}] * 3)
    assert len(unfit.value.problems) == LISTED
    assert unfit.value.counts.total() == 3 * (LISTED + 1)
    with pytest.raises(Unfit) as unfit:
        contract.from_lists([["x", 2, True, "red", "here"]] * (LISTED + 5))
    assert [problem.row for problem in unfit.value.problems] == list(range(LISTED))
    assert unfit.value.counts == {("type", "size"): LISTED + 5}


def test_names_are_suggested_for_the_first_unknown_ones_only(contract):
    """To compare a name with all columns takes long, and so does a name of very many letters."""
    misspelt = {f"siz{number}": 1 for number in range(9)}
    named = faults(contract.from_records, [GOOD | {"size" * 1000: 1} | misspelt])
    assert sum("did you mean" in rule for _, _, rule, _ in named) == SUGGESTED
    assert len(named[0][1]) == 101


@pytest.mark.parametrize("rows", [[{}] * 3, [1] * 3, [[]] * 3])
def test_more_rows_than_there_may_be_are_refused_before_they_are_looked_at(contract, rows):
    """Whatever is wrong with them."""
    contract.most_rows = 2
    for read in (contract.from_records, contract.from_lists):
        with pytest.raises(TooMany, match="3 rows"):
            read(rows)


def test_other_columns_can_be_left_alone(contract):
    """Columns that are needed are asked for all the same."""
    assert contract.from_records([GOOD | {"id": 7, "label": "low"}], others=True) == [
        list(GOOD.values())
    ]
    assert [
        name for _, name, *_ in faults(lambda rows: contract.from_records(rows, True), [{}])
    ] == [*GOOD]


def test_a_problem_says_where_it_is():
    """The sentence names row and column, as far as there are any."""
    from modelkeep.serving.rows import Problem

    assert str(Problem(2, "size", "a number", "type")) == "row 2, column 'size': must be a number"
    assert str(Problem(2, "", "a list", "form")) == "row 2: must be a list"
    assert str(Problem(None, "", "a list", "form")) == "the rows: must be a list"


def test_values_out_of_range_are_counted(contract):
    """They fit the schema, and are answered; a missing value is no such value."""
    rows = [
        [0.5, 2, True, "red", "here"],
        [51, 2, False, "green", "there"],
        [None, 2, True, "red", "here"],
        [50, 2, True, "red", "here"],
    ]
    # Of "count", no training row had a value.
    counts = {"size": 2, "count": 4, "member": 1, "colour": 1, "shop": 1}
    assert contract.out_of_range(rows) == Counter(counts)


def test_a_profile_that_does_not_list_every_category_calls_none_out_of_range(contract):
    """Where the profile has only the commonest, it cannot be said which were never there."""
    others = {"shop": {"counts": {"here": 4}, "others": 9}}
    profile = {"features": PROFILE["features"] | others}
    commonest = Contract(contract.schema, profile)
    assert "shop" not in commonest.out_of_range([[1, 2, True, "red", "elsewhere"]])


def test_with_private_columns_no_invented_name_is_repeated(contract):
    """A table without a header has values for names; only what is nearly a column is named."""
    contract.schema.columns["shop"].private = True
    record = {**GOOD, "Zaphod Beeblebrox": 1, "x" * 200: 1, "sizes": 1}
    problems = faults(contract.from_records, [record])
    assert [(column, rule) for _, column, rule, _ in problems] == [
        ("", "given without columns that are not there"),
        ("", "given without columns that are not there"),
        ("sizes", "left out: there is no such column (did you mean 'size'?)"),
    ]
