"""A package → answers over HTTP, each of them recorded: `modelkeep serve`."""
