"""Tests that the source keeps the rules, and that the rules find what is wrong.

The rules read files; nothing of keras_l0 is imported here.
"""

import os
import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from tests import build_rules
from tests import source_rules

# Not resolved: Bazel makes the tree of links.
ROOT = pathlib.Path(os.path.abspath(__file__)).parents[1]

RULES = (
    build_rules.build_deps_are_the_imports,
    build_rules.every_test_is_built,
    build_rules.every_test_runs_alone,
    build_rules.tests_import_what_is_built_with_them,
    source_rules.all_equals_imports,
    source_rules.constructors_take_few_arguments,
    source_rules.distributions_know_no_keras,
    source_rules.functions_are_short,
    source_rules.imports_point_left,
    source_rules.inits_only_import,
    source_rules.modules_are_short,
    source_rules.private_keras_stays_in_one_file,
    source_rules.programs_use_public_names,
    source_rules.tests_mirror_modules,
)

# One way to break each rule (or each half of it): rule, file, content, words of
# the finding.
INIT = "from keras_l0.gates import A\nfrom keras_l0 import gates\n__all__ = "
ARGUMENTS = ", ".join(f"a{i}" for i in range(10))
BAD = (
    ("imports_point_left", "gates/a.py", "import keras_l0.layers.b", "a.py:1"),
    ("imports_point_left", "gates/a.py", "import keras_l0", "imports keras_l0"),
    ("imports_point_left", "gates/a.py", "from .. import cost", "l0.cost"),
    ("imports_point_left", "gates/a.py", "from ..cost import b", "cost.b"),
    ("imports_point_left", "gates/__init__.py", "from .. import cost", "cost"),
    (
        "imports_point_left",
        "layers/a.py",
        "def f():\n    from keras_l0 import surgery",
        "a.py:2: imports keras_l0.surgery",
    ),
    (
        "imports_point_left",
        "metrics.py",
        "from keras_l0.callbacks import x",
        "metrics.py:1: imports keras_l0.callbacks.x",
    ),
    ("imports_point_left", "version.py", "import keras_l0.gates", "n.py:1"),
    ("imports_point_left", "other/a.py", "", "no place in ALLOWED_IMPORTS"),
    (
        "distributions_know_no_keras",
        "distributions/a.py",
        "from keras import ops",
        "imports keras.ops",
    ),
    (
        "distributions_know_no_keras",
        "distributions/a.py",
        "x = tf.keras.Model",
        "uses tf.keras",
    ),
    (
        "distributions_know_no_keras",
        "internal/ok.py",
        "import keras",
        "internal/ok.py:1: imports keras",
    ),
    (
        "private_keras_stays_in_one_file",
        "gates/a.py",
        "from keras.src import x",
        "names keras.src.x",
    ),
    (
        "private_keras_stays_in_one_file",
        "gates/a.py",
        "x = keras.Model._f()",
        "names keras.Model._f",
    ),
    (
        "programs_use_public_names",
        "../examples/a.py",
        "from keras_l0.internal import x",
        "keras_l0.internal.x is not public",
    ),
    (
        "programs_use_public_names",
        "../examples/a.py",
        "keras_l0.gates.B()",
        "keras_l0.gates.B is not public",
    ),
    (
        "programs_use_public_names",
        "../benchmarks/a.py",
        "import keras_l0.gates.ok",
        "keras_l0.gates.ok is not public",
    ),
    ("modules_are_short", "gates/a.py", "x = 1\n" * 301, "301 lines"),
    (
        "functions_are_short",
        "gates/a.py",
        'def f():\n    """Doc."""\n' + "    x = 1\n" * 41,
        "f: 41 lines",
    ),
    (
        "constructors_take_few_arguments",
        "gates/a.py",
        f"class A:\n    def __init__(self, {ARGUMENTS}): pass",
        "10 arguments",
    ),
    ("inits_only_import", "gates/__init__.py", "x = 1", "py:1: not an import"),
    ("all_equals_imports", "__init__.py", INIT + '["gates"]', "A must be"),
    (
        "all_equals_imports",
        "__init__.py",
        INIT + '["gates", "A", "B"]',
        "B must be",
    ),
    (
        "all_equals_imports",
        "__init__.py",
        INIT + '["gates", "A", "A"]',
        "twice",
    ),
    (
        "tests_mirror_modules",
        "gates/a.py",
        "class A: pass",
        "gates/a.py: no test tests/gates/a_test.py",
    ),
    (
        "every_test_is_built",
        "../tests/a_test.py",
        "",
        "BUILD does not name tests/a_test.py",
    ),
    (
        "every_test_runs_alone",
        "../tests/a_test.py",
        "x = 1",
        "tests/a_test.py: does not end",
    ),
    (
        "tests_import_what_is_built_with_them",
        "../tests/a_test.py",
        "from tests.gates import ok_test",
        "tests/a_test.py has no dependency on tests.gates.ok_test",
    ),
    (
        "tests_import_what_is_built_with_them",
        "../tests/gates/b_test.py",
        "from examples import ok",
        "tests/gates/b_test.py has no dependency on examples.ok",
    ),
    (
        "build_deps_are_the_imports",
        "gates/a.py",
        "import keras_l0.layers",
        "gates lacks the dependency layers",
    ),
    (
        "build_deps_are_the_imports",
        "gates/ok.py",
        "",
        "gates does not import its dependency distributions",
    ),
    ("build_deps_are_the_imports", "cost/a.py", "", "no py_library cost"),
)

