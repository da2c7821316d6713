"""Writes a model in each of its forms and keeps what can be run of it."""

import dataclasses
import os
from collections.abc import Callable
from collections.abc import Sequence

import keras
import numpy as np

from keras_l0.export import converter
from keras_l0.export import runners
from keras_l0.export import saved_model
from keras_l0.internal import files
from keras_l0.internal import model_runner


@dataclasses.dataclass
class Artifacts:
    """The forms of one model.

    Attributes:
        name: String, what the model is called.
        model: The Keras model itself.
        sizes: Form -> bytes.
        forms: Form -> function that runs it; see `export.runners`.
        litert: Name of the row -> LiteRT flatbuffer, the float32 one under
            the model's own name.
        notes: Strings: what did not work, and why.
    """

    name: str
    model: keras.Model
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)
    forms: dict[str, model_runner.Runner] = dataclasses.field(
        default_factory=dict
    )
    litert: dict[str, bytes] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    def attempt(self, what: str, function: Callable, *args: object) -> object:
        """Result of `function`, or None and a note of why there is none."""
        try:
            return function(*args)
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).strip().split("\n")[0]
            self.notes.append(f"{what} of {self.name}: {reason}")
            return None

    def add_keras(self, folder: str) -> None:
        """Saves the model as `.keras`, without an optimizer, and reloads it."""
        path = os.path.join(folder, f"{self.name}.keras")
        reloaded = self.attempt(".keras", _save_and_reload, self.model, path)
        if reloaded is not None:
            self.sizes["keras"] = files.size_in_bytes(path)
            self.forms[".keras, reloaded"] = model_runner.model_runner(reloaded)

    def add_saved_model(self, folder: str) -> None:
        """Exports the model as a SavedModel and loads it."""
        path = os.path.join(folder, self.name)
        runner = self.attempt("SavedModel", _export_and_load, self.model, path)
        if runner is not None:
            self.sizes["saved_model"] = files.size_in_bytes(path)
            self.forms["SavedModel, reloaded"] = runner

    def add_litert(
        self,
        quantize: str | None = None,
        calibration: Sequence[np.ndarray] | None = None,
    ) -> None:
        """Converts the model to LiteRT."""
        row = f"{self.name} {quantize}" if quantize else self.name
        label = f".tflite, {quantize}" if quantize else ".tflite"
        content = self.attempt(
            label, converter.convert, self.model, quantize, calibration
        )
        if content is not None:
            self.litert[row] = content
            self.forms[label] = runners.litert_runner(content, self.model)


def _save_and_reload(model, path):
    model.save(path)
    reloaded = keras.models.load_model(path, compile=False)
    reloaded.save(path)  # now without the optimizer's state
    return reloaded


def _export_and_load(model, path):
    saved_model.write_saved_model(model, path)
    return runners.saved_model_runner(path, model)
