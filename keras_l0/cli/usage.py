"""Writes the help texts."""

import re
import textwrap
from collections.abc import Iterable

from absl import flags

from keras_l0.cli.command import Command

_WIDTH = 79
# What absl adds to the help of a flag.
_ABSL = r"^<[^>]*>: |; repeat this option to specify a list of values$"
_COLUMN = 26
_OVERVIEW = """\
usage: keras-l0 COMMAND ...

Looks into Keras models with L0 gates, makes them small and exports them.
"""
_MORE = """\
MODEL is a `.keras` or `.h5` file or, where a command takes it, the folder of
a SavedModel. Code in a model file is never run: a model with a Python lambda
is refused.

`keras-l0 COMMAND --help` tells the flags of a command; each prints JSON with
`--json`. Exit codes: 0 done, 1 the task failed, 2 not a command line."""


def overview(commands: Iterable[Command]) -> str:
    """What `keras-l0 --help` prints."""
    rows = [(command.name, command.summary) for command in commands]
    return "\n".join([_OVERVIEW, "commands:", *_listed(rows, 11), "", _MORE])


def usage_line(command: Command) -> str:
    """How to call a command, in one line."""
    words = " ".join(command.arguments)
    return f"usage: keras-l0 {command.name} {words} [flags]"


def command_help(command: Command, flag_values: flags.FlagValues) -> str:
    """What `keras-l0 COMMAND --help` prints."""
    names = sorted(flag_values, key=lambda name: name in ("json", "traceback"))
    rows = [_flag(flag_values[name], command.metavars) for name in names]
    return "\n".join(
        [
            usage_line(command),
            "",
            command.summary,
            "",
            *_paragraphs(command.description),
            "arguments:",
            *_listed(command.arguments.items(), _COLUMN),
            "",
            "flags:",
            *_listed(rows, _COLUMN),
        ]
    )


def _paragraphs(text):
    """Filled lines; indented ones stay as they are."""
    lines = []
    for paragraph in textwrap.dedent(text).strip().split("\n\n"):
        literal = paragraph.startswith(" ")
        lines.append(paragraph if literal else textwrap.fill(paragraph, _WIDTH))
        lines.append("")
    return lines


def _flag(flag, metavars):
    """How a flag is written, and what it does."""
    left, default = f"--{flag.name}", flag.default
    if flag.boolean:
        left = f"--no{flag.name}" if default else left
    else:
        left += f"={metavars.get(flag.name) or _metavar(flag)}"
    text = re.sub(_ABSL, "", " ".join(flag.help.split()))
    if default is not None and not flag.boolean:
        text += f" Default: {default}."
    return left, text


def _metavar(flag):
    values = getattr(flag.parser, "enum_values", None)
    return "|".join(values) if values else "N"


def _listed(rows, column):
    """Terms in a column, what they mean beside them."""
    lines = []
    for term, text in rows:
        start = f"  {term}"
        wrapped = textwrap.wrap(text, _WIDTH - column)
        if len(start) + 2 > column:
            lines.append(start)
            start = ""
        for line in wrapped:
            lines.append(f"{start.ljust(column)}{line}")
            start = ""
    return lines
