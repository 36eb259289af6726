"""A person's own table → the data, schema and params of the project: `modelkeep adopt`."""
