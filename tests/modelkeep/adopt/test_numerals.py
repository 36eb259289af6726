"""Numbers are read as books, sites and offices write them, and a doubtful mark is told."""

import polars as pl
import pytest

from modelkeep.adopt.wording import read_texts
from modelkeep_core.cells import typed


def read(*texts):
    """Return the values of texts, why they were read so, and how their column says it."""
    counts = pl.DataFrame({"text": texts, "rows": [5] * len(texts)})
    reading = read_texts(counts)
    column = reading.column
    values = counts.select(typed(pl.col("text"), pl.String(), column)).to_series().to_list()
    rules = column.model_dump(exclude_none=True, exclude={"type", "missing", "feature", "joined"})
    return values, reading.why, rules


@pytest.mark.parametrize(
    ("texts", "values", "rules"),
    [
        (["(1,234)", "5,678"], [-1234, 5678], {"minus": ["()"], "thousands": ","}),
        (["(0.5)", "12"], [-0.5, 12.0], {"minus": ["()"]}),
        (["($1,234)", "$5"], [-1234, 5], {"minus": ["()"], "thousands": ",", "unit": "$"}),
        (["\u22121.5", "2"], [-1.5, 2.0], {"minus": ["\u2212"]}),
        (["\u20133 %", "2 %"], [-3, 2], {"minus": ["\u2013"], "unit": "%"}),
        (["1.5K", "2M", "7"], [1500, 2000000, 7], {"multiples": {"K": 1000, "M": 1000000}}),
        (["1.1k", "0.07 bn"], [1100, 70000000], {"multiples": {"bn": 10**9, "k": 1000}}),
        (["1,23,456", "12,345"], [123456, 12345], {"thousands": ","}),
        (["-1,00,00,000.5", "7"], [-10000000.5, 7.0], {"thousands": ","}),
        (["0,125", "0,250"], [0.125, 0.25], {"decimal": ","}),
        (["-0,125", "1,250", "12,500"], [-0.125, 1.25, 12.5], {"decimal": ","}),
        (["5 m", "6 m"], [5, 6], {"unit": "m"}),
        (["100-", "2.5"], [-100, 2.5], {"minus": ["#-"]}),
        (["1.234,5 -", "7,1"], [-1234.5, 7.1], {"decimal": ",", "minus": ["#-"], "thousands": "."}),
        (["- 5", "6"], [-5, 6], {"minus": ["- "]}),
        (["5.5 DR", "6 CR"], [-5.5, 6], {"minus": ["#DR"], "unit": "CR"}),
        (["5.5CR", "6"], [-5.5, 6], {"minus": ["#CR"]}),
        (["5 CR", "6 CR"], [5, 6], {"unit": "CR"}),
        (
            ["$ (5)", " $ -  ", "$ 7"],
            [-5, 0, 7],
            {"minus": ["()"], "unit": "$", "texts": {"$ -": 0}},
        ),
        (["\u20135", "\u2013", "7"], [-5, None, 7], {"minus": ["\u2013"]}),
        (["(5)", "-", "7"], [-5, 0, 7], {"minus": ["()"], "texts": {"-": 0}}),
        (["USD 5", "USD -7.5"], [5, -7.5], {"unit": "USD"}),
        (["Fr. 1'234.50", "Fr. 7"], [1234.5, 7], {"unit": "Fr.", "thousands": "'"}),
        (
            ["R$ 1.234,56", "R$ 7,10"],
            [1234.56, 7.1],
            {"decimal": ",", "thousands": ".", "unit": "R$"},
        ),
        (["5kg", "7.5kg"], [5, 7.5], {"unit": "kg"}),
        (["5,-", "7,-"], [5, 7], {"unit": ",-"}),
        (["1\u2019234.5", "7"], [1234.5, 7], {"thousands": "\u2019"}),
        (
            ["1.5 million", "2 billion"],
            [1500000, 2000000000],
            {"multiples": {"billion": 10**9, "million": 10**6}},
        ),
        (["-1,003e+00", "2,500e+02"], [-1.003, 250], {"decimal": ","}),
        (["1,234K", "5,500K"], [1234000, 5500000], {"multiples": {"K": 1000}, "thousands": ","}),
        (["1,5e3", "2,5e-3", "7,25E+2"], [1500, 0.0025, 725], {"decimal": ","}),
        (
            ["1.5", "2.5", "-nan", "1.#IND", "###"],
            [1.5, 2.5, None, None, None],
            {},
        ),
        (["LOT 1", "LOT 2"], ["LOT 1", "LOT 2"], {}),
        (["3A", "4K"], ["3A", "4K"], {}),
        (["1,2,3", "4,5,6"], ["1,2,3", "4,5,6"], {}),
        (["(a)", "(b)"], ["(a)", "(b)"], {}),
    ],
)
def test_numbers_have_their_values(texts, values, rules):
    """And the rules of the column say how they are written, so that every door reads them so."""
    result, _, written = read(*texts)
    assert (result, written) == (values, rules)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["(1)", "2"], "numbers, in parentheses where negative"),
        (["\u22121", "2"], "numbers, with '\u2212' for minus"),
        (["1K", "2M"], "numbers, with K for 1,000 and M for 1,000,000"),
        (["1-", "2"], "numbers, with '-' behind them for minus"),
        (["~1", "~2"], "text: numbers with other signs, such as '~1', are not read"),
        (
            ["12 kg", "300 g"],
            "text: numbers with other signs or units, such as '12 kg', are not read",
        ),
        (
            ["Rs. 1,234/-", "Rs. 23,456/-"],
            "text: numbers with other signs or units, such as 'Rs. 1,234/-', are not read",
        ),
        (["A12", "B7"], "text"),
        (
            ["1.23E+11", "9.07E+14"],
            "numbers; spreadsheets shorten long codes to what '1.23E+11' looks like: where these "
            "are some, their other digits are lost, so export the table anew",
        ),
        (["1.5e+12", "2.25E+9"], "numbers"),
        (
            ["\u0661\u0662", "10:30"],
            "text: numbers with other signs, such as '10:30', are not read",
        ),
        (["51°30'N", "7°05'N"], "text: numbers with other signs, such as '51°30'N', are not read"),
        (["A-1", "B-2"], "text"),
        (["1,250", "2,500"], "numbers; ',' in '1,250' is taken for a mark between thousands: "),
        (["1,250", "2,500.5"], "numbers"),
        (["1,250", "2,500,000"], "numbers"),
        (["1.250", "900"], "numbers; '.' in '1.250' is taken for a decimal mark: "),
        (["1.250", "9000"], "numbers"),
        (["1.250", "2.371"], "numbers; '.' in '1.250' is taken for a decimal mark: "),
        (["1.251", "2.371"], "numbers"),
        (["1.250", "0.371"], "numbers"),
        (
            ["202001", "202012", "202101"],
            "numbers; where '202001' is the month of a year, --format COLUMN=%Y%m reads it as one",
        ),
        (["202001", "202013", "202101"], "numbers"),
        (["1.250", "900", "0.5"], "numbers"),
        (["1.1", "1.10", "2.5"], "numbers; '1.1' and '1.10' are one number: "),
        (["1.8", "1.9", "1.10"], "numbers; '1.10' is read as 1.1: "),
        (["1.10", "2.50"], "numbers"),
        (["1", "1.0", "10"], "numbers"),
    ],
)
def test_what_is_unusual_is_said(texts, why):
    """A mark that could be a decimal one is told with what decides; a certain one is not."""
    reason = read(*texts)[1]
    assert reason.startswith(why) if why.endswith(": ") else reason == why
