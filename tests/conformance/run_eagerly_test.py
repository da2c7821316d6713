"""Tests that `run_eagerly` trains to the same state as a traced step."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import properties
from tests.conformance import trials

PROPERTY = properties.Property(
    "run_eagerly",
    (*descriptors.FAMILIES, *descriptors.CALLBACKS),
    {
        **properties.costly(descriptors.FAMILIES),
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)


class RunEagerlyTest(test_util.TestCase):
    @parameterized.named_parameters(*descriptors.named(descriptors.FAMILIES))
    def test_eager_training_ends_where_traced_training_does(self, row):
        eager = trials.compiled(row, run_eagerly=True)
        history = trials.fit(eager)
        keras.utils.clear_session(free_memory=False)
        traced = trials.compiled(row, run_eagerly=False, jit_compile=False)
        self.assertAllClose(trials.fit(traced), history, rtol=1e-5)
        trials.check_same(self, eager, traced)

    @parameterized.product(
        row=descriptors.CALLBACKS, how=({}, {"jit_compile": False})
    )
    def test_callback_leaves_training_alone(self, row, how):
        trials.check_callback(self, row, **how)


if __name__ == "__main__":
    absltest.main()
