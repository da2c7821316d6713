"""What the tests of the command line share: a folder, and a way to call it."""

import contextlib
import io
import json
import os

import numpy as np

from keras_l0.cli import main
from tests import test_util
from tests.export import models


def run(*argv):
    """Runs a command line; its exit code, stdout and stderr."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        code = main.main(argv)
    return code, stdout.getvalue(), stderr.getvalue()


class CommandCase(test_util.TestCase):
    """Each test runs in a folder of its own."""

    def setUp(self):
        super().setUp()
        folder = self.create_tempdir().full_path
        self.enter_context(contextlib.chdir(folder))

    def save_gated(self, path="gated.keras"):
        model = models.gated_image_model()
        model.save(path)
        return model

    def save_images(self, rows=40, path="images.npy"):
        generator = np.random.default_rng(test_util.test_seed())
        images = generator.normal(size=(rows, 6, 6, 2)).astype("float32")
        np.save(path, images)
        return images

    def answer(self, *argv):
        """What a command prints that is done, and nothing else."""
        code, stdout, stderr = run(*argv)
        self.assertEqual((code, stderr), (0, ""), stderr)
        return stdout

    def document(self, *argv):
        """What a command prints as JSON."""
        return json.loads(self.answer(*argv, "--json"))

    def assert_refuses(self, code, words, *argv):
        """Asserts the exit code, the message, and that nothing is written."""
        before = self.files()
        found, stdout, stderr = run(*argv)
        self.assertEqual(found, code, stderr)
        self.assertEqual(stdout, "")
        self.assertStartsWith(stderr, "keras-l0: error: ")
        self.assertRegex(stderr, words)
        self.assertNotIn("Traceback", stderr)
        self.assertEqual(self.files(), before)

    def files(self):
        """Path -> content of every file in the folder."""
        found = {}
        for folder, _, names in os.walk("."):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[path] = file.read()
        return found
