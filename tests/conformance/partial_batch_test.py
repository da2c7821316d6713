"""Tests of `tf.data` whose last batch is smaller: examples count alike."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import properties
from tests.conformance import trials

ROWS = tuple(r for r in descriptors.FAMILIES if r.name != "budget")
PROPERTY = properties.Property(
    "partial_batch",
    ROWS,
    {
        **properties.costly(ROWS),
        "budget": "its phases are fractions of the epochs of a `fit`",
        "CALLBACKS": "are told the number of a batch, not its size",
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)


def batches():
    """4, 4 and 2 examples, of a size that is not known when it is traced."""
    dataset = tf.data.Dataset.from_tensor_slices((trials.X, trials.Y))
    return dataset.batch(4)


class PartialBatchTest(test_util.TestCase):
    @parameterized.named_parameters(*PROPERTY.named)
    def test_every_example_counts_once_and_so_does_the_penalty(self, row):
        known = trials.compiled(row)
        model = trials.compiled(row, jit_compile=False)
        expected = trials.one_by_one(known)
        history = trials.fit(
            model, epochs=1, x=batches(), y=None, batch_size=None
        )
        for name, loss in expected.items():
            self.assertAllClose(history[name], [loss], rtol=1e-5, msg=name)
        trials.check_same(self, known, model)
        error = np.array(model(trials.X, training=False)) - trials.Y
        loss = np.mean(error**2) + sum(map(float, model.losses))
        seen = model.evaluate(batches(), verbose=0, return_dict=True)
        self.assertAllClose(seen["loss"], loss, rtol=1e-5)


if __name__ == "__main__":
    absltest.main()
