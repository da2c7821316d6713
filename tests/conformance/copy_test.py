"""Tests of `copy.deepcopy` and `pickle`."""

import copy
import pickle

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import copies
from tests.conformance import properties

PROPERTY = properties.Property(
    "copy",
    (*descriptors.TRAINED, *descriptors.DISTRIBUTIONS),
    {"CALLBACKS": properties.WATCHES},
)
VALUES = np.array([[-0.05], [0.0], [0.4], [1.0]], "float32")


class CopyTest(test_util.TestCase):
    @parameterized.named_parameters(*descriptors.named(descriptors.TRAINED))
    def test_deepcopy_is_equal_and_independent(self, row):
        model = copies.trained(row)
        other = copy.deepcopy(model)
        copies.check_same(self, model, other)
        copies.check_independent(self, model, other)

    @parameterized.named_parameters(*descriptors.named(descriptors.TRAINED))
    def test_pickle_is_equal_and_independent(self, row):
        model = copies.trained(row)
        other = pickle.loads(pickle.dumps(model))
        copies.check_same(self, model, other)
        other.run_eagerly = True
        copies.check_independent(self, model, other)

    @parameterized.named_parameters(
        *descriptors.named(descriptors.DISTRIBUTIONS)
    )
    def test_copy_of_a_distribution_takes_other_arguments(self, row):
        gate = row.make()
        other = gate.copy()
        self.assertIs(type(other), type(gate))
        self.assertAllEqual(other.cdf(VALUES), gate.cdf(VALUES))
        self.assertTrue(gate.copy(validate_args=True).validate_args)
        self.assertFalse(gate.validate_args)


if __name__ == "__main__":
    absltest.main()
