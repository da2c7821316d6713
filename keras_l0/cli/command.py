"""What a command of `keras-l0` is, and how it fails.

Modules named after commands import nothing that is slow before `run`: help and
slips of the pen are to be answered at once.
"""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from absl import flags


class UsageError(Exception):
    """The command line is not one; exit code 2."""


class TaskError(Exception):
    """The command line is right, but the task failed; exit code 1."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command found.

    Attributes:
        text: String, for a reader.
        document: The same for a program: what JSON can say.
    """

    text: str
    document: dict


@dataclasses.dataclass(frozen=True)
class Request:
    """A command line that was understood.

    Attributes:
        arguments: Name, as in the usage line -> what was given.
        options: Name of each flag -> its value.
    """

    arguments: Mapping[str, str]
    options: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: String.
        summary: String, one line.
        description: String, the rest of what `--help` says.
        arguments: Name -> what it stands for, in their order.
        define_flags: Defines the flags of this command.
        check: Raises a `UsageError` if arguments and flags do not go together.
        run: Does the work.
        metavars: Name of a flag -> what stands for its value in the help.
    """

    name: str
    summary: str
    description: str
    arguments: Mapping[str, str]
    define_flags: Callable[[flags.FlagValues], None]
    run: Callable[[Request], Answer]
    check: Callable[[Request], None] = lambda request: None
    metavars: Mapping[str, str] = dataclasses.field(default_factory=dict)
