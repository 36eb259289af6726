"""How people write dates: texts → the formats that read them, and whether others would, too."""

import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

import polars as pl

from modelkeep.adopt.reading import Reading, accepted, fits, meaningful, rows_of, without
from modelkeep.adopt.scalars import bounds
from modelkeep_core.cells import typed
from modelkeep_core.errors import UserError
from modelkeep_core.month_names import WORD
from modelkeep_core.schema import Column
from modelkeep_core.visible import counted

DAYS: tuple[str, ...] = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"),
    *("%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%d%b%Y", "%d. %b %Y", "%b %d, %Y", "%b %d %Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%y", "%d %b %y", "%a, %d %b %Y"),
    *("%d-%m-%y", "%m-%d-%y", "%d. %m. %Y", "%b. %d, %Y", "%A, %b %d, %Y", "%A, %d %b %Y"),
    *("%y-%m-%d", "%y/%m/%d", "%y.%m.%d", "%Y%m%d"),
    *("%Y年%m月%d日", "%d de %b de %Y"),
)
MONTHS: tuple[str, ...] = (
    *("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b %Y", "%b-%Y", "%b-%y", "%Y %b", "%YM%m"),
    *("%b de %Y", "%YQ%q", "%Yq%q", "%Y-Q%q", "%Y Q%q", "%Y/Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y"),
    "%q. Quartal %Y",
)
TIMES: tuple[str, ...] = (
    "",
    " %H:%M",
    " %H:%M:%S%.f",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %I:%M%p",
    " %H:%M Uhr",
)
TIMES += (", %H:%M", ", %H:%M:%S", ", %I:%M:%S %p", " %H.%M", " %Hh%M")
STAMPS: tuple[str, ...] = ("T%H:%M", "T%H:%MZ", "T%H:%M%z", "T%H:%M:%S%.fZ", "T%H:%M:%S%.f%z")
STAMPS += (" %H:%M:%S%.fZ", " %H:%M:%S%.f%z", " %H:%M:%S%.f %z", "T%H:%M:%S%.f")
STAMPS += (" %H:%M:%S%.f UTC", " %H:%M:%S,%3f", " %H:%M:%S%.f%#z", "T%H:%M:%S%.f%#z", " %H", "T%H")
# What programs write, and the weeks of ISO 8601
WHOLE: tuple[str, ...] = (
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S %z",
)
WHOLE += ("%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ", "%G-W%V", "%G-W%V-%u", "%GW%V")
WHOLE += ("%d/%b/%Y:%H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S UTC %Y")
SHORT = (*(day + time for day in DAYS for time in TIMES), *MONTHS)
FORMATS = (
    *SHORT,
    *("%Y-%m-%d" + stamp for stamp in STAMPS),
    *WHOLE,
    *(form.replace("%b", "%B") for form in SHORT if "%b" in form),
)
# What stands for the name of a month or a day, which has three letters at least
NAMED = re.compile("%[aAbB]")
# How a format ends that says a time zone
ZONED = ("Z", "%z", "%#z", "UTC", "GMT", "%z %Y", "UTC %Y")
# The year until which %y reads two digits, unless the schema says another
DEFAULT_LATEST = 2068
TRIED = 200
# How many times closer the dates lie where years of two digits come first
RARE = 3
# In how many formats the dates of one column may be
MOST_FORMATS = 3
# Months of other languages that are words for something else: set 12, out-12
OTHER_WORDS = {"ago", "dic", "gen", "lug", "mag", "mars", "ott", "out", "set"}
# What share of the cells must look like dates, that formats are looked for
DATED = 0.9
LIKE = (
    r"^\s*(\d.{3,40}|\pL{3,10}[ ,./-].{1,40})\d.*$|^\s*\d{4} \pL{3,10}\s*$"
    r"|^\s*Q[1-4][ /-](19|20)\d{2}\s*$"
)
# What is a date or a time to a person, in whatever language
MONTH = "jan|ene|f[eé][bv]|m[aä]r|a[bpv]r|ma[ijy]|ju[iln]|au*g|aoû|se[pt]|o[ck]t|out|nov|d[eé][cz]"
DATELIKE = (
    rf"(?i)^\D*\d{{1,2}}(?:st|nd|rd|th|er|º)?\W*[ .-](?:de )?(?:{MONTH})\pL{{0,8}}\b.*\d"
    rf"|(?i)^(?:{MONTH})\pL{{0,8}}\W+\d"
    r"|(^|\D)(\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2}))($|[^.\d])"
    r"|^\d{1,2}:\d{2}(:\d{2})?([.,]\d+)?( ?[ap]\.?m\.?)?$"
    r"|^(19|20)\d{2}[ -]?([QKWH]|KW|CW)[ -]?\d{1,2}$|^[QH]\d[ /-]?(19|20)\d{2}$"
)


