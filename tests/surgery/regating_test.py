"""Tests for strip_gates(keep_gates=True)."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.surgery.strip_test_case import StripTestCase

GATES = [0, 1, 0.5, 0, 1, 0.3]


class KeepGatesTest(StripTestCase):
    policy = "float32"

    def keep(self, model, **options):
        """Strips, checks the function and that the gates are alive."""
        small = keras_l0.strip_gates(model, keep_gates=True, **options)
        self.assert_same_function(model, small, self.data(model))
        return small

    def vectors(self, model):
        return list(keras_l0.layers.gate_vectors(model).values())

    def mlp(self, make=keras.Model, gate="hard_concrete", **kwargs):
        x = keras.Input((3,))
        first = self.gate(
            layers.Dense(6, activation="gelu"), GATES, gate=gate, l0=1e-3
        )
        second = self.gate(
            layers.Dense(6, activation="relu"), GATES[::-1], gate=gate, **kwargs
        )
        y = layers.Dense(2)(second(first(x)))
        model = make(x, y)
        self.fill(model)
        return model

    @parameterized.parameters(keras.Model, keras_l0.L0Model)
    def test_layers_stay_gated(self, make):
        model = self.mlp(make)
        small = self.keep(model)
        self.assertIsInstance(small, make)
        gated = list(keras_l0.layers.gate_layers(small))
        self.assertEqual([g.layer.units for g in gated], [4, 4])
        old, new = self.vectors(model), self.vectors(small)
        for before, after in zip(old, new, strict=True):
            logits = before.logits.numpy()
            self.assertAllEqual(
                after.logits, logits[before.deterministic_gate() != 0]
            )
        self.assertEqual(
            [g.name for g in gated],
            [g.name for g in keras_l0.layers.gate_layers(model)],
        )

    @parameterized.parameters("hard_concrete", "arm", "straight_through")
    def test_training_goes_on(self, gate):
        model = self.mlp(keras_l0.L0Model, gate)
        small = keras_l0.strip_gates(model, keep_gates=True)
        before = [v.logits.numpy() for v in self.vectors(small)]
        small.compile("adam", "mse")
        x = self.rng.normal(size=(64, 3)).astype("float32")
        small.fit(x, x[:, :2], epochs=2, verbose=0)
        moved = [
            (vector.logits.numpy() != old).any()
            for old, vector in zip(before, self.vectors(small), strict=True)
        ]
        self.assertTrue(any(moved))
        self.strip(small)

    def test_prices_stay(self):
        model = self.mlp(l2=0.1)
        small = self.keep(model)
        first, second = keras_l0.layers.gate_layers(small)
        self.assertAllClose(first.l0, 1e-3)
        self.assertIsNone(second.l0)
        self.assertAllClose(second.l2, 0.1)
        # 3 weights and a bias for each of 4 gates
        probability = first.gate_vector.prob_nonzero().numpy()
        self.assertAllClose(first.penalty(), 1e-3 * 4 * probability.sum())

    def test_gates_on_inputs(self):
        x = keras.Input((4,))
        dense = self.gate(layers.Dense(6, activation="relu"), GATES)(x)
        gates = [1, 1, 0, 0.5, 1, 0]
        y = self.gate(layers.Dense(3), gates, on="inputs")(dense)
        model = self.finish(x, y)
        small = self.keep(model)
        first, second = keras_l0.layers.gate_layers(small)
        self.assertEqual((first.on, second.on), ("outputs", "inputs"))
        self.assertEqual(second.gate_vector.num_gates, 2)  # 1 and 4

    def attention(self, layer, gates, make=keras.Model):
        """A model with gates on heads, and a feed-forward part behind."""
        x = keras.Input((5, 6))
        heads = self.gate(layer, gates, on="heads", l0=1e-3)
        h = layers.LayerNormalization()(heads(x, value=x))
        model = make(x, layers.Dense(2)(h))
        self.fill(model)
        return model

    @parameterized.product(
        make=(keras.Model, keras_l0.L0Model),
        case=(
            (layers.MultiHeadAttention, (4, 3), [0, 1, 0.5, 0], [1, 2]),
            # Two heads in each of two groups, which stay of one size.
            (layers.GroupQueryAttention, (3, 4, 2), [0, 1, 0.5, 0], [1, 2]),
            (layers.GroupQueryAttention, (3, 4, 2), [0, 0, 0.5, 1], [2, 3]),
            (layers.GroupQueryAttention, (3, 4, 2), [1, 1, 0, 1], range(4)),
        ),
    )
    def test_gates_on_heads(self, make, case):
        layer_class, sizes, gates, expected = case
        model = self.attention(layer_class(*sizes), gates, make)
        small = self.keep(model)
        self.assertIsInstance(small, make)
        (old,), (new,) = [
            keras_l0.layers.gate_layers(m) for m in (model, small)
        ]
        self.assertEqual((new.on, new.name), (old.on, old.name))
        logits = old.gate_vector.logits.numpy()
        self.assertAllEqual(new.gate_vector.logits, logits[list(expected)])
        if layer_class is layers.MultiHeadAttention:
            # Each head has as many weights as it had, and biases.
            probability = new.gate_vector.prob_nonzero().numpy().sum()
            size = 4 * 6 * 3 + 3 * 3
            self.assertAllClose(new.penalty(), 1e-3 * size * probability)

    def test_heads_of_a_layer_that_stays_whole(self):
        x, mask = keras.Input((5, 6)), keras.Input((5, 5), dtype="bool")
        layer = layers.MultiHeadAttention(4, 3)
        heads = self.gate(layer, [0, 1, 0.5, 0], on="heads")
        h = heads(x, value=x, attention_mask=mask)
        model = self.finish([x, mask], layers.Dense(2)(h))
        small = self.keep(model)
        (old,), (new,) = self.vectors(model), self.vectors(small)
        self.assertAllEqual(new.logits, old.logits)

    def test_shared_vector_stays_shared(self):
        x = keras.Input((4,))
        vector = keras_l0.GateVector()
        left = self.gate(layers.Dense(6), GATES, gate_vector=vector)(x)
        right = self.gate(layers.Dense(6), GATES, gate_vector=vector)(x)
        # Nobody reads the last unit on the left.
        heads = layers.Dense(2)(left[:, :5]), layers.Dense(2)(right)
        small = self.keep(self.finish(x, heads))
        (kept,) = self.vectors(small)
        self.assertEqual(kept.num_gates, 4)

    def test_layer_that_is_read_in_front_of_its_gate(self):
        x = keras.Input((4,))
        dense = layers.Dense(6, activation="relu")
        gated = self.gate(dense, GATES, l0=1e-2)
        model = self.finish(x, [layers.Dense(2)(gated(x)), dense(x)])
        small = self.keep(model)
        self.assertLen(self.vectors(small), 1)

    def test_sum_that_has_become_one_branch(self):
        x = keras.Input((6,))
        dead = self.gate(layers.Dense(6), [0] * 6)
        dead = layers.Activation("sigmoid")(dead(x))
        gated = self.gate(layers.Subtract(), GATES)
        y = gated([layers.Dense(6, activation="relu")(x), dead])
        small = self.keep(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual([v.num_gates for v in self.vectors(small)], [4])

    def test_convolutions(self):
        x = keras.Input((8, 8, 3))
        y = self.gate(
            layers.Conv2D(6, 3, activation="softplus"),
            GATES,
            noise_shape=(None, 1, 1, 6),
        )(x)
        y = layers.BatchNormalization()(y)
        y = self.gate(layers.ReLU(), GATES[::-1])(y)
        model = self.finish(x, layers.Dense(2)(layers.Flatten()(y)))
        small = self.keep(model)
        convolution = next(iter(keras_l0.layers.gate_layers(small)))
        # Units 1 and 4 are open twice; 0 and 3 are constants behind the
        # normalization, which open gates multiply.
        self.assertEqual(convolution.noise_shape, (None, 1, 1, 2))
        self.assertEqual([v.num_gates for v in self.vectors(small)], [2, 4])

    def test_shared_wrapper_that_is_parted_from_its_layer(self):
        x, z = keras.Input((6,)), keras.Input((6,))
        dense = layers.Dense(6, activation="tanh")
        gated = self.gate(dense, GATES, l0=0.1)
        y = [gated(x), gated(z), dense(x), dense(z)]
        model = self.finish([x, z], [layers.Dense(2)(t) for t in y])
        small = self.keep(model)
        (gate,) = keras_l0.layers.gate_layers(small)
        # 6 weights and a bias per gate, paid once
        probability = gate.gate_vector.prob_nonzero().numpy().sum()
        self.assertAllClose(gate.penalty(), 0.1 * 7 * probability)

    def test_shared_wrapper(self):
        x, z = keras.Input((4,)), keras.Input((4,))
        gated = self.gate(layers.Dense(6, activation="tanh"), GATES)
        head = layers.Dense(2)
        model = self.finish([x, z], [head(gated(x)), head(gated(z))])
        small = self.keep(model)
        self.assertLen(list(keras_l0.layers.gate_layers(small)), 1)

    def test_lstm(self):
        x = keras.Input((5, 4))
        gated = self.gate(layers.LSTM(6), GATES)
        small = self.keep(self.finish(x, layers.Dense(2)(gated(x))))
        (kept,) = keras_l0.layers.gate_layers(small)
        self.assertEqual(kept.layer.units, 4)

    def test_reserved_units_keep_closed_gates(self):
        model = self.mlp()
        small = self.keep(model, min_units=5)
        for vector in self.vectors(small):
            self.assertEqual(vector.num_gates, 5)
            self.assertEqual(
                (vector.deterministic_gate().numpy() == 0).sum(), 1
            )

    def test_saves_and_loads(self):
        small = self.keep(self.mlp(keras_l0.L0Model))
        path = self.create_tempfile("small.keras").full_path
        small.save(path)
        other = keras.saving.load_model(path)
        x = self.data(small)
        self.assertAllEqual(other(x), small(x))

    @parameterized.parameters(
        {"on": "weights"},
        {"gate": "dependent"},
        {"on": "heads", "gate": "dependent"},
    )
    def test_what_cannot_be_kept_is_refused(self, **gate):
        x, layer, inputs = keras.Input((2, 3)), layers.Dense(4), {}
        if gate.get("on") == "heads":
            layer, inputs = layers.MultiHeadAttention(2, 2), {"value": x}
        y = keras_l0.L0Gate(layer, **gate)(x, **inputs)
        model = keras_l0.L0Model(x, y)
        with self.assertRaisesRegex(ValueError, "`keep_gates` needs gates of"):
            keras_l0.strip_gates(model, keep_gates=True)

    def test_gate_that_must_part_from_its_layer(self):
        x = keras.Input((4,))
        dense = layers.Dense(6)
        gated = self.gate(dense, GATES, l2=0.1)
        model = self.finish(x, [gated(x), dense(x)])
        with self.assertRaisesRegex(ValueError, "cannot part the gates"):
            keras_l0.strip_gates(model, keep_gates=True)


if __name__ == "__main__":
    absltest.main()
