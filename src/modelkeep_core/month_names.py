"""Months as German, French, Spanish, Italian, Portuguese and Dutch write them → in English."""

import polars as pl

# By month, its abbreviation in English and the words of other languages; none means two months
NAMES = {
    "Jan": "jan januar jänner janvier janv enero ene gennaio gen janeiro januari",
    "Feb": "feb februar febr février févr fév fevrier febrero febbraio fevereiro fev februari",
    "Mar": "mar märz mär mrz maerz mars marzo março marco maart mrt",
    "Apr": "apr avril avr abril abr aprile",
    "May": "may mai mayo maggio mag maio mei",
    "Jun": "jun juni juin junio giugno giu junho",
    "Jul": "jul juli juillet juil julio luglio lug julho",
    "Aug": "aug août aout agosto ago augustus",
    "Sep": "sep sept septembre septiembre set settembre setembro",
    "Oct": "oct oktober okt octobre octubre ottobre ott outubro out",
    "Nov": "nov novembre noviembre novembro",
    "Dec": "dec dezember dez décembre déc decembre diciembre dic dicembre dezembro",
}
ENGLISH = {name: month for month, names in NAMES.items() for name in names.split()}
# The first word of three letters or more, and the full stop of an abbreviation
WORD = r"^(.*?)\b(\pL{3,})\b\.?(.*)$"
ORDINAL = r"(?i)\b(\d{1,2})(?:st|nd|rd|th|er|º|ª)\b"


def in_english(text: pl.Expr) -> pl.Expr:
    """Write dates with the English name of their month, without a full stop, and 1st as 1."""
    text = text.str.replace(ORDINAL, "${1}")
    before, name, after = (text.str.extract(WORD, part) for part in (1, 2, 3))
    english = name.str.to_lowercase().replace_strict(ENGLISH, default=None)
    return pl.coalesce(pl.concat_str(before, english, after), text)
