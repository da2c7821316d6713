"""The gates of one axis of one tensor: their logits and their draws."""

import keras
import tensorflow as tf

from keras_l0 import gates
from keras_l0.internal import keras_internals
from keras_l0.internal.api_export import keras_l0_export


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
        seed: Integer or None. Seed of the draws; None takes it from
            `keras.utils.set_random_seed`.
        **kwargs: `name` and `trainable`, as in `keras.layers.Layer`.

    Raises:
        ValueError: if the gate family is unknown.

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
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int]) -> None:
        """Creates the logits; `input_shape` is `(number of gates,)`."""
        if self.built:
            return
        self.logits = self.add_weight(
            shape=tuple(input_shape),
            dtype="float32",
            autocast=False,
            initializer=self.gate.logits_initializer(),
            constraint=self.gate.logits_constraint(),
            name="logits",
        )
        self.built = True

    @property
    def num_gates(self) -> int:
        """Number of gates."""
        self._check_built()
        return self.logits.shape[0]

    def prob_nonzero(self) -> tf.Tensor:
        """Probability that each gate is open, float32 `[num_gates]`."""
        self._check_built()
        return self.gate.prob_nonzero(_value(self.logits))

    def deterministic_gate(self) -> tf.Tensor:
        """Gates used in inference, float32 `[num_gates]`; 0 is closed."""
        self._check_built()
        return self.gate.deterministic_gate(_value(self.logits))

    def draw(self, batch_size: int | tf.Tensor | None = None) -> tf.Tensor:
        """Draws the gates, once per forward pass however often it is asked.

        Args:
            batch_size: None draws one vector for the whole batch; a size
                draws one vector per example.

        Returns:
            gates: Float32 `[num_gates]`, or `[batch_size, num_gates]`.
        """
        return keras_internals.once_per_call(
            ("gates", id(self), batch_size is None),
            lambda: self._draw(batch_size),
        )

    def _draw(self, batch_size):
        self._check_built()
        # The distribution is built anew: TFP copies the value of a variable.
        distribution = self.gate.distribution(_value(self.logits))
        sample_shape = () if batch_size is None else (batch_size,)
        # TFP's stateless seeds are two int32, Keras' seed states two int64.
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        return distribution.sample(sample_shape, seed=seed)

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
        gate = keras.saving.deserialize_keras_object(config["gate"])
        return cls(**{**config, "gate": gate})


def _value(variable: keras.Variable) -> tf.Tensor:
    # Keras' own `convert_to_tensor` returns the variable.
    return tf.convert_to_tensor(variable)
