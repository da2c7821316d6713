"""Tests of `keras.models.clone_model`."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import copies
from tests.conformance import properties

PROPERTY = properties.Property(
    "clone",
    tuple(row for row in descriptors.TRAINED if row.name != "gate_vector"),
    {
        "gate_vector": "Keras builds each layer of a clone from its own "
        "config, which unties them",
        "CALLBACKS": properties.WATCHES,
        "DISTRIBUTIONS": properties.NO_KERAS_OBJECT,
    },
)


class CloneTest(test_util.TestCase):
    @parameterized.named_parameters(*PROPERTY.named)
    def test_clone_computes_the_same(self, row):
        model = copies.trained(row)
        other = keras.models.clone_model(model)
        # A clone is compiled, but carries no budget over.
        states = len(other.weights)
        other.set_weights(model.get_weights()[:states])
        x = descriptors.inputs()
        self.assertAllEqual(other(x), model(x))
        descriptors.set_logits(other, (-1000.0, 1000.0))
        self.assertNotAllEqual(other(x), model(x))


if __name__ == "__main__":
    absltest.main()
