"""Tests for training under the strategies of tf.distribute."""

import contextlib
import functools
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from keras_l0.training import distributed
from tests import test_util
from tests.training import distributed_runs

ROOT = pathlib.Path(__file__).parents[2]
# A worker that waits for one that died would wait for ever.
SECONDS = 1200
# Sums over a batch of 8 are taken in another order, in 6 steps: a few dozen
# units in the last place of numbers of about 1, and some hundred where a
# gradient is divided by its norm.
TOLERANCE = 1000 * np.finfo("float32").eps


@functools.cache
def single(run):
    """What a training gives on one device."""
    test_util.start_afresh()
    results = run(contextlib.nullcontext)
    return {key: np.asarray(value) for key, value in results.items()}


def start(kind, path, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", distributed_runs.__name__, kind, path],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(processes):
    """Waits for programs, and ends all if one fails."""
    try:
        for process in processes:
            output, _ = process.communicate(timeout=SECONDS)
            if process.returncode:
                raise RuntimeError(output[-5000:])
    finally:
        for process in processes:
            process.kill()
            process.wait()


def part(results, name):
    """The results whose keys begin with a name, without it."""
    return {
        key.removeprefix(f"{name} "): results[key]
        for key in results
        if key.startswith(f"{name} ")
    }


class DistributedTestCase(test_util.TestCase):
    def check(self, actual, expected):
        self.assertEqual(sorted(actual), sorted(expected))
        for key, value in expected.items():
            if key == "logits":  # [steps, replicas, ...]
                value = np.broadcast_to(value, actual[key].shape)
            self.assertAllClose(
                actual[key], value, rtol=TOLERANCE, atol=TOLERANCE, msg=key
            )


class MirroredTest(DistributedTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "mirrored.npz")
            finish([start("mirrored", path)])
            cls.results = dict(np.load(path))

    def test_gates_are_the_same_on_all_replicas_after_every_step(self):
        logits = part(self.results, "families")["logits"]
        self.assertEqual(logits.shape[:2], (6, 2))
        self.assertAllEqual(logits[:, 0], logits[:, 1])
        # Each step moves the gates of every family.
        moved = np.abs(np.diff(logits[:, 0], axis=0)).max(-1)
        self.assertAllGreater(moved, 0)

    def test_all_families_train_as_on_one_device(self):
        # Beside a synchronized BatchNormalization, with each penalty once.
        self.check(
            part(self.results, "families"),
            single(distributed_runs.train_all_families),
        )

    @parameterized.parameters("hard_concrete", "arm")
    def test_draws_are_the_same_unless_asked_for(self, family):
        draws = part(self.results, "draws")
        one, two = draws[f"drawn {family} False"]
        self.assertAllEqual(one, two)
        self.assertGreater(np.std(one), 0)
        # 32 gates agree by chance with a probability below 0.9 ** 32 = 0.03
        # for each family; the seeds are fixed.
        one, two = draws[f"drawn {family} True"]
        self.assertNotAllEqual(one, two)
        for asked in (False, True):
            one, two = draws[f"seeds {family} {asked}"]
            self.assertAllEqual(one, two)
            logits = draws[f"logits {family} {asked}"]
            self.assertAllEqual(logits[:, 0], logits[:, 1])

    @parameterized.parameters(False, True)
    def test_gates_are_the_same_under_mixed_precision(self, run_eagerly):
        mixed = part(self.results, "mixed")
        logits = mixed[f"logits eager {run_eagerly}"]
        self.assertAllEqual(logits[:, 0], logits[:, 1])
        self.assertGreater(mixed[f"scale eager {run_eagerly}"], 1)
        # Every step had a finite gradient for every family.
        moved = np.abs(np.diff(logits[:, 0], axis=0)).max(-1)
        self.assertAllGreater(moved, 0)

    def test_budget_and_callbacks_act_once(self):
        expected = single(distributed_runs.train_to_budget)
        self.assertNotEmpty(expected["cuts"])
        self.assertLess(expected["units"][0], 16)
        self.check(part(self.results, "budget"), expected)


class WorkersTest(DistributedTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            ports = free_ports(2)
        except OSError as error:
            raise absltest.SkipTest(f"No sockets here: {error}") from error
        with tempfile.TemporaryDirectory() as folder:
            cls.results = cls.run_workers(ports, folder)

    @classmethod
    def run_workers(cls, ports, folder):
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        paths, processes = [], []
        for index in range(len(ports)):
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": cluster, "task": task})
            paths.append(os.path.join(folder, f"{index}.npz"))
            processes.append(start("workers", paths[-1], TF_CONFIG=config))
        finish(processes)
        return [dict(np.load(path)) for path in paths]

    def test_workers_agree_to_the_last_bit(self):
        one, two = self.results
        self.assertEqual(sorted(one), sorted(two))
        for key, value in one.items():
            self.assertAllEqual(value, two[key], msg=key)

    def test_all_families_train_as_on_one_device(self):
        self.check(
            part(self.results[0], "families"),
            single(distributed_runs.train_all_families),
        )

    def test_budget_and_callbacks_act_once(self):
        self.check(
            part(self.results[0], "budget"),
            single(distributed_runs.train_to_budget),
        )


def free_ports(count):
    """Ports of this machine that nobody listens to."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def strategy(cls, replicas):
    fake = mock.create_autospec(cls, instance=True)
    fake.num_replicas_in_sync = replicas
    return fake


class CompileTest(test_util.TestCase):
    def model(self):
        inputs = keras.Input((3,))
        hidden = keras_l0.L0Gate(layers.Dense(4))(inputs)
        return keras_l0.L0Model(inputs, layers.Dense(1)(hidden))

    @parameterized.product(
        cls=(
            tf.distribute.MirroredStrategy,
            tf.distribute.MultiWorkerMirroredStrategy,
        ),
        settings=(
            {"jit_compile": True},
            {"steps_per_execution": 4},
            {"gradient_accumulation_steps": 4},
            {"ema_overwrite_frequency": 4},
        ),
    )
    def test_what_keras_cannot_is_refused(self, cls, settings):
        (name, value), *_ = settings.items()
        self._try(strategy(cls, 1), settings)
        self._try(strategy(tf.distribute.TPUStrategy, 2), settings)
        with self.assertRaisesRegex(
            ValueError, f"`{name}` must be .* under .*Received: {name}={value}"
        ):
            self._try(strategy(cls, 2), settings)

    def _try(self, fake, settings):
        ours = ("jit_compile", "steps_per_execution")
        compiled = {k: v for k, v in settings.items() if k in ours}
        options = {k: v for k, v in settings.items() if k not in ours}
        if "ema_overwrite_frequency" in options:
            options["use_ema"] = True
        optimizer = keras.optimizers.Adam(**options)
        model = self.model()
        with mock.patch.object(
            type(model), "distribute_strategy", property(lambda self: fake)
        ):
            model.compile(optimizer, "mse", **compiled)

    def test_what_keras_can_is_not_refused(self):
        fake = strategy(tf.distribute.MirroredStrategy, 2)
        optimizer = keras_l0.training.GatedOptimizer(
            keras.optimizers.Adam(use_ema=True, ema_overwrite_frequency=None)
        )
        distributed.check_compile(fake, optimizer)
        distributed.check_compile(fake, optimizer, jit_compile=False)

    def test_gate_optimizer_is_checked_too(self):
        fake = strategy(tf.distribute.MirroredStrategy, 2)
        gates = keras.optimizers.SGD(gradient_accumulation_steps=2)
        optimizer = keras_l0.training.GatedOptimizer("sgd", gates)
        with self.assertRaisesRegex(ValueError, "gradient_accumulation_steps"):
            distributed.check_compile(fake, optimizer)

    def test_replica_draws_are_saved(self):
        for replica_draws in (False, True):
            model = self.model()
            model.compile("sgd", "mse", replica_draws=replica_draws)
            path = os.path.join(self.create_tempdir(), "model.keras")
            model.save(path)
            loaded = keras.saving.load_model(path)
            self.assertEqual(loaded.replica_draws, replica_draws)
            clone = keras.models.clone_model(model)
            self.assertEqual(clone.replica_draws, replica_draws)

    def test_model_that_was_compiled_with_xla_loads_under_a_strategy(self):
        model = self.model()
        model.compile("sgd", "mse", jit_compile=True)
        path = os.path.join(self.create_tempdir(), "model.keras")
        model.save(path)
        fake = strategy(tf.distribute.MirroredStrategy, 2)
        with mock.patch.object(
            type(model), "distribute_strategy", property(lambda self: fake)
        ):
            loaded = keras.saving.load_model(path)
        self.assertFalse(loaded.jit_compile)
        self.assertTrue(keras.saving.load_model(path).jit_compile)

    def test_workers_need_a_built_model(self):
        class Unbuilt(keras_l0.L0Model):
            pass

        fake = strategy(tf.distribute.MultiWorkerMirroredStrategy, 2)
        fake.extended.worker_devices = ("CPU:0",)
        with mock.patch.object(
            Unbuilt, "distribute_strategy", property(lambda self: fake)
        ):
            with self.assertRaisesRegex(RuntimeError, "no variables yet"):
                Unbuilt().prepare_steps()

    def test_workers_give_their_metrics_an_axis_and_change_no_value(self):
        model, ones = self.model(), np.ones((2, 3), "float32")
        model.compile("sgd", "mse", run_eagerly=True)
        step = (tf.constant(ones), tf.constant(ones[:, :1]))
        known = model.test_step(step)
        for metric in model.metrics:
            metric.reset_state()
        with mock.patch.object(distributed, "_has_workers", lambda _: True):
            results = model.test_step(step)
        self.assertEqual(sorted(results), sorted(known))
        for name, value in results.items():
            self.assertAllEqual(value, [known[name]])


if __name__ == "__main__":
    absltest.main()
