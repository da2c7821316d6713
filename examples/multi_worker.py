"""Trains on several workers, and survives the death of one.

One command starts the workers, here as processes of this machine. Each holds
the whole network and takes its share of every batch. When one dies, the others
cannot go on: the launcher ends them and starts the group again, and it resumes
from what the first worker wrote after the last epoch.

    python -m examples.multi_worker
    python -m examples.multi_worker --kill_after_epoch=2

A process that finds `TF_CONFIG` in its environment is a worker. On several
machines, let whatever starts the processes set it, and start them again; the
output folder must be one that all of them see.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import keras
import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

import keras_l0
from examples import artifacts
from examples import compression
from examples import datasets
from examples import settings as common

_RESTARTS = 3
_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Settings:
    """The flags of this example."""

    workers: int = common.flag(2, "Number of workers.", least=1)
    kill_after_epoch: int = common.flag(
        0, "Epoch after which the last worker kills itself; 0: none.", least=0
    )
    dataset: str = common.flag("digits", "The images.", datasets.NAMES)
    epochs: int = common.flag(12, "Epochs.", least=1)
    batch_size: int = common.flag(
        64, "Images per step, of all workers together.", least=1
    )
    learning_rate: float = common.flag(2e-3, "Adam's.", least=0)
    l0: float = common.flag(
        0.1, "Price of a weight times the number of images.", least=0
    )
    seed: int = common.flag(0, "Seed of everything random.")
    output_dir: str = common.flag(
        "out/multi_worker", "Folder for what is written."
    )


DEFAULTS = Settings()


class Steps(keras.callbacks.Callback):
    """Says where training begins, and kills the process on request.

    Args:
        name: Name of the worker.
        last: Epochs after which the process is killed, 0: never.
    """

    def __init__(self, name: str, last: int = 0):
        super().__init__()
        self.first: int | None = None
        self._name, self._last = name, last

    def on_epoch_begin(self, epoch, logs=None):
        if self.first is None:
            self.first = epoch + 1
            print(f"{self._name} begins with epoch {self.first}", flush=True)
        if self._last and epoch >= self._last:
            os.kill(os.getpid(), signal.SIGKILL)


def build(
    image_shape: tuple[int, ...], num_classes: int, l0: float
) -> keras_l0.L0Model:
    """Builds the network, which gives the logits of the classes.

    Args:
        image_shape: Shape of an image.
        num_classes: Number of classes.
        l0: Price of a weight, as in `keras_l0.L0Gate`.
    """
    images = keras.Input(image_shape)
    x = keras.layers.Flatten()(images)
    for name, units, gate in (
        ("first", 128, "hard_concrete"),
        ("second", 64, "arm"),
    ):
        dense = keras.layers.Dense(units, activation="relu", name=name)
        x = keras_l0.L0Gate(dense, gate, l0=l0, name=f"{name}_gate")(x)
    return keras_l0.L0Model(images, keras.layers.Dense(num_classes)(x))


def backup(folder: str, index: int) -> keras.callbacks.BackupAndRestore:
    """What restores a worker's training, and keeps it for the next time.

    All workers take part in saving, as metrics are summed up for it; what the
    first one has written is what counts. The others begin with a copy.

    Args:
        folder: Folder of the backups of all workers.
        index: Number of this worker.
    """
    first, own = (
        os.path.join(folder, f"worker_{number}") for number in (0, index)
    )
    if index:
        shutil.rmtree(own, ignore_errors=True)
        if os.path.exists(first):
            shutil.copytree(first, own)
    return keras.callbacks.BackupAndRestore(
        own, double_checkpoint=True, delete_checkpoint=False
    )


def work(settings: Settings) -> None:
    """Does the part of one worker; `TF_CONFIG` says of which."""
    # Comes first: the workers find each other before TensorFlow does anything.
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    index = strategy.cluster_resolver.task_id
    compression.begin(settings)
    data = compression.load_images(settings.dataset)
    with strategy.scope():
        model = build(
            data.x_train.shape[1:],
            data.num_classes,
            settings.l0 / len(data.x_train),
        )
        model.compile(
            keras.optimizers.Adam(settings.learning_rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
    dies = index == settings.workers - 1
    steps = Steps(f"Worker {index}", settings.kill_after_epoch * dies)
    model.fit(
        data.x_train,
        data.y_train,
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        validation_data=(data.x_validation, data.y_validation),
        callbacks=[backup(_backups(settings), index), steps],
        verbose=2 if index == 0 else 0,
    )
    _finish(model, data, steps, index, settings)


def _finish(model, data, steps, index, settings):
    """Strips and tests; the first worker writes."""
    # Few epochs may leave a layer without an open gate.
    small = keras_l0.strip_gates(model, min_units=1)
    small.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    _, accuracy = small.evaluate(data.x_test, data.y_test, verbose=0)
    if index:
        return
    artifacts.save(small, settings.output_dir, "stripped.keras")
    report = {
        "first_epoch": steps.first,
        "epochs": settings.epochs,
        "test_accuracy": accuracy,
        "units": {
            name: small.get_layer(name).units for name in ("first", "second")
        },
    }
    artifacts.save_json(report, settings.output_dir, "report.json")
    print(f"Units left: {report['units']}; {100 * accuracy:.2f} % right")


def launch(settings: Settings) -> int:
    """Starts the workers, and starts them again when one has died.

    Returns:
        restarts: How often they were started again.
    """
    os.makedirs(settings.output_dir, exist_ok=True)
    # What an earlier call left is not this training.
    shutil.rmtree(_backups(settings), ignore_errors=True)
    for restart in range(_RESTARTS + 1):
        died = _run_group(settings)
        if died is None:
            shutil.rmtree(_backups(settings), ignore_errors=True)
            return restart
        print(f"Worker {died} died; the group starts again.", flush=True)
        settings = dataclasses.replace(settings, kill_after_epoch=0)
    raise SystemExit(
        f"Error: workers died {_RESTARTS + 1} times; "
        f"their output is in {settings.output_dir}"
    )


def _backups(settings):
    return os.path.join(settings.output_dir, "backup")


def _run_group(settings):
    """The number of a worker that died, None if all have done their work."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in _ports(settings)]}
    with contextlib.ExitStack() as stack:
        processes = []
        for index in range(settings.workers):
            processes.append(_start(cluster, index, settings, stack))
            # Whatever happens, none is left behind.
            stack.callback(processes[-1].wait)
            stack.callback(processes[-1].kill)
        while True:
            # Each is asked: the first may wait for one that is dead.
            codes = [process.poll() for process in processes]
            died = [code not in (None, 0) for code in codes]
            if any(died):
                return died.index(True)
            if None not in codes:
                return None
            time.sleep(_POLL_SECONDS)


