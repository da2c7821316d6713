"""Keeps the stripped models that no other of the training dominates."""

import contextlib
import math
import os
import random

import keras
from absl import logging

from keras_l0 import cost as costs
from keras_l0.callbacks.pareto_folder import ParetoFolder
from keras_l0.callbacks.paths import check_path
from keras_l0.internal import inputs
from keras_l0.internal import validation
from keras_l0.layers import has_gates
from keras_l0.report import ParetoFront
from keras_l0.report import ParetoPoint
from keras_l0.report import pareto
from keras_l0.report import plot_pareto
from keras_l0.surgery import strip_gates
from keras_l0.training import recalibrate_batch_statistics

# Parts of the names of metrics, by which `mode="auto"` knows what is good.
_HIGH_IS_GOOD = "acc auc f1 fbeta iou precision r2 recall".split()
_LOW_IS_GOOD = "crossentropy divergence error loss mae mape mse msle".split()


class ParetoCheckpoint(keras.callbacks.Callback):
    """Keeps several sizes of a network from one training run.

    After an epoch the model is stripped as it is then. If no model that was
    kept before is both cheaper and better, the stripped one is saved, and
    those that it beats in both respects are removed: what is left in the
    folder is the trade-off that this training has found between the metric
    and the cost. Early epochs give large models, later ones small ones, so a
    penalty (or a budget) that rises slowly gives the most to choose from.

    The metric is the one of the epoch's logs. It has to be taken in inference
    mode, as `validation_data` does it: then it belongs to the stripped model
    as well, which computes the same. Training metrics, taken while gates are
    drawn, are refused.

    The folder holds a file `epoch_0007_macs_123456.keras` for each model and
    the index `pareto.json`. Other files in it are left alone. Every file is
    written whole or not at all, and a training that is started again with the
    same arguments goes on from the index; it needs
    `keras.callbacks.BackupAndRestore` or `initial_epoch` only for the weights.
    If gates have closed every way through the network, so that it cannot be
    stripped, the epoch is passed over with a warning.

    Args:
        folder: Path of the folder; it is made if need be.
        monitor: String, a metric in the logs. Defaults to `"val_loss"`.
        mode: `"min"` or `"max"`, which values are good; `"auto"` tells it from
            the name. Defaults to `"auto"`.
        cost: `"macs"` or `"params"`. Defaults to `"macs"`.
        every: Positive integer. Epochs from one model to the next, such as
            `validation_freq`. Defaults to 1.
        min_units: As in `strip_gates`. Defaults to 0.
        round_to: As in `strip_gates`. Defaults to 1.
        recalibrate: Inputs as in
            `keras_l0.training.recalibrate_batch_statistics`. Before each
            validation that counts, the statistics of batch normalization are
            taken again from them, in the model that trains, so that metric and
            stripped model have the same. None leaves the moving averages.
            Defaults to None.

    Attributes:
        front: A `keras_l0.report.ParetoFront`, None before the training.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if an argument is out of its range; by `fit`, if the model
            cannot be stripped or has no gates, if the logs have no `monitor`,
            or if the folder holds the models of another training.
        OSError: by `fit`, if the folder cannot be written.

    Example:

    >>> model = keras.Sequential([
    ...     keras.Input((2,)),
    ...     keras_l0.L0Gate(keras.layers.Dense(3), name="hidden"),
    ...     keras.layers.Dense(1),
    ... ])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> pareto = keras_l0.callbacks.ParetoCheckpoint("sizes", "val_loss")
    >>> _ = model.fit(
    ...     x, y, verbose=0, validation_data=(x, y), callbacks=[pareto])
    >>> [point.macs for point in pareto.points]
    [9]
    >>> small = keras.saving.load_model(pareto.path(pareto.points[0]))
    """

    # Keras waits for each step's logs if a callback is not async-safe. This
    # one reads nothing in a step.
    async_safe = True

    def __init__(
        self,
        folder: str | os.PathLike,
        monitor: str = "val_loss",
        mode: str = "auto",
        cost: str = "macs",
        every: int = 1,
        min_units: int = 0,
        round_to: int = 1,
        recalibrate: object = None,
    ):
        super().__init__()
        self.folder = check_path("folder", folder)
        self.monitor = _check_monitor(monitor)
        self.mode = _mode(mode, monitor)
        self.cost = validation.check_choice("cost", cost, pareto.COSTS)
        self.every = validation.check_integer("every", every, 1)
        self.min_units = validation.check_integer("min_units", min_units, 0)
        self.round_to = validation.check_integer("round_to", round_to, 1)
        self.recalibrate = recalibrate
        self.front: ParetoFront | None = None
        self._models = None
        self._epoch = None

    @property
    def points(self) -> list[ParetoPoint]:
        """The models that are kept, the cheapest first."""
        return list(self.front.points) if self.front else []

    def path(self, point: ParetoPoint) -> str:
        """Path of a model that is kept.

        Args:
            point: One of `points`.
        """
        return os.path.join(self.folder, point.file)

    def table(self) -> str:
        """The models that are kept, as text."""
        return str(self._begun())

    def plot(self, path: str | os.PathLike) -> None:
        """Draws the models that are kept; see `keras_l0.report.plot_pareto`.

        Args:
            path: Path of the picture.
        """
        plot_pareto(self._begun(), path)

    def on_train_begin(self, logs=None):
        model = inputs.check_graph(self.model)
        if not has_gates(model):
            raise ValueError(
                "`ParetoCheckpoint` needs a model with gates, e.g. one with "
                f"`keras_l0.L0Gate` layers. Received: model='{model.name}'"
            )
        # What cannot be stripped at all is told now. Gates that have closed
        # the network, in a training that goes on, may open again.
        self._strip(max(self.min_units, 1))
        # `Compact` may have cut units off in an earlier call of `fit`.
        full = getattr(model, "dense_cost", None) or costs.count(model)
        empty = ParetoFront(
            self.monitor,
            self.mode,
            self.cost,
            params=full.params,
            macs=full.macs,
        )
        self._models = ParetoFolder(self.folder)
        self.front = self._models.open(empty)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_test_begin(self, logs=None):
        # Only the validation inside `fit` comes here with an epoch.
        if self.recalibrate is not None and self._is_due(self._epoch):
            recalibrate_batch_statistics(self.model, self.recalibrate)

    def on_epoch_end(self, epoch, logs=None):
        self._epoch = None
        if not self._is_due(epoch):
            return
        value = self._value(logs or {})
        if not math.isfinite(value):
            self._pass_over(epoch, f"{self.monitor} is {value}")
            return
        try:
            small = self._strip(self.min_units)
        except ValueError as error:
            self._pass_over(epoch, error)
            return
        cost = costs.count(small)
        point = ParetoPoint(epoch + 1, value, cost.params, cost.macs)
        if self.front.admits(point):
            self.front = self._models.add(self.front, point, small)

    def _is_due(self, epoch):
        return epoch is not None and (epoch + 1) % self.every == 0

    def _strip(self, min_units):
        # Layers that are built draw their seeds from Python's generator.
        with _same_random_numbers():
            return strip_gates(
                self.model, min_units=min_units, round_to=self.round_to
            )

    def _value(self, logs):
        drawn = self.model.get_metrics_result()
        if self.monitor in drawn:
            raise ValueError(
                "`monitor` must be a metric in inference mode, but "
                f"{self.monitor!r} is taken in training, while gates are "
                f"drawn. Pass `validation_data` to `fit` and "
                f"monitor='val_{self.monitor}'. "
                f"Received: monitor={self.monitor!r}"
            )
        if self.monitor not in logs:
            names = sorted(name for name in logs if name not in drawn)
            raise ValueError(
                f"`monitor` is not in the logs of this epoch, which have "
                f"{', '.join(map(repr, names)) or 'training metrics only'}. "
                "Pass `validation_data` to `fit`, and its `validation_freq` "
                f"as `every`. Received: monitor={self.monitor!r}"
            )
        return float(logs[self.monitor])

    def _pass_over(self, epoch, reason):
        logging.warning(
            "ParetoCheckpoint passes over epoch %d: %s", epoch + 1, reason
        )

    def _begun(self):
        if self.front is None:
            raise RuntimeError(
                "`ParetoCheckpoint` has no models before `fit` has begun."
            )
        return self.front


def _check_monitor(monitor):
    if not isinstance(monitor, str):
        raise TypeError(
            "`monitor` must be a string. "
            f"Received: monitor={monitor!r} ({type(monitor).__name__})"
        )
    return monitor


def _mode(mode, monitor):
    validation.check_choice("mode", mode, ("auto", *pareto.MODES))
    if mode != "auto":
        return mode
    high = any(part in monitor.lower() for part in _HIGH_IS_GOOD)
    low = any(part in monitor.lower() for part in _LOW_IS_GOOD)
    if high == low:
        raise ValueError(
            "`mode='auto'` cannot tell whether high or low values are good. "
            f"Pass 'min' or 'max'. Received: monitor={monitor!r}"
        )
    return "max" if high else "min"


@contextlib.contextmanager
def _same_random_numbers():
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
