"""A package and the records of its server → how current traffic differs from the reference."""
