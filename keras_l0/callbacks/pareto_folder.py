"""The files of a Pareto front: one per model, and an index of them."""

import contextlib
import dataclasses
import json
import os
import re

import keras
from absl import logging

from keras_l0.internal import files
from keras_l0.report import ParetoFront
from keras_l0.report import ParetoPoint

INDEX = "pareto.json"
_MODEL = re.compile(r"epoch_\d{4,}_(macs|params)_\d+(_\d+)?\.keras")


class ParetoFolder:
    """A folder that holds the models of a front, in step with its index.

    A model is written before the index names it, and removed after the index
    has ceased to: what the index names is always there.

    Args:
        folder: String, path of the folder.
    """

    def __init__(self, folder: str):
        self._folder = folder

    def open(self, empty: ParetoFront) -> ParetoFront:
        """Makes the folder, or finds what an earlier training has left there.

        Args:
            empty: The front of this training, without points.

        Returns:
            front: It, with the points of the index.

        Raises:
            ValueError: if the folder is that of another training, or its
                index cannot be read.
            OSError: if the folder cannot be written.
        """
        _make(self._folder)
        names = os.listdir(self._folder)
        models = sorted(filter(_MODEL.fullmatch, names))
        if INDEX in names:
            front = self._checked(self._read(), empty)
        elif models:
            raise FileExistsError(
                f"`folder` has models such as {models[0]!r}, but no "
                f"{INDEX!r}. Name another folder. "
                f"Received: folder={self._folder!r}"
            )
        else:
            front = empty
        self._write(front)
        # What a crash has left between a model and its index.
        self._remove({*models} - {point.file for point in front.points})
        return front

    def add(
        self, front: ParetoFront, point: ParetoPoint, model: keras.Model
    ) -> ParetoFront:
        """Saves `model`, and removes those that its point dominates.

        Args:
            front: A front that admits `point`.
            point: The point, without a file.
            model: Its model.

        Returns:
            front: The new front.
        """
        cost = f"{front.cost}_{front.cost_of(point)}"
        name = self._unused(f"epoch_{point.epoch:04d}_{cost}")
        with files.atomic_file(self._path(name), "folder") as path:
            model.save(path)
        after = front.with_point(dataclasses.replace(point, file=name))
        self._write(after)
        kept = {other.file for other in after.points}
        self._remove({other.file for other in front.points} - kept)
        return after

    def _read(self):
        try:
            with open(self._path(INDEX), encoding="utf-8") as file:
                front = ParetoFront.from_dict(json.load(file))
            # Models that are dominated are removed: never by a foreign name.
            for point in front.points:
                if not _MODEL.fullmatch(point.file):
                    raise ValueError(f"No name of a model: {point.file!r}")
            return front
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            raise ValueError(
                f"{INDEX!r} in `folder` is not an index of models. Name "
                f"another folder. Received: folder={self._folder!r}"
            ) from error

    def _checked(self, front, empty):
        """`front`, if it is of the same training, and only what is there."""
        if dataclasses.replace(front, points=()) != empty:
            raise ValueError(
                "`folder` holds the models of another training: "
                f"{_described(front)}. This one: {_described(empty)}. Name "
                f"another folder. Received: folder={self._folder!r}"
            )
        there, gone = [], []
        for point in front.points:
            exists = os.path.isfile(self._path(point.file))
            (there if exists else gone).append(point)
        for point in gone:
            logging.warning(
                "%s of epoch %d is gone.", self._path(point.file), point.epoch
            )
        return dataclasses.replace(front, points=tuple(there))

    def _write(self, front):
        text = json.dumps(front.to_dict(), indent=2, allow_nan=False) + "\n"
        with files.atomic_file(self._path(INDEX), "folder") as path:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def _unused(self, stem):
        name, count = f"{stem}.keras", 1
        while os.path.exists(self._path(name)):
            count += 1
            name = f"{stem}_{count}.keras"
        return name

    def _path(self, name):
        return os.path.join(self._folder, name)

    def _remove(self, names):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._path(name))


def _make(folder):
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise NotADirectoryError(
            "`folder` must name a folder, but it is a file. "
            f"Received: folder={folder!r}"
        )
    os.makedirs(folder, exist_ok=True)


def _described(front):
    return (
        f"{front.monitor} ({front.mode}) against {front.cost}, of "
        f"{front.params:,} parameters and {front.macs:,} MACs"
    )
