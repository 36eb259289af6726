"""The rules, in groups; importing them registers them."""

from modelkeep.check.rules import code, environment, files, parameters, stages, versioning

__all__ = ["code", "environment", "files", "parameters", "stages", "versioning"]
