"""Tests for layers that are called more than once."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.sharing import agreed
from keras_l0.surgery.strip import strip_gates
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import units

LEFT, RIGHT = [1, 0, 0.5, 0, 1, 0], [0, 0, 1, 1, 0.3, 0]


class SharingTest(StripTestCase):
    def producers(self, x, activation="softplus"):
        """Two gated layers; both leave units 1 and 5 closed."""
        return [
            self.gate(layers.Dense(6, activation=activation), gates)(x)
            for gates in (LEFT, RIGHT)
        ]

    def test_inputs_that_no_call_reads_are_gone(self):
        x = keras.Input((4,))
        shared = layers.Dense(3, activation="tanh", name="shared")
        left, right = self.producers(x)
        model = self.finish(x, [shared(left), shared(right)])
        small, _ = self.strip(model)
        shared = small.get_layer("shared")
        self.assertEqual(shared.kernel.shape, (4, 3))
        self.assertLen(shared._inbound_nodes, 2)

    def test_units_that_no_call_shows_are_gone(self):
        x, y = keras.Input((4,)), keras.Input((4,))
        shared = self.gate(layers.Dense(6, activation="gelu"), LEFT)
        small, _ = self.strip(
            self.finish([x, y], layers.Dense(2)(shared(x) + shared(y)))
        )
        kernels = [la.kernel.shape for la in small.layers if la.weights]
        self.assertEqual(kernels[0], (4, 3))

    def test_unit_stays_where_one_call_needs_it(self):
        x = keras.Input((4,))
        shared = layers.Dense(6, activation="tanh", name="shared")
        y = self.gate(layers.Identity(), LEFT)(shared(x))
        z = self.gate(layers.Identity(), RIGHT)(shared(x * 2.0))
        outputs = [layers.Dense(2)(t) for t in (y, z)]
        small, _ = self.strip(self.finish(x, outputs))
        self.assertEqual(units(small, "shared"), 4)

    def test_layer_on_its_own_output(self):
        x = keras.Input((6,))
        shared = layers.Dense(6, activation="tanh", name="shared")
        y = self.gate(layers.Identity(), LEFT)(shared(x))
        y = self.gate(layers.Identity(), RIGHT)(shared(y))
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(units(small, "shared"), 4)  # LEFT or RIGHT

    @parameterized.parameters("same", "valid")
    def test_constants_that_differ_stay_with_their_calls(self, padding):
        x = keras.Input((5, 4))
        left, right = self.producers(x)
        constants = [
            layers.BatchNormalization()(t) for t in (left, right)
        ]  # beta where closed
        shared = layers.Conv1D(3, 3, padding=padding)
        self.strip(self.finish(x, [shared(t) for t in constants]))

    @parameterized.parameters(
        (layers.BatchNormalization,), (layers.PReLU,), (layers.Conv2D, 4, 3)
    )
    def test_other_layers(self, make, *args):
        x = keras.Input((5, 5, 3))
        shared = make(*args)
        pair = [
            self.gate(layers.Conv2D(6, 3, activation="relu"), gates)(x)
            for gates in (LEFT, RIGHT)
        ]
        pair = [layers.Conv2D(2, 1)(shared(t)) for t in pair]
        small, report = self.strip(self.finish(x, pair))
        self.assertLess(report.params_after, report.params_before)
        made = [la for la in small.layers if type(la) is make]
        self.assertCountEqual(
            [len(la._inbound_nodes) for la in made],
            # the producers and the heads, each called once, and `shared`
            [2] + [1] * 4 * (make is layers.Conv2D),
        )

    def along(self, shared, *inputs):
        """A model that calls `shared` on tensors gated along several axes.

        Args:
            inputs: A shape and the axis of the gates for each call.
        """
        xs, ends = [], []
        for shape, axis in inputs:
            x = keras.Input(shape)
            y = layers.Dense(shape[-1], activation="softplus")(x)
            gates = LEFT[: shape[axis - 1]]
            y = self.gate(layers.Identity(), gates, axis=axis)(y)
            ends.append(layers.Dense(2)(layers.Flatten()(shared(y))))
            xs.append(x)
        return self.finish(xs, ends)

    @parameterized.named_parameters(
        ("several_sizes", layers.PReLU, (6, 3)),
        ("one_size", layers.PReLU, (4, 4)),
        ("normalization", layers.LayerNormalization, (6, 4)),
        ("scale", layers.RMSNormalization, (6, 4)),
    )
    def test_gates_along_another_axis_in_each_call(self, make, shape):
        for axes in ((1, 2), (2, 1)):
            self.wanted = []
            calls = [(shape, axis) for axis in axes]
            _, report = self.strip(self.along(make(), *calls))
            reasons = {row.reason for row in report.barriers}
            self.assertNotIn(Barrier.SHARED_WEIGHTS, reasons)

    def test_inner_layer_along_another_axis_in_each_call(self):
        shared = layers.TimeDistributed(layers.PReLU())
        self.strip(self.along(shared, ((3, 4, 4), 2), ((3, 4, 4), 3)))

    def test_equation_with_several_summed_axes(self):
        shared = layers.EinsumDense("abc,bcd->ad", (3,))
        model = self.along(shared, ((6, 3), 1), ((6, 3), 2))
        _, report = self.strip(model)
        self.assertEqual(report.barriers, ())

    @parameterized.parameters(
        (layers.LayerNormalization, {}),
        (layers.PReLU, {"shared_axes": [1]}),
        (layers.Dense, {"units": 3}),
    )
    def test_calls_of_several_sizes(self, make, options):
        shared = make(**options)
        _, report = self.strip(self.along(shared, ((4, 3), 1), ((6, 3), 1)))
        reasons = [Barrier.SHARED_WEIGHTS] * 2 * (make is not layers.Dense)
        self.assertEqual([row.reason for row in report.barriers], reasons)

    def test_calls_of_several_ranks(self):
        shared = layers.LayerNormalization()
        for inputs in (
            (((6,), 1), ((5, 6), 2)),
            (((5, 6), 1), ((6,), 1)),
        ):
            self.wanted = []
            self.strip(self.along(shared, *inputs))

    def test_texts_of_several_lengths(self):
        texts = keras.Input((4,)), keras.Input((7,))
        shared = self.gate(layers.Embedding(5, 6, name="shared"), LEFT)
        ends = [
            layers.Dense(2)(layers.GlobalMaxPooling1D()(shared(text)))
            for text in texts
        ]
        model = self.finish(list(texts), ends)
        words = [self.rng.integers(0, 5, (3, n)) for n in (4, 7)]
        small, _ = self.strip(model, words)
        self.assertEqual(units(small, "shared"), 3)

    def test_gate_behind_one_call_only_is_not_folded_into_the_layer(self):
        x = keras.Input((4,))
        shared = layers.Dense(6, name="shared")
        y = self.gate(layers.Identity(), LEFT)(shared(x))
        self.strip(self.finish(x, [y, shared(x * 2.0)]))

    def test_strip_again_changes_nothing(self):
        x = keras.Input((4,))
        shared = layers.Dense(3, activation="tanh", name="shared")
        left, right = self.producers(x)
        model = self.finish(x, [shared(left), shared(right)])
        small, _ = self.strip(model)
        again = strip_gates(small)
        self.assertEqual(again.count_params(), small.count_params())

    def test_agreed_keeps_what_all_know(self):
        own = Channels(1, np.array([True, True, False]), np.array([1.0, 2, 3]))
        other = Channels(1, np.array([True] * 3), np.array([1.0, 5, 3]))
        both = agreed(own, [own, other])
        self.assertAllEqual(both.known, [True, False, False])
        self.assertAllEqual(both.value, own.value)

    def test_agreed_knows_nothing_of_channels_that_are_not_the_same(self):
        own = Channels(1, np.array([True, False]), np.zeros(2))
        for size in (1, 3):
            other = Channels(1, np.ones(size, bool), np.zeros(size))
            for pair in ([own, other], [other, own]):
                self.assertAllEqual(agreed(own, pair).known, [False, False])


if __name__ == "__main__":
    absltest.main()
