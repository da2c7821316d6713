"""Keeps TensorFlow's messages off the terminal."""

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterator

_STDERR = 2


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Drops what the body writes to stdout and stderr, whoever writes it.

    TensorFlow's C++ writes to file descriptor 2, LiteRT does so whatever its
    log level is, and Keras prints. What a command has to say it returns.
    """
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            _descriptor_silenced(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            yield
    finally:
        logging.disable(disabled)


@contextlib.contextmanager
def _descriptor_silenced():
    sys.stderr.flush()
    try:
        kept = os.dup(_STDERR)
    except OSError:  # The shell closed it.
        yield
        return
    try:
        _to_nowhere()
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


def silence() -> None:
    """Drops what is written to file descriptor 2 from now on.

    Python's own `sys.stderr` goes on to reach the terminal.
    """
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        kept = os.dup(_STDERR)
        sys.stderr = os.fdopen(
            kept,
            "w",
            buffering=1,
            encoding=sys.stderr.encoding,
            errors=sys.stderr.errors,
        )
        _to_nowhere()


def _to_nowhere():
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)
