"""Tests that the suite finds faults: four are planted, one after the other."""

import unittest
from unittest import mock

import tensorflow as tf
from absl.testing import absltest

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import config_test
from tests.conformance import keras_file_test
from tests.conformance import mixed_precision_test
from tests.conformance import partial_batch_test


def failures(case, name):
    """What one test of the suite has to say; nothing if it passes.

    An error that is no failed assertion does not count: a fault must be seen,
    not stumbled over.
    """
    result = unittest.TestResult()
    case(name).run(result)
    if result.errors or result.skipped or not result.testsRun:
        raise AssertionError(f"{name}: {result}: {result.errors}")
    return [text for _, text in result.failures]


class SeededFaultsTest(test_util.TestCase):
    def check_found(self, case, name, owner, attribute, fault):
        """The test fails with the fault, and only with it."""
        self.assertEmpty(failures(case, name))
        with mock.patch.object(owner, attribute, fault):
            self.assertNotEmpty(failures(case, name))

    def test_argument_that_a_config_forgets(self):
        cls = keras_l0.gates.HardConcrete
        whole = cls.get_config

        def forgetful(self):
            config = whole(self)
            del config["drop_rate"]
            return config

        self.check_found(
            config_test.ConfigTest,
            "test_config_has_every_argument_hard_concrete",
            cls,
            "get_config",
            forgetful,
        )

    def test_seed_that_is_not_loaded(self):
        whole = keras_l0.GateVector.load_own_variables

        def forgetful(self, store):
            before = self.seed_generator.state.numpy()
            whole(self, store)
            self.seed_generator.state.assign(before)

        self.check_found(
            keras_file_test.KerasFileTest,
            "test_loaded_model_resumes_training_hard_concrete",
            keras_l0.GateVector,
            "load_own_variables",
            forgetful,
        )

    def test_penalty_that_is_charged_twice(self):
        once = keras_l0.L0Gate._add_penalty
        self.check_found(
            partial_batch_test.PartialBatchTest,
            "test_every_example_counts_once_and_so_does_the_penalty_"
            "l0_gate_outputs",
            keras_l0.L0Gate,
            "_add_penalty",
            lambda self: (once(self), once(self)),
        )

    def test_gates_that_are_drawn_in_half_precision(self):
        whole = keras_l0.GateVector.gates_of

        def half(self, numbers):
            return tf.cast(tf.cast(whole(self, numbers), "float16"), "float32")

        # The first policy, under which the rows of all families come in turn.
        names = [row.name for row in descriptors.GATES]
        self.check_found(
            mixed_precision_test.MixedPrecisionTest,
            f"test_gates_are_rounded_last{names.index('hard_concrete')}",
            keras_l0.GateVector,
            "gates_of",
            half,
        )


if __name__ == "__main__":
    absltest.main()
