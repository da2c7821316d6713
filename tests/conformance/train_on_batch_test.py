"""Tests that batches handed in one by one train like `fit`."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import properties
from tests.conformance import trials

ROWS = tuple(r for r in descriptors.TRAINED if r.name != "budget")
PROPERTY = properties.Property(
    "train_on_batch",
    ROWS,
    {
        "budget": "its phases are fractions of the epochs of a `fit`",
        "CALLBACKS": "Keras calls them in `fit` only",
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)


class TrainOnBatchTest(test_util.TestCase):
    @parameterized.named_parameters(*PROPERTY.named)
    def test_batches_one_by_one_train_like_fit(self, row):
        known = trials.compiled(row)
        history = trials.fit(known, epochs=1)
        keras.utils.clear_session(free_memory=False)
        model = trials.compiled(row)
        for name, loss in trials.one_by_one(model).items():
            self.assertAllClose(history[name], [loss], rtol=1e-6, msg=name)
        trials.check_same(self, known, model, rtol=1e-6)
        self.assertAllClose(
            model.test_on_batch(trials.X, trials.Y),
            known.evaluate(trials.X, trials.Y, verbose=0),
            rtol=1e-6,
        )
        self.assertAllClose(
            model.predict_on_batch(trials.X),
            np.array(known(trials.X, training=False)),
            rtol=1e-6,
        )


if __name__ == "__main__":
    absltest.main()
