"""A package → answers over HTTP, each of them recorded: `python -m serving`."""
