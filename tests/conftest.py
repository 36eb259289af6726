"""Which tests are slow, and in which order they run."""

import pytest

# Fixtures that need a project of DVC, or a server: their tests take seconds
SLOW = {"project", "numbered", "server"}
# Slow tests in the order in which they start: what takes longest comes first, so that all workers
# end at about the same time. The second file of the template needs nothing of the environment that
# the first one makes for the others.
LONGEST = (
    "test_by_hand.py",
    "test_docs.py",
    "test_environment.py",
    "test_owner.py",
    "test_demo.py",
    "test_pipeline.py",
    "test_interrupted.py",
    "test_determinism.py",
    "test_registry.py",
    "test_update.py",
    "test_serving.py",
    "test_ci.py",
    "test_edits.py",
    "test_origins.py",
    "test_readme.py",
    "test_surroundings.py",
    "test_adopt.py",
    "test_hostile.py",
    "test_remotes.py",
    "test_bring.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `pytest tests/template/test_docs.py --record` write what commands print into the docs."""
    parser.addoption("--record", action="store_true", help="record the output in the docs anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and run the fast tests first: those of the libraries, then the others.

    With `--dist loadgroup` the tests of a file that are equally slow run in one process, so that
    what the file prepares for its tests is made once.
    """
    for item in items:
        if SLOW & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
        group = f"{item.path.stem}{', slow' if 'slow' in item.keywords else ''}"
        item.add_marker(pytest.mark.xdist_group(f"{item.path.parent.name}/{group}"))
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[bool, bool, int]:
    name = item.path.name
    order = LONGEST.index(name) if name in LONGEST else len(LONGEST)
    return "slow" in item.keywords, item.path.parent.name == "template", order
