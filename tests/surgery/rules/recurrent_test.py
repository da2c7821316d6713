"""Tests of the rule of SimpleRNN, GRU and LSTM against Keras' own layers."""

from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.rules import recurrent
from tests.surgery import random_values
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units

KNOWN = {0: 0.7, 2: 0.0}
GATES = [0, 0.4, 1, 0, 0.7]

MAKERS = {
    "simple": layers.SimpleRNN,
    "gru": layers.GRU,
    "gru_before": lambda *args, **kwargs: layers.GRU(
        *args, reset_after=False, **kwargs
    ),
    "lstm": layers.LSTM,
}


def widen_and_cut(model, rng, widen=random_values.widen):
    """Nobody reads the states of units 0 and 2."""
    widen(model, rng)
    for variable in model.weights:
        if variable.name == "recurrent_kernel":
            kernel = variable.numpy()
            kernel[[0, 2]] = 0
            variable.assign(kernel)


def cut():
    return mock.patch.object(random_values, "widen", widen_and_cut)


class RecurrentRuleTest(RuleTestCase):
    @parameterized.product(
        kind=sorted(MAKERS),
        known=({}, KNOWN, {0: 0.3, 1: -0.2, 2: 0.5}),
        options=({}, {"use_bias": False, "return_sequences": True}),
    )
    def test_outputs(self, kind, known, options):
        needed = np.array([[1, 1, 1, 1], [0, 1, 0, 0], [1, 0, 0, 1]], bool)
        with cut():
            layer = MAKERS[kind](4, **options)
            self.check(layer, self.probe((3, 3), known), needed=list(needed))

    @parameterized.product(
        kind=("gru", "lstm"),
        options=(
            {"go_backwards": True, "return_sequences": True},
            {"unroll": True},
            {"activation": "softplus", "recurrent_activation": "hard_sigmoid"},
        ),
    )
    def test_options(self, kind, options):
        with cut():
            self.check(MAKERS[kind](4, **options), self.probe((3, 3), KNOWN))

    def test_units_that_are_needed(self):
        layer = layers.SimpleRNN(4)
        call = self.call(layer, (3, 2))
        # 0 reads 1, 1 reads 2, 2 reads itself; nobody reads 0 or 3.
        kernel = np.zeros((4, 4))
        kernel[1, 0] = kernel[2, 1] = kernel[2, 2] = 1
        call.weights["recurrent_kernel"] = kernel
        for kept, expected in (
            ([1, 0, 0, 0], [1, 1, 1, 0]),
            ([0, 1, 0, 0], [0, 1, 1, 0]),
            ([0, 0, 1, 0], [0, 0, 1, 0]),
            ([0, 0, 0, 1], [0, 0, 0, 1]),
        ):
            found = recurrent.needed_units(call, np.array(kept, bool))
            self.assertAllEqual(found, np.array(expected, bool))

    def test_any_gate_reads_a_state(self):
        layer = layers.LSTM(2)
        call = self.call(layer, (3, 2))
        for gate in range(4):
            kernel = np.zeros((2, 8))
            kernel[1, 2 * gate] = 1
            call.weights["recurrent_kernel"] = kernel
            found = recurrent.needed_units(call, np.array([True, False]))
            self.assertAllEqual(found, [True, True])

    def test_barriers(self):
        for layer, expected in (
            (layers.LSTM(3, activation="softmax"), Barrier.COUPLED_CHANNELS),
            (
                layers.GRU(3, recurrent_activation="softmax"),
                Barrier.COUPLED_CHANNELS,
            ),
            (layers.RNN(layers.LSTMCell(3)), Barrier.NO_RULE),
            (layers.SimpleRNN(3), None),
        ):
            self.assertEqual(self.barrier(layer, (4, 2)), expected)
        stateful = layers.LSTM(3, stateful=True)
        call = self.call(layers.LSTM(3), (4, 2))
        call.node.operation = stateful
        self.assertEqual(find_rule(stateful).barrier(call), Barrier.STATEFUL)


