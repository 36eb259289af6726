"""What is done with packaged models: the library behind the command `modelkeep`."""

__version__ = "0.1.0"
