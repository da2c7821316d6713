"""What the tests of distributions share."""

from collections.abc import Callable

import tensorflow as tf

from tests import test_util


class DistributionTestCase(test_util.TestCase):
    """Base class: Keras, which no distribution uses, is not reset."""

    def setUp(self):
        # Of the bases of test_util.TestCase: resetting Keras takes 0.2 s.
        super(test_util.TestCase, self).setUp()


def seed(i: int = 0) -> tf.Tensor:
    """The i-th stateless seed of the run."""
    return tf.constant([test_util.test_seed(), i], tf.int32)


def value_and_gradient(function: Callable, *args: object):
    """Value of function(*args) and the gradients of its sum."""
    args = [tf.convert_to_tensor(arg) for arg in args]
    with tf.GradientTape() as tape:
        tape.watch(args)
        value = function(*args)
    gradients = tape.gradient(value, args)
    return value, gradients[0] if len(args) == 1 else gradients
