"""Tests that `steps_per_execution` changes nothing but the speed."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import properties
from tests.conformance import trials

PROPERTY = properties.Property(
    "steps_per_execution",
    (*descriptors.FAMILIES, *descriptors.CALLBACKS),
    {
        **properties.costly(descriptors.FAMILIES),
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)


class StepsPerExecutionTest(test_util.TestCase):
    @parameterized.named_parameters(*descriptors.named(descriptors.FAMILIES))
    def test_two_steps_at_once_are_two_steps(self, row):
        one = trials.compiled(row, run_eagerly=True)
        history = trials.fit(one)
        keras.utils.clear_session(free_memory=False)
        # Three batches: the second execution of an epoch has one step.
        two = trials.compiled(row, jit_compile=False, steps_per_execution=2)
        self.assertAllClose(trials.fit(two), history, rtol=1e-5)
        trials.check_same(self, one, two)

    @parameterized.named_parameters(*descriptors.named(descriptors.CALLBACKS))
    def test_callback_leaves_training_alone(self, row):
        trials.check_callback(
            self, row, jit_compile=False, steps_per_execution=2
        )


if __name__ == "__main__":
    absltest.main()