class RecurrentModelTest(RuleTestCase):
    @parameterized.product(kind=sorted(MAKERS), sequences=(False, True))
    def test_closed_units_are_gone(self, kind, sequences):
        x = keras.Input((4, 3))
        y = self.gate(layers.Dense(5, "sigmoid", name="before"), GATES)(x)
        layer = MAKERS[kind](5, return_sequences=sequences, name="layer")
        y = self.gate(layer, GATES[::-1])(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2, name="last")(y)))
        self.assertEqual(units(small, "before"), 3)
        self.assertEqual(small.get_layer("layer").units, 3)
        kernels = small.get_layer("layer").get_weights()
        blocks = {"simple": 1, "lstm": 4}.get(kind, 3)
        self.assertEqual(kernels[0].shape, (3, 3 * blocks))
        self.assertEqual(kernels[1].shape, (3, 3 * blocks))
        self.assertEqual(small.get_layer("last").kernel.shape, (3, 2))

    @parameterized.parameters("gru", "lstm")
    def test_stack_of_layers(self, kind):
        x = keras.Input((None, 3))
        y = self.gate(MAKERS[kind](5, return_sequences=True), GATES)(x)
        y = layers.Activation("gelu")(y)
        y = self.gate(MAKERS[kind](5, go_backwards=True), GATES)(y)
        model = self.finish(x, layers.Dense(2)(y))
        small, _ = self.strip(model, self.rng.normal(size=(3, 4, 3)))
        found = [layer for layer in small.layers if hasattr(layer, "cell")]
        self.assertEqual([layer.units for layer in found], [3, 3])

    @parameterized.parameters(*sorted(MAKERS))
    def test_returned_states_are_gated(self, kind):
        x = keras.Input((4, 3))
        layer = MAKERS[kind](
            5, return_sequences=True, return_state=True, name="layer"
        )
        y, *states = self.gate(layer, GATES)(x)
        ends = [layers.Dense(2)(state) for state in states]
        ends.append(layers.GlobalMaxPooling1D()(layers.Dense(2, "gelu")(y)))
        small, _ = self.strip(self.finish(x, ends))
        self.assertEqual(small.get_layer("layer").units, 3)

    def test_state_that_nobody_gates_keeps_a_unit(self):
        x = keras.Input((4, 3))
        y = layers.LSTM(5, name="layer")(x)
        y = self.gate(layers.Activation("linear"), GATES)(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(small.get_layer("layer").units, 5)

    def test_layer_without_any_open_unit(self):
        x = keras.Input((4, 3))
        y = self.gate(layers.LSTM(3), [0, 0, 0])(x)
        y = layers.Concatenate()([y, layers.Flatten()(x)])
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertNotIn("LSTM", [type(o).__name__ for o in small.operations])

    def test_inputs_that_are_all_constant(self):
        x = keras.Input((4, 3))
        y = self.gate(layers.Dense(3), [0, 0, 0])(x)
        y = layers.Activation("sigmoid")(y)
        y = layers.LSTM(3)(y)
        y = layers.Concatenate()([y, layers.Flatten()(x)])
        self.strip(self.finish(x, layers.Dense(2)(y)))

    def test_initial_state_is_a_barrier(self):
        x, h = keras.Input((4, 3)), keras.Input((5,))
        for given in ({"initial_state": h}, h):
            layer = layers.SimpleRNN(5)
            y = layer(x, **given) if isinstance(given, dict) else layer(x, h)
            y = self.gate(layers.Activation("gelu"), GATES)(y)
            _, report = self.strip(self.finish([x, h], layers.Dense(2)(y)))
            self.assertEqual(report.barriers[0].reason, Barrier.EXTRA_INPUTS)

    def test_mask_is_a_barrier(self):
        x = keras.Input((4,), dtype="int32")
        y = layers.Embedding(5, 3, mask_zero=True)(x)
        y = self.gate(layers.GRU(5, name="layer"), GATES)(y)
        model = self.finish(x, layers.Dense(2)(y))
        data = self.rng.integers(0, 5, (6, 4))
        small, report = self.strip(model, data)
        self.assertEqual(units(small, "layer"), 5)
        reasons = {row.layer: row.reason for row in report.barriers}
        self.assertEqual(reasons["GRU"], Barrier.EXTRA_INPUTS)


if __name__ == "__main__":
    absltest.main()
