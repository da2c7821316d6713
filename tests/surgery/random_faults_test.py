"""The random networks can fail: each of these faults is caught by them."""

from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.surgery import activations
from keras_l0.surgery.rules import arithmetic
from keras_l0.surgery.rules import linear
from keras_l0.surgery.rules import reshaping
from tests import test_util
from tests.surgery import random_graphs
from tests.surgery.strip_test_case import StripTestCase

# Each fault below shows in at least one network in ten.
NETWORKS = 60


def _no_constants(kernel, channels, folded):
    return np.zeros(kernel.shape[-1])


def _wrong_order(call, array):
    return array.ravel("F")


FAULTS = {
    "constants_are_not_folded": (linear, "_constant_part", _no_constants),
    "gates_move_through_any_activation": (
        activations,
        "is_homogeneous",
        lambda activation: True,
    ),
    "features_of_a_flattened_image_in_another_order": (
        reshaping,
        "_flatten",
        _wrong_order,
    ),
    "constant_branch_of_a_sum_is_dropped": (
        arithmetic.AddRule,
        "put_in",
        lambda self, adapter, constants: adapter,
    ),
}


class FaultsTest(StripTestCase):
    @parameterized.named_parameters(
        (name, *fault) for name, fault in FAULTS.items()
    )
    def test_is_caught(self, owner, name, fault):
        with mock.patch.object(owner, name, fault):
            caught = any(self.differs(number) for number in range(NETWORKS))
        self.assertTrue(caught)

    def differs(self, number):
        test_util.start_afresh()
        self.use("float64")
        case = random_graphs.random_case(number)
        x = keras.tree.pack_sequence_as(case.model.input, case.inputs)
        try:
            small = keras_l0.strip_gates(case.model)
            self.assert_same_function(case.model, small, x)
        except AssertionError:
            return True
        except (RuntimeError, ValueError):
            return False  # refused: not what is looked for here
        return False


if __name__ == "__main__":
    absltest.main()
