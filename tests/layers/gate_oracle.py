"""Closed forms of hard concrete gates in NumPy, as the paper prints them."""

import numpy as np
from scipy.special import expit

LOW, HIGH = -0.1, 1.1
KAPPA = 2 / 3 * np.log(11)
LOG_100 = np.log(100)


def prob_nonzero(logits):
    """P(z != 0)."""
    return expit(np.float64(logits) + KAPPA)


def gate_slope(logits):
    """Derivative of the gate used in inference; 0 where it is clipped."""
    s = expit(np.float64(logits))
    inside = np.abs(np.asarray(logits)) < np.log(11)
    return np.where(inside, (HIGH - LOW) * s * (1 - s), 0)


def deterministic_gate(logits):
    """Gate used in inference."""
    return np.clip(expit(np.float64(logits)) * (HIGH - LOW) + LOW, 0, 1)
