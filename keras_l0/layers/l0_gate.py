"""The wrapper that puts gates on a layer."""

import inspect

import keras
import tensorflow as tf
from keras import ops

from keras_l0 import gates
from keras_l0.gates import schedules
from keras_l0.internal import config_parts
from keras_l0.internal import keras_internals
from keras_l0.internal import validation
from keras_l0.internal.api_export import keras_l0_export
from keras_l0.layers import arguments
from keras_l0.layers import step_context
from keras_l0.layers.gate_vector import GateVector
from keras_l0.layers.targets import TARGETS


@keras_l0_export
class L0Gate(keras.layers.Wrapper):
    """Multiplies the units of a layer by gates, and charges for open gates.

    While training the gates are drawn from the gate family's distribution and
    their expected number of weights is added to the loss, so that `fit` closes
    the gates that are not worth their cost. In inference the gates are
    deterministic; `keras_l0.strip_gates` removes what they closed.

    A gate belongs behind batch normalization and activation: in front of
    `BatchNormalization` it is cancelled by it.

    Args:
        layer: The `keras.layers.Layer` to gate.
        gate: Name of a gate family or a `keras_l0.gates.Gate`. Defaults to
            `"hard_concrete"`.
        l0: Non-negative float, `LearningRateSchedule` (in an
            `keras_l0.L0Model`) or None: price of one weight. The loss grows by
            `l0 * sum_g |g| * P(z_g != 0)`, where `|g|` is the number of the
            layer's weights that gate g stands for (1 for a layer without
            weights). The papers' lambda is `l0` times the number of training
            examples. None charges nothing. Defaults to None.
        on: `"outputs"` gates the units of the layer's output, `"inputs"` its
            input features, `"weights"` every single weight other than biases,
            `"heads"` the heads of a MultiHeadAttention or GroupQueryAttention
            layer. In SimpleRNN, GRU and LSTM, alone or Bidirectional, a gate
            on an output also multiplies each use that the layer makes of it
            at the next step, and the states that it returns.
        axis: Integer, the gated axis of the output or input. Defaults to -1.
        gate_vector: `keras_l0.GateVector` or None: gates to share with other
            wrappers, instead of `gate`.
        l2: Non-negative float or None. The loss grows by
            `l2 / 2 * sum_g P(z_g != 0) * ||w_g||^2`, the expected squared norm
            of the group's weights. Defaults to None.
        l2_detached: Boolean. Whether the `l2` term trains the weights only and
            not the gates. Defaults to `False`, as in the L0-HC paper.
        noise_shape: None, or a tuple as in `keras.layers.Dropout`. None draws
            one gate vector for the whole batch; `None` as its first entry,
            e.g. `(None, 1, 1, 64)`, draws one per example.
        **kwargs: `name`, `dtype`, ..., as in `keras.layers.Layer`; `dtype` is
            that of `layer` by default.

    Call arguments:
        inputs: Whatever `layer` takes; a single tensor for `on="inputs"`, the
            query for `on="heads"`, with `value=` and `key=` by name.
        mask: Passed on to `layer`.
        training: Boolean.

    Raises:
        TypeError: if `layer` is not a layer or a number is not a number.
        ValueError: if an argument is out of its range, or the layer has no
            such axis.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(300), l0=1e-6)
    >>> gated(np.ones((2, 784), "float32")).shape
    TensorShape([2, 300])
    >>> gated.gate_vector.num_gates
    300

    Reference:
        [Louizos et al., 2018](https://arxiv.org/abs/1712.01312), eq. 6-8.
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        gate: str | gates.Gate | None = None,
        l0: float | schedules.Schedule | None = None,
        on: str = "outputs",
        axis: int = -1,
        gate_vector: GateVector | None = None,
        l2: float | None = None,
        l2_detached: bool = False,
        noise_shape: tuple | None = None,
        **kwargs,
    ):
        validation.check_layer("layer", layer)
        super().__init__(layer, **arguments.same_dtype(layer, kwargs))
        self.gate_vector = arguments.gate_vector(gate, gate_vector)
        self.l0 = self.l2 = None
        self.on = validation.check_choice("on", on, tuple(TARGETS))
        self.axis = validation.check_integer("axis", axis)
        self.l2_detached = validation.check_boolean("l2_detached", l2_detached)
        self.noise_shape = arguments.noise_shape(noise_shape)
        self._initial_l0 = arguments.factor("l0", l0)
        self._initial_l2 = arguments.factor("l2", l2)
        self.target = TARGETS[on](layer, axis, self.gate_vector.gate)
        self.supports_masking = layer.supports_masking

    def __call__(self, *args, **kwargs):
        """Runs the layer under its gates; builds both at the first call."""
        self.target.prepare(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def build(self, input_shape=None):
        """Builds the layer, then one gate for each of its units."""
        super().build(input_shape)
        num_gates = self.target.build(input_shape)
        if self.noise_shape is not None:
            self.target.check_noise_shape(self.noise_shape)
        self.gate_vector.build((num_gates,), self.target.features())
        if self.gate_vector.num_gates != num_gates:
            raise ValueError(
                f"`gate_vector` '{self.gate_vector.name}' has "
                f"{self.gate_vector.num_gates} gates, but L0Gate "
                f"'{self.name}' gates {num_gates} units."
            )
        self.l0 = self._add_factor("l0", self._initial_l0)
        self.l2 = self._add_factor("l2", self._initial_l2)
        if self.l2 is not None:
            self.target.squared_norms()  # refuses now, not in the first step

    def _add_factor(self, name, value):
        """A variable, so that a callback's change reaches the traced step."""
        if value is None:
            return None
        return self.add_weight(
            name=name,
            shape=(),
            dtype="float32",
            autocast=False,
            trainable=False,
            initializer=keras.initializers.Constant(schedules.initial(value)),
        )

    def call(
        self, inputs, mask=None, training=None, value=None, key=None, **kwargs
    ):
        """Runs the layer under its gates."""
        # By name: Keras takes no tensors and numbers together in `kwargs`.
        tensors = {"value": value, "key": key}
        kwargs |= {k: v for k, v in tensors.items() if v is not None}
        given = {"mask": mask, "training": training}
        for name in inspect.signature(self.layer.call).parameters:
            if given.get(name) is not None:
                kwargs[name] = given[name]
        keras_internals.once_per_call(("penalty", id(self)), self._add_penalty)
        gates = self._gates(inputs, training)
        outputs, losses = self.target.call(inputs, gates, kwargs)
        for loss in losses:
            self.add_loss(loss)
        return outputs

    @property
    def gates_train(self) -> bool:
        """Whether training draws the gates and charges for them."""
        return self.trainable and self.gate_vector.trainable

    @property
    def draws_per_example(self) -> bool:
        """Whether every example has a draw of its own."""
        return bool(self.noise_shape) and self.noise_shape[0] is None

    def _gates(self, inputs, training):
        if not (training and self.gates_train):
            return self.gate_vector.deterministic_gate()
        self._check_loss_scale()
        if not self.draws_per_example:
            return self.gate_vector.draw()
        return self.gate_vector.draw(
            ops.shape(keras.tree.flatten(inputs)[0])[0]
        )

    def _check_loss_scale(self):
        gate = self.gate_vector.gate
        if gate.scales_with_loss or self.compute_dtype != "float16":
            return
        if step_context.current() is None:
            raise RuntimeError(
                f"The gradient of {type(gate).__name__} gates does not grow "
                "with the loss, which the loss scaling of float16 relies on. "
                "Make the model a `keras_l0.L0Model`, which knows the scale, "
                f"or use bfloat16. Received: L0Gate '{self.name}'"
            )

    def _add_penalty(self):
        context = step_context.current()
        if context is not None and context.charges:
            return
        if self.l0_schedule is not None and context is None:
            raise RuntimeError(
                f"The schedule of `l0` of L0Gate '{self.name}' needs a "
                "training step that follows it. Make the model a "
                "`keras_l0.L0Model`, e.g. `L0Model.from_model(model)`."
            )
        penalty = self.penalty()
        if penalty is not None:
            self.add_loss(penalty)

    def penalty(self) -> tf.Tensor | None:
        """What the gates of the layer cost, a float32 scalar.

        Returns:
            penalty: The `l0` and the `l2` term; None if there is neither, or
                if the gates are frozen.
        """
        if not self.gates_train or (self.l0 is None and self.l2 is None):
            return None
        penalty, open_gates = 0.0, self.gate_vector.expected_l0()
        if self.l0 is not None:
            penalty += self.l0 * self.expected_weights(open_gates)
        if self.l2 is not None:
            if self.l2_detached:
                open_gates = ops.stop_gradient(open_gates)
            norms = self.target.squared_norms()
            penalty += 0.5 * self.l2 * ops.sum(open_gates * norms)
        return penalty

    def expected_weights(self, open_gates: tf.Tensor) -> tf.Tensor:
        """Expected number of the layer's weights, a float32 scalar."""
        positions, inputs = self.target.kernel_size()
        previous = self.gate_vector.previous_open()
        group = gates.WeightGroup(
            self.target.group_size(),
            positions,
            inputs,
            inputs if previous is None else previous,
        )
        return self.gate_vector.gate.expected_weights(open_gates, group)

    def set_step(self, step: tf.Tensor) -> None:
        """Moves the schedule of `l0` to training step `step`."""
        if self.l0_schedule is not None:
            self.l0.assign(self.l0_schedule(step))

    def scheduled_values(self) -> dict[str, float]:
        """Present values of the schedules of the layer and of its gates."""
        own = {} if self.l0_schedule is None else {"l0": float(self.l0.numpy())}
        return own | self.gate_vector.scheduled_values()

    @property
    def l0_schedule(self) -> schedules.Schedule | None:
        """The schedule that `l0` follows, if it is one."""
        given = self._initial_l0
        return given if isinstance(given, schedules.Schedule) else None

    def compute_output_shape(self, input_shape):
        """The wrapped layer's own."""
        return self.target.output_shape(input_shape)

    def compute_mask(self, inputs, previous_mask=None):
        """The wrapped layer's own."""
        return self.layer.compute_mask(inputs, previous_mask)

    def get_config(self) -> dict:
        vector = keras.saving.serialize_keras_object(self.gate_vector)
        # Keras marks shared objects too late for a nested config to see it.
        vector["shared_object_id"] = id(self.gate_vector)
        return {
            **super().get_config(),
            **schedules.serialized({"l0": self._initial_l0}),
            "on": self.on,
            "axis": self.axis,
            "gate_vector": vector,
            "l2": self._initial_l2,
            "l2_detached": self.l2_detached,
            "noise_shape": self.noise_shape,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> "L0Gate":
        price = schedules.deserialized({"l0": config.get("l0")})
        parts = {
            name: config_parts.deserialized(config, name, custom_objects)
            for name in ("layer", "gate_vector")
        }
        return cls(**{**config, **price, **parts})
