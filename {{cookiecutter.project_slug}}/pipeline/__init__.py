"""The line: raw data → prepare → train → evaluate → package."""
