"""Tests of the check of what was written."""

import keras
import numpy as np
from absl.testing import absltest

from keras_l0.export import verification
from tests import test_util


def doubling(batch_size=None):
    """A model that doubles its input of two features."""
    inputs = keras.Input(batch_shape=(batch_size, 2))
    return keras.Model(inputs, inputs * 2.0, name="doubling")


class Runner:
    """Doubles, adds `error`, and remembers the batches."""

    def __init__(self, error=0.0):
        self.error = error
        self.batches = []

    def __call__(self, arrays):
        self.batches.append(arrays[0])
        return [arrays[0] * 2 + self.error]


def verify(runner, model=None, rows=5, tolerance=1e-4):
    data = [np.linspace(-4, 4, 2 * rows, dtype="float32").reshape(rows, 2)]
    model = model or doubling()
    return verification.verify(model, runner, data, tolerance, "LiteRT thing")


class VerifyTest(test_util.TestCase):
    def test_one_example_and_several(self):
        runner = Runner()
        found = verify(runner)
        self.assertEqual([len(batch) for batch in runner.batches], [1, 5])
        self.assertEqual(found.max_difference, 0.0)
        self.assertEqual(found.max_reference, 8.0)

    def test_at_most_32_examples(self):
        runner = Runner()
        verify(runner, rows=100)
        self.assertEqual([len(batch) for batch in runner.batches], [1, 32])

    def test_batches_of_the_size_of_the_model(self):
        runner = Runner()
        verify(runner, doubling(batch_size=2))
        self.assertEqual([len(batch) for batch in runner.batches], [2, 2])

    def test_difference_of_a_later_row_is_found(self):
        class LastRowWrong(Runner):
            def __call__(self, arrays):
                (outputs,) = super().__call__(arrays)
                outputs[4:] += 0.5
                return [outputs]

        with self.assertRaisesRegex(RuntimeError, "differ by up to 5.0e-01"):
            verify(LastRowWrong())

    def test_message_names_all_figures(self):
        with self.assertRaisesRegex(
            RuntimeError,
            "LiteRT thing does not compute what model 'doubling'.*"
            r"2\.5e-01 \(largest output 8; allowed are 1e-04.*Nothing was wr",
        ):
            verify(Runner(error=0.25))

    def test_tolerance_is_relative_to_the_scale(self):
        # The outputs reach 8: 4e-4 is half of what 1e-4 allows.
        found = verify(Runner(error=4e-4))
        self.assertAllClose(found.max_difference, 4e-4, rtol=1e-2)
        with self.assertRaisesRegex(RuntimeError, "differ by up to 1.6e-03"):
            verify(Runner(error=1.6e-3))

    def test_nan_is_no_rounding(self):
        with self.assertRaisesRegex(RuntimeError, "differ by up to inf"):
            verify(Runner(error=float("nan")))

    def test_without_tolerance_it_only_measures(self):
        found = verify(Runner(error=0.25), tolerance=None)
        self.assertEqual(found.max_difference, 0.25)

    def test_failing_runner_names_the_batch(self):
        def one_only(arrays):
            if len(arrays[0]) > 1:
                raise ValueError("wrong shape")
            return [arrays[0] * 2]

        with self.assertRaisesRegex(
            RuntimeError, "LiteRT thing does not run on 5 examples: wrong shape"
        ):
            verify(one_only)

    def test_model_without_finite_outputs_raises(self):
        inputs = keras.Input((2,))
        model = keras.Model(inputs, keras.ops.log(inputs - 100.0))
        with self.assertRaisesRegex(ValueError, "not finite.*`probe`"):
            verify(Runner(), model)


class ProbeDataTest(test_util.TestCase):
    def test_made_up(self):
        (data,) = verification.probe_data(doubling(), None)
        self.assertEqual(data.shape, (3, 2))

    def test_given(self):
        (data,) = verification.probe_data(doubling(), [[1, 2]])
        self.assertAllEqual(data, [[1.0, 2.0]])
        with self.assertRaisesRegex(ValueError, r"`probe` .*\(n, 2\)"):
            verification.probe_data(doubling(), [[1, 2, 3]])


if __name__ == "__main__":
    absltest.main()
