"""Which gates to open so that a network fits into a budget."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import logging

from keras_l0.budget.budget import Budget
from keras_l0.budget.budget import UnreachableBudgetError
from keras_l0.budget.cost_model import CostModel
from keras_l0.surgery.reserve import Limits

# Gates to try one by one where the next one in order does not fit.
_TRIES = 50
_DIGITS = 3


def check_reachable(budget: Budget, cost_model: CostModel) -> dict[str, float]:
    """The budget's limits as fractions of the dense network.

    Args:
        budget: The budget.
        cost_model: The cost of the network.

    Returns:
        fractions: Name of each limit -> fraction; at least what is possible if
            the budget takes the closest.

    Raises:
        UnreachableBudgetError: if a limit is less than what is left with as
            few gates open as the budget allows, unless it takes the closest.
        ValueError: if a limit is above the dense network's.
    """
    fractions = budget.fractions(cost_model.dense)
    logits = [np.arange(v.num_gates, 0, -1.0) for v in cost_model.vectors]
    fewest = np.concatenate(_open(logits, np.inf, budget))
    least = cost_fractions(cost_model, fewest, fractions)
    short = {k: v for k, v in fractions.items() if v < least[k]}
    if not short:
        return fractions
    words = " and ".join(
        f"{kind} of {fraction:.4g} (at least {least[kind]:.4g})"
        for kind, fraction in short.items()
    )
    message = (
        f"The budget's {words} of the dense network cannot be reached: that "
        f"is what is left with {budget.min_units} unit(s) per gate vector, "
        f"rounded up to a multiple of {budget.round_to}. Gate more layers, or "
        "lower `min_units` and `round_to`."
    )
    if budget.on_unreachable == "error":
        raise UnreachableBudgetError(message)
    logging.warning("%s The closest is taken.", message)
    return {k: max(v, least[k]) for k, v in fractions.items()}


def cost_fractions(
    cost_model: CostModel, gates: np.ndarray, kinds: object
) -> dict[str, float]:
    """Cost of a choice of gates as fractions of the dense network.

    Args:
        cost_model: The cost of the network.
        gates: Boolean `[gates]`: which are open.
        kinds: Names of the costs.
    """
    cost = cost_model(tf.constant(gates, tf.float64))
    # Widths are quotients: without rounding 480 may be a little above 480.
    return {
        kind: round(float(getattr(cost, kind)), _DIGITS)
        / getattr(cost_model.dense, kind)
        for kind in kinds
    }


def choose_gates(
    logits: list[np.ndarray],
    budget: Budget,
    fits: Callable[[np.ndarray], bool],
) -> list[np.ndarray]:
    """Opens the gates with the highest logits that fit.

    Args:
        logits: One array per gate vector.
        budget: Knows how many units to keep at least, and their multiples.
        fits: Whether a choice, boolean `[all gates]`, is within the budget.

    Returns:
        opened: One boolean array per gate vector. If nothing fits, as few as
            the budget allows.
    """
    levels = np.unique(np.concatenate(logits))[::-1]
    # The largest number of levels from the top that fit, by bisection.
    low, high = 0, levels.size

    def at(count):
        level = levels[count - 1] if count else np.inf
        return _open(logits, level, budget)

    while low < high:
        middle = (low + high + 1) // 2
        if fits(np.concatenate(at(middle))):
            low = middle
        else:
            high = middle - 1
    return _fill(logits, at(low), budget, fits)


def _open(logits, level, budget):
    """The gates from `level` upwards, as many as limits and rounding ask."""
    limits = Limits(min_units=budget.min_units, round_to=budget.round_to)
    return [
        _top(part, limits.kept(int((part >= level).sum()), part.size))
        for part in logits
    ]


def _top(logits, count):
    opened = np.zeros(logits.size, bool)
    opened[np.argsort(-logits, kind="stable")[:count]] = True
    return opened


def _fill(logits, opened, budget, fits):
    """Opens more, vector by vector, where one more block still fits."""
    opened = [part.copy() for part in opened]
    for _ in range(_TRIES):
        grown = _grown(logits, opened, budget, fits)
        if grown is None:
            break
        opened = grown
    return opened


def _grown(logits, opened, budget, fits):
    """The choice with the best block more that fits; None if there is none."""
    blocks = []
    for place, (part, flags) in enumerate(zip(logits, opened, strict=True)):
        closed = np.flatnonzero(~flags)
        if closed.size:
            order = closed[np.argsort(-part[closed], kind="stable")]
            block = order[: budget.round_to]
            blocks.append((part[block].mean(), place, block))
    for _, place, block in sorted(blocks, key=lambda b: -b[0]):
        candidate = [part.copy() for part in opened]
        candidate[place][block] = True
        if fits(np.concatenate(candidate)):
            return candidate
    return None
