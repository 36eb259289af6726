"""What others read of the registry: the versions of the models, written to where they look."""
