"""Tests of `fit` under mixed precision, with the loss scaling of float16."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import properties
from tests.conformance import trials

# Normalized gradients and Adam make something of the last bits.
ROWS = tuple(
    row
    for row in descriptors.TRAINED
    if row.name not in ("straight_through", "gated_optimizer", "budget")
)
PROPERTY = properties.Property(
    "mixed_fit",
    (*ROWS, *properties.COMPACT),
    {
        "straight_through": "its normalized gradients turn a rounding into a "
        "step; straight_through_total runs",
        "budget": "freezes its gates in the end, where others would train",
        "gated_optimizer": "Adam turns a rounding into a step; every row "
        "trains with one, of plain descent",
        "CALLBACKS": "look at gates and logs, which are float32",
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)
# Half a unit in the last place, relative to a number.
ROUNDING = {"mixed_float16": 2**-11, "mixed_bfloat16": 2**-8}


def scale(model):
    return float(model.optimizer.dynamic_scale)


class MixedFitTest(test_util.TestCase):
    @parameterized.product(row=ROWS, policy=tuple(ROUNDING))
    def test_training_ends_near_that_of_float32(self, row, policy):
        single = trials.compiled(row)
        start = trials.trainable(single)
        trials.fit(single, epochs=1)
        keras.utils.clear_session(free_memory=False)
        keras.config.set_dtype_policy(policy)
        model = trials.compiled(row)
        for variable, value in zip(
            model.trainable_variables, start, strict=True
        ):
            variable.assign(value)
        trials.fit(model, epochs=1)
        float16 = policy == "mixed_float16"
        self.assertEqual(
            isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer),
            float16,
        )
        if float16:
            self.assertEqual(scale(model), 2**15)  # nothing overflowed
        # Three steps at a rate of 0.1 along gradients of some 1, each behind
        # four layers of products of 4, all rounded: 64 roundings each.
        atol = 3 * 0.1 * 64 * ROUNDING[policy]
        for value, known, begun in zip(
            trials.trainable(model),
            trials.trainable(single),
            start,
            strict=True,
        ):
            self.assertEqual(value.dtype, "float32")
            self.assertAllClose(value, known, rtol=0, atol=atol)
            self.assertNotAllEqual(value, begun)

    @parameterized.named_parameters(*descriptors.named(ROWS))
    def test_step_that_overflows_is_left_out(self, row):
        keras.config.set_dtype_policy("mixed_float16")
        model = trials.compiled(row)
        model.train_on_batch(trials.X, trials.Y)
        start, before = trials.trainable(model), scale(model)
        model.train_on_batch(trials.X, np.full_like(trials.Y, 1e4))
        for value, known in zip(trials.trainable(model), start, strict=True):
            self.assertAllEqual(value, known)
        self.assertEqual(scale(model), before / 2)
        for vector in keras_l0.layers.gate_vectors(model).values():
            self.assertEqual(vector.logits.dtype, "float32")

    @parameterized.named_parameters(*descriptors.named(properties.COMPACT))
    def test_callback_leaves_training_alone(self, row):
        keras.config.set_dtype_policy("mixed_float16")
        # Sums of fewer products are rounded elsewhere.
        trials.check_callback(self, row, atol=64 * ROUNDING["mixed_float16"])


if __name__ == "__main__":
    absltest.main()
