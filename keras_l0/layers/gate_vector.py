"""The gates of one axis of one tensor: their logits and their draws."""

from collections.abc import Callable

import keras
import tensorflow as tf

from keras_l0 import gates
from keras_l0.distributions import uniforms
from keras_l0.gates import schedules
from keras_l0.internal import config_parts
from keras_l0.internal import keras_internals
from keras_l0.internal import replicas
from keras_l0.internal import validation
from keras_l0.internal.api_export import keras_l0_export
from keras_l0.layers import step_context
from keras_l0.layers.needs_train_step import check_plain_model
from keras_l0.layers.needs_train_step import only_in_train_step


@keras_l0_export
class GateVector(keras.layers.Layer):
    """A vector of gates, one logit each.

    `L0Gate` makes one for itself. Make one by hand to choose a seed, or to
    tie several layers: wrappers that are given the same `GateVector` open and
    close the same units (the channels of a residual stream), and draw once
    per forward pass between them.

    The vector follows the convention of `BatchNormalization`: while
    `trainable` is `False` it runs in inference mode, i.e. its gates are the
    deterministic ones and no penalty is paid. Set it, and compile again, to
    fine-tune weights under frozen gates.

    The logits and all gate arithmetic are float32 under every dtype policy.

    Args:
        gate: Name of a gate family or a `keras_l0.gates.Gate`. Defaults to
            `"hard_concrete"`.
        seed: Integer in [0, 2^63) or None. Seed of the draws; None takes it
            from `keras.utils.set_random_seed`.
        **kwargs: `name` and `trainable`, as in `keras.layers.Layer`.

    Raises:
        TypeError: if `seed` is no integer.
        ValueError: if the gate family is unknown, or `seed` out of range.

    Example:

    >>> stream = keras_l0.GateVector("hard_concrete")
    >>> left = keras_l0.L0Gate(keras.layers.Dense(8), gate_vector=stream)
    >>> right = keras_l0.L0Gate(keras.layers.Dense(8), gate_vector=stream)
    >>> x = keras.Input((4,))
    >>> model = keras.Model(x, left(x) + right(x))
    >>> stream.num_gates
    8
    """

    def __init__(
        self,
        gate: str | gates.Gate = "hard_concrete",
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.gate = gates.get(gate)
        self.seed = validation.check_seed("seed", seed)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._generated = self._previous = None
        self._features = None

    def build(
        self,
        input_shape: tuple[int],
        features: list[tuple[int, int]] | None = None,
    ) -> None:
        """Creates the logits.

        Args:
            input_shape: `(number of gates,)`.
            features: `(rows, features)` of each weight, where every weight
                has a gate of its own; None for gates of units.
        """
        if self.built:
            return
        self._features = features or [(input_shape[0], 1)]
        self.logits = self.add_weight(
            shape=tuple(input_shape),
            dtype="float32",
            autocast=False,
            initializer=self.gate.logits_initializer(),
            constraint=self.gate.logits_constraint(),
            name="logits",
        )
        keras_internals.mark(self.logits)
        self._scheduled = {
            name: self.add_weight(
                shape=(),
                dtype="float32",
                autocast=False,
                trainable=False,
                initializer=keras.initializers.Constant(
                    schedules.initial(schedule)
                ),
                name=name,
            )
            for name, schedule in self.gate.scheduled.items()
        }
        self.built = True

    def join(
        self,
        logits: Callable[["GateVector"], tf.Tensor],
        previous: Callable[["GateVector"], "GateVector | None"],
    ) -> None:
        """Makes a chain the source of the logits, once and for all.

        Args:
            logits: Function of this vector: its generated logits.
            previous: Function of this vector: the one before it.
        """
        if self._generated is not None:
            raise ValueError(
                f"GateVector '{self.name}' is in the chain of another model. "
                "Dependent gates belong to one `keras_l0.L0Model`: build new "
                "layers for another one."
            )
        # Functions: Keras would track, and save, a layer.
        self._generated, self._previous = logits, previous

    def set_step(self, step: tf.Tensor) -> None:
        """Moves the schedules of the gate family to training step `step`."""
        for name, schedule in self.gate.scheduled.items():
            self._scheduled[name].assign(schedule(step))

    def scheduled_values(self) -> dict[str, float]:
        """Present values of the schedules of the gate family."""
        return {k: float(v.numpy()) for k, v in self._scheduled.items()}

    @property
    def present_gate(self) -> gates.Gate:
        """The gate family, with the present values of its schedules."""
        self._check_built()
        if not self._scheduled:
            return self.gate
        return self.gate.at(
            {k: tf.convert_to_tensor(v) for k, v in self._scheduled.items()}
        )

    def effective_logits(self) -> tf.Tensor:
        """The logits, or what the chain makes of them; `[num_gates]`."""
        self._check_built()
        context = step_context.current()
        builds = context is not None and context.builds
        if not self.gate.chained or (builds and self._generated is None):
            # Keras' own `convert_to_tensor` returns the variable.
            return tf.convert_to_tensor(self.logits)
        if self._generated is None:
            raise RuntimeError(
                f"GateVector '{self.name}' has dependent gates, and no chain "
                "gives them their logits: make the model a "
                "`keras_l0.L0Model`, e.g. `L0Model.from_model(model)`."
            )
        return self._generated(self)

    def data_logits(self) -> tf.Tensor:
        """`effective_logits` as the loss sees them, `[num_gates]`.

        One tensor per pass, so that gradients of all its uses add up before
        a family that changes gradients changes their sum.
        """
        return step_context.once_per_pass(
            ("data_logits", id(self)), self._data_logits
        )

    def _data_logits(self):
        context = step_context.current()
        scale = 1.0 if context is None else context.loss_scale
        if self.gate.scales_with_loss:
            return self._logits_for_data(scale)
        # The gradient of the whole batch is what the family changes. Each
        # replica gets the same, and an optimizer adds them up.
        return replicas.joined(self._logits_for_data(scale / replicas.count()))

    def _logits_for_data(self, scale):
        logits = self.effective_logits()
        return self.gate.data_logits(logits, self._features, scale)

    @property
    def num_gates(self) -> int:
        """Number of gates."""
        self._check_built()
        return self.logits.shape[0]

    def prob_nonzero(self) -> tf.Tensor:
        """Probability that each gate is open, float32 `[num_gates]`."""
        return self.present_gate.prob_nonzero(self.effective_logits())

    def expected_l0(self) -> tf.Tensor:
        """What the penalty charges for, gate by gate; `[num_gates]`."""
        if self.gate.shares_data_logits:
            return self.present_gate.expected_l0(self.data_logits())
        return self.present_gate.expected_l0(self.effective_logits())

    def previous_open(self) -> tf.Tensor | None:
        """Expected open gates of the vector before this one in its chain."""
        if self._previous is None:
            return None
        previous = self._previous(self)
        return (
            None if previous is None else tf.reduce_sum(previous.expected_l0())
        )

    def deterministic_gate(self) -> tf.Tensor:
        """Gates used in inference, float32 `[num_gates]`; 0 is closed."""
        return self.present_gate.deterministic_gate(self.effective_logits())

    def draw(self, batch_size: int | tf.Tensor | None = None) -> tf.Tensor:
        """Draws the gates, once per forward pass however often it is asked.

        Args:
            batch_size: None draws one vector for the whole batch; a size
                draws one vector per example.

        Returns:
            gates: Float32 `[num_gates]`, or `[batch_size, num_gates]`.
        """
        context = step_context.current()
        if context is None:
            check_plain_model(self.gate, self.name)
        given = {} if context is None else context.gates
        key = (id(self), batch_size is not None)
        if key in given:
            return given[key]
        return keras_internals.once_per_call(
            ("gates", *key), lambda: self._draw(batch_size)
        )

    def _draw(self, batch_size):
        self._check_built()
        if not self.gate.stochastic:
            return self.gates_of(None)
        examples = () if batch_size is None else (batch_size,)
        numbers = uniforms.draw(
            (*examples, self.num_gates), tf.float32, self.next_seed()
        )
        gates = self.gates_of(numbers)
        if self.gate.estimates_gradient:
            gates = only_in_train_step(gates, self.logits, self.name)
        return gates

    def gates_of(self, numbers: tf.Tensor | None) -> tf.Tensor:
        """Gates of a draw, differentiable where the family's are.

        Args:
            numbers: Uniform numbers `[num_gates]` or `[batch, num_gates]`,
                or None for a family that is not stochastic.
        """
        return self.present_gate.sample(self.data_logits(), numbers)

    def next_seed(self) -> tf.Tensor:
        """A fresh seed for TFP, int32 `[2]`."""
        # TFP's stateless seeds are two int32, Keras' seed states two int64.
        return tf.cast(self.seed_generator.next(), tf.int32)

    def _check_built(self):
        if not self.built:
            raise RuntimeError(
                f"GateVector '{self.name}' has no gates yet: call the model "
                "on data, or `build` it, first."
            )

    def save_own_variables(self, store):
        """Stores the seed's state too, which Keras leaves out."""
        super().save_own_variables(store)
        store["seed_state"] = self.seed_generator.state.numpy()

    def load_own_variables(self, store):
        """Restores logits and the seed's state."""
        store = {key: store[key] for key in store.keys()}
        self.seed_generator.state.assign(store.pop("seed_state"))
        super().load_own_variables(store)

    def get_config(self) -> dict:
        config = super().get_config()
        # The logits are float32 under every policy: a policy says nothing.
        config.pop("dtype")
        config["gate"] = keras.saving.serialize_keras_object(self.gate)
        config["seed"] = self.seed
        return config

    @classmethod
    def from_config(cls, config: dict) -> "GateVector":
        gate = config_parts.deserialized(config, "gate")
        return cls(**{**config, "gate": gate})
