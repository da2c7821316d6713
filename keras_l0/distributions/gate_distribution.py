"""The interface that every gate distribution implements."""

import tensorflow as tf
import tensorflow_probability as tfp


class GateDistribution(tfp.distributions.Distribution):
    """A distribution of gates: scalars that scale a unit or switch it off.

    Adds to `tfp.distributions.Distribution` the two questions that a network
    asks of a gate: how probable is it that the gate is not exactly 0 (the L0
    penalty is built from this), and which value stands in for the random gate
    in inference. A subclass writes the private `_prob_nonzero` and
    `_deterministic_gate` and lists in `deterministic_rules` what the latter
    knows, its own default first. The README of this package has the clauses
    that a subclass must keep.

    Example:

    >>> gate = keras_l0.distributions.HardConcrete(logits=[-3.0, 0.0, 3.0])
    >>> isinstance(gate, keras_l0.distributions.GateDistribution)
    True
    >>> gate.deterministic_rules
    ('paper', 'median', 'topk')
    """

    deterministic_rules: tuple[str, ...] = ()

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def prob_nonzero(self, name: str = "prob_nonzero") -> tf.Tensor:
        """Probability that the gate is not exactly 0.

        Args:
            name: Name of the operations. Defaults to `"prob_nonzero"`.

        Returns:
            prob: Float tensor of shape `batch_shape`, in [0, 1].
        """
        with self._name_and_control_scope(name):
            return self._prob_nonzero()

    def deterministic_gate(
        self, rule: str | None = None, name: str = "deterministic_gate"
    ) -> tf.Tensor:
        """Value of the gate in inference; no random number is drawn.

        Args:
            rule: One of `deterministic_rules`. Defaults to the first of them.
            name: Name of the operations. Defaults to `"deterministic_gate"`.

        Returns:
            gate: Float tensor of shape `batch_shape`. Exactly 0 means that the
                unit is removed.

        Raises:
            ValueError: if `rule` is not one of `deterministic_rules`.
        """
        rules = self.deterministic_rules
        if rule is None and rules:
            rule = rules[0]
        if rule not in rules:
            raise ValueError(
                f"Unknown `rule`. Expected one of {rules}. "
                f"Received: rule={rule!r}"
            )
        with self._name_and_control_scope(name):
            gate = self._deterministic_gate(rule)
            if gate.shape != self.batch_shape:
                gate = tf.broadcast_to(gate, self.batch_shape_tensor())
            return gate

    def _prob_nonzero(self):
        raise NotImplementedError(
            f"{type(self).__name__} does not implement `prob_nonzero`."
        )

    def _deterministic_gate(self, rule: str):
        raise NotImplementedError(
            f"{type(self).__name__} does not implement `deterministic_gate`."
        )
