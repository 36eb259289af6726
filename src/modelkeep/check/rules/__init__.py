"""The rules, in groups; importing them registers them."""

from modelkeep.check.rules import dependencies, environment, files, parameters, stages, versioning

__all__ = ["dependencies", "environment", "files", "parameters", "stages", "versioning"]
