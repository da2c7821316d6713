"""Tests of input data, made up or given."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.internal import inputs
from tests import test_util


def two_inputs():
    left = keras.Input((4,), name="left")
    right = keras.Input((2, 3), name="right", dtype="int32")
    flat = keras.layers.Flatten()(right)
    return keras.Model([left, right], keras.layers.Concatenate()([left, flat]))


def one_input(*shape, dtype="float32", layer=None, **kwargs):
    layer = layer or keras.layers.Identity()
    return keras.Sequential([keras.Input(shape, dtype=dtype, **kwargs), layer])


class CheckGraphTest(test_util.TestCase):
    def test_accepts_functional_and_built_sequential(self):
        model = keras.Sequential([keras.layers.Dense(2)])
        model(np.ones((1, 3)))
        for good in (model, two_inputs(), one_input(3)):
            self.assertIs(inputs.check_graph(good), good)

    def test_no_model_raises(self):
        for wrong in (3, None, keras.layers.Dense(2)):
            with self.assertRaisesRegex(TypeError, "must be a `keras.Model`"):
                inputs.check_graph(wrong)

    def test_unbuilt_model_raises(self):
        model = keras.Sequential([keras.layers.Dense(2)], name="young")
        with self.assertRaisesRegex(ValueError, "'young' is not built"):
            inputs.check_graph(model)

    def test_subclassed_model_raises(self):
        class Own(keras.Model):
            def call(self, inputs):
                return inputs

        model = Own()
        model(np.ones((1, 3)))
        with self.assertRaisesRegex(ValueError, r"no graph.*\(Own\)"):
            inputs.check_graph(model)


class MadeUpTest(test_util.TestCase):
    def test_floats_are_normal_and_repeatable(self):
        model = one_input(50, 40)
        (first,), (second,) = (inputs.made_up(model, 3) for _ in range(2))
        self.assertEqual((first.shape, first.dtype), ((3, 50, 40), np.float32))
        self.assertAllEqual(first, second)
        # 6000 draws: the mean lies within 5 / sqrt(6000) but for 6e-7.
        self.assertLess(abs(first.mean()), 0.065)
        self.assertBetween(first.std(), 0.95, 1.05)

    @parameterized.parameters("int32", "bool", "uint8")
    def test_integers_are_zero_or_one(self, dtype):
        (data,) = inputs.made_up(one_input(50, dtype=dtype), 3)
        self.assertEqual(data.dtype, dtype)
        self.assertEqual(set(data.astype(int).ravel()), {0, 1})

    def test_floats_in_front_of_an_embedding_are_zero_or_one(self):
        inner = one_input(50, layer=keras.layers.Embedding(2, 3))
        model = keras.Sequential([keras.Input((50,)), inner])
        (data,) = inputs.made_up(model, 3)
        self.assertEqual(data.dtype, np.float32)
        self.assertEqual(set(data.ravel()), {0.0, 1.0})
        self.assertEqual(model(data).shape, (3, 50, 3))

    def test_half_precision(self):
        (data,) = inputs.made_up(one_input(5, dtype="bfloat16"), 3)
        self.assertEqual(data.dtype.name, "bfloat16")

    def test_open_sizes_and_own_batch_size(self):
        (data,) = inputs.made_up(one_input(None, 3), 2)
        self.assertEqual(data.shape, (2, 32, 3))
        model = keras.Sequential(
            [keras.Input(batch_shape=(4, 3)), keras.layers.Dense(1)]
        )
        self.assertEqual(inputs.made_up(model, 2)[0].shape, (4, 3))

    def test_strings_raise(self):
        lookup = keras.layers.StringLookup(vocabulary=["a"])
        model = one_input(1, dtype="string", layer=lookup, name="word")
        with self.assertRaisesRegex(ValueError, "string input.*`probe`"):
            inputs.made_up(model, 2)


class AsArraysTest(test_util.TestCase):
    def test_casts_to_the_type_of_the_input(self):
        (data,) = inputs.as_arrays(one_input(3), np.ones((5, 3), "uint8"), "x")
        self.assertEqual((data.dtype, data.shape), (np.float32, (5, 3)))

    def test_takes_lists_tensors_and_open_sizes(self):
        for given in ([[1, 2, 3]], keras.ops.ones((1, 7))):
            (data,) = inputs.as_arrays(one_input(None), given, "x")
            self.assertEqual(data.dtype, np.float32)

    def test_several_inputs_by_order_or_name(self):
        left, right = np.ones((5, 4)), np.zeros((5, 2, 3))
        for given in (
            [left, right],
            (left, right),
            {"right": right, "left": left},
        ):
            data = inputs.as_arrays(two_inputs(), given, "x")
            self.assertEqual([a.shape for a in data], [(5, 4), (5, 2, 3)])
            self.assertEqual([a.dtype.name for a in data], ["float32", "int32"])

    def test_strings(self):
        lookup = keras.layers.StringLookup(vocabulary=["a"])
        model = one_input(1, dtype="string", layer=lookup)
        (data,) = inputs.as_arrays(model, np.array([["a"], ["b"]]), "x")
        self.assertAllEqual(model(data), [[1], [0]])

    @parameterized.named_parameters(
        (
            "rank",
            np.ones((5, 3, 1)),
            ValueError,
            r"shape \(n, 3\)\. .*\(5, 3, 1\)",
        ),
        ("size", np.ones((5, 4)), ValueError, r"shape \(n, 3\).*\(5, 4\)"),
        ("scalar", 3.0, ValueError, r"shape \(n, 3\).*\(\)"),
        ("empty", np.ones((0, 3)), ValueError, "at least 1 example.*: 0"),
        ("nan", np.full((2, 3), np.nan), ValueError, "finite"),
        ("infinite", np.full((2, 3), np.inf), ValueError, "finite"),
        ("text", "text", TypeError, "array of numbers.*str"),
        ("ragged", [[1, 2, 3], [4]], TypeError, "array of numbers.*list"),
        ("none", None, TypeError, "array of numbers.*NoneType"),
        ("name", {"y": np.ones((5, 3))}, ValueError, r"one entry.*\('y',\)"),
    )
    def test_what_does_not_fit_raises(self, data, error, words):
        with self.assertRaisesRegex(error, f"`x`.*{words}"):
            inputs.as_arrays(one_input(3), data, "x")

    @parameterized.named_parameters(
        ("array", np.ones((5, 4)), r"list of 2 arrays.*\('left', 'right'\)"),
        ("one", [np.ones((5, 4))], "list of 2 arrays"),
        (
            "order",
            [np.ones((5, 2, 3)), np.ones((5, 4))],
            r"\(n, 4\) for the input 'left'",
        ),
        (
            "rows",
            [np.ones((5, 4)), np.ones((4, 2, 3))],
            r"as many examples.*'left': 5, 'right': 4",
        ),
        ("missing", {"left": np.ones((5, 4))}, r"one entry.*\('left',\)"),
    )
    def test_what_does_not_fit_several_inputs_raises(self, data, words):
        with self.assertRaisesRegex(ValueError, f"`x`.*{words}"):
            inputs.as_arrays(two_inputs(), data, "x")

    def test_fewer_rows_than_a_batch_raise(self):
        model = keras.Sequential(
            [keras.Input(batch_shape=(4, 3)), keras.layers.Dense(1)]
        )
        with self.assertRaisesRegex(ValueError, "4 examples, one batch.*: 3"):
            inputs.as_arrays(model, np.ones((3, 3)), "x")


if __name__ == "__main__":
    absltest.main()
