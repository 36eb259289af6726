"""Dates are read in the formats that they have, and what could be another date is said."""

import random
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from modelkeep.adopt import dating
from modelkeep.adopt.dating import read_as_told
from modelkeep.adopt.wording import read_texts
from modelkeep_core.cells import typed
from modelkeep_core.errors import UserError
from modelkeep_core.schema import Column

START = date(2023, 1, 1)
DAYS = [START + timedelta(days=day) for day in range(700)]


def counted(texts):
    """Return texts as a column's different texts, with how often each is there."""
    return pl.Series("text", texts, dtype=pl.String).value_counts(name="rows", sort=True)


def reading(texts):
    """Return what texts are taken for."""
    return read_texts(counted(texts))


def read(texts, column):
    """Return the dates that texts are read as."""
    frame = pl.DataFrame({"text": texts})
    return frame.select(typed(pl.col("text"), pl.String(), column))["text"].dt.date().to_list()


def test_a_second_format_is_found_however_rare_it_is():
    """49 of 1,202 dates in another format make no column of names."""
    days = [START + timedelta(days=day) for day in range(1202)]
    texts = [f"{day:%d.%m.%y}" if place % 25 == 0 else f"{day}" for place, day in enumerate(days)]
    dates = reading(texts)
    assert (dates.column.formats, dates.strays) == (["%Y-%m-%d", "%d.%m.%y"], ())
    assert read(texts, dates.column) == days


