"""Closed forms of hard concrete gates in NumPy, as the paper prints them."""

import numpy as np

LOW, HIGH = -0.1, 1.1
KAPPA = 2 / 3 * np.log(11)
LOG_100 = np.log(100)


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, "float64")))


def prob_nonzero(logits):
    """P(z != 0)."""
    return sigmoid(np.asarray(logits, "float64") + KAPPA)


def deterministic_gate(logits):
    """Gate used in inference."""
    return np.clip(sigmoid(logits) * (HIGH - LOW) + LOW, 0, 1)
