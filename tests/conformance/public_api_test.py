"""Tests of what a user can see: no more and no less than `__all__` says."""

import inspect
import types

from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests.conformance import public_modules

SYMBOLS = dict(public_modules.public_symbols())


def is_ours(symbol):
    return (getattr(symbol, "__module__", "") or "").startswith("keras_l0")


def unannotated(function):
    """Names of the arguments, or "return", that have no annotation."""
    signature = inspect.signature(function)
    missing = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is parameter.empty
        and name not in ("self", "cls")
        and parameter.kind != parameter.VAR_KEYWORD
    ]
    if (
        signature.return_annotation is signature.empty
        and function.__name__ != "__init__"
    ):
        missing.append("return")
    return missing


def own_functions(cls):
    """Public functions of a class that no foreign base class defines first."""
    foreign = [base for base in cls.__mro__ if not is_ours(base)]
    for name, member in vars(cls).items():
        member = getattr(member, "__func__", member)
        member = getattr(member, "fget", member)
        inherited = any(name in vars(base) for base in foreign)
        if isinstance(member, types.FunctionType) and (
            name == "__init__" or not (name.startswith("_") or inherited)
        ):
            yield member


class PublicApiTest(parameterized.TestCase):
    def test_modules_show_nothing_else(self):
        for module in public_modules.public_modules():
            if not hasattr(module, "__path__"):
                continue  # A single file has its imports among its names.
            shown = {
                name
                for name, value in vars(module).items()
                if not name.startswith("_")
                and not (
                    isinstance(value, types.ModuleType)
                    and value.__name__.startswith("keras_l0.")
                )
            }
            self.assertContainsSubset(shown, module.__all__, module.__name__)

    def test_symbols_come_from_here(self):
        for name, symbol in SYMBOLS.items():
            if callable(symbol):
                self.assertTrue(is_ours(symbol), name)

    def test_top_level_stays_small(self):
        self.assertLessEqual(len(keras_l0.__all__), 30)

    @parameterized.named_parameters(SYMBOLS.items())
    def test_signatures_are_annotated(self, symbol):
        if inspect.isclass(symbol):
            functions = list(own_functions(symbol))
        else:
            functions = [symbol] if callable(symbol) else []
        for function in functions:
            self.assertEmpty(unannotated(function), function.__qualname__)


class UnannotatedTest(absltest.TestCase):
    def test_finds_what_lacks_an_annotation(self):
        def function(a, b: int, *args, c=0, d: int = 0, **kwargs):
            del a, b, args, c, d, kwargs

        self.assertEqual(unannotated(function), ["a", "args", "c", "return"])

    def test_own_functions_leaves_out_overrides(self):
        class Ours(dict):
            __module__ = "keras_l0.x"

            def __init__(self): ...
            def keys(self): ...
            def new(self): ...
            def _hidden(self): ...
            @classmethod
            def made(cls): ...
            @property
            def size(self): ...

        self.assertEqual(
            [function.__name__ for function in own_functions(Ours)],
            ["__init__", "new", "made", "size"],
        )


if __name__ == "__main__":
    absltest.main()
