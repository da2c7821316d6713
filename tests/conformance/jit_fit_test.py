"""Tests of `fit` with `jit_compile=True`, which draws other numbers."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import properties
from tests.conformance import trials

NAMES = (
    "l0_gate_per_example",
    "functional_l0_model",
    "arm_binary",
    "diff_prune",
    "straight_through_total",
    "dependent",
    "hard_concrete_topk",
    "budget",
)
ROWS = tuple(row for row in descriptors.TRAINED if row.name in NAMES)
PROPERTY = properties.Property(
    "jit_fit",
    (*ROWS, *properties.COMPACT),
    {
        **properties.costly(ROWS),
        "gate_vector": "takes seconds; every row has gate vectors",
        "gated_optimizer": "takes seconds; every row trains with one",
        "CALLBACKS": "run between the compiled steps",
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)


class JitFitTest(test_util.TestCase):
    @parameterized.named_parameters(*descriptors.named(ROWS))
    def test_compiled_training_ends_where_eager_training_does(self, row):
        models = []
        for how in ({"run_eagerly": True}, {"jit_compile": True}):
            keras.utils.clear_session(free_memory=False)
            model = trials.compiled(row, **how)
            # All draws are certain: which numbers are drawn does not matter.
            descriptors.set_logits(model, (1000.0, -1000.0))
            trials.fit(model, epochs=1)
            models.append(model)
        trials.check_same(self, *models)

    @parameterized.named_parameters(*descriptors.named(properties.COMPACT))
    def test_callback_leaves_training_alone(self, row):
        trials.check_callback(self, row, jit_compile=True)


if __name__ == "__main__":
    absltest.main()
