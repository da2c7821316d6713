"""Tests a short run of each family on tiny data."""

import os
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from benchmarks import counting
from benchmarks import families
from benchmarks import tables
from examples import datasets
from tests import test_util
from tests.benchmarks import fake_mnist


class FamiliesTest(test_util.TestCase):
    @parameterized.parameters("arm", "dependent")
    def test_record(self, family):
        data = self.create_tempdir().full_path
        fake_mnist.write(data)
        with mock.patch.dict(os.environ, KERAS_L0_DATA=data):
            dataset = datasets.load("mnist")
        record = families.train(family, 0.1, 0.01, 0, dataset, 1, 1)
        units = [int(n) for n in record["architecture"].split("-")]
        self.assertAllClose(
            record["percent_left"],
            counting.percent_left("lenet_300_100", units),
            atol=1e-3,
        )
        self.assertIsNone(record["test_error"])
        self.assertBetween(record["validation_error"], 0, 100)
        tested = families.train(family, 0.1, 0.01, 0, dataset, 1, 0, True)
        self.assertBetween(tested["test_error"], 0, 100)
        self.assertStartsWith(
            tables.families([record]).splitlines()[-1],
            f"| {family} | 0.01 | 0.1 | 0 | {record['architecture']} |",
        )


if __name__ == "__main__":
    absltest.main()