def read_dates(texts: pl.DataFrame) -> Reading | None:
    """Return the reading of texts as dates, in one format or as few as there are.

    Args:
        texts: different texts, in columns "text" and "rows", how often each is there.
    """
    like = texts.filter(pl.col("text").str.contains(LIKE))
    if rows_of(like) < DATED * rows_of(texts) or _is_numbered(like):
        return None
    if reading := accepted(texts, Column(type="datetime"), "dates"):
        return reading
    forms: list[str] = []
    rivals: dict[str, str] = {}
    rest = like
    while len(rest) and len(forms) < MOST_FORMATS:
        ranked = [pair for pair in _ranked(rest) if _goes_with(pair[0], forms)]
        if not ranked:
            break
        best, times = ranked[0]
        near = _span(times) * RARE
        others = (
            form
            for form, read in ranked[1:]
            if _rivals(times, read) and (_rarity(form) == 1 or _span(read) < near)
        )
        if rival := next(others, ""):
            rivals[best] = rival
        forms.append(best)
        rest = meaningful(rest.filter(~fits(Column(type="datetime", formats=forms))))
    for count in range(1, len(forms) + 1):
        column = Column(type="datetime", formats=forms[:count])
        written = f"dates written {' or '.join(forms[:count])}{_zone(forms[:count])}"
        reading = accepted(texts, column, written)
        if reading and (count == len(forms) or not reading.odd):
            return _in_century(texts, _doubted(texts, reading, rivals))
    return _nearly(texts, forms)


def _is_numbered(texts: pl.DataFrame) -> bool:
    """Say whether all texts have the same word for a month, which means something else as well."""
    words = texts["text"].str.extract(WORD, 2).str.to_lowercase().unique()
    return len(words) == 1 and words[0] in OTHER_WORDS


def datelike(texts: pl.DataFrame) -> str:
    """Return one of the texts, if nearly all are dates or times to a person; else nothing."""
    like = texts.filter(pl.col("text").str.strip_chars().str.contains(DATELIKE))
    return like["text"][0].strip() if rows_of(like) >= DATED * max(rows_of(texts), 1) else ""


def _zone(forms: list[str]) -> str:
    """Say in which time zone dates are kept, where some say theirs."""
    zoned = sum(form.endswith(ZONED) for form in forms)
    if not zoned:
        return ""
    return ", in UTC" if zoned == len(forms) else ", in UTC, which is taken for that of the others"


def read_as_told(name: str, texts: pl.DataFrame, forms: list[str]) -> Reading:
    """Return the reading of texts as dates in the formats that a person names.

    Raises:
        UserError: some texts are not written so.
    """
    column = Column(type="datetime", formats=forms)
    try:
        strays = texts.filter(~fits(column))
    except pl.exceptions.ComputeError as error:
        reason = str(error).partition("\n")[0].removesuffix(".")
        raise UserError(f"--format {name}={forms[0]}: {reason}.") from None
    other = meaningful(strays)
    if len(other) or len(strays) == len(texts):
        cells = counted(rows_of(strays), "cell")
        raise UserError(
            f"--format: not written {' or '.join(forms)}: {cells} of '{name}', such as "
            f"'{strays['text'][0]}'. Another --format {name}=... reads more."
        )
    written = f"dates written {' or '.join(forms)}, as you said{_zone(forms)}"
    reading = Reading(column, written, tuple(strays["text"].sort()))
    return _in_century(texts, reading)


