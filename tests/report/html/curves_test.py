"""Tests of the reading of histories."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.report.html import curves
from tests import test_util


class ReadHistoryTest(test_util.TestCase):
    def test_dict(self):
        found = curves.read_history({"loss": [0.5, 0.25], "acc": (1, 0)})
        self.assertEqual(
            found, {"loss": [(1, 0.5), (2, 0.25)], "acc": [(1, 1), (2, 0)]}
        )

    def test_history_of_fit(self):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x, y = np.ones((4, 2)), np.ones((4, 1))
        history = model.fit(
            x,
            y,
            epochs=9,
            initial_epoch=5,
            verbose=0,
            validation_data=(x, y),
            validation_freq=2,
        )
        found = curves.read_history(history)
        self.assertEqual([e for e, _ in found["loss"]], [6, 7, 8, 9])
        self.assertEqual([v for _, v in found["loss"]], history.history["loss"])
        # Keras validates after the epochs that 2 divides: 6 and 8.
        self.assertEqual([e for e, _ in found["val_loss"]], [6, 8])

    def test_what_is_not_finite_is_left_out(self):
        nan, inf = float("nan"), float("inf")
        found = curves.read_history(
            {"a": [1, nan, inf, 2], "b": [nan], "c": []}
        )
        self.assertEqual(found, {"a": [(1, 1.0), (4, 2.0)]})

    def test_values_of_the_last_epochs(self):
        found = curves.read_history({"a": [1] * 5, "late": [2, 3, 4]})
        self.assertEqual(found["late"], [(3, 2.0), (4, 3.0), (5, 4.0)])

    def test_numbers_of_numpy(self):
        found = curves.read_history({"a": np.float32([1, 2])})
        self.assertEqual(found, {"a": [(1, 1.0), (2, 2.0)]})

    @parameterized.parameters(
        (3, "`history` must be what `fit` returns"),
        ([0.1], "`history` must be what `fit` returns"),
        ({"a": 3}, r"a list of numbers.*history\['a'\]=3"),
        ({"a": "xy"}, r"a list of numbers.*history\['a'\]='xy'"),
        ({"a": [[1]]}, "a list of numbers"),
    )
    def test_other_things_raise(self, history, words):
        with self.assertRaisesRegex(TypeError, words):
            curves.read_history(history)


if __name__ == "__main__":
    absltest.main()
