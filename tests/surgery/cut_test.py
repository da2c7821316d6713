"""Tests of cuts in models that go on training."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from keras_l0.surgery.cut import cut
from tests import test_util
from tests.training import compact_case


def removes(*units):
    """A function that removes some units of every vector."""

    def which(vector):
        return np.isin(np.arange(vector.num_gates), units)

    return which


class CutTest(test_util.TestCase):
    @parameterized.parameters(*compact_case.NETWORKS)
    def test_function_stays_in_inference_and_training(self, network):
        model = compact_case.fresh(network)
        other = cut(model, compact_case.closed).model
        self.assertLess(other.count_params(), model.count_params())
        x, _ = compact_case.data(model)
        for training in (False, True):
            expected = model(x, training=training)
            found = other(x, training=training)
            # Sums of a hundred terms at most.
            self.assertAllClose(found, expected, rtol=1e-5, atol=1e-5)

    @parameterized.parameters(*compact_case.NETWORKS)
    def test_moves_say_where_entries_come_from(self, network):
        model = compact_case.fresh(network)
        smaller = cut(model, compact_case.closed)
        for move in smaller.moves:
            self.assertAllEqual(move.carry(move.old.numpy()), move.new)
            # Something of one entry each, to tell equal ones apart.
            size = int(np.prod(move.old.shape))
            numbers = np.arange(size).reshape(move.old.shape)
            self.assertEqual(
                np.unique(move.carry(numbers)).size, np.prod(move.new.shape)
            )
        moved = {id(move.new) for move in smaller.moves}
        factors = [
            id(factor)
            for gate in keras_l0.layers.gate_layers(smaller.model)
            for factor in (gate.l0, gate.l2)
        ]
        for weight in smaller.model.weights:
            self.assertIn(id(weight), {*moved, *factors})

    def test_source_is_left_alone(self):
        model = compact_case.fresh()
        weights = [weight.numpy() for weight in model.weights]
        cut(model, removes(0))
        for weight, before in zip(model.weights, weights, strict=True):
            self.assertAllEqual(weight, before)

    def test_weights_of_zero_do_not_tell_what_may_go(self):
        x = keras.Input((3,))
        h = compact_case.gated(layers.Dense(4), "first")(x)
        h = layers.BatchNormalization(gamma_initializer="zeros")(h)
        y = layers.Dense(1, kernel_initializer="zeros")(h)
        model = keras_l0.L0Model(x, y)
        other = cut(model, removes(3)).model
        shapes = [tuple(weight.shape) for weight in other.trainable_weights]
        self.assertIn((3, 3), shapes)
        self.assertIn((4, 1), shapes)

    @parameterized.parameters(
        ([1, 0, 0, 1], [1, 2], [(6, 2, 3), (6, 2, 3)]),
        # Groups of one size: the cut leaves them as they are.
        ([1, 0, 0, 0], [0, 1, 2, 3], [(6, 4, 3), (6, 2, 3)]),
        ([1, 1, 0, 0], [2, 3], [(6, 2, 3), (6, 1, 3)]),
    )
    def test_heads(self, gone, kept, expected):
        x = keras.Input((4, 6))
        layer = layers.GroupQueryAttention(3, 4, 2)
        gated = compact_case.gated(layer, "heads", on="heads")
        model = keras_l0.L0Model(x, gated(x, value=x))
        vector = gated.gate_vector
        vector.logits.assign(
            [-3.0 if z else 1.0 + i for i, z in enumerate(gone)]
        )
        # Zeros of its own do not keep a head.
        kernel = layer.weights[-2]
        kernel.assign(kernel.numpy() * ([[[0.0]], [[1]]] * 2))
        other = cut(model, compact_case.closed).model
        found = other.get_layer("heads")
        self.assertAllEqual(
            found.gate_vector.logits, vector.logits.numpy()[kept]
        )
        kernels = [w for w in found.layer.weights if w.name == "kernel"]
        self.assertEqual([tuple(w.shape) for w in kernels[:2]], expected)
        data = np.random.default_rng(1).normal(size=(2, 4, 6))
        self.assertAllClose(other(data), model(data), rtol=1e-5)

    def test_heads_that_share_gates(self):
        x, mask = keras.Input((4, 6)), keras.Input((4, 4), dtype="bool")
        vector = keras_l0.GateVector("diff_prune", name="tied")

        def attend(y, **kwargs):
            layer = layers.MultiHeadAttention(3, 2)
            gate = keras_l0.L0Gate(layer, on="heads", gate_vector=vector)
            return gate(y, value=x, **kwargs)

        model = keras_l0.L0Model(x, attend(attend(x)))
        ((_, _, new),) = cut(model, removes(0)).vectors
        self.assertEqual(new.num_gates, 2)
        # Masks are not followed, so that this layer stays whole.
        y = attend(attend(x), attention_mask=mask)
        with self.assertRaisesRegex(ValueError, "share the gates 'tied'"):
            cut(keras_l0.L0Model([x, mask], y), removes(0))

    def test_noise_is_made_of_zeros_too(self):
        x = keras.Input((3,))
        h = compact_case.gated(layers.Dense(4), "first")(x)
        y = layers.Dense(1)(layers.GaussianNoise(1.0)(h))
        other = cut(keras_l0.L0Model(x, y), removes(3)).model
        noise = next(
            layer
            for layer in other.layers
            if isinstance(layer, layers.GaussianNoise)
        )
        self.assertEqual(noise.output.shape, (None, 4))

    def test_groups_of_unlike_size_stay_whole(self):
        x = keras.Input((8, 4))
        h = compact_case.gated(layers.Conv1D(4, 1), "first")(x)
        h = compact_case.gated(layers.Conv1D(4, 1, groups=2), "groups")(h)
        model = keras_l0.L0Model(x, layers.Dense(1)(h))
        other = cut(model, removes(0)).model
        kernels = [tuple(w.shape) for w in other.trainable_weights]
        self.assertIn((1, 4, 3), kernels)
        self.assertIn((1, 2, 4), kernels)
        data = np.random.default_rng(1).normal(size=(2, 8, 4))
        model.get_layer("first").gate_vector.logits.assign([-9.0, 1, 1, 1])
        model.get_layer("groups").gate_vector.logits.assign([-9.0, 1, 1, 1])
        other = cut(model, removes(0)).model
        self.assertAllClose(other(data), model(data), rtol=1e-5)

    def test_gates_cost_what_they_did(self):
        model = compact_case.fresh("convolutional")
        other = cut(model, compact_case.closed).model

        def prices(source):
            return {
                gate.name: float(gate.l0) * gate.target.group_size()
                for gate in keras_l0.layers.gate_layers(source)
            }

        old, new = prices(model), prices(other)
        self.assertEqual({*old}, {*new})
        for name, price in old.items():
            # One rounding of float32.
            self.assertAllClose(new[name], price, rtol=1e-6)

    def test_schedules_of_gates_stay_where_they_are(self):
        steps = keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.5)
        model = compact_case.mlp(keras_l0.gates.DiffPrune(scale=steps))
        for vector in keras_l0.layers.gate_vectors(model).values():
            vector.set_step(10)
        for _, _, vector in cut(model, removes(0)).vectors:
            self.assertEqual(vector.scheduled_values(), {"scale": 0.5})

    def test_seeds_go_on(self):
        model = compact_case.fresh("mlp", "hard_concrete")
        vectors = keras_l0.layers.gate_vectors(model).values()
        for vector in vectors:
            vector.next_seed()
        smaller = cut(model, removes(0))
        for old, _, new in smaller.vectors:
            self.assertAllEqual(
                old.seed_generator.state, new.seed_generator.state
            )


class RefusalTest(test_util.TestCase):
    def test_layer_with_l2_that_others_read(self):
        x = keras.Input((3,))
        h = layers.Dense(4)(x)
        gate = compact_case.gated(layers.Activation("relu"), "first")
        shared = layers.Dense(4)
        inner = keras_l0.L0Gate(shared, "diff_prune", l2=1e-3, name="second")
        y = layers.Dense(1)(layers.Add()([inner(gate(h)), shared(h)]))
        with self.assertRaisesRegex(ValueError, "part the gates of 'second'"):
            cut(keras_l0.L0Model(x, y), removes(0))

    def test_gates_of_single_weights(self):
        model = compact_case.mlp(on="weights")
        with self.assertRaisesRegex(ValueError, "L0Gate 'first'"):
            cut(model, removes(0))


if __name__ == "__main__":
    absltest.main()
