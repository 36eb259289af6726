"""`modelkeep check`: rules that a project keeps, each checked in its files without running it."""
