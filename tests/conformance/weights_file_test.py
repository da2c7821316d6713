"""Tests that a file of weights makes a new model the old one."""

import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util
from tests.conformance import copies
from tests.conformance import properties

PROPERTY = properties.Property(
    "weights_file",
    descriptors.TRAINED,
    {
        "CALLBACKS": properties.WATCHES,
        "DISTRIBUTIONS": properties.NO_KERAS_OBJECT,
    },
)


class WeightsFileTest(test_util.TestCase):
    @parameterized.named_parameters(*PROPERTY.named)
    def test_weights_file_fits_a_new_model(self, row):
        model = copies.trained(row)
        folder = pathlib.Path(self.create_tempdir().full_path)
        model.save_weights(folder / "model.weights.h5")
        other = row.model()
        other.load_weights(folder / "model.weights.h5")
        copies.check_same(self, model, other)


if __name__ == "__main__":
    absltest.main()
