"""Tests that gradients of micro batches add up to one step."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import properties
from tests.conformance import trials

# Plain descent: a step is proportional to its gradient.
ROWS = tuple(
    row
    for row in descriptors.TRAINED
    if row.name not in ("gated_optimizer", "budget", "straight_through_total")
)
PROPERTY = properties.Property(
    "accumulation",
    (*ROWS, *properties.COMPACT),
    {
        "gated_optimizer": "every row accumulates in one, of plain descent",
        "straight_through_total": "its logits are clipped after a step, which "
        "is not linear; straight_through runs",
        "budget": "its pull at a gradient changes from batch to batch",
        "CALLBACKS": "look at gates and logs, not at gradients",
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)
HALVES = (slice(0, 5), slice(5, 10))


class AccumulationTest(test_util.TestCase):
    @parameterized.named_parameters(*descriptors.named(ROWS))
    def test_step_is_the_mean_of_the_micro_steps(self, row):
        """The same draws: each half moves the weights from where they were."""
        single = trials.compiled(row)
        keras.utils.clear_session(free_memory=False)
        joint = trials.compiled(row, {"gradient_accumulation_steps": 2})
        start, moved = trials.trainable(single), []
        for half in HALVES:
            single.train_on_batch(trials.X[half], trials.Y[half])
            moved.append(trials.trainable(single))
            for variable, value in zip(
                single.trainable_variables, start, strict=True
            ):
                variable.assign(value)
            for value, known in zip(
                trials.trainable(joint), start, strict=True
            ):
                self.assertAllEqual(value, known)  # so far
            joint.train_on_batch(trials.X[half], trials.Y[half])
        expected = map(lambda *ends: np.mean(ends, axis=0), *moved)
        for value, known in zip(trials.trainable(joint), expected, strict=True):
            self.assertAllClose(value, known, rtol=1e-6, atol=1e-6)

    def test_micro_batches_of_a_family_without_draws_are_the_joint_batch(self):
        row = next(r for r in ROWS if r.name == "diff_prune")
        known = trials.compiled(row)
        known.train_on_batch(trials.X, trials.Y)
        keras.utils.clear_session(free_memory=False)
        model = trials.compiled(row, {"gradient_accumulation_steps": 2})
        for half in HALVES:
            model.train_on_batch(trials.X[half], trials.Y[half])
        for value, expected in zip(
            trials.trainable(model), trials.trainable(known), strict=True
        ):
            self.assertAllClose(value, expected, rtol=1e-6, atol=1e-6)

    @parameterized.named_parameters(*descriptors.named(properties.COMPACT))
    def test_callback_leaves_training_alone(self, row):
        trials.check_callback(self, row, {"gradient_accumulation_steps": 3})


if __name__ == "__main__":
    absltest.main()
