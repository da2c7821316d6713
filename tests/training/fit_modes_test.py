"""Every family through `L0Model.fit`: XLA, mixed precision, accumulation."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests import test_util

FAMILIES = (
    "hard_concrete",
    "arm",
    "diff_prune",
    "straight_through",
    "dependent",
)
X = np.random.default_rng(2).normal(size=(64, 4)).astype("float32")
Y = X[:, :1] * X[:, 1:2]


def fitted(family, jit_compile=False, epochs=2, **kwargs):
    keras.utils.set_random_seed(6)
    inputs = keras.Input((4,))
    x = inputs
    for units in (8, 6):
        layer = layers.Dense(units, "relu")
        x = keras_l0.L0Gate(layer, family, l0=1e-3)(x)
    model = keras_l0.L0Model(inputs, layers.Dense(1, dtype="float32")(x))
    optimizer = keras.optimizers.Adam(1e-2, **kwargs)
    model.compile(optimizer, "mse", jit_compile=jit_compile)
    return model, model.fit(X, Y, epochs=epochs, verbose=0).history


class FitModesTest(test_util.TestCase):
    @parameterized.product(
        family=FAMILIES,
        mode=(
            ("float32", True),
            ("mixed_float16", False),
            ("mixed_bfloat16", True),
        ),
    )
    def test_losses_are_finite_and_everything_moves(self, family, mode):
        keras.config.set_dtype_policy(mode[0])
        model, history = fitted(family, mode[1])
        for values in history.values():
            self.assertTrue(np.all(np.isfinite(values)))
        start, _ = fitted(family, epochs=0)
        for variable, before in zip(
            model.trainable_variables, start.trainable_variables, strict=True
        ):
            self.assertNotAllEqual(variable, before, variable.path)

    @parameterized.parameters(*FAMILIES)
    def test_accumulated_gradients_move_the_gates(self, family):
        model, _ = fitted(family, gradient_accumulation_steps=2)
        start, _ = fitted(family, epochs=0)
        for vector, before in zip(
            keras_l0.layers.gate_vectors(model).values(),
            keras_l0.layers.gate_vectors(start).values(),
            strict=True,
        ):
            self.assertNotAllEqual(vector.logits, before.logits)

    @parameterized.parameters("arm", "hard_concrete")
    def test_steps_per_execution_change_nothing(self, family):
        runs = []
        for steps in (1, 2):
            model, _ = fitted(family, epochs=0)
            model.compile("sgd", "mse", steps_per_execution=steps)
            model.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
            runs.append(model.get_weights())
        for one, two in zip(*runs, strict=True):
            # The same operations, in two graphs.
            self.assertAllClose(one, two, rtol=1e-5, atol=1e-6)


if __name__ == "__main__":
    absltest.main()
