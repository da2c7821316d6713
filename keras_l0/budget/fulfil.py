"""Sets the gates of a model so that the stripped network is in its budget."""

import keras
import numpy as np
from absl import logging

from keras_l0 import cost
from keras_l0.budget.choice import choose_gates
from keras_l0.budget.choice import cost_fractions
from keras_l0.budget.control import BudgetControl
from keras_l0.layers.setting import set_open
from keras_l0.surgery import strip_gates

# What stripping does beyond counting channels depends on the choice: so often
# it is taken as it was at the last choice, then as the most it has been.
_ROUNDS, _MOST = 4, 20


def fulfil(model: keras.Model, control: BudgetControl) -> dict[str, float]:
    """Opens the gates with the highest logits that fit, closes the others.

    Args:
        model: The gated model; its logits are changed where a gate changes
            its state.
        control: Its budget.

    Returns:
        reached: Name of each limit -> the stripped network's fraction.
    """
    cost_model, fractions = control.cost_model, control.fractions
    logits = [v.effective_logits().numpy() for v in cost_model.vectors]
    extra, found, reached = dict.fromkeys(fractions, 0.0), [], {}

    def fits(gates):
        counted = cost_fractions(cost_model, gates, fractions)
        return _within({k: counted[k] + extra[k] for k in counted}, fractions)

    for turn in range(_MOST):
        opened = choose_gates(logits, control.budget, fits)
        _set_open(cost_model.vectors, logits, opened)
        reached = _stripped_fractions(model, cost_model, fractions)
        if _within(reached, fractions):
            found.append((sum(reached.values()), opened, reached))
        counted = cost_fractions(cost_model, np.concatenate(opened), fractions)
        off = {kind: reached[kind] - counted[kind] for kind in fractions}
        if off == extra or (found and turn >= _ROUNDS):
            break
        late = turn >= _ROUNDS
        extra = {k: max(v, extra[k]) if late else v for k, v in off.items()}
    if found:
        _, opened, reached = max(found, key=lambda choice: choice[0])
        _set_open(cost_model.vectors, logits, opened)
    words = ", ".join(
        f"{kind} {reached[kind]:.4f} (budget {limit:.4f})"
        for kind, limit in fractions.items()
    )
    say = logging.info if found else logging.warning
    say("Gates of '%s' are chosen: %s.", model.name, words)
    return reached


def _within(costs, limits):
    return all(costs[kind] <= limit for kind, limit in limits.items())


def _set_open(vectors, logits, opened):
    """Sets the gates, from the same logits at every choice."""
    for vector, values, part in zip(vectors, logits, opened, strict=True):
        vector.logits.assign(values)
        set_open(vector, part)


def _stripped_fractions(model, cost_model, kinds):
    stripped = cost.count(strip_gates(model))
    return {
        kind: getattr(stripped, kind) / getattr(cost_model.dense, kind)
        for kind in kinds
    }
