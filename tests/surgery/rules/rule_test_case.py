"""Checks a strip rule against the Keras layer that it is about.

The layer itself is the oracle: whatever a rule says of constants, of needed
channels and of a smaller layer is compared with what Keras computes.
"""

import dataclasses

import keras
import numpy as np

from keras_l0.graph import Node
from keras_l0.graph import Ref
from keras_l0.graph import named_weights
from keras_l0.graph.record import weight_values
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.copying import copy_operation
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.selection import Selection
from tests.surgery import random_values
from tests.surgery.strip_test_case import StripTestCase

ROWS = 3
NOTHING = {}


@dataclasses.dataclass
class Probe:
    """One input of a call: what is known of it, and arrays that fit."""

    channels: Channels
    arrays: list[np.ndarray]


def held(known, value=None, there=None):
    """Channels of a vector, and a selection that holds those `there`."""
    known = np.array(known)
    value = np.zeros(known.size) if value is None else np.array(value)
    channels = Channels(1, known, value)
    there = ~known if there is None else np.array(there)
    return channels, Selection.of(channels, there)


class RuleTestCase(StripTestCase):
    def probe(self, shape, known=NOTHING, axis=None, copies=2):
        """Random arrays whose channels `known` hold one value."""
        axis = len(shape) if axis is None else axis
        size = shape[axis - 1]
        flags = np.isin(np.arange(size), list(known))
        values = np.array([known.get(i, 0.0) for i in range(size)])
        spread = [1] * (len(shape) + 1)
        spread[axis] = size
        arrays = []
        for _ in range(copies):
            random = self.rng.normal(0.2, 1.5, (ROWS, *shape))
            arrays.append(
                np.where(flags.reshape(spread), values.reshape(spread), random)
            )
        return Probe(Channels(axis, flags, values), arrays)

    def call(self, layer, *shapes, widen=True):
        """A `Call` of the layer, built and with weights that matter."""
        inputs = [keras.KerasTensor((None, *s), "float64") for s in shapes]
        args = inputs if len(inputs) > 1 else inputs[0]
        output = layer(args)
        if widen:
            random_values.widen(keras.Sequential([layer]), self.rng)
        refs = [Ref(i) for i in range(len(inputs))]
        args = (refs,) if len(refs) > 1 else (refs[0],)
        values = weight_values(layer)
        node = Node(layer.name, layer, args, {}, [len(refs)], values)
        return Call(node, [tuple(t.shape) for t in inputs], [output.shape])

    def barrier(self, layer, *shapes):
        """Why the call of a layer is a barrier, or None."""
        rule = find_rule(layer)
        if isinstance(rule, Barrier):
            return rule
        return rule.barrier(self.call(layer, *shapes))

    def check(self, layer, *probes, needed=None):
        """Checks forward, backward and plan for many needed channels.

        Args:
            needed: List of boolean arrays; None chooses them.
        """
        shapes = [probe.arrays[0].shape[1:] for probe in probes]
        call = self.call(layer, *shapes)
        rule = find_rule(layer)
        self.assertIsNone(rule.barrier(call))
        channels = [probe.channels for probe in probes]
        (axis,) = rule.output_axes(call, [x.axis for x in channels])
        (output,) = rule.forward(call, channels)
        self.assertEqual(output.axis, axis)
        expected = [
            self.run_layer(layer, arrays)
            for arrays in zip(*(p.arrays for p in probes), strict=True)
        ]
        self._check_known(output, expected)
        for subset in needed or self._subsets(output.size):
            kept = output.kept(np.asarray(subset))
            parts = rule.backward(call, channels, [kept])
            self._check_needed(layer, probes, parts, output, kept)
            self._check_plan(rule, call, probes, parts, output, kept)
        return output

    def run_layer(self, layer, arrays):
        tensors = [keras.ops.convert_to_tensor(a) for a in arrays]
        output = layer(tensors if len(tensors) > 1 else tensors[0])
        return keras.ops.convert_to_numpy(output)

    def _subsets(self, size):
        """All channels, each alone, and some."""
        yield np.ones(size, bool)
        for channel in range(size):
            yield np.arange(size) == channel
        for _ in range(3):
            subset = self.rng.random(size) < 0.5
            if subset.any():
                yield subset

    def _check_known(self, output, expected):
        for y in expected:
            y = np.moveaxis(y, output.axis, -1)
            for c in np.flatnonzero(output.known):
                np.testing.assert_allclose(
                    y[..., c], output.value[c], rtol=1e-12, atol=1e-12
                )

    def _check_needed(self, layer, probes, parts, output, kept):
        """What is not needed may be anything: the kept channels agree.

        The probes' arrays differ in all that is not known; constants that are
        not needed are known to the rule.
        """
        first, second = ([p.arrays[i] for p in probes] for i in range(2))
        mixed = []
        for a, b, probe, part in zip(first, second, probes, parts, strict=True):
            taken = part | probe.channels.known
            spread = [1] * a.ndim
            spread[probe.channels.axis] = part.size
            mixed.append(np.where(taken.reshape(spread), a, b))
        seen = kept & ~output.known
        np.testing.assert_allclose(
            np.compress(seen, self.run_layer(layer, mixed), output.axis),
            np.compress(seen, self.run_layer(layer, first), output.axis),
            rtol=1e-12,
        )

    def _check_plan(self, rule, call, probes, parts, output, kept):
        selections, smaller = [], []
        for probe, part in zip(probes, parts, strict=True):
            selection, array = self._held(probe, part)
            selections.append(selection)
            smaller.append(array)
        step = rule.plan(call, selections, [output], [kept])
        result = self._carry_out(call, step, smaller)
        arrays = [probe.arrays[0] for probe in probes]
        expected = self.run_layer(call.layer, arrays)
        self._check_selection(step.selections[0], result, expected, kept)

    def _held(self, probe, part):
        """The input as a smaller model may hold it, factors pending."""
        channels = probe.channels
        there = channels.kept(part)
        if part.any():
            # Somebody else may have needed another channel.
            there[self.rng.integers(there.size)] = True
        selection = Selection.of(channels, there)
        scale = self.rng.uniform(0.2, 1.0, channels.size)
        scale = np.where(self.rng.random(channels.size) < 0.5, scale, 1.0)
        selection = dataclasses.replace(selection, scale=scale)
        spread = [1] * probe.arrays[0].ndim
        spread[channels.axis] = -1
        array = np.compress(there, probe.arrays[0], channels.axis)
        return selection, array / scale[there].reshape(spread)

    def _carry_out(self, call, step, smaller):
        """What the step computes, by Keras."""
        for i in step.adapters:
            self.assertNotEmpty(smaller[i].ravel(), "nobody made this tensor")
        inputs = [
            adapter(keras.ops.convert_to_tensor(smaller[i]))
            for i, adapter in step.adapters.items()
        ]
        if step.config is None:
            (result,) = inputs
            return keras.ops.convert_to_numpy(result)
        layer = copy_operation(call.layer, type(call.layer), step.config)
        several = len(call.input_shapes) > 1
        layer(inputs if several else inputs[0])
        values = call.weights if step.weights is None else step.weights
        self.assertCountEqual(named_weights(layer), values)
        for name, variable in named_weights(layer).items():
            self.assertEqual(variable.shape, values[name].shape)
            variable.assign(values[name])
        result = layer(inputs if several else inputs[0])
        return keras.ops.convert_to_numpy(result)

    def _check_selection(self, selection, result, expected, kept):
        """`original[c] = scale[c] * smaller[position[c]]`, or a constant."""
        axis = selection.channels.axis
        self.assertEqual(result.shape[axis], selection.width)
        result = np.moveaxis(result, axis, -1)
        expected = np.moveaxis(expected, axis, -1)
        for c in np.flatnonzero(kept):
            if selection.position[c] < 0:
                self.assertTrue(selection.channels.known[c])
                continue
            np.testing.assert_allclose(
                selection.scale[c] * result[..., selection.position[c]],
                expected[..., c],
                rtol=1e-9,
                atol=1e-11,
            )
