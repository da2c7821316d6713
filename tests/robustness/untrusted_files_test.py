"""Tests that no file brings code that is run when the file is read.

Each file would write a file of its own, the canary, if its code were run.
"""

import io
import json
import os
import pickle
import zipfile

import h5py
import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.callbacks.pareto_folder import ParetoFolder
from keras_l0.report import ParetoFront
from keras_l0.report import ParetoPoint
from tests.cli import command_case

CANARY = "canary"
SHELL = {
    "module": "os",
    "class_name": "system",
    "config": {"command": f"touch {CANARY}", "args": [f"touch {CANARY}"]},
    "registered_name": None,
}
COMMANDS = {
    "inspect": ("inspect", "evil.keras"),
    "strip": ("strip", "evil.keras", "out.keras"),
    "export": ("export", "evil.keras", "out.tflite"),
    "compare_a": ("compare", "evil.keras", "good.keras"),
    "compare_b": ("compare", "good.keras", "evil.keras"),
    "latency": ("latency", "evil.keras"),
}


class Bomb:
    """Unpickles into a call."""

    def __reduce__(self):
        return open, (CANARY, "w")


def with_lambda():
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Lambda(lambda x: (open("canary", "w").close(), x)[1]),
            keras_l0.L0Gate(keras.layers.Dense(3)),
            keras.layers.Dense(1),
        ]
    )
    model.save("evil.keras")
    if os.path.exists(CANARY):
        os.remove(CANARY)


def good(path="good.keras"):
    keras.Sequential(
        [
            keras.Input((2,)),
            keras_l0.L0Gate(keras.layers.Dense(3)),
            keras.layers.Dense(1),
        ]
    ).save(path)


