"""The flags of the examples."""

import dataclasses

from absl import flags

from examples import datasets


@dataclasses.dataclass(frozen=True)
class Options:
    """What to train, and how; `define_flags` says what each option means."""

    l0: tuple[float, ...]
    epochs: int
    fine_tune_epochs: int
    gate_learning_rate: float
    dataset: str = "digits"
    batch_size: int = 64
    learning_rate: float = 1e-3
    seed: int = 0
    output_dir: str = "out"
    quick: bool = False


def define_flags(
    defaults: Options, flag_values: flags.FlagValues = flags.FLAGS
) -> None:
    """Defines a flag for each option. To be called by a program, not a module.

    Args:
        defaults: Defaults of the flags. The number of its prices is the number
            of gated layers.
        flag_values: Where they are defined. Defaults to absl's own.
    """

    def define(kind, name, *arguments):
        default = getattr(defaults, name)
        kind(name, default, *arguments, flag_values=flag_values)

    define(flags.DEFINE_enum, "dataset", datasets.NAMES, "What to train on.")
    define(flags.DEFINE_integer, "epochs", "Epochs with random gates.", 1)
    define(
        flags.DEFINE_integer,
        "fine_tune_epochs",
        "Further epochs, with the gates frozen.",
        0,
    )
    define(flags.DEFINE_integer, "batch_size", "Images per step.", 1)
    define(
        flags.DEFINE_float,
        "learning_rate",
        "Adam's, for the weights; it falls to 0 along a cosine.",
        0,
    )
    define(
        flags.DEFINE_float, "gate_learning_rate", "Adam's, for the gates.", 0
    )
    flags.DEFINE_list(
        "l0",
        [str(price) for price in defaults.l0],
        "The papers' lambda, i.e. the price of a weight times the number of "
        "training images: one for each gated layer, or one for all of them.",
        flag_values=flag_values,
    )
    define(flags.DEFINE_integer, "seed", "Seed of everything random.")
    define(flags.DEFINE_string, "output_dir", "Folder for what is written.")
    define(
        flags.DEFINE_boolean,
        "quick",
        "A few images and epochs only, to see whether everything works.",
    )
    count = len(defaults.l0)
    flags.register_validator(
        "l0",
        lambda texts: _prices(texts, count) is not None,
        f"must be one number, or {count} of them, none of them negative",
        flag_values,
    )


def parsed_options(
    defaults: Options, flag_values: flags.FlagValues = flags.FLAGS
) -> Options:
    """The options that the parsed flags name.

    Args:
        defaults: As in `define_flags`.
        flag_values: As in `define_flags`.
    """
    values = {
        field.name: flag_values[field.name].value
        for field in dataclasses.fields(Options)
    }
    values["l0"] = _prices(values["l0"], len(defaults.l0))
    return Options(**values)


def _prices(texts, count):
    """`count` numbers; None if the texts are not such numbers."""
    try:
        prices = tuple(float(text) for text in texts)
    except ValueError:
        return None
    if len(prices) not in (1, count) or not all(
        0 <= price < float("inf") for price in prices
    ):
        return None
    return prices * (count // len(prices))
