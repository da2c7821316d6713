"""Reads a command line."""

import difflib
import re
from collections.abc import Sequence

from absl import flags

from keras_l0.cli import usage
from keras_l0.cli.command import Command
from keras_l0.cli.command import Request
from keras_l0.cli.command import UsageError
from keras_l0.cli.commands import COMMANDS
from keras_l0.version import __version__

_HELP = ("--help", "-h", "-help")


def parse(argv: Sequence[str]) -> str | tuple[Command, Request]:
    """What a command line asks for.

    Args:
        argv: The words behind `keras-l0`.

    Returns:
        asked: A text that answers it (`--help`, `--version`), or a command
            and what it was given.

    Raises:
        UsageError: if it asks for nothing that there is.
    """
    if not argv:
        raise UsageError(f"No command. Expected one of: {', '.join(COMMANDS)}.")
    first, *rest = argv
    if first in _HELP:
        return usage.overview(COMMANDS.values())
    if first == "--version":
        return f"keras-l0 {__version__}"
    if first == "help":
        first, rest = (rest or ["--help"])[0], ["--help"]
        if first == "--help":
            return usage.overview(COMMANDS.values())
    command = _command(first)
    flag_values = new_flags(command)
    if _asks_for_help(rest):
        return usage.command_help(command, flag_values)
    try:
        _, *words = flag_values(["keras-l0", *rest])
    except flags.UnrecognizedFlagError as error:
        raise UsageError(_unknown_flag(command, flag_values, error)) from error
    except flags.Error as error:
        raise UsageError(_bad_value(str(error))) from error
    request = Request(
        _arguments(command, words), flag_values.flag_values_dict()
    )
    command.check(request)
    return command, request


def new_flags(command: Command) -> flags.FlagValues:
    """The flags of a command, unparsed, apart from those of the process."""
    flag_values = flags.FlagValues()
    command.define_flags(flag_values)
    flags.DEFINE_boolean(
        "json",
        False,
        "Print one JSON document instead of text.",
        flag_values=flag_values,
    )
    flags.DEFINE_boolean(
        "traceback",
        False,
        "Show TensorFlow's messages, and where an error comes from.",
        flag_values=flag_values,
    )
    return flag_values


def _command(name):
    if name in COMMANDS:
        return COMMANDS[name]
    what = "flag before the command" if name.startswith("-") else "command"
    raise UsageError(
        f"Unknown {what}.{_did_you_mean(name, COMMANDS)} Expected one of: "
        f"{', '.join(COMMANDS)}. Received: {name}"
    )


def _asks_for_help(words):
    before = words[: words.index("--")] if "--" in words else words
    return any(word in _HELP for word in before)


def _unknown_flag(command, flag_values, error):
    given = f"--{error.flagname}"
    near = _did_you_mean(given, ["--help", *(f"--{n}" for n in flag_values)])
    return f"Unknown flag of `{command.name}`.{near} Received: {given}"


def _bad_value(text):
    """What absl says of a value, in the words of the other messages."""
    found = re.match(r"flag --(\w+)=(.*?): (.*)$", text, re.DOTALL)
    if not found:
        return f"{text.rstrip('.')}."
    name, value, reason = found.groups()
    choices = re.search(r"should be one of <(.*)>", reason)
    kind = re.search(r"is not (an? .*)", reason)
    if choices:
        expected = f"one of: {choices.group(1).replace('|', ', ')}"
    elif kind:
        expected = kind.group(1)
    elif "invalid literal" in reason:
        expected = "an integer"
    else:
        return f"`--{name}`: {reason.rstrip('.')}. Received: {value}"
    return f"`--{name}` must be {expected}. Received: {value}"


def _did_you_mean(word, known):
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean `{near[0]}`?" if near else ""


def _arguments(command, words):
    names = list(command.arguments)
    if len(words) < len(names):
        raise UsageError(
            f"`{command.name}` needs {' and '.join(names)}. "
            f"{names[len(words)]} is missing."
        )
    if len(words) > len(names):
        raise UsageError(
            f"`{command.name}` takes {' and '.join(names)} only. "
            f"Received: {' '.join(words)}"
        )
    for name, word in zip(names, words, strict=True):
        if not word:
            raise UsageError(f"{name} must not be empty.")
    return dict(zip(names, words, strict=True))
