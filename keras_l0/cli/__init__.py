"""The command line, `keras-l0`."""
