"""Tables of what the prediction server and its peers took."""

from typing import NamedTuple

from loading import Load
from systems import FLASK, IN_PROCESS, OWN, OWN_TWO, UNPROVEN, UNRECORDED

# Requests of a single row for each CPU second, as a multiple of Flask's development server
AIMS = {1: 10, 8: 20, 64: 20}
NOTHING, VOID = "-", "void"


class Cell(NamedTuple):
    """A system under a load: connections, and rows of one request."""

    name: str
    connections: int
    rows: int


Cells = dict[Cell, Load]


def table(title: str, cells: Cells, rows: int, connections: list[int]) -> str:
    """Return the table of all systems with requests of one size, and a line for what failed."""
    figures = ["ratio", "CPU, ms", "p50, ms", "p99, ms"]
    header = [title, *(f"{figure}: {n}" for figure in figures for n in connections)]
    lines = [header, ["---"] + ["---:"] * (len(header) - 1)]
    names = list(dict.fromkeys(cell.name for cell in cells))
    for name in names:
        columns = [figures_of(cells, Cell(name, n, rows)) for n in connections]
        lines.append([name, *(figure for same in zip(*columns, strict=True) for figure in same)])
    return f"{markdown(lines)}\n\n{errors(cells, rows)}"


def figures_of(cells: Cells, cell: Cell) -> list[str]:
    """Return ratio, CPU time, median and p99 of a cell."""
    if cell not in cells:
        return [NOTHING] * 4
    if not valid(cells, cell):
        return [VOID] * 4
    load = cells[cell]
    times = (load.cpu, load.p50, load.p99)
    return [shown_ratio(ratio(cells, cell)), *(f"{1000 * seconds:.2f}" for seconds in times)]


def valid(cells: Cells, cell: Cell) -> bool:
    """Say whether every request of a cell was answered, and any was."""
    return cell in cells and cells[cell].requests > 0 and cells[cell].errors == 0


def ratio(cells: Cells, cell: Cell) -> float | None:
    """Return requests per CPU second as a multiple of Flask's development server."""
    flask = Cell(FLASK, cell.connections, cell.rows)
    if not valid(cells, cell) or not valid(cells, flask):
        return None
    return cells[flask].cpu / cells[cell].cpu


def shown_ratio(number: float | None) -> str:
    """Return a ratio as text."""
    return NOTHING if number is None else f"{number:.1f}"


def errors(cells: Cells, rows: int) -> str:
    """Say which cells are void, and that no others are."""
    of_size = {cell: load for cell, load in cells.items() if cell.rows == rows}
    void = [
        f"{cell.name} with {cell.connections} connections: {load.errors} errors and "
        f"{load.requests} answers"
        for cell, load in of_size.items()
        if not valid(cells, cell)
    ]
    requests = sum(load.requests for load in of_size.values())
    return f"Requests answered: {requests:,}. Errors: {'; '.join(void) or 'none'}."


def aims(everything: dict[str, Cells], sizes: list[int], connections: list[int]) -> str:
    """Return the table that holds the project's server against the aims."""
    header = ["estimator, rows, connections", "ratio", "aim", "p99, ms", "with 2 workers"]
    header += ["best peer's p99, ms", "which"]
    lines = [header, ["---"] + ["---:"] * (len(header) - 2) + ["---"]]
    for estimator, cells in everything.items():
        for rows in sizes:
            for n in connections:
                own, two = Cell(OWN, n, rows), Cell(OWN_TWO, n, rows)
                best = best_peer(cells, n, rows)
                lines.append(
                    [
                        f"{estimator}, {rows}, {n}",
                        shown_ratio(ratio(cells, own)),
                        str(AIMS[n]) if rows == 1 else NOTHING,
                        *(figures_of(cells, cell)[-1] for cell in (own, two)),
                        figures_of(cells, best)[-1] if best else NOTHING,
                        best.name if best else NOTHING,
                    ]
                )
    return markdown(lines)


def best_peer(cells: Cells, connections: int, rows: int) -> Cell | None:
    """Return the peer's cell with the least p99 under a load."""
    no_peers = (IN_PROCESS, OWN, OWN_TWO, UNRECORDED, UNPROVEN)
    peers = [
        cell
        for cell in cells
        if cell[1:] == (connections, rows) and cell.name not in no_peers and valid(cells, cell)
    ]
    return min(peers, key=lambda cell: cells[cell].p99, default=None)


def markdown(lines: list[list[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
