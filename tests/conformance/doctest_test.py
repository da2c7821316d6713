"""Runs the examples of all docstrings; each public symbol must have one."""

import contextlib
import doctest
import importlib
import pkgutil

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import test_util
from tests.conformance import public_modules

MODULES = [
    "keras_l0",
    *(m.name for m in pkgutil.walk_packages(keras_l0.__path__, "keras_l0.")),
]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def without_example(symbols):
    """Names of the classes and functions whose docstring shows no use."""
    return [
        name
        for name, symbol in symbols
        if callable(symbol) and ">>> " not in (symbol.__doc__ or "")
    ]


class DoctestTest(test_util.TestCase):
    @parameterized.named_parameters((name, name) for name in MODULES)
    def test_examples_run(self, name):
        module = importlib.import_module(name)
        globs = {"keras": keras, "keras_l0": keras_l0, "np": np, "tf": tf}
        found = doctest.DocTestFinder().find(module, name, extraglobs=globs)
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        report = []
        with contextlib.chdir(self.create_tempdir().full_path):
            for docstring in found:
                if docstring.examples:
                    test_util.start_afresh()
                    runner.run(docstring, out=report.append)
        self.assertEqual(runner.failures, 0, "".join(report))

    def test_public_symbols_have_an_example(self):
        self.assertEmpty(without_example(public_modules.public_symbols()))


class WithoutExampleTest(absltest.TestCase):
    def test_finds_symbols_that_show_no_use(self):
        def bare(): ...
        def told():
            """Does something."""

        def shown():
            """Does something.

            >>> shown()
            """

        symbols = [("a", bare), ("b", told), ("c", shown), ("d", 1)]
        self.assertEqual(without_example(symbols), ["a", "b"])


if __name__ == "__main__":
    absltest.main()
