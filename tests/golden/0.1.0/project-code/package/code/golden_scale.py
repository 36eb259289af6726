"""A number."""

SCALE = 2.0
