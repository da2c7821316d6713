"""What the way to a smaller model must not change."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

import keras_l0
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase
from tests.surgery.strip_test_case import outputs


class ProcessTest(PatternTestCase):
    def network(self, closed=GATES):
        """A residual network; gates of 0 and 1 for `closed`."""
        x = keras.Input((5, 5, 3))
        hard = [float(gate > 0) for gate in closed]
        y = layers.Conv2D(6, 3, padding="same", name="stem")(x)
        z = layers.Conv2D(6, 3, padding="same", activation="relu", name="a")
        z = self.gate(z, hard, name="first")(y)
        y = layers.Add()([y, layers.Conv2D(6, 1)(z)])
        y = layers.GlobalAveragePooling2D()(y)
        y = self.gate(layers.Dense(6, "gelu", name="b"), OTHERS, name="second")(
            y
        )
        return self.finish(x, layers.Dense(2, name="end")(y))

    def test_closing_is_zeroing(self):
        # Units behind closed gates, set to 0 by hand in a plain network.
        model = self.network([1] * 6)
        x = self.data(model)
        for name, gates in (("first", GATES), ("second", OTHERS)):
            layer = model.get_layer(name)
            gates = np.array(gates) > 0
            layer.gate_vector.logits.assign(np.where(gates, 4.0, -4.0))
        small = keras_l0.strip_gates(model)
        for name, gates in (("first", GATES), ("second", OTHERS)):
            layer = model.get_layer(name)
            layer.gate_vector.logits.assign([4.0] * 6)
            for weight in layer.layer.weights:
                weight.assign(weight.numpy() * (np.array(gates) > 0))
        (expected,), (actual,) = outputs(model, x), outputs(small, x)
        self.assertAllClose(actual, expected, rtol=0, atol=1e-10)

    def test_layer_by_layer_is_all_at_once(self):
        model = self.network()
        at_once, _ = self.strip(model)
        part = model
        for name in ("first", "second"):
            part = keras_l0.strip_gates(part, keep_gates=True, include=name)
        by_layer, _ = self.strip(part)
        self.assertLen(by_layer.weights, len(at_once.weights))
        for a, b in zip(by_layer.weights, at_once.weights, strict=True):
            self.assertAllClose(a, b, rtol=0, atol=1e-12)

    def test_structure_is_written_and_read(self):
        small, _ = self.strip(self.network())
        again = keras.Model.from_config(small.get_config())
        again.set_weights(small.get_weights())
        x = self.data(small)
        self.assertAllEqual(outputs(again, x)[0], outputs(small, x)[0])

    def test_smaller_model_trains(self):
        # Every weight has a gradient: nothing of the dead was taken along.
        small, _ = self.strip(self.network())
        before = [v.numpy() for v in small.trainable_variables]
        small.compile(keras.optimizers.SGD(0.1), "mse")
        x = self.rng.normal(size=(32, 5, 5, 3))
        small.train_on_batch(x, self.rng.normal(size=(32, 2)))
        for old, new in zip(before, small.trainable_variables, strict=True):
            self.assertTrue((old != new.numpy()).all(), new.path)

    def test_statistics_that_were_collected_under_gates(self):
        x = keras.Input((5, 4))
        y = self.gate(layers.Conv1D(6, 2, name="conv"), GATES)(x)
        y = layers.BatchNormalization(momentum=0.5, name="norm")(y)
        y = layers.Conv1D(2, 2)(layers.ReLU()(y))
        model = self.finish(x, y)
        before = model.get_layer("norm").moving_mean.numpy()
        for _ in range(3):
            model(self.data(model), training=True)
        self.assertNotAllClose(before, model.get_layer("norm").moving_mean)
        small, _ = self.strip(model)
        self.assertEqual(small.get_layer("norm").gamma.shape, (4,))

    def test_noise_is_reproducible(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(6, "relu"), GATES)(x)
        y = layers.GaussianNoise(0.5, seed=5)(layers.Dropout(0.5, seed=3)(y))
        model = self.finish(x, layers.Dense(2)(y))
        first, second = (keras_l0.strip_gates(model) for _ in range(2))
        x = self.data(model)
        noisy = [small(x, training=True).numpy() for small in (first, second)]
        self.assertAllEqual(*noisy)
        self.assertNotAllClose(noisy[0], outputs(first, x)[0])


if __name__ == "__main__":
    absltest.main()