def rewritten(change):
    """Writes a good file whose config is changed."""
    good("before.keras")
    with (
        zipfile.ZipFile("before.keras") as source,
        zipfile.ZipFile("evil.keras", "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            target.writestr(name, content)
    os.remove("before.keras")


def layer(config):
    return config["config"]["layers"][1]["config"]


def in_place_of_a_layer(config):
    config["config"]["layers"][2] = dict(SHELL)


def in_place_of_the_model(config):
    config.update(SHELL)


def inside_a_gate(config):
    layer(config)["layer"] = dict(SHELL)


def as_a_gate_family(config):
    layer(config)["gate_vector"]["config"]["gate"] = dict(SHELL)


def as_a_schedule(config):
    gate = layer(config)["gate_vector"]["config"]["gate"]
    gate["config"]["temperature"] = dict(SHELL)


def as_a_price(config):
    layer(config)["l0"] = dict(SHELL)


def as_a_keras_function(config):
    config["config"]["layers"][2] = {
        "module": "keras.utils",
        "class_name": "get_file",
        "config": {"fname": CANARY, "origin": "file:///etc/hostname"},
        "registered_name": None,
    }


def as_a_lambda_in_a_gate(config):
    layer(config)["layer"] = {
        "class_name": "__lambda__",
        "config": {"value": "4wAAAAA="},
    }


CHANGES = {
    change.__name__: change
    for change in (
        in_place_of_a_layer,
        in_place_of_the_model,
        inside_a_gate,
        as_a_gate_family,
        as_a_schedule,
        as_a_price,
        as_a_keras_function,
        as_a_lambda_in_a_gate,
    )
}


class UntrustedFilesTest(command_case.CommandCase):
    def tearDown(self):
        self.assertFalse(os.path.exists(CANARY), "code of a file was run")
        super().tearDown()

    def test_canary_would_sing(self):
        pickle.loads(pickle.dumps(Bomb())).close()
        self.assertTrue(os.path.exists(CANARY))
        os.remove(CANARY)
        with_lambda()
        keras.models.load_model("evil.keras", safe_mode=False)(np.ones((1, 2)))
        self.assertTrue(os.path.exists(CANARY))
        os.remove(CANARY)

    def test_lambda_is_refused_by_keras(self):
        with_lambda()
        with self.assertRaisesRegex(ValueError, "Lambda.*arbitrary code"):
            keras.models.load_model("evil.keras")

    @parameterized.named_parameters(*COMMANDS.items())
    def test_lambda_is_refused_by(self, words):
        with_lambda()
        good()
        self.assert_refuses(1, "code in a model file is never run", *words)

    @parameterized.named_parameters(*CHANGES.items())
    def test_foreign_function(self, change):
        rewritten(change)
        with self.assertRaisesRegex(
            (TypeError, ValueError),
            "system|get_file|lambda|Unknown|deserializ",
        ):
            keras.models.load_model("evil.keras")
        self.assert_refuses(
            1, "MODEL (uses `system`|cannot|holds a)", *COMMANDS["inspect"]
        )

    @parameterized.named_parameters(*COMMANDS.items())
    def test_foreign_class_is_refused_by(self, words):
        rewritten(inside_a_gate)
        good()
        self.assert_refuses(1, "uses `system`, which neither", *words)

    def test_pickles_instead_of_weights(self):
        good()
        content = io.BytesIO()
        np.savez(content, np.array([Bomb()], dtype=object))
        with (
            zipfile.ZipFile("good.keras") as source,
            zipfile.ZipFile("evil.keras", "w") as target,
        ):
            for name in ("config.json", "metadata.json"):
                target.writestr(name, source.read(name))
            target.writestr("model.weights.npz", content.getvalue())
        with self.assertRaises((ValueError, KeyError)):
            keras.models.load_model("evil.keras")
        self.assert_refuses(
            1, "MODEL (cannot be loaded|is damaged)", *COMMANDS["inspect"]
        )

    def test_pickle_in_place_of_a_model(self):
        with open("evil.keras", "wb") as file:
            pickle.dump(Bomb(), file)
        self.assert_refuses(1, "not a Keras file", *COMMANDS["inspect"])

    def test_pickle_as_data(self):
        good()
        np.save("data.npy", np.array([Bomb()], dtype=object))
        self.assert_refuses(
            1,
            "must be a `.npy` or `.npz` file of numbers",
            "export",
            "good.keras",
            "out.tflite",
            "--quantize=int8",
            "--calibration=data.npy",
        )

    def test_index_of_models_is_read_as_data(self):
        empty = ParetoFront("val_loss", "min", "macs")
        os.mkdir("sizes")
        with open("sizes/pareto.json", "wb") as file:
            pickle.dump(Bomb(), file)
        with self.assertRaisesRegex(ValueError, "is not an index of models"):
            ParetoFolder("sizes").open(empty)

    @parameterized.parameters("../mine.keras", "/tmp/mine.keras", "mine.txt")
    def test_index_names_no_file_of_others(self, name):
        point = ParetoPoint(1, 0.5, 9, 80, name)
        front = ParetoFront("val_loss", "min", "macs", (point,))
        os.mkdir("sizes")
        with open("sizes/pareto.json", "w") as file:
            json.dump(front.to_dict(), file)
        with self.assertRaisesRegex(ValueError, "is not an index of models"):
            ParetoFolder("sizes").open(front)

    def test_state_of_a_training_is_read_as_data(self):
        inputs = keras.Input((2,))
        outputs = keras_l0.L0Gate(keras.layers.Dense(1))(inputs)
        model = keras_l0.L0Model(inputs, outputs)
        model.compile("sgd", "mse")
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
        model.save_weights("model.weights.h5")
        with h5py.File("model.weights.h5", "r+") as file:
            names = []
            file.visit(names.append)
            (group,) = [n for n in names if n.endswith("saved_state/vars")]
            bomb = np.frombuffer(pickle.dumps(Bomb()), "uint8")
            file[group].pop("callbacks", None)
            file[group]["callbacks"] = bomb
        with self.assertRaises(ValueError):
            model.load_weights("model.weights.h5")


if __name__ == "__main__":
    absltest.main()
