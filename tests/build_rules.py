"""The rules of the BUILD file, whose syntax is a part of Python's."""

import ast
import pathlib
from collections.abc import Iterator

from tests import source_tree


def every_test_is_built(root: pathlib.Path) -> Iterator[str]:
    # A library may hold a test, too, which does not run it.
    named = {
        name
        for statement in _parse(root).body
        if not ast.unparse(statement).startswith("py_library(")
        for name in _constants(statement)
    }
    for module in source_tree.modules(root, "tests"):
        path = module.path.as_posix()
        if path.endswith("_test.py") and path not in named:
            yield f"BUILD does not name {path}"


def every_test_runs_alone(root: pathlib.Path) -> Iterator[str]:
    for module in source_tree.modules(root, "tests"):
        last = ast.unparse(module.tree.body[-1]) if module.tree.body else ""
        if module.path.name.endswith("_test.py") and not (
            last.startswith("if __name__ == '__main__':")
            and last.endswith((" absltest.main()", " tf.test.main()"))
        ):
            yield f"{module.path}: does not end with absltest.main()"


def tests_import_what_is_built_with_them(
    root: pathlib.Path,
) -> Iterator[str]:
    """Other tests are not, unless they are in `test_lib`; nor programs."""
    shared = _sources(root, "test_lib")
    for module in source_tree.modules(root, "tests"):
        path = module.path.as_posix()
        of_programs = path.startswith(("tests/benchmarks/", "tests/examples/"))
        for _, name in module.imports():
            other = name.replace(".", "/") + ".py"
            lacks = other.endswith("_test.py") and other not in shared
            if not of_programs:
                lacks |= name.split(".")[0] in ("benchmarks", "examples")
            if lacks:
                yield f"BUILD: {path} has no dependency on {name}"


def build_deps_are_the_imports(root: pathlib.Path) -> Iterator[str]:
    declared = _libraries(root)
    imported = _imported_packages(root)
    for package in sorted({*declared, *imported}):
        if package not in declared:
            yield f"BUILD has no py_library {package}"
            continue
        for name in sorted(imported.get(package, set()) - declared[package]):
            yield f"BUILD: {package} lacks the dependency {name}"
        for name in sorted(declared[package] - imported.get(package, set())):
            yield f"BUILD: {package} does not import its dependency {name}"


def _parse(root: pathlib.Path) -> ast.Module:
    return ast.parse((root / "BUILD").read_text(encoding="utf-8"))


def _constants(node: ast.AST) -> set[str]:
    """All strings in an expression."""
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}


def _sources(root: pathlib.Path, library: str) -> set[str]:
    """Files and patterns in the `srcs` of a library."""
    for node in ast.walk(_parse(root)):
        if isinstance(node, ast.Call):
            given = {k.arg: k.value for k in node.keywords}
            if getattr(given.get("name"), "value", None) == library:
                return _constants(given["srcs"])
    return set()


def _libraries(root: pathlib.Path) -> dict[str, set[str]]:
    """Dependencies of each py_library whose sources lie in keras_l0."""
    libraries = {}
    for node in ast.walk(_parse(root)):
        if not isinstance(node, ast.Call):
            continue
        given = {k.arg: k.value for k in node.keywords}
        if ast.unparse(node.func) == "py_library" and (
            f"'{source_tree.PACKAGE}/" in ast.unparse(given["srcs"])
        ):
            deps = ast.literal_eval(given.get("deps", ast.List([])))
            name = ast.literal_eval(given["name"])
            libraries[name] = {dep.removeprefix(":") for dep in deps}
    return libraries


def _imported_packages(root: pathlib.Path) -> dict[str, set[str]]:
    """Packages of keras_l0 that each one imports; the root's is "keras_l0"."""
    edges = {}
    for module in source_tree.modules(root):
        package = module.package or source_tree.PACKAGE
        edges.setdefault(package, set())
        for _, name in module.imports():
            target = source_tree.package_of(name)
            if name.split(".")[0] == source_tree.PACKAGE and target != package:
                edges[package].add(target)
    return edges
