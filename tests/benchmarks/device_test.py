"""Tests the device's benchmark where there is none, and on the processor."""

import contextlib
import io
import os
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import flagsaver
from absl.testing import parameterized

from benchmarks import device
from benchmarks import device_agreement
from benchmarks import step_overhead
from tests import test_util


class DeviceTest(test_util.TestCase):
    def _main(self, **flags):
        said = io.StringIO()
        with flagsaver.flagsaver(**flags), contextlib.redirect_stdout(said):
            device.main([])
        return said.getvalue()

    def test_without_accelerator_it_says_so(self):
        with mock.patch.object(tf.config, "list_logical_devices", lambda k: []):
            said = self._main(device_platform=None)
        self.assertEqual(said, f"{device.NOTHING}\n")

    @parameterized.parameters(*step_overhead.FAMILIES)
    def test_processor_draws_what_it_drew(self, family):
        draws = device_agreement.draws(family, "cpu:0")
        again = device_agreement.draws(family, "cpu:0")
        self.assertEqual(device_agreement.compare_draws(draws, again), 0)
        self.assertEqual([len(draw) for draw in draws], [300, 100])

    def test_processor_is_right(self):
        with mock.patch.object(device, "_POLICIES", ("mixed_float16",)):
            entry = device.check("arm", "cpu:0")
        self.assertTrue(entry["right"], entry)
        self.assertEqual(list(entry["off"]), ["draws", "step", "step, XLA"])
        self.assertEqual(
            list(entry["mixed"]), ["mixed_float16", "mixed_float16, XLA"]
        )

    def test_one_difference_makes_a_family_wrong(self):
        right = {"right": True}
        for off, expected in ((0.5, True), (1.5, False)):
            with mock.patch.multiple(
                device_agreement,
                draws=mock.Mock(),
                step=mock.Mock(),
                learns=mock.Mock(return_value=right),
                compare_draws=mock.Mock(return_value=0.0),
                compare_steps=mock.Mock(return_value=off),
            ):
                entry = device.check("arm", "gpu:0")
            self.assertEqual(entry["right"], expected)
            self.assertLen(entry["mixed"], 4)

    def test_difference_ends_with_status_1(self):
        path = os.path.join(self.create_tempdir().full_path, "d.json")
        wrong = {"family": "arm", "right": False}
        with (
            mock.patch.object(device, "check", lambda *_: wrong),
            self.assertRaises(SystemExit) as caught,
        ):
            self._main(
                device_platform="CPU",
                device_family=["arm"],
                device_pairs=0,
                device_path=path,
            )
        self.assertEqual(caught.exception.code, 1)


class DeviceAgreementTest(test_util.TestCase):
    def test_draws_may_differ_by_rounding(self):
        draw = np.float32([0.0, 0.5, 1.0])
        rounded = draw + np.float32([0, 1e-6, 0])
        off = device_agreement.compare_draws([draw], [rounded])
        self.assertBetween(off, 0.1, 1)
        off = device_agreement.compare_draws([draw], [1 - draw])
        self.assertGreater(off, 1e4)

    def test_gradients_of_arm_may_differ_by_roundings_of_losses(self):
        gradients = {"a/kernel": np.ones(2), "a/logits": np.full(2, 1e-3)}
        off = {**gradients, "a/logits": np.full(2, 1.2e-3)}
        for family, least, most in (("arm", 0, 1), ("diff_prune", 10, 1e3)):
            found = device_agreement.compare_steps(
                family, (2.0, gradients), (2.0, off)
            )
            self.assertBetween(found, least, most)

    def test_other_loss_is_seen(self):
        found = device_agreement.compare_steps("arm", (2.0, {}), (2.01, {}))
        self.assertGreater(found, 5)


if __name__ == "__main__":
    absltest.main()
