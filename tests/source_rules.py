"""The rules of the architecture: each yields what breaks it, in words."""

import ast
import pathlib
from collections.abc import Iterator

from tests import source_tree

# Left may be imported by right, never back.
CHAIN = (
    "internal",
    "distributions",
    "gates",
    "layers",
    "graph",
    "cost",
    "surgery",
    "export",
    "report",
)
_UP_TO_GRAPH = CHAIN[: CHAIN.index("graph") + 1]
_UP_TO_SURGERY = CHAIN[: CHAIN.index("surgery") + 1]
ALLOWED_IMPORTS = {
    **{name: CHAIN[:place] for place, name in enumerate(CHAIN)},
    "metrics": _UP_TO_GRAPH,
    "training": (*_UP_TO_SURGERY, "budget"),
    "budget": _UP_TO_SURGERY,
    "gating": (*_UP_TO_SURGERY, "training", "budget"),
    "callbacks": (*CHAIN, "training", "budget"),
    "cli": (*CHAIN, "training", "budget", "gating"),
    "__main__": ("cli",),
    "version": (),
}
INTERNALS = pathlib.Path("keras_l0/internal/keras_internals.py")
MODULE_LINES = 300
FUNCTION_LINES = 40
CONSTRUCTOR_ARGUMENTS = 9
# Modules whose public code is tested elsewhere, and where.
TESTED_ELSEWHERE = {
    "keras_l0/layers/arguments.py": "tests/layers/l0_gate_test.py",
    "keras_l0/surgery/rules/entrywise.py": (
        "tests/surgery/rules/arithmetic_test.py"
    ),
}


def imports_point_left(root: pathlib.Path) -> Iterator[str]:
    for module in source_tree.modules(root):
        if not module.package:
            continue
        if module.package not in ALLOWED_IMPORTS:
            yield f"{module.path}: no place in ALLOWED_IMPORTS"
            continue
        allowed = ALLOWED_IMPORTS[module.package]
        for node, name in module.imports():
            if name.split(".")[0] != source_tree.PACKAGE:
                continue
            target = source_tree.package_of(name)
            if target not in (*allowed, module.package, "version"):
                yield f"{module.where(node)}: imports {name}"


def distributions_know_no_keras(root: pathlib.Path) -> Iterator[str]:
    by_name = {m.name: m for m in source_tree.modules(root)}
    pending = [m for m in by_name.values() if m.package == "distributions"]
    seen = set()
    while pending:
        module = pending.pop()
        if module.path in seen:
            continue
        seen.add(module.path)
        pending.extend(source_tree.imported_modules(module, by_name))
        yield from _uses_of_keras(module)


def _uses_of_keras(module: source_tree.Module) -> Iterator[str]:
    for node, name in module.imports():
        if name.split(".")[0] in ("keras", "tf_keras") or name.startswith(
            ("tensorflow.keras", "tensorflow_probability.layers")
        ):
            yield f"{module.where(node)}: imports {name}"
    for node, name in module.attributes():
        if name in ("tf.keras", "tfp.layers"):
            yield f"{module.where(node)}: uses {name}"


def private_keras_stays_in_one_file(root: pathlib.Path) -> Iterator[str]:
    for folder in (source_tree.PACKAGE, "examples", "benchmarks"):
        for module in source_tree.modules(root, folder):
            if module.path == INTERNALS:
                continue
            for node, name in (*module.imports(), *module.attributes()):
                if _is_private_keras(name):
                    yield f"{module.where(node)}: names {name}"


def _is_private_keras(name: str) -> bool:
    first, *rest = name.split(".")
    return first == "keras" and any(
        part == "src" or (part.startswith("_") and not part.endswith("__"))
        for part in rest
    )


def programs_use_public_names(root: pathlib.Path) -> Iterator[str]:
    by_name = {m.name: m for m in source_tree.modules(root)}
    for folder in ("examples", "benchmarks"):
        for module in source_tree.modules(root, folder):
            for node, name in (*module.imports(), *module.attributes()):
                if not _is_public(name, by_name):
                    yield f"{module.where(node)}: {name} is not public"


def _is_public(name: str, by_name: dict[str, source_tree.Module]) -> bool:
    """True unless `name` leaves the `__all__` of keras_l0 on its way."""
    parts = name.split(".")
    if parts[0] != source_tree.PACKAGE:
        return True
    for place, part in enumerate(parts[1:], start=1):
        parent = by_name.get(".".join(parts[:place]))
        if parent is None:  # An attribute of a class is its own affair.
            return True
        if part != "__version__" and part not in (parent.all_names() or ()):
            return False
    return True


def modules_are_short(root: pathlib.Path) -> Iterator[str]:
    for module in source_tree.modules(root):
        lines = len(module.text.splitlines())
        if lines > MODULE_LINES:
            yield f"{module.path}: {lines} lines"


def functions_are_short(root: pathlib.Path) -> Iterator[str]:
    for module in source_tree.modules(root):
        for node in ast.walk(module.tree):
            if isinstance(node, source_tree.FUNCTIONS):
                lines = _body_lines(node)
                if lines > FUNCTION_LINES:
                    yield f"{module.where(node)}: {node.name}: {lines} lines"


def _body_lines(function: ast.FunctionDef) -> int:
    body = function.body
    if source_tree.is_docstring(body[0]):
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def constructors_take_few_arguments(root: pathlib.Path) -> Iterator[str]:
    for module in source_tree.modules(root):
        for node in ast.walk(module.tree):
            if isinstance(node, source_tree.FUNCTIONS):
                arguments = node.args
                own = arguments.posonlyargs + arguments.args
                count = len(own) - 1 + len(arguments.kwonlyargs)
                if node.name == "__init__" and count > CONSTRUCTOR_ARGUMENTS:
                    yield f"{module.where(node)}: {count} arguments"


def inits_only_import(root: pathlib.Path) -> Iterator[str]:
    for module in source_tree.modules(root):
        for node in module.tree.body if module.is_init else ():
            is_all = isinstance(node, ast.Assign) and (
                ast.unparse(node.targets[0]) == "__all__"
            )
            is_import = isinstance(node, (ast.Import, ast.ImportFrom))
            if not (is_import or is_all or source_tree.is_docstring(node)):
                yield f"{module.where(node)}: not an import or `__all__`"


def all_equals_imports(root: pathlib.Path) -> Iterator[str]:
    for module in source_tree.modules(root):
        if not module.is_init:
            continue
        listed = module.all_names() or []
        imported = [
            alias.asname or alias.name
            for node in ast.walk(module.tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        ]
        for name in sorted({*listed} ^ {*imported}):
            if not name.startswith("_"):
                yield f"{module.path}: {name} must be imported and in `__all__`"
        if len(listed) != len({*listed}):
            yield f"{module.path}: a name is twice in `__all__`"


def tests_mirror_modules(root: pathlib.Path) -> Iterator[str]:
    for module in source_tree.modules(root):
        if module.is_init or not _has_public_code(module):
            continue
        inside = module.path.relative_to(source_tree.PACKAGE)
        mirror = pathlib.Path("tests") / inside.parent
        test = mirror / f"{inside.stem}_test.py"
        test = pathlib.Path(TESTED_ELSEWHERE.get(str(module.path), test))
        if not (root / test).is_file():
            yield f"{module.path}: no test {test}"


def _has_public_code(module: source_tree.Module) -> bool:
    return any(
        isinstance(node, (*source_tree.FUNCTIONS, ast.ClassDef))
        and not node.name.startswith("_")
        for node in module.tree.body
    )