# A small tree that keeps every rule.
MAIN = "if __name__ == '__main__':\n    absltest.main()\n"
GOOD = {
    "keras_l0/__init__.py": INIT + '["A", "gates"]',
    "keras_l0/internal/__init__.py": '"""Doc."""',
    "keras_l0/internal/ok.py": "import numpy\n\nclass _A: pass",
    "keras_l0/internal/keras_internals.py": "from keras.src import x",
    "keras_l0/distributions/__init__.py": "",
    "keras_l0/distributions/ok.py": "from keras_l0.internal.ok import f",
    "keras_l0/gates/__init__.py": "from .ok import A\n__all__ = ['A']",
    "keras_l0/gates/ok.py": (
        "from keras_l0.distributions import ok\n"
        "from keras_l0.version import __version__\n"
        "class A:\n"
        "    def __init__(self, a, b, c, d, e, f, g, h, i, **kwargs):\n"
        '        """Doc."""\n' + "        x = 1\n" * 40
    ),
    "keras_l0/version.py": "x = 1\n" * 300,
    "examples/ok.py": "from keras_l0 import A, gates\nkeras_l0.gates.A.get()",
    "benchmarks/ok.py": "import keras_l0\nkeras_l0.__version__",
    "tests/gates/ok_test.py": MAIN,
    "BUILD": "\n".join(
        [
            "py_library(name='keras_l0', srcs=['keras_l0/__init__.py'],",
            "           deps=[':gates'])",
            "py_library(name='internal', srcs=glob(['keras_l0/internal/*']))",
            "py_library(name='distributions', deps=[':internal'],",
            "           srcs=glob(['keras_l0/distributions/**/*.py']))",
            "py_library(name='gates', srcs=glob(['keras_l0/gates/**/*.py']),",
            "           deps=[':distributions', ':version'])",
            "py_library(name='version', srcs=['keras_l0/version.py'])",
            "py_test(name='x', srcs=['tests/gates/ok_test.py'])",
        ]
    ),
}


class ArchitectureTest(parameterized.TestCase):
    @parameterized.named_parameters((rule.__name__, rule) for rule in RULES)
    def test_project_keeps(self, rule):
        findings = list(rule(ROOT))
        self.assertEmpty(findings, "\n".join(["", *findings]))

    def test_root_is_the_project(self):
        for name in ("keras_l0/__init__.py", "setup.py", "BUILD"):
            self.assertTrue((ROOT / name).is_file(), name)


class RulesTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.create_tempdir().full_path)
        for path, content in GOOD.items():
            self.write(path, content)

    def write(self, path, content):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    @parameterized.named_parameters((rule.__name__, rule) for rule in RULES)
    def test_accepts(self, rule):
        self.assertEmpty(list(rule(self.root)))

    @parameterized.parameters(*BAD)
    def test_finds(self, rule, path, content, words):
        self.write(os.path.normpath(f"keras_l0/{path}"), content)
        (rule,) = [known for known in RULES if known.__name__ == rule]
        self.assertContainsSubset([True], [words in f for f in rule(self.root)])

    def test_finds_covers_every_rule(self):
        self.assertEqual(
            {rule for rule, *_ in BAD}, {rule.__name__ for rule in RULES}
        )


if __name__ == "__main__":
    absltest.main()
