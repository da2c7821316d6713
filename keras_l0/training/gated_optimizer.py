"""One optimizer for the weights and one for the gates."""

import keras

from keras_l0.internal import config_parts
from keras_l0.internal import keras_internals
from keras_l0.internal import validation
from keras_l0.internal.api_export import keras_l0_export

# Adam moves a logit by about this much per step, whatever the scale of the
# penalty; docs/decisions.md has the measurement behind it.
_GATE_LEARNING_RATE = 0.01


@keras_l0_export
class GatedOptimizer(keras_internals.AveragedMultiOptimizer):
    """Trains the gates with an optimizer of their own.

    To Keras' callbacks it is the weights' optimizer: `learning_rate` is that
    of the weights, and the gates keep theirs.

    Args:
        optimizer: `keras.optimizers.Optimizer` or its name: for the weights.
        gate_optimizer: The same for the gates. None takes Adam with a
            learning rate of 0.01, averaging like `optimizer` does. A rate that
            suits weights is the best-known reason why gates never close.
        **kwargs: `name` and `loss_scale_factor` (finite, positive), as in
            `keras.optimizers.MultiOptimizer`.

    Raises:
        TypeError: if one of the two is not an optimizer.
        ValueError: if only one of the two averages (`use_ema`), or
            `loss_scale_factor` is out of its range.

    Example:

    >>> optimizer = keras_l0.training.GatedOptimizer("sgd", "adam")
    >>> round(float(optimizer.learning_rate), 4)
    0.01
    """

    def __init__(
        self,
        optimizer: str | keras.optimizers.Optimizer,
        gate_optimizer: str | keras.optimizers.Optimizer | None = None,
        **kwargs,
    ):
        weights = _optimizer("optimizer", optimizer)
        by_default = gate_optimizer is None
        if by_default:
            gate_optimizer = _default_gate_optimizer(weights)
        gates = _optimizer("gate_optimizer", gate_optimizer)
        if weights.use_ema != gates.use_ema:
            raise ValueError(
                "Weights and gates are averaged together or not at all. "
                f"Received: optimizer.use_ema={weights.use_ema}, "
                f"gate_optimizer.use_ema={gates.use_ema}"
            )
        if kwargs.get("loss_scale_factor") is not None:
            name = "loss_scale_factor"
            validation.check_positive(name, kwargs[name])
        super().__init__(
            lambda v: gates if keras_internals.is_marked(v) else weights,
            **kwargs,
        )
        self._gates_by_default = by_default
        self.weight_optimizer, self.gate_optimizer = weights, gates
        self._inner_optimizers = [weights, gates]

    @property
    def optimizers(self):
        # Keras' callbacks would set the learning rates of both.
        raise AttributeError(
            "Use `weight_optimizer` and `gate_optimizer` of a GatedOptimizer."
        )

    @property
    def learning_rate(self):
        """Learning rate of the weights."""
        return self.weight_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.weight_optimizer.learning_rate = value

    def suit_gate_rate(self, least: float) -> None:
        """Raises the gates' learning rate, unless somebody chose it.

        Args:
            least: The rate that it becomes, if it is less.
        """
        if self._gates_by_default:
            rate = max(float(self.gate_optimizer.learning_rate), least)
            self.gate_optimizer.learning_rate = rate

    def get_config(self) -> dict:
        serialize = keras.saving.serialize_keras_object
        return {
            "optimizer": serialize(self.weight_optimizer),
            "gate_optimizer": serialize(self.gate_optimizer),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> "GatedOptimizer":
        parts = {
            name: config_parts.deserialized(config, name, custom_objects)
            for name in ("optimizer", "gate_optimizer")
        }
        return cls(**{**config, **parts})


def _optimizer(name, value):
    try:
        optimizer = keras.optimizers.get(value)
    except (ValueError, TypeError):
        optimizer = None
    nested = (
        keras.optimizers.MultiOptimizer,
        keras.optimizers.LossScaleOptimizer,
    )
    if not isinstance(optimizer, keras.optimizers.Optimizer) or isinstance(
        optimizer, nested
    ):
        raise TypeError(
            f"`{name}` must be a plain `keras.optimizers.Optimizer` or the "
            f"name of one. Received: {name}={value!r} ({type(value).__name__})"
        )
    return optimizer


def _default_gate_optimizer(optimizer):
    return keras.optimizers.Adam(
        _GATE_LEARNING_RATE,
        use_ema=optimizer.use_ema,
        ema_momentum=optimizer.ema_momentum,
        ema_overwrite_frequency=optimizer.ema_overwrite_frequency,
        gradient_accumulation_steps=optimizer.gradient_accumulation_steps,
        name="gate_adam",
    )