@pytest.mark.parametrize("form", ["%b-%y", "%b %Y", "%m/%Y", "%Y-%m", "%B %Y", "%Y %b", "%Y %B"])
def test_months_are_dates(form):
    """However short they are written: the first of each."""
    months = [date(2020 + n // 12, n % 12 + 1, 1) for n in range(48)]
    dates = reading([f"{month:{form}}" for month in months])
    assert dates.column.formats == [form]
    assert read([f"{month:{form}}" for month in months], dates.column) == months


def test_two_orders_of_day_and_month_are_told():
    """Every date that could be both is counted, and the option that decides is named."""
    texts = [
        f"{day:{'%d/%m/%Y' if place % 2 else '%m/%d/%Y'}}" for place, day in enumerate(DAYS[:400])
    ]
    dates = reading(texts)
    assert {*dates.column.formats} == {"%d/%m/%Y", "%m/%d/%Y"}
    both = sum(day.day <= 12 and day.day != day.month for day in DAYS[:400])
    assert f"{both} of 400 cells could be both" in dates.doubt
    assert dates.decision == ("--format", dates.column.formats[1], dates.column.formats[0])


def test_one_order_that_could_be_another_is_told():
    """As it is without a doubt about any single date."""
    dates = reading(["1/2/2024", "1/3/2024", "1/4/2024", "1/5/2024"])
    assert dates.doubt == "holds dates written %m/%d/%Y, which could be %d/%m/%Y too"
    assert dates.decision == ("--format", "%d/%m/%Y")
    assert reading([f"{day:%d/%m/%Y}" for day in DAYS]).doubt == ""


@pytest.mark.parametrize(
    ("first", "last", "latest"),
    [(date(1930, 1, 1), date(1998, 6, 1), 2026), (date(2025, 1, 1), date(2033, 1, 1), None)],
    ids=["births", "ends of contracts"],
)
def test_years_of_two_digits_are_of_the_century_that_keeps_them_together(
    first, last, latest, monkeypatch
):
    """Nobody is born in 2038, and a contract that ends in 2029 did not end in 1929."""

    class Today(date):
        @classmethod
        def today(cls):
            return cls(2026, 11, 30)

    monkeypatch.setattr(dating, "date", Today)
    drawn = random.Random(1)
    days = [first + timedelta(days=drawn.randrange((last - first).days)) for _ in range(300)]
    texts = [f"{day:%d.%m.%y}" for day in days]
    dates = reading(texts)
    assert dates.column.latest_year == latest
    assert read(texts, dates.column) == days
    assert dates.doubt.startswith("has years of two digits: '")
    assert dates.decision == ("latest_year", "2068" if latest else "2026")


def test_a_person_decides_on_the_format():
    """What is named is read, in the order in which it is named; other dates are refused."""
    texts = counted(["03/04/2024", "05/06/2024", "25/12/2024", "-"])
    assert read_as_told("day", texts, ["%d/%m/%Y"]).strays == ("-",)
    both = read_as_told("day", texts, ["%m/%d/%Y", "%d/%m/%Y"])
    assert read(["03/04/2024", "25/12/2024"], both.column) == [date(2024, 3, 4), date(2024, 12, 25)]
    with pytest.raises(UserError, match="not written %m/%d/%Y: ") as refused:
        read_as_told("day", counted(["03/04/2024", "25/12/2024"]), ["%m/%d/%Y"])
    assert "1 cell of 'day', such as '25/12/2024'" in str(refused.value)


def test_what_keeps_dates_from_being_dates_is_told():
    """A person who knows which cells are wrong can correct them."""
    texts = [*map(str, DAYS[:100]), *(f"week {week}, 2024" for week in range(4))]
    dates = reading(texts)
    assert dates.column.type == "category"
    assert dates.why.startswith("text: 4 of 104 cells, such as 'week ")
    assert dates.why.endswith("are not written %Y-%m-%d as the others are")


@pytest.mark.parametrize(
    "form",
    [
        *("%m-%d-%y", "%d-%m-%y", "%m-%Y", "%A, %B %d, %Y", "%b. %d, %Y", "%Y年%m月%d日"),
        *("%a %b %d %H:%M:%S %Y", "%d.%m.%Y, %H:%M", "%d.%m.%Y %H:%M Uhr", "%Y%m%dT%H%M%S"),
    ],
)
def test_what_programs_and_countries_write_is_read(form):
    """In the format that wrote it, each date is the day that it was."""
    texts = [f"{day:{form}}" for day in DAYS]
    dates = reading(texts)
    assert dates.column.type == "datetime"
    assert read(texts, dates.column) == [
        day.replace(day=1) if "%d" not in form else day for day in DAYS
    ]


LANGUAGES = {
    "{0}. {1} {2}": "Januar Februar März April Mai Juni Juli August September Oktober November "
    "Dezember",
    "{0:02}-{1}-{2}": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "{0} {1} {2}": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "{1} {0}, {2}": "Jan. Feb. Mar. Apr. May June July Aug. Sept. Oct. Nov. Dec.",
    "{0} de {1} de {2}": "enero febrero marzo abril mayo junio julio agosto septiembre octubre "
    "noviembre diciembre",
    "{0:02} {1} {2}": "gen feb mar apr mag giu lug ago set ott nov dic",
}


@pytest.mark.parametrize("form", LANGUAGES)
def test_months_of_other_languages_are_read(form):
    """Each is the month that it is in English, with its full stop or without."""
    months = LANGUAGES[form].split()
    texts = [form.format(day.day, months[day.month - 1], day.year) for day in DAYS]
    dates = reading(texts)
    assert (dates.column.type, dates.strays, dates.doubt) == ("datetime", (), "")
    assert read(texts, dates.column) == DAYS


@pytest.mark.parametrize("form", ["Set {0} 2019", "out-{0:02}", "Mag-{0:02}", "Q1 {0:04}"])
def test_numbered_things_are_no_dates(form):
    """A word that is a month in one language is another word in others: dates have several."""
    texts = [form.format(number) for number in range(1, 29)]
    assert reading(texts).column.type == "category"


def test_ordinal_numbers_are_days():
    """1st and 1er are the first."""
    ends = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
    for form in ("{0}{1} {2:%B %Y}", "{2:%b} {0}{1}, {2:%Y}"):
        texts = [form.format(day.day, ends.get(day.day, "th"), day) for day in DAYS]
        assert read(texts, reading(texts).column) == DAYS
    assert read(["1er août 2019"], Column(type="datetime", formats=["%d %B %Y"])) == [
        date(2019, 8, 1)
    ]


@pytest.mark.parametrize(
    "form", ["{0}Q{1}", "{0}-Q{1}", "{0} Q{1}", "Q{1} {0}", "Q{1}-{0}", "{1}. Quartal {0}"]
)
def test_quarters_are_their_first_day(form):
    """As months are; a fifth quarter is none."""
    quarters = [(year, quarter) for year in range(2010, 2022) for quarter in (1, 2, 3, 4)]
    texts = [form.format(*quarter) for quarter in quarters]
    dates = reading(texts)
    assert read(texts, dates.column) == [date(year, 3 * part - 2, 1) for year, part in quarters]
    assert read([form.format(2020, 5)], dates.column) == [None]


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        ("%s", ["1577836800", "1577836800.0", "x"]),
        ("%s%3f", ["1577836800000", "1577836800000.0", "12"]),
        ("excel", ["43831", "43831.0", "1e300"]),
    ],
)
def test_numbers_are_dates_where_a_person_says_so(form, texts):
    """Seconds and milliseconds since 1970, and the days of spreadsheets; all else is no date."""
    days = [date(2020, 1, 1)] * 2
    assert read(texts, Column(type="datetime", formats=[form])) == [*days, None]
    assert read_as_told("day", counted(texts[:2]), [form]).column.formats == [form]


def test_weeks_begin_on_monday():
    """Those of ISO 8601 are their first day."""
    texts = [f"{day:%G-W%V}" for day in DAYS]
    assert read(texts, reading(texts).column) == [
        day - timedelta(days=day.weekday()) for day in DAYS
    ]


def test_time_zones_are_told():
    """Times that say theirs are kept in UTC; that others are taken for UTC is told too."""
    texts = [f"{day}T10:00:00{'Z' if day.day % 2 else ''}" for day in DAYS]
    assert reading(texts).why.endswith(", in UTC, which is taken for that of the others")
    assert reading([f"{day}T10:00:00+0200" for day in DAYS]).why.endswith("%z, in UTC")
    assert "UTC" not in reading([f"{day} 10:00" for day in DAYS]).why


