"""Models inside of models."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


class NestingTest(PatternTestCase):
    def dense(self, name, gates, activation="gelu"):
        return self.gate(layers.Dense(6, activation, name=name), gates)

    def rows(self):
        """Units after, of the layers with weights, by their full names."""
        return {row.name: row.units_after for row in self.report.layers}

    def test_sequential_in_sequential(self):
        inner = keras.Sequential(
            [keras.Input((6,)), layers.Dense(5), self.dense("deep", OTHERS)],
            name="inner",
        )
        model = keras.Sequential(
            [
                keras.Input((4,)),
                self.dense("first", GATES),
                inner,
                layers.Dense(2, name="last"),
            ]
        )
        self.fill(model)
        _, self.report = self.strip(model)
        rows = self.rows()
        self.assertEqual((rows["first"], rows["inner/deep"]), (4, 3))

    def test_model_in_model(self):
        z = keras.Input((6,), name="z")
        y = self.dense("left", GATES)(z)
        y = layers.Add()([y, self.dense("right", OTHERS)(z)])
        inner = keras.Model(z, [y, layers.Dense(2)(y)], name="inner")
        x = keras.Input((4,))
        code, other = inner(self.dense("first", OTHERS)(x))
        y = self.gate(layers.ReLU(), GATES)(code)
        self.check(x, [layers.Dense(2, name="end")(y), other])
        rows = self.rows()
        # The inner head reads the sum, too: nothing of it goes.
        self.assertEqual(rows["first"], 3)
        self.assertEqual((rows["inner/left"], rows["inner/right"]), (4, 3))

    def test_gates_outside_reach_into_a_model(self):
        z = keras.Input((4,), name="z")
        y = layers.Dense(6, "tanh", name="a")(z)
        y = layers.Dense(6, name="b")(layers.BatchNormalization(name="n")(y))
        inner = keras.Model(z, layers.Activation("sigmoid")(y), name="inner")
        x = keras.Input((4,))
        y = self.gate(layers.Identity(), GATES)(inner(x))
        self.check(x, layers.Dense(2)(y))
        self.assertEqual(self.rows()["inner/b"], 4)

    @parameterized.parameters(2, 4)
    def test_depth(self, depth):
        model = self.dense("core", GATES)
        for level in range(depth):
            z = keras.Input((6,))
            y = layers.Dense(6, "relu", name=f"before{level}")(z)
            model = keras.Model(z, model(y), name=f"level{level}")
        x = keras.Input((6,))
        self.check(x, layers.Dense(2)(model(x)))
        name = "/".join(f"level{i}" for i in reversed(range(depth)))
        self.assertEqual(self.rows()[f"{name}/core"], 4)


if __name__ == "__main__":
    absltest.main()
