"""What the tests of surgery share: models that matter, and the comparison."""

import keras
import numpy as np

import keras_l0
from tests import test_util
from tests.surgery import random_values

# Of the output's scale. A unit or a bias too many or too few shows above 1e-3;
# the sums of some tens of terms are rounded at 1e-16 and 6e-8 of their size.
TOLERANCES = {"float64": 1e-10, "float32": 1e-5, "float16": 5e-3}


class StripTestCase(test_util.TestCase):
    """Base class: float64 unless a test asks for another policy."""

    policy = "float64"

    def setUp(self):
        super().setUp()
        self.addCleanup(keras.config.set_floatx, keras.config.floatx())
        self.use(self.policy)
        self.rng = np.random.default_rng(test_util.test_seed())

    def use(self, policy):
        """Makes `policy` the type of layers and of inputs."""
        self.policy = policy
        keras.config.set_dtype_policy(policy)
        if not policy.startswith("mixed"):
            keras.config.set_floatx(policy)

    def gate(self, layer, gates, **kwargs):
        """An `L0Gate` whose deterministic gates will be about `gates`.

        0 and 1 are met exactly. `finish` assigns the logits, once the model
        is built.
        """
        wrapper = keras_l0.L0Gate(layer, **kwargs)
        self.wanted = [*getattr(self, "wanted", []), (wrapper, gates)]
        return wrapper

    def finish(self, inputs, outputs):
        """The model, its weights wide and its gates as they were wanted."""
        model = keras.Model(inputs, outputs)
        self.fill(model)
        return model

    def fill(self, model):
        random_values.widen(model, self.rng)
        for wrapper, gates in getattr(self, "wanted", []):
            wrapper.gate_vector.logits.assign(logits_of(gates))

    def data(self, model):
        """Inputs for `model`, in its own structure."""
        arrays = random_values.inputs_for(model, self.rng)
        structure = getattr(model, "_inputs_struct", None)
        if structure is None:  # a Sequential
            return arrays[0]
        return keras.tree.pack_sequence_as(structure, arrays)

    def strip(self, model, x=None, policy=None):
        """Strips `model`, and checks all that strip_gates promises.

        Returns the smaller model and the report.
        """
        x = self.data(model) if x is None else x
        before = weights(model)
        small, report = keras_l0.strip_gates(model, return_report=True)
        self.assert_same_function(model, small, x, policy)
        for old, new in zip(before, weights(model), strict=True):
            np.testing.assert_array_equal(old, new)
        self.assert_stock(small)
        return small, report

    def assert_stock(self, small):
        """Fails if a layer is none of Keras'."""
        for layer in flat_layers(small):
            self.assertNotIn("keras_l0", type(layer).__module__)

    def assert_same_function(self, model, small, x, policy=None):
        """Fails if an output differs by more than rounding."""
        tolerance = TOLERANCES[policy or self.policy]
        self.assert_alike(model, small, x)
        for found in differences(outputs(model, x), outputs(small, x)):
            self.assertLessEqual(found, tolerance)

    def assert_alike(self, model, small, x):
        """Fails if an output has another shape or type."""
        expected, actual = outputs(model, x), outputs(small, x)
        self.assertLen(actual, len(expected))
        for old, new in zip(expected, actual, strict=True):
            self.assertEqual(new.shape, old.shape)
            self.assertEqual(new.dtype, old.dtype)


def differences(expected, actual):
    """Largest difference of each output, as a part of the output's scale.

    Entries that overflow must do so in both; they have no part in the scale.
    """
    found = []
    for old, new in zip(expected, actual, strict=True):
        finite = np.isfinite(old)
        if not np.array_equal(old[~finite], new[~finite], equal_nan=True):
            found.append(np.inf)
            continue
        old, new = old[finite], new[finite]
        scale = max(np.abs(old).max(initial=0), 1e-3)
        found.append(float(np.abs(old - new).max(initial=0) / scale))
    return found


def logits_of(gates):
    """Logits whose gates are `gates` by the rule of the paper."""
    gates = np.asarray(gates, "float64")
    s = np.clip((gates + 0.1) / 1.2, 1e-9, 1 - 1e-9)
    soft = np.log(s) - np.log1p(-s)
    ends = np.where(gates == 0, random_values.CLOSED, random_values.OPEN)
    return np.where((gates == 0) | (gates == 1), ends, soft)


def outputs(model, x):
    """Outputs in inference, flattened, as arrays."""
    return [
        keras.ops.convert_to_numpy(output)
        for output in keras.tree.flatten(model(x, training=False))
    ]


def weights(model):
    """Values of all variables, those of seeds included."""
    return [v.numpy() for v in model.variables]


def flat_layers(model):
    """Every layer below `model`, at any depth."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from flat_layers(layer)


def units(model, name):
    """Size of the last axis of the output of the layer `name`."""
    return model.get_layer(name).output.shape[-1]
