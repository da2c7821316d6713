"""Tests of the tables: columns, names and parts."""

import sys
from unittest import mock

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from sklearn import datasets

from examples import tables
from tests import test_util


class TablesTest(test_util.TestCase):
    @parameterized.parameters(("breast_cancer", 569, 2), ("wine", 178, 3))
    def test_parts_hold_every_row_once(self, name, rows, classes):
        data = tables.load(name).data
        parts = (data.x_train, data.x_validation, data.x_test)
        self.assertLen(np.unique(np.concatenate(parts), axis=0), rows)
        self.assertEqual(len(data.x_test), -(-rows // 3))
        self.assertEqual(data.num_classes, classes)
        self.assertEqual(data.x_train.dtype, np.float32)

    def test_columns_keep_their_names(self):
        table = tables.load("wine", noise_columns=2)
        raw = datasets.load_wine()
        self.assertEqual(
            table.names, (*raw.feature_names, "noise 1", "noise 2")
        )
        everything = np.concatenate(
            [table.data.x_train, table.data.x_validation, table.data.x_test]
        )
        # Standardizing keeps the order of the values of a column.
        column = table.names.index("hue")
        source = np.sort(raw.data[:, column])
        found = np.sort(everything[:, column].astype("float64"))
        slope, offset = np.polyfit(source, found, 1)
        self.assertAllClose(slope * source + offset, found, atol=1e-5)

    def test_training_columns_are_standardized(self):
        x = tables.load("breast_cancer", noise_columns=3).data.x_train
        # Means of 340 float32 values up to 10: a few 1e-7 each.
        self.assertAllClose(x.mean(axis=0), np.zeros(33), atol=1e-5)
        self.assertAllClose(x.std(axis=0), np.ones(33), atol=1e-5)

    def test_noise_knows_nothing_of_the_classes(self):
        table = tables.load("breast_cancer", noise_columns=40)
        x, y = table.data.x_train, table.data.y_train
        correlations = np.corrcoef(x.T, y)[-1, 30:-1]
        # Under independence normal with deviation 1 / sqrt(n); 40 columns at
        # 4.5 deviations: a false alarm in 3,700 seeds.
        self.assertAllInRange(correlations * np.sqrt(len(y)), -4.5, 4.5)

    def test_unknown_table(self):
        with self.assertRaisesRegex(ValueError, "breast_cancer.*name='iris'"):
            tables.load("iris")

    def test_without_scikit_learn(self):
        with mock.patch.dict(sys.modules, {"sklearn": None}):
            with self.assertRaisesRegex(
                ImportError, r"'wine' table.*pip install keras_l0\[examples\]"
            ):
                tables.load("wine")


if __name__ == "__main__":
    absltest.main()
