"""Refuses what only the training step of an `L0Model` does rightly."""

import tensorflow as tf

from keras_l0.gates import Gate


def check_plain_model(gate: Gate, name: str) -> None:
    """Raises a `RuntimeError` if a plain Keras model cannot train gates.

    Args:
        gate: Their family.
        name: Name of the gate vector, for the message.
    """
    kind = type(gate).__name__
    if gate.needs_model:
        reason = f"{kind} gates cannot be trained by a plain Keras model."
    elif gate.scheduled:
        reason = (
            f"The schedules of {kind} gates need a training step that follows "
            "them."
        )
    else:
        return
    raise RuntimeError(
        f"{reason} Make it a `keras_l0.L0Model`, e.g. "
        f"`L0Model.from_model(model)`. Received: gate vector '{name}'"
    )


def only_in_train_step(
    gates: tf.Tensor, logits: tf.Variable | tf.Tensor, name: str
) -> tf.Tensor:
    """`gates`, whose gradient cannot be taken.

    A tape around one pass would find the penalty's gradient alone, without a
    word, and every gate would close.

    Args:
        gates: Gates that were drawn.
        logits: Their logits.
        name: Name of the gate vector, for the message.
    """

    @tf.custom_gradient
    def identity(gates, logits):
        def refuse(upstream):
            raise RuntimeError(
                "The gradient of ARM gates is estimated from two passes, which "
                "a `tf.GradientTape` around one does not see: train with "
                "`fit`, or call `model.train_step((x, y))` in the loop, or "
                "`model.freeze_gates()` to train the weights alone. "
                f"Received: gate vector '{name}'"
            )

        return tf.identity(gates), refuse

    return identity(gates, tf.convert_to_tensor(logits))
