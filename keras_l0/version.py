"""Version of the package; the only place where the number is written."""

__version__ = "0.1.0.dev0"
