"""Tests of the rules of TimeDistributed and Bidirectional."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.selection import Selection
from tests.surgery.rules import recurrent_test
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units

KNOWN = {0: 0.7, 2: 0.0}
GATES = [0, 0.4, 1, 0, 0.7]

INSIDE = {
    "dense": (lambda: layers.Dense(4, "sigmoid"), (3, 5), 2),
    "softmax": (lambda: layers.Dense(4, "softmax"), (3, 5), 2),
    "dense_without_bias": (lambda: layers.Dense(4, use_bias=False), (3, 5), 2),
    "conv": (lambda: layers.Conv1D(4, 2, activation="gelu"), (2, 4, 5), 3),
    "conv_same": (lambda: layers.Conv1D(4, 2, padding="same"), (2, 4, 5), 3),
    "relu": (lambda: layers.Activation("relu"), (3, 5), 2),
    "elu": (layers.ELU, (3, 5), 2),
    "batch": (layers.BatchNormalization, (3, 2, 5), 3),
    "layer": (layers.LayerNormalization, (3, 5), 2),
    "pooling": (lambda: layers.MaxPooling1D(2), (2, 4, 5), 3),
    "global": (layers.GlobalAveragePooling1D, (2, 4, 5), 3),
    "flatten": (layers.Flatten, (2, 2, 5), 3),
    "recurrent": (lambda: layers.GRU(4), (2, 3, 5), 3),
}


class TimeDistributedRuleTest(RuleTestCase):
    @parameterized.product(kind=sorted(INSIDE), known=({}, KNOWN))
    def test_layers_inside(self, kind, known):
        make, shape, axis = INSIDE[kind]
        layer = layers.TimeDistributed(make())
        self.check(layer, self.probe(shape, known, axis))

    def test_followed_axes(self):
        layer = layers.TimeDistributed(layers.Activation("relu"))
        call, rule = self.call(layer, (3, 4, 5)), find_rule(layer)
        for given, expected in ((3, 3), (2, 2), (1, None), (None, None)):
            self.assertEqual(rule.input_axes(call, [given]), [expected])
            self.assertEqual(rule.output_axes(call, [given]), [expected])

    def test_gates_move_through(self):
        for inner, expected in (
            (layers.Activation("relu"), True),
            (layers.Activation("gelu"), False),
        ):
            layer = layers.TimeDistributed(inner)
            call, rule = self.call(layer, (3, 5)), find_rule(layer)
            self.assertEqual(rule.commutes_with_scale(call), expected)
        layer = layers.TimeDistributed(layers.Dense(2, "relu"))
        call, x = self.call(layer, (3, 5)), self.probe((3, 5)).arrays[:1]
        factors = np.array([0.3, 0.0])
        expected = self.run_layer(layer, x) * factors
        weights = find_rule(layer).scaled_weights(call, factors)
        for variable in layer.weights:
            variable.assign(weights[variable.name])
        self.assertAllClose(self.run_layer(layer, x), expected, rtol=1e-12)

    def test_barriers(self):
        class Mine(layers.Dense):
            pass

        class Unknown(layers.Layer):
            def call(self, x):
                return x + keras.ops.roll(x, 1, axis=-1)

            def compute_output_shape(self, input_shape):
                return input_shape

        for inner, expected in (
            (Unknown(), Barrier.NO_RULE),
            (Mine(3), Barrier.OVERRIDDEN_CALL),
            (layers.Softmax(), Barrier.COUPLED_CHANNELS),
            (layers.LSTM(3, activation="softmax"), Barrier.COUPLED_CHANNELS),
        ):
            shape = (3, 4, 5) if isinstance(inner, layers.LSTM) else (3, 5)
            layer = layers.TimeDistributed(inner)
            self.assertEqual(self.barrier(layer, shape), expected)

    def test_whole_model(self):
        x = keras.Input((3, 4, 4, 2))
        conv = layers.Conv2D(5, 2, activation="sigmoid")
        y = self.gate(layers.TimeDistributed(conv, name="conv"), GATES)(x)
        y = layers.TimeDistributed(layers.AveragePooling2D(2))(y)
        y = layers.TimeDistributed(layers.Flatten())(y)
        y = self.gate(
            layers.TimeDistributed(layers.Dense(5, "relu"), name="dense"),
            GATES,
        )(y)
        y = layers.GRU(2)(y)
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(small.get_layer("conv").layer.filters, 3)
        self.assertEqual(small.get_layer("dense").layer.kernel.shape, (3, 3))

    def test_function_that_keras_does_not_know_by_name(self):
        def center(x):
            return x - keras.ops.mean(x, axis=-1, keepdims=True)

        x = keras.Input((3, 4))
        y = self.gate(layers.Dense(5), GATES)(x)
        y = layers.TimeDistributed(layers.Dense(4, center), name="steps")(y)
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(small.get_layer("steps").layer.kernel.shape, (3, 4))


class BidirectionalRuleTest(RuleTestCase):
    @parameterized.parameters(
        ("simple", "concat", False),
        ("gru_before", "concat", True),
        ("gru", "sum", False),
        ("gru", "ave", True),
        ("lstm", "concat", True),
        ("lstm", "mul", True),
    )
    def test_outputs(self, kind, merge, sequences):
        with recurrent_test.cut():
            layer = layers.Bidirectional(
                recurrent_test.MAKERS[kind](3, return_sequences=sequences),
                merge,
            )
            size = 6 if merge == "concat" else 3
            needed = [
                np.arange(size) % 3 == 1,
                np.arange(size) < 3,
                np.arange(size) == size - 2,
                np.ones(size, bool),
            ]
            self.check(layer, self.probe((3, 3), KNOWN), needed=needed)

    def test_bias_that_only_constants_make(self):
        layer = layers.Bidirectional(layers.GRU(3, use_bias=False))
        needed = [np.arange(6) != 2, np.arange(6) == 4]
        self.check(layer, self.probe((3, 3), KNOWN), needed=needed)

    @parameterized.parameters(
        ("lstm", "concat"), ("gru", "concat"), ("gru", "sum"), ("lstm", "mul")
    )
    def test_closed_units_are_gone(self, kind, merge):
        x = keras.Input((4, 3))
        y = self.gate(layers.Dense(5, "sigmoid", name="before"), GATES)(x)
        layer = layers.Bidirectional(
            recurrent_test.MAKERS[kind](5, return_sequences=True),
            merge,
            name="layer",
        )
        gates = [*GATES, 0, 0, 0, 1, 0] if merge == "concat" else GATES
        y = self.gate(layer, gates)(y)
        y = layers.Dense(2, "gelu", name="last")(y)
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(units(small, "before"), 3)
        for way in ("forward_layer", "backward_layer"):
            self.assertEqual(getattr(small.get_layer("layer"), way).units, 3)
        # Side by side the way back has two units of zeros.
        rows = 4 if merge == "concat" else 3
        self.assertEqual(small.get_layer("last").kernel.shape[0], rows)

    def test_ways_that_are_summed_keep_the_same_units(self):
        layer = layers.Bidirectional(layers.SimpleRNN(4), "sum")
        call, rule = self.call(layer, (3, 2)), find_rule(layer)
        # 0 reads 1 on the way there, 1 reads 2 on the way back.
        for name, place in (("kernel:1", (1, 0)), ("kernel:4", (2, 1))):
            kernel = np.zeros((4, 4))
            kernel[place] = 1
            call.weights["recurrent_" + name] = kernel
        x = self.probe((3, 2)).channels
        outputs, kept = rule.forward(call, [x]), np.arange(4) == 0
        selection = Selection.of(x, np.ones(2, bool))
        step = rule.plan(call, [selection], outputs, [kept])
        for way in ("layer", "backward_layer"):
            self.assertEqual(step.config[way]["config"]["units"], 3)
        self.assertAllEqual(step.selections[0].position, [0, 1, 2, -1])

    def test_both_ways_get_a_bias(self):
        layer = layers.Bidirectional(layers.SimpleRNN(2, use_bias=False))
        call, rule = self.call(layer, (3, 2)), find_rule(layer)
        call.weights["kernel:0"][0] = 0  # one way does not see the constant
        x = self.probe((3, 2), {0: 0.5}).channels
        selection = Selection.of(x, np.array([False, True]))
        outputs, kept = rule.forward(call, [x]), np.ones(4, bool)
        step = rule.plan(call, [selection], outputs, [kept])
        self.assertAllEqual(step.weights["bias:2"], [0, 0])
        expected = 0.5 * call.weights["kernel:2"][0]
        self.assertAllClose(step.weights["bias:5"], expected)

    def test_one_way_without_any_open_unit(self):
        x = keras.Input((4, 3))
        layer = layers.Bidirectional(layers.LSTM(2), name="layer")
        for gates in ([0, 0, 1, 0.5], [0.5, 1, 0, 0]):
            y = self.gate(layer, gates)(x)
            small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
            self.assertEqual(units(small, "layer"), 4)
            layer = layers.Bidirectional(layers.LSTM(2), name="layer")
            self.wanted = []

    def test_outputs_that_are_not_merged(self):
        x = keras.Input((4, 3))
        layer = layers.Bidirectional(layers.LSTM(5), None, name="layer")
        one, other = layer(x)
        y = layers.Concatenate()([one, other])
        y = self.gate(layers.Identity(), [*GATES, 0, 0, 0, 1, 0])(y)
        model = self.finish(x, layers.Dense(2)(y))
        for inner in (layer.forward_layer, layer.backward_layer):
            kernel = inner.cell.recurrent_kernel.numpy()
            kernel[[0, 2, 3]] = 0
            inner.cell.recurrent_kernel.assign(kernel)
        small, _ = self.strip(model)
        # Needed: 1, 2 and 4; 3, and 1 and 4, which it reads.
        self.assertEqual(small.get_layer("layer").forward_layer.units, 3)

    def test_barriers(self):
        for layer, expected in (
            (
                layers.Bidirectional(layers.RNN(layers.LSTMCell(3))),
                Barrier.NO_RULE,
            ),
            (
                layers.Bidirectional(
                    layers.LSTM(3),
                    backward_layer=layers.GRU(3, go_backwards=True),
                ),
                Barrier.NO_RULE,
            ),
            (
                layers.Bidirectional(
                    layers.LSTM(3),
                    backward_layer=layers.LSTM(
                        3, go_backwards=True, use_bias=False
                    ),
                ),
                Barrier.EXTRA_WEIGHTS,
            ),
            (
                layers.Bidirectional(layers.LSTM(3, activation="softmax")),
                Barrier.COUPLED_CHANNELS,
            ),
        ):
            self.assertEqual(self.barrier(layer, (4, 2)), expected)

    def test_returned_states_are_a_barrier(self):
        x = keras.Input((4, 3))
        y = layers.Bidirectional(layers.LSTM(5, return_state=True))(x)[1]
        y = self.gate(layers.Activation("gelu"), GATES)(y)
        _, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(report.barriers[0].reason, Barrier.EXTRA_INPUTS)


if __name__ == "__main__":
    absltest.main()
