"""Small made-up tables, each awkward in a way that real ones are."""

import gzip
import io
import random
import zipfile
from collections.abc import Iterator

import polars as pl

ROWS = 60
DRAWN = random.Random(0)
SIZES = [DRAWN.gauss(10, 3) for _ in range(ROWS)]
LABELS = ["high" if size > 10 else "low" for size in SIZES]
DAYS = [f"{day % 28 + 1:02}" for day in range(ROWS)]


def csv(**columns: list[object]) -> bytes:
    """Return a table with a number and a label, and these columns before them, as CSV."""
    return text(table(**columns)).encode()


def text(columns: dict[str, list[object]], delimiter: str = ",", end: str = "\n") -> str:
    """Write columns as they stand, without quotation marks."""
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    return "".join(delimiter.join(map(str, row)) + end for row in rows)


def table(**columns: list[object]) -> dict[str, list[object]]:
    """Return a table with a number and a label, and these columns before them."""
    return columns | {"size": [f"{size:.3f}" for size in SIZES], "label": LABELS}


def turns(*values: object) -> list[object]:
    """Return a column in which the values take turns."""
    return [values[row % len(values)] for row in range(ROWS)]


def header(*names: str) -> bytes:
    """Return a table whose header is these names, then label."""
    cells = [[f"{size + number:.2f}" for size in SIZES] for number in range(len(names))]
    rows = zip(*cells, LABELS, strict=True)
    return "\n".join([",".join([*names, "label"]), *map(",".join, rows), ""]).encode()


def german() -> str:
    """Return a table as a German spreadsheet writes it."""
    return text(
        {
            "Größe (cm)": [f"{100 * size:.1f}".replace(".", ",") for size in SIZES],
            "Umsatz": [f"1.{row:03},50 €" for row in range(ROWS)],
            "Datum": [f"{day}.03.2024" for day in DAYS],
            "Neukunde": turns("ja", "nein", "JA"),
            "label": LABELS,
        },
        ";",
        "\r\n",
    )


def zipped() -> bytes:
    """Return an archive of two tables and something else."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", text(table()))
        archive.writestr("b.tsv", text(table(), "\t"))
        archive.writestr("README.txt", "two tables")
    return buffer.getvalue()


def parquet() -> bytes:
    """Return a Parquet file of types that CSV does not have."""
    frame = pl.DataFrame(table(kind=turns("a", "b"))).with_columns(
        pl.col("kind").cast(pl.Categorical),
        pl.col("size").cast(pl.Float32),
        pl.datetime(2024, 1, 1, time_zone="UTC").alias("when")
        + pl.duration(days=pl.int_range(ROWS)),
        tags=pl.lit([1, 2]),
        ratio=pl.when(pl.int_range(ROWS) == 3).then(float("inf")).otherwise(1.0),
        took=pl.duration(minutes=pl.int_range(ROWS)),
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def tables() -> Iterator[tuple[str, bytes, str]]:
    """Yield the name of a file, its bytes, and the column to predict."""
    plain = text(table())
    for name, content in {
        "german-latin1.csv": german().encode("cp1252"),
        "german-utf16.txt": german().encode("utf-16"),
        "german-mark.csv": german().encode("utf-8-sig"),
        "tabs.tsv": text(table(), "\t").encode(),
        "bars.csv": text(table(), "|").encode(),
        "spaces.dat": text(table(), " ").encode(),
        "old-mac.csv": text(table(), end="\r").encode(),
        "stated.csv": b"sep=;\n" + text(table(), ";").encode(),
        "packed.csv.gz": gzip.compress(plain.encode()),
        "packed.zip": zipped(),
        "types.parquet": parquet(),
        "gaps.csv": plain.replace("\n", "\n\n").encode(),
        "twice.csv": header("x", "x", "x"),
        "nameless.csv": header("", " ", "x"),
        "words.csv": header("select", "group by", "1st", "null", "yes", "=", "2024-01-01"),
        "signs.csv": header("a|b", "größe", "汉字", "😀", "{x}", "$y", "*", "^v.*$", "a\\b", "%d"),
        "ours.csv": header("row", "hash", "v0", "by", "target", "test", "prediction", "rows"),
        "long.csv": header("x" * 200),
        "quotes.csv": csv(said=turns('"a ""b"", c"', '"line\nend"', "plain")),
        "inches.csv": csv(pipe=turns('5"', '6" or 7"')),
        "dollars.csv": csv(paid=[f'"$1,{row:03}.50"' for row in range(ROWS)]),
        "shares.csv": csv(share=[f"{row} %" for row in range(ROWS)]),
        "american.csv": csv(when=[f"3/{day}/2024 1:05 PM" for day in DAYS]),
        "months.csv": csv(month=turns("Jan 2024", "Feb 2024", "Mar 2023")),
        "mixed-dates.csv": csv(when=turns("2024-03-01", "02.03.2024", "")),
        "empty-dates.csv": text(
            table(when=turns("0000-00-00", "2024-03-01", "2024-04-01"))
        ).encode(),
        "codes.csv": csv(zip_code=turns("01234", "00567", "10115")),
        "markers.csv": text(
            table(a=turns("?", 1, 2), b=turns("-", 3, 4), c=turns("null", 5))
        ).encode(),
        "none.csv": csv(a=turns("none", 1, 2), b=turns("none", "x", "y")),
        "nothing.csv": csv(empty=turns(""), same=turns("x"), gap=turns(1, "")),
        "infinite.csv": csv(ratio=turns("inf", "1.5", "-Inf", "2")),
        "large.csv": csv(big=[10**19 + row for row in range(ROWS)]),
        "tiny.csv": csv(small=[f"{row}e-300" for row in range(ROWS)]),
        "texts.csv": text(
            table(note=[f"row {n} has a lot of words in it" for n in range(ROWS)])
        ).encode(),
        "cities.csv": csv(city=[f"city {row % 25}" for row in range(ROWS)]),
        "rare.csv": plain.replace("high\n", "middle\n", 1).encode(),
        "missing-target.csv": plain.replace("high\n", "\n", 9).encode(),
        "repeated.csv": (plain + plain.partition("\n")[2]).encode(),
        "true.csv": plain.replace("high\n", "TRUE\n").replace("low\n", "False\n").encode(),
        "booleans.csv": csv(a=turns("Y", "n"), b=turns(1, 0), c=turns("t", "F")),
        "doubtful.csv": csv(
            ticked=turns("X", ""),
            age=[*range(20, 79), "90+"],
            born=[f"{day}.03.{38 + row % 60:02}" for row, day in enumerate(DAYS)],
            known=turns("T", "F", "N"),
            country=turns("NA", "ZA", "null"),
            ward=[*(row % 9 for row in range(58)), "ICU", "-"],
            code=[f"{row}E{row % 30:02}" for row in range(ROWS)],
        ),
    }.items():
        yield name, content, "label"
    numbers = text({"row": [*range(ROWS)], "size": [f"{size:.2f}" for size in SIZES]})
    yield (
        "values.csv",
        csv(y=[f'"{1000 * size:,.0f}"' for size in SIZES]),
        "y",
    )
    yield "r.csv", text(table()).replace("size,label", "label", 1).encode(), "label"
    yield "time.csv", numbers.replace("row", "time").encode(), "size"
    yield "classes.csv", csv(grade=turns("1.0", "2.0", "")), "grade"
    yield "negative.csv", csv(y=[-row * row for row in range(ROWS)]), "y"
