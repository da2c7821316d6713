"""Answers the command line before TensorFlow is imported, where it can.

Python imports `keras_l0` before any module of it, and `keras_l0` imports
TensorFlow, which takes seconds and writes to the terminal. So `keras_l0`
imports this module first. In any process but that of the command line it does
nothing.
"""

import os
import sys
from collections.abc import Sequence

from keras_l0.cli import main
from keras_l0.cli import parsing
from keras_l0.cli import quiet
from keras_l0.cli.command import UsageError


def words_of(
    argv: Sequence[str], original: Sequence[str]
) -> Sequence[str] | None:
    """The words behind `keras-l0`, or None in any other process.

    Args:
        argv: `sys.argv` while packages are imported.
        original: `sys.orig_argv`.
    """
    program = os.path.basename(argv[0]) if argv else ""
    if os.path.splitext(program)[0] == "keras-l0":
        return argv[1:]
    if program != "-m":
        return None
    end = len(original) - len(argv[1:])
    started = original[:end]
    return argv[1:] if started[-1:] in (["keras_l0"], ["-mkeras_l0"]) else None


def answer(words: Sequence[str]) -> None:
    """Ends the process if no model is needed, or silences TensorFlow.

    Raises:
        SystemExit: if `words` ask for help or are no command line.
    """
    try:
        asked = parsing.parse(words)
    except UsageError:
        asked = None
    if asked is None or isinstance(asked, str):
        sys.exit(main.main(words))
    _, request = asked
    if not request.options["traceback"]:
        quiet.silence()


_WORDS = words_of(getattr(sys, "argv", ()), sys.orig_argv)
if _WORDS is not None:
    answer(_WORDS)
