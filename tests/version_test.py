"""Tests that the version is written once and that setup.py finds it."""

import os
import pathlib
import re
import subprocess
import sys

from absl.testing import absltest

from keras_l0 import version

ROOT = pathlib.Path(os.path.abspath(__file__)).parents[1]


class VersionTest(absltest.TestCase):
    def test_version_is_a_release_or_a_development_version(self):
        self.assertRegex(version.__version__, r"^\d+\.\d+\.\d+(\.dev\d+)?$")

    def test_setup_reads_it_without_importing_the_package(self):
        # -S leaves out site-packages, so an import of Keras would fail; what
        # setup() is given is printed in its place.
        program = (
            "import sys, types\n"
            "tools = types.ModuleType('setuptools')\n"
            "tools.find_packages = lambda **kwargs: []\n"
            "tools.setup = lambda **kwargs: print(kwargs['version'])\n"
            "sys.modules['setuptools'] = tools\n"
            "import runpy\n"
            "runpy.run_path(sys.argv[1])\n"
        )
        done = subprocess.run(
            [sys.executable, "-S", "-c", program, str(ROOT / "setup.py")],
            capture_output=True,
            text=True,
            env={},
        )
        self.assertEqual(
            done.stdout, version.__version__ + "\n", msg=done.stderr
        )

    def test_oldest_versions_are_the_lower_bounds_of_setup(self):
        lines = (ROOT / ".ci/oldest.txt").read_text(encoding="utf-8")
        pins = re.findall(r"^([\w-]+)==([\d.]+)$", lines, re.M)
        setup = (ROOT / "setup.py").read_text(encoding="utf-8")
        required = setup[setup.index("install_requires") :]
        bounds = re.findall(r'"([\w-]+)>=([\d.]+),<', required)
        self.assertNotEmpty(pins)
        self.assertEqual(
            [(name, version.rsplit(".", 1)[0]) for name, version in pins],
            bounds,
        )

    def test_it_is_written_nowhere_else(self):
        for name in ("setup.py", "pyproject.toml", "keras_l0/__init__.py"):
            text = (ROOT / name).read_text(encoding="utf-8")
            self.assertNotIn(version.__version__, text, name)


if __name__ == "__main__":
    absltest.main()
