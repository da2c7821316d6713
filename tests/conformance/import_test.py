"""Tests of `import keras_l0` in a fresh process: it leaves no other trace.

TensorFlow and TFP set environment variables and import whatever they find, so
they come first and only what keras_l0 adds is looked at.
"""

import json
import os
import subprocess
import sys

from absl.testing import absltest

FRAMEWORKS = "import tensorflow, keras, tensorflow_probability"
WHAT_IS_ADDED = f"""
import json, os, sys
{FRAMEWORKS}
environment, modules = dict(os.environ), set(sys.modules)
import keras_l0
print(json.dumps({{
    "environment": sorted(dict(os.environ).items() ^ environment.items()),
    "modules": sorted(set(sys.modules) - modules),
}}))
"""
# Not installed with keras_l0; None makes the import of one fail.
WITHOUT_EXTRAS = f"""
import sys
for name in ("matplotlib", "sklearn", "scipy", "pandas", "PIL"):
    sys.modules[name] = None
{FRAMEWORKS}
import keras_l0
print(keras_l0.__version__)
"""


def run(program):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout.splitlines()[-1]


class ImportTest(absltest.TestCase):
    def test_import_adds_nothing_else(self):
        added = json.loads(run(WHAT_IS_ADDED))
        self.assertEqual(added["environment"], [])
        self.assertIn("keras_l0", added["modules"])
        foreign = {
            name
            for name in added["modules"]
            if name.split(".")[0]
            not in ("keras_l0", "absl", *sys.stdlib_module_names)
            and not name.startswith(("keras.", "tensorflow."))
        }
        self.assertEqual(foreign, set())

    def test_import_needs_no_extra(self):
        self.assertRegex(run(WITHOUT_EXTRAS), r"^\d+\.\d+\.\d+")


if __name__ == "__main__":
    absltest.main()
