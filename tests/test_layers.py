"""The package keeps its layers: what imports what, where private torch names stand, what a header says.

Read off the source text, without importing it. Imports inside `if TYPE_CHECKING:` do not count. An import
inside a function may point upward only with a comment on its line that says why it waits until then.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "jaxlike"
SOURCE = PACKAGE / "_src"
LAYERS = ("torch", "core", "graph", "transforms", "libraries", "substitution", "public")
FOLDERS = {
    "tree": "core",
    "extending": "libraries",
    "graph": "graph",
    "transforms": "transforms",
    "lax": "libraries",  # strict forms of numpy's kernels: it checks more, then calls them
    "numpy": "libraries",
    "nn": "libraries",
    "random": "libraries",
    "scipy": "libraries",
    "image": "libraries",
    "example_libraries": "libraries",
    "experimental": "libraries",
    "effects": "libraries",
    "export": "libraries",
    "interop": "libraries",
    "testing": "substitution",
    "compare": "substitution",
}
# Single modules of _src that are not core.
MODULES = {
    "torch_private": "torch",
    "torch_private_rules": "torch",
    "flatten_util": "libraries",
    "array_methods": "libraries",  # bound to Array when the package is imported
    "at": "libraries",
    "stages": "transforms",
    "check_grads": "libraries",
    "jet": "libraries",
    "substitute": "substitution",
    "redirect": "substitution",
    "private_names": "substitution",
    "launch": "substitution",
    "ipython": "substitution",
}
ENTRY_POINTS = {"__main__.py", "pytest_plugin.py"}  # public modules that do something
MOST_LINES = 700


def files(folder: Path) -> list[Path]:
    """Every module below the folder."""
    return sorted(folder.rglob("*.py"))


def name_of(path: Path) -> str:
    """The dotted name of a module, from its path."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def layer_of(module: str) -> str:
    """The layer of a module of jaxlike."""
    parts = module.split(".")
    if parts[1:2] != ["_src"]:
        return "public"
    if len(parts) == 2:
        return "torch"  # the package _src itself is empty
    return FOLDERS.get(parts[2]) or MODULES.get(parts[2], "core")


def is_type_checking(node: ast.stmt) -> bool:
    """Whether the statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """(imported module, line, inside a function) for every import of jaxlike in the file."""

    def walk(body: list[ast.stmt], deferred: bool) -> Iterator[tuple[str, int, bool]]:
        for node in body:
            if is_type_checking(node):
                continue
            if isinstance(node, ast.Import):
                yield from ((a.name, node.lineno, deferred) for a in node.names if a.name.split(".")[0] == "jaxlike")
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}:{node.lineno}: relative import"
                if node.module and node.module.split(".")[0] == "jaxlike":
                    for alias in node.names:
                        below = f"{node.module}.{alias.name}"
                        yield (below if exists(below) else node.module), node.lineno, deferred
            else:
                inner = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                for field in ("body", "orelse", "finalbody"):
                    yield from walk(getattr(node, field, []), inner)
                for handler in getattr(node, "handlers", []):
                    yield from walk(handler.body, inner)

    yield from walk(parsed(path).body, False)


def exists(module: str) -> bool:
    """Whether there is a module of this name."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def upward(path: Path) -> Iterator[str]:
    """Imports of the file that point to a higher layer, without leave to."""
    own = layer_of(name_of(path))
    lines = path.read_text(encoding="utf-8").splitlines()
    for module, line, deferred in imports(path):
        if LAYERS.index(layer_of(module)) <= LAYERS.index(own):
            continue
        if not (deferred and "#" in lines[line - 1]):
            yield f"{path.relative_to(PACKAGE.parent)}:{line} ({own}) imports {module} ({layer_of(module)})"


