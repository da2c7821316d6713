"""Tests of optimizers whose variables become smaller."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.training.optimizer_transport import OptimizerTransport
from tests import test_util

KEPT = [0, 2]


def variables():
    rng = np.random.default_rng(0)
    return [
        keras.Variable(rng.normal(size=shape).astype("float32"))
        for shape in ((3, 2), (3,), (2,))
    ]


def apply(optimizer, known, step):
    rng = np.random.default_rng(step)
    shapes = [(3, 2), (3,), (2,)]
    gradients = [rng.normal(size=s).astype("float32") for s in shapes]
    for place, variable in enumerate(known):
        if variable.shape[0] != shapes[place][0]:
            gradients[place] = gradients[place][KEPT]
    optimizer.apply([keras.ops.array(g) for g in gradients], known)


def part(values):
    return values[KEPT]


class OptimizerTransportTest(test_util.TestCase):
    @parameterized.parameters(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.optimizers.Adam(0.1, amsgrad=True, weight_decay=0.1),
        keras.optimizers.RMSprop(0.1, centered=True, momentum=0.5),
        keras.optimizers.Ftrl(0.1),
        keras.optimizers.Nadam(0.1),
        keras.optimizers.Lion(0.1),
        keras.optimizers.Adam(0.1, use_ema=True, gradient_accumulation_steps=2),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1)),
    )
    def test_steps_are_those_of_the_part(self, optimizer):
        make = type(optimizer).from_config
        uncut, known = make(optimizer.get_config()), variables()
        other, smaller = make(optimizer.get_config()), variables()
        for step in range(3):
            apply(uncut, known, step)
            apply(other, smaller, step)
        transport = OptimizerTransport(other)
        olds = smaller
        smaller = [keras.Variable(old.numpy()) for old in olds]
        for place in (0, 1):
            smaller[place] = keras.Variable(part(olds[place].numpy()))
        moved = {
            id(old): (new, part if place < 2 else lambda values: values)
            for place, (old, new) in enumerate(zip(olds, smaller, strict=True))
        }
        transport.finish(moved, smaller)
        for step in range(3, 6):
            apply(uncut, known, step)
            apply(other, smaller, step)
        for place, (old, new) in enumerate(zip(known, smaller, strict=True)):
            expected = part(old.numpy()) if place < 2 else old.numpy()
            # The same operations on each entry.
            self.assertAllClose(new, expected, rtol=1e-6)
        self.assertEqual(int(other.iterations), int(uncut.iterations))
        self.assertLen(other.variables, len(uncut.variables))

    def test_variables_may_go_as_a_whole(self):
        optimizer, known = keras.optimizers.Adam(0.1), variables()
        apply(optimizer, known, 0)
        momentum = dict(
            zip(map(id, known), optimizer.variables[2::2], strict=True)
        )[id(known[2])].numpy()
        transport = OptimizerTransport(optimizer)
        new = keras.Variable(known[2].numpy())
        transport.finish({id(known[2]): (new, lambda values: values)}, [new])
        self.assertLen(optimizer.variables, 4)
        self.assertAllEqual(optimizer.variables[2], momentum)

    def test_optimizer_that_is_not_built_stays_so(self):
        optimizer = keras.optimizers.Adam()
        OptimizerTransport(optimizer).finish({}, [])
        self.assertFalse(optimizer.built)

    def test_other_shapes_are_refused(self):
        optimizer = keras.optimizers.Adafactor()
        optimizer.build(variables())
        with self.assertRaisesRegex(ValueError, "Adafactor keeps arrays"):
            OptimizerTransport(optimizer)


if __name__ == "__main__":
    absltest.main()
