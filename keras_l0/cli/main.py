"""The entry of the command line."""

import contextlib
import json
import math
import os
import re
import sys
import traceback
from collections.abc import Sequence

from keras_l0.cli import parsing
from keras_l0.cli import quiet
from keras_l0.cli.command import TaskError
from keras_l0.cli.command import UsageError

_DONE = 0
_FAILED = 1
_MISUSED = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it.
# What the library raises on purpose.
_EXPECTED = (OSError, RuntimeError, TaskError, TypeError, ValueError)


def run() -> None:
    """What the script `keras-l0` calls: runs the process' command line."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Runs a command line.

    Args:
        argv: The words behind `keras-l0`.

    Returns:
        code: 0 if it was done, 1 if the task failed, 2 if `argv` is not a
            command line, 130 if it was interrupted.

    Example:

    >>> from keras_l0.cli.main import main
    >>> main(["--version"])
    keras-l0 ...
    0
    """
    try:
        asked = parsing.parse(argv)
    except UsageError as error:
        _complain(f"{error}\nSee `{_help_of(argv)}`.")
        return _MISUSED
    if isinstance(asked, str):
        return _say(asked)
    command, request = asked
    try:
        return _say(_answer(command, request))
    except KeyboardInterrupt:
        _complain("Interrupted.")
        return _INTERRUPTED
    except Exception as error:
        if request.options["traceback"]:
            traceback.print_exc()
        _complain(_message(error, request))
        return _FAILED


def _help_of(argv):
    """The command that would have helped."""
    known = argv and argv[0] in parsing.COMMANDS
    return f"keras-l0 {argv[0]} --help" if known else "keras-l0 --help"


def _answer(command, request):
    """Runs a command; what it has to say, as text or as JSON."""
    loud = request.options["traceback"]
    with contextlib.nullcontext() if loud else quiet.quietly():
        answer = command.run(request)
    if request.options["json"]:
        document = _without_nan(answer.document)
        return json.dumps(document, indent=2, allow_nan=False)
    return answer.text


def _without_nan(value):
    """`value`; null, which JSON has, for NaN and infinities."""
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _message(error, request):
    if not isinstance(error, _EXPECTED):
        return (
            f"Unexpected {type(error).__name__}: {error}. "
            "`--traceback` shows where it comes from."
        )
    return _in_words_of_the_shell(str(error).strip(), request)


def _in_words_of_the_shell(message, request):
    """Writes names of Python arguments as what they are here."""

    def spelled(found):
        name = found.group(1)
        return f"`--{name}`" if name in request.options else found.group(0)

    if "OUT" in request.arguments:
        message = re.sub(r"`filepath`|\bfilepath\b(?==)", "OUT", message)
    return re.sub(r"`(\w+)`", spelled, message)


def _say(text):
    """Prints to stdout, which may be a pipe that nobody reads to its end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # The interpreter flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _DONE


def _complain(message):
    print(f"keras-l0: error: {message}", file=sys.stderr)
