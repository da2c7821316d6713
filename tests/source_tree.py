"""The project's source as syntax trees, read without importing it."""

import ast
import dataclasses
import functools
import pathlib
from collections.abc import Iterator

PACKAGE = "keras_l0"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclasses.dataclass(frozen=True)
class Module:
    """One Python file; `path` is relative to the project's root."""

    root: pathlib.Path
    path: pathlib.Path

    @functools.cached_property
    def text(self) -> str:
        return (self.root / self.path).read_text(encoding="utf-8")

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def is_init(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def name(self) -> str:
        """Dotted name."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if self.is_init else parts)

    @property
    def package(self) -> str:
        """Name of the package below keras_l0; "" for keras_l0 itself."""
        return package_of(self.name)

    def where(self, node: ast.AST) -> str:
        return f"{self.path}:{node.lineno}"

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Yields each imported name, with its statement, as an absolute one."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node, f"{self._source(node)}.{alias.name}"

    def _source(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module
        parts = self.name.split(".")
        above = node.level - (1 if self.is_init else 0)
        parts = parts[: len(parts) - above]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def attributes(self) -> Iterator[tuple[ast.Attribute, str]]:
        """Yields each dotted name that is used, such as `tf.keras.Model`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                name = ast.unparse(node)
                if name.replace(".", "").replace("_", "").isalnum():
                    yield node, name

    def all_names(self) -> list[str] | None:
        """The value of `__all__`, or None."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign):
                if [ast.unparse(t) for t in node.targets] == ["__all__"]:
                    return ast.literal_eval(node.value)
        return None


def package_of(name: str) -> str:
    """Second part of a dotted name: "gates" of "keras_l0.gates.arm.ARM"."""
    return (name.split(".") + [""])[1]


def modules(root: pathlib.Path, folder: str = PACKAGE) -> list[Module]:
    """All modules below a folder, in the order of their paths."""
    paths = sorted((root / folder).rglob("*.py"))
    return [Module(root, path.relative_to(root)) for path in paths]


def imported_modules(
    module: Module, by_name: dict[str, Module]
) -> Iterator[Module]:
    """Yields what Python runs for the imports of `module`, root excepted."""
    for _, name in module.imports():
        parts = name.split(".")
        for length in range(2, len(parts) + 1):
            found = by_name.get(".".join(parts[:length]))
            if found is not None:
                yield found


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