def _doubted(texts: pl.DataFrame, reading: Reading, rivals: dict[str, str]) -> Reading:
    """Add in which other order of day and month dates could be read.

    Args:
        texts: the different texts.
        reading: what they are taken for.
        rivals: for a format, another that reads the same texts as other dates.
    """
    forms = reading.column.formats or []
    cells = without(texts, reading.strays)
    for first, second in combinations(forms, 2):
        unsure = cells.filter((_times(cells, first) != _times(cells, second)).fill_null(False))
        if len(unsure):
            sample = unsure["text"].sort()[0]
            both = f"{rows_of(unsure)} of {rows_of(cells)} cells could be both"
            return replace(
                reading,
                why=f"{reading.why}: {both}, and are read as {first}",
                doubt=f"is written {first} and {second}: {both}, such as '{sample}'",
                decision=("--format", second, first),
            )
    for form in forms:
        if form in rivals:
            which = "which" if len(forms) == 1 else f"and {form}"
            why = f"{reading.why}, {which} could be {rivals[form]} too"
            other = [rivals[form] if one == form else one for one in forms]
            return replace(reading, why=why, doubt=f"holds {why}", decision=("--format", *other))
    return reading


def _in_century(texts: pl.DataFrame, reading: Reading) -> Reading:
    """Choose the century of years of two digits: the one in which the dates lie closer."""
    forms, today = reading.column.formats or [], date.today()
    if not any("%y" in form for form in forms):
        return reading
    cells = without(texts, reading.strays)
    past = reading.column.model_copy(update={"latest_year": today.year})
    times, earlier = (
        cells.select(typed(pl.col("text"), pl.String(), column)).to_series()
        for column in (reading.column, past)
    )
    if times.equals(earlier):
        return reading
    closer = _span(earlier) < _span(times)
    place = (times != earlier).arg_true()[0]
    year = (earlier if closer else times)[place].year
    doubt = f"has years of two digits: '{cells['text'][place]}' is read as {year}"
    return replace(
        reading,
        column=past if closer else reading.column,
        doubt=f"{reading.doubt}; it {doubt}" if reading.doubt else doubt,
        decision=reading.decision
        if reading.doubt
        else ("latest_year", str(DEFAULT_LATEST if closer else today.year)),
    )


def _nearly(texts: pl.DataFrame, forms: list[str]) -> Reading | None:
    """Say of texts that are no dates how many of them are some."""
    if not forms:
        return None
    fit = fits(Column(type="datetime", formats=forms))
    dates, others = texts.filter(fit), meaningful(texts.filter(~fit))
    if rows_of(dates) < DATED * rows_of(texts) or not len(others):
        return None
    why = (
        f"text: {rows_of(others)} of {rows_of(texts)} cells, such as '{others['text'][0]}', are "
        f"not written {' or '.join(forms)} as the others are"
    )
    return Reading(Column(type="category"), why)


def _ranked(texts: pl.DataFrame) -> list[tuple[str, pl.Series]]:
    """Return the formats that read some of the texts, the one that reads most first.

    Where day and month can be read both ways, dates lie close together as they were meant.
    """
    sample = texts.sample(min(len(texts), TRIED), seed=0)
    # What no text can have need not be tried: most formats have a month by its name.
    timed = sample["text"].str.contains(":").any()
    worded = sample["text"].str.contains(r"\p{L}{3}").any()
    read = [
        (form, _times(sample, form))
        for form in FORMATS
        if (timed or ":" not in form) and (worded or not NAMED.search(form))
    ]
    read = [(form, times) for form, times in read if times.count()]
    return sorted(read, key=lambda pair: (pair[1].null_count(), _span(pair[1]) * _rarity(pair[0])))


def _rarity(form: str) -> int:
    """Return how many times closer dates must lie, that they are taken for written so."""
    return RARE if form.startswith("%y") else 1


def _goes_with(form: str, others: list[str]) -> bool:
    """Say whether dates may be written so beside others: two digits of a year have one place."""
    return all("%y" not in other or _rarity(form) == _rarity(other) for other in others)


def _times(texts: pl.DataFrame, form: str) -> pl.Series:
    column = Column(type="datetime", formats=[form])
    return texts.select(typed(pl.col("text"), pl.String(), column)).to_series()


def _span(times: pl.Series) -> timedelta:
    """Return the time from the first to the last."""
    first, last = bounds(times)
    return last - first


def _rivals(times: pl.Series, others: pl.Series) -> bool:
    """Say whether two ways to read the same dates both work, and differ."""
    return not times.null_count() and not others.null_count() and not times.equals(others)