def private_torch(path: Path) -> Iterator[str]:
    """Private names of torch that the file uses."""

    def is_private(name: str) -> bool:
        parts = name.split(".")
        hidden = any(p.startswith("_") and not (p.startswith("__") and p.endswith("__")) for p in parts)
        return parts[0] == "torch" and (hidden or name.startswith("torch.fx.experimental"))

    for node in ast.walk(parsed(path)):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [f"{node.module}.{a.name}" for a in node.names]
        elif isinstance(node, ast.Attribute):
            found = [ast.unparse(node)] if isinstance(_root(node), ast.Name) else []
        for name in found:
            if is_private(name):
                yield f"{path.relative_to(PACKAGE.parent)}:{getattr(node, 'lineno', 0)}: {name}"


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def more_than_names(path: Path) -> Iterator[str]:
    """Statements of a public module that do more than list names."""
    for number, node in enumerate(parsed(path).body):
        docstring = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        names = isinstance(node, ast.Import | ast.ImportFrom)
        listing = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and not _calls(node.value)
        if not (docstring or names or listing):
            yield f"{path.relative_to(PACKAGE.parent)}:{node.lineno}: {ast.unparse(node).splitlines()[0]}"


def _calls(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Call | ast.Lambda | ast.ListComp | ast.DictComp) for n in ast.walk(node))


def test_imports_point_downward() -> None:
    found = [text for path in files(PACKAGE) for text in upward(path)]
    assert not found, "\n".join(found)


def test_private_torch_names_stand_in_one_place() -> None:
    own = {SOURCE / "torch_private.py", SOURCE / "torch_private_rules.py"}
    found = [t for path in files(PACKAGE) if path not in own for t in private_torch(path)]
    assert not found, "\n".join(found)


def test_public_modules_only_list_names() -> None:
    public = [p for p in files(PACKAGE) if SOURCE not in p.parents and p.name not in ENTRY_POINTS]
    found = [text for path in public for text in more_than_names(path)]
    assert not found, "\n".join(found)


def test_every_module_has_a_header() -> None:
    bare = [p for p in files(PACKAGE) if parsed(p).body and not ast.get_docstring(parsed(p))]
    assert not bare, f"modules without a docstring at their head: {[str(p.relative_to(PACKAGE.parent)) for p in bare]}"


def test_modules_are_small() -> None:
    large = {
        str(p.relative_to(SOURCE)): n
        for p in files(SOURCE)
        if (n := len(p.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert not large, f"modules of more than {MOST_LINES} lines: {large}"


def test_every_folder_has_a_layer() -> None:
    folders = {p.name for p in SOURCE.iterdir() if p.is_dir() and any(p.rglob("*.py"))}
    assert folders <= set(FOLDERS), f"say in FOLDERS to which layer these belong: {folders - set(FOLDERS)}"
    gone = [m for m in MODULES if not (SOURCE / f"{m}.py").exists()]
    assert not gone, f"MODULES lists modules that do not exist: {gone}"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("import torch\nx = torch._C.foo", private_torch),
        ("from torch._functorch import apis", private_torch),
        ("from torch.fx.experimental import proxy_tensor", private_torch),
        ("import torch\nx = torch.autograd.forward_ad._set_fwd_grad_enabled", private_torch),
        ("from jaxlike._src.numpy.shape import ravel", upward),
        ("def f():\n    from jaxlike._src.numpy.shape import ravel", upward),
        ("def sin(x):\n    return x", more_than_names),
        ("x = make()", more_than_names),
    ],
)
def test_the_rules_can_fail(text: str, rule: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "jaxlike" / "_src"
    (folder / "numpy").mkdir(parents=True)
    (folder / "numpy" / "shape.py").write_text("")
    (folder / "core_module.py").write_text(text)
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path / "jaxlike")
    assert list(rule(folder / "core_module.py"))  # type: ignore[operator]


def test_a_deferred_import_may_point_upward_with_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "jaxlike" / "_src"
    (folder / "numpy").mkdir(parents=True)
    (folder / "numpy" / "shape.py").write_text("")
    (folder / "core_module.py").write_text("def f():\n    from jaxlike._src.numpy import shape  # bound late: a cycle")
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path / "jaxlike")
    assert not list(upward(folder / "core_module.py"))
