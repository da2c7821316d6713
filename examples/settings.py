"""Settings that are flags: a dataclass, and a flag for each of its fields."""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from absl import app
from absl import flags

S = TypeVar("S", bound="Settings")

_KINDS = {
    bool: flags.DEFINE_boolean,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def flag(
    default: object,
    text: str,
    choices: Sequence[str] = (),
    least: float | None = None,
    most: float | None = None,
) -> object:
    """A field of `Settings`.

    Args:
        default: Boolean, integer, float or string; the flag takes the same.
        text: What `--help` says.
        choices: The strings that it may be; empty, the default, allows all.
        least: The smallest number that it may be. None, the default, allows
            all.
        most: The largest number that it may be, likewise.
    """
    limits = {"enum_values": choices} if choices else {}
    if least is not None:
        limits["lower_bound"] = least
    if most is not None:
        limits["upper_bound"] = most
    metadata = {"help": text, "limits": limits}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the examples have in common; each one adds flags of its own."""

    epochs: int = flag(20, "Epochs of the dense network.", least=1)
    gate_epochs: int = flag(20, "Epochs of the gated network.", least=2)
    batch_size: int = flag(64, "Examples per step.", least=1)
    learning_rate: float = flag(
        2e-3, "Adam's; it falls to 0 along a cosine.", least=0
    )
    seed: int = flag(0, "Seed of everything random.")
    output_dir: str = flag("out", "Folder for what is written.")


def define_flags(
    defaults: Settings, flag_values: flags.FlagValues = flags.FLAGS
) -> None:
    """Defines a flag for each field. To be called by a program, not a module.

    Args:
        defaults: Defaults of the flags.
        flag_values: Where they are defined. Defaults to absl's own.
    """
    for field in dataclasses.fields(defaults):
        default = getattr(defaults, field.name)
        limits = field.metadata["limits"]
        enum = "enum_values" in limits
        define = flags.DEFINE_enum if enum else _KINDS[type(default)]
        define(
            field.name,
            default,
            help=field.metadata["help"],
            flag_values=flag_values,
            **limits,
        )


def parsed(
    defaults: S,
    argv: Sequence[str],
    flag_values: flags.FlagValues = flags.FLAGS,
) -> S:
    """The settings that the parsed flags name.

    Args:
        defaults: As in `define_flags`.
        argv: What is left of the command line: the program, and nothing else.
        flag_values: As in `define_flags`.
    """
    if argv[1:]:
        raise app.UsageError(f"Only flags are taken. Received: {argv[1:]}")
    names = [field.name for field in dataclasses.fields(defaults)]
    values = {name: flag_values[name].value for name in names}
    return dataclasses.replace(defaults, **values)
