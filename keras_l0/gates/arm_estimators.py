"""Estimators of a loss's gradient by the log-odds of binary gates.

Each takes the gates' distribution, the uniform numbers v of the draw, the
loss under `quantile(v)` and the loss under `quantile(1 - v)`. The papers' u
is 1 - v.
"""

import tensorflow as tf

from keras_l0.distributions import BernoulliGate


def arm(
    gate: BernoulliGate,
    uniforms: tf.Tensor,
    loss: tf.Tensor,
    antithetic_loss: tf.Tensor,
) -> tf.Tensor:
    """Augment, REINFORCE, merge: `(f' - f) (u - 1/2)`."""
    return (antithetic_loss - loss) * (0.5 - uniforms)


def ar(
    gate: BernoulliGate,
    uniforms: tf.Tensor,
    loss: tf.Tensor,
    antithetic_loss: tf.Tensor | None,
) -> tf.Tensor:
    """ARM without the second pass: `f (1 - 2 u)`."""
    return loss * (2 * uniforms - 1)


def disarm(
    gate: BernoulliGate,
    uniforms: tf.Tensor,
    loss: tf.Tensor,
    antithetic_loss: tf.Tensor,
) -> tf.Tensor:
    """ARM's mean given both gates: `(f - f') / 2 (z - z') max(p, 1 - p)`."""
    difference = gate.quantile(uniforms) - gate.quantile(1 - uniforms)
    prob = gate.prob_nonzero()
    likelier = tf.maximum(prob, 1 - prob)
    return 0.5 * (loss - antithetic_loss) * difference * likelier


ESTIMATORS = {"disarm": disarm, "arm": arm, "ar": ar}