@pytest.mark.parametrize(
    "write",
    [
        lambda day: f"lundi {day.day} {('janv.', 'févr.', 'août')[day.month % 3]} {day.year}",
        lambda day: f"{day.day}. {('januari', 'maj', 'oktober')[day.month % 3]} {day.year}",
        lambda day: f"{day.day % 24:02}:{day.month:02}",
        lambda day: f"{day.year} H{1 + day.month % 2}",
        lambda day: f"{day} 10:00:00 CET",
    ],
)
def test_dates_and_times_that_are_not_read_are_told(write):
    """A category of dates is no mistake of the person, who can write them otherwise."""
    dates = reading([write(day) for day in DAYS])
    assert dates.column.type == "category"
    assert "dates or times that are written like '" in dates.why


@pytest.mark.parametrize(
    "texts", [["1.2.3", "1.2.4", "1.10.2"], ["AB-12 34", "CD-56 78"], ["192.168.0.1", "10.0.0.2"]]
)
def test_versions_and_addresses_are_no_dates(texts):
    """Whatever signs they have between their digits, a year has two or four."""
    dates = reading(texts)
    assert dates.column.type == "category"
    assert "dates" not in dates.why


@pytest.mark.parametrize("form", ["%y-%m-%d", "%y/%m/%d", "%y.%m.%d"])
def test_years_of_two_digits_may_come_first(form):
    """Where the dates lie far closer together so; the other way is told."""
    texts = [f"{day:{form}}" for day in DAYS]
    dates = reading(texts)
    assert dates.column.formats == [form]
    assert read(texts, dates.column) == DAYS
    assert dates.decision == ("--format", f"%d{form[2]}%m{form[2]}%y")


def test_the_other_way_of_one_of_two_formats_names_both():
    """With the rival alone, the dates in the first format would be refused."""
    texts = [f"{day:{'%Y-%m-%d' if place % 9 else '%y-%m-%d'}}" for place, day in enumerate(DAYS)]
    dates = reading(texts)
    assert dates.column.formats == ["%Y-%m-%d", "%y-%m-%d"]
    assert read(texts, dates.column) == DAYS
    assert dates.decision == ("--format", "%Y-%m-%d", "%d-%m-%y")
    assert read_as_told("day", counted(texts), [*dates.decision[1:]]).column.type == "datetime"


def test_years_of_two_digits_come_last_unless_the_dates_lie_far_apart():
    """Dates of a year and a half are not thirty years, and nothing is asked of them."""
    texts = [f"{day:%d/%m/%y}" for day in DAYS]
    dates = reading(texts)
    assert (dates.column.formats, dates.doubt) == (["%d/%m/%y"], "")
    mixed = [f"{day:{'%d/%m/%y' if place % 9 else '%m/%d/%y'}}" for place, day in enumerate(DAYS)]
    assert {*reading(mixed).column.formats} == {"%d/%m/%y", "%m/%d/%y"}


@pytest.mark.parametrize(
    ("form", "read_so"),
    [
        ("%Y-%m-%d %H:%M:%S+00", "%Y-%m-%d %H:%M:%S%.f%#z"),
        ("%Y-%m-%d %H", "%Y-%m-%d %H"),
        ("%Y%m%d%H%M%S", "%Y%m%d%H%M%S"),
        ("%Y%m%d%H%M", "%Y%m%d%H%M"),
        ("%d/%b/%Y:%H:%M:%S +0000", "%d/%b/%Y:%H:%M:%S %z"),
        ("%a %b %d %H:%M:%S +0000 %Y", "%a %b %d %H:%M:%S %z %Y"),
        ("%d.%m.%Y %H.%M", "%d.%m.%Y %H.%M"),
    ],
)
def test_times_that_databases_and_servers_write_are_times(form, read_so):
    """To the minute, or the hour where they say no more."""
    times = [datetime(2024, 3, 1, 9, 0) + timedelta(hours=7 * n) for n in range(60)]
    dates = reading([f"{time:{form}}" for time in times])
    assert dates.column.formats == [read_so]
    frame = pl.DataFrame({"text": [f"{time:{form}}" for time in times]})
    values = frame.select(typed(pl.col("text"), pl.String(), dates.column))["text"]
    assert values.to_list() == times


def test_weeks_and_months_without_a_dash_are_dates():
    """As Eurostat writes them."""
    assert reading(["2024M01", "2024M02", "2023M12"]).column.formats == ["%YM%m"]
    assert reading(["2024W01", "2024W52", "2023W12"]).column.formats == ["%GW%V"]


def test_a_format_that_cannot_be_read_is_refused():
    """In a sentence, whatever is wrong with it."""
    texts = counted(["2024-01-31 09:30"])
    with pytest.raises(UserError, match=r"^--format day=%Y-%m-%d %I:%M: .*12-hour"):
        read_as_told("day", texts, ["%Y-%m-%d %I:%M"])
