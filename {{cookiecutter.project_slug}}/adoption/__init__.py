"""A person's own table → the data, schema and knobs of the line: `python -m pipeline adopt`."""