def _ports(settings):
    """A port of this machine for each worker."""
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.socket())
            for _ in range(settings.workers)
        ]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _start(cluster, index, settings, stack):
    """Starts a worker; the first one prints, the others write a file."""
    values = dataclasses.asdict(settings)
    task = {"type": "worker", "index": index}
    output = None
    if index:
        path = os.path.join(settings.output_dir, f"worker_{index}.txt")
        output = stack.enter_context(open(path, "a"))
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "examples.multi_worker",
            *(f"--{name}={value}" for name, value in values.items()),
        ],
        env={
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **os.environ,
            "TF_CONFIG": json.dumps({"cluster": cluster, "task": task}),
        },
        stdout=output,
        stderr=output,
    )


def main(argv: Sequence[str]) -> None:
    """Runs the example as the parsed flags say."""
    settings = common.parsed(DEFAULTS, argv)
    tf.get_logger().setLevel("WARNING")
    logging.set_verbosity(logging.WARNING)
    if "TF_CONFIG" in os.environ:
        work(settings)
        return
    restarts = launch(settings)
    print(
        f"Done, after {restarts} restart{'' if restarts == 1 else 's'}. "
        f"{artifacts.listing(settings.output_dir)}"
    )


if __name__ == "__main__":
    common.define_flags(DEFAULTS)
    flags.adopt_module_key_flags(common)
    app.run(main)
