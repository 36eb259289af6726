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
    "test_determinism.py",
    "test_registry.py",
    "test_demo.py",
    "test_pipeline.py",
    "test_serving.py",
    "test_ci.py",
    "test_hostile.py",
    "test_interrupted.py",
    "test_update.py",
    "test_adopt.py",
    "test_readme.py",
    "test_edits.py",
    "test_surroundings.py",
    "test_origins.py",
    "test_blocks.py",
    "test_bring.py",
    "test_remotes.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `pytest tests/template/test_docs.py --record` write what commands print into the docs."""
    parser.addoption("--record", action="store_true", help="record the output in the docs anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and run files of fast tests alone first, then the others.

    With `--dist loadfile` the tests of a file run in one process, so that what the file prepares
    for its tests is made once, and tests that go on from each other do.
    """
    for item in items:
        if SLOW & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    slow = {item.path for item in items if "slow" in item.keywords}

    def place(item: pytest.Item) -> tuple[bool, bool, int, bool]:
        name = item.path.name
        order = LONGEST.index(name) if name in LONGEST else len(LONGEST)
        of_template = item.path.parent.name == "template"
        return item.path in slow, of_template, order, "slow" in item.keywords

    items.sort(key=place)
