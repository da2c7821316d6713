"""Tests of averages of weights and gates (`use_ema`)."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import properties
from tests.conformance import trials

ROWS = tuple(
    row
    for row in descriptors.TRAINED
    if row.name not in ("budget", "straight_through_total")
)
PROPERTY = properties.Property(
    "ema",
    (*ROWS, *properties.COMPACT),
    {
        "straight_through_total": "Keras averages what the constraint has not "
        "clipped yet; straight_through runs",
        "budget": "its phases are fractions of the epochs of a `fit`",
        "CALLBACKS": "look at gates and logs, not at averages",
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)
OPTIONS = {"use_ema": True, "ema_momentum": 0.6}


class EmaTest(test_util.TestCase):
    @parameterized.named_parameters(*descriptors.named(ROWS))
    def test_fit_ends_with_the_averages_of_weights_and_gates(self, row):
        known, averages = trials.compiled(row), None
        for batch in trials.BATCHES:
            known.train_on_batch(trials.X[batch], trials.Y[batch])
            values = trials.trainable(known)
            # Keras starts at the weights after the first step.
            averages = averages or values
            averages = [
                0.6 * average + 0.4 * value
                for average, value in zip(averages, values, strict=True)
            ]
        keras.utils.clear_session(free_memory=False)
        model = trials.compiled(row, OPTIONS)
        trials.fit(model, epochs=1)
        for variable, average in zip(
            model.trainable_variables, averages, strict=True
        ):
            self.assertAllClose(variable, average, rtol=1e-6, msg=variable.path)

    @parameterized.named_parameters(*descriptors.named(properties.COMPACT))
    def test_callback_leaves_training_alone(self, row):
        trials.check_callback(self, row, OPTIONS)


if __name__ == "__main__":
    absltest.main()
