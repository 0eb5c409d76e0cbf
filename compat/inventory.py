"""The inventory of JAX's public names: which are served, and which have a case.

`inventory.tsv` has one row per name (module, name, kind, deprecated, exported). A name is served when jaxlike
has it where JAX has it: an attribute of a module, of a class or of what a call returns (`jax.jit()`, the
jitted function), or an option of `jax.config`.

A name has a case when a row of a table is about it, when a compat test lists it in `covers=`, or when the
text of a file of compat/ reaches it from a variable named `jax` (or an alias, `jnp = jax.numpy`). Methods and
operators of arrays, treedefs, lowered functions count where a program uses them on a value; that is read
off the text too, and is generous.
"""

from __future__ import annotations

import ast
import csv
import functools
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compat import frameworks, ledger

FOLDER = Path(__file__).parent
NEEDS_CASE = ("function", "ufunc", "method", "context-manager", "operator")


@dataclass(frozen=True)
class Name:
    """One row of the inventory."""

    module: str
    name: str
    kind: str
    deprecated: bool
    exported: bool

    @property
    def path(self) -> str:
        """The name under which the ledger knows it."""
        return f"{self.module}.{self.name}"

    @property
    def needs_case(self) -> bool:
        """Whether a program can be written that calls it."""
        return self.exported and self.kind.startswith(NEEDS_CASE)


@functools.lru_cache(maxsize=1)
def names() -> tuple[Name, ...]:
    """Every row of inventory.tsv."""
    with (FOLDER / "inventory.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(
            Name(r["module"], r["name"], r["kind"], r["deprecated"] == "yes", r["exported"] == "yes") for r in rows
        )


# ------------------------------------------------------------------------------------------------ served

# Rows whose module is not a module: what their names are attributes of.
OWNERS: dict[str, Callable[[Any], Any]] = {
    "jax.Array": lambda jax: jax.numpy.zeros(2),
    "jax.Array.at": lambda jax: jax.numpy.zeros(2).at,
    "jax.Array.at[...]": lambda jax: jax.numpy.zeros(2).at[0],
    "jax.Device": lambda jax: jax.devices()[0],
    "jax.ShapeDtypeStruct": lambda jax: jax.ShapeDtypeStruct((2,), "float32"),
    "jax.checkpoint_policies": lambda jax: jax.checkpoint_policies,
    "jax.config": lambda jax: jax.config,
    "jax.core.ShapedArray": lambda jax: jax.numpy.zeros(2).aval,
    "jax.core.Tracer": lambda jax: jax.core.Tracer,
    "jax.custom_batching.custom_vmap()": lambda jax: jax.custom_batching.custom_vmap(lambda x: x),
    "jax.custom_jvp()": lambda jax: jax.custom_jvp(lambda x: x),
    "jax.custom_vjp()": lambda jax: jax.custom_vjp(lambda x: x),
    "jax.jit()": lambda jax: jax.jit(lambda x: x),
    "jax.stages.Compiled": lambda jax: jax.jit(lambda x: x).lower(1.0).compile(),
    "jax.stages.Lowered": lambda jax: jax.jit(lambda x: x).lower(1.0),
    "jax.stages.Traced": lambda jax: jax.jit(lambda x: x).trace(1.0),
    "jax.tree_util.PyTreeDef": lambda jax: jax.tree_util.tree_structure(1),
    "jax.extend.core.ClosedJaxpr": lambda jax: jax.make_jaxpr(lambda x: x + 1)(1.0),
    "jax.extend.core.Jaxpr": lambda jax: jax.make_jaxpr(lambda x: x + 1)(1.0).jaxpr,
    "jax.extend.core.JaxprEqn": lambda jax: jax.make_jaxpr(lambda x: x + 1)(1.0).eqns[0],
    "jax.extend.core.Var": lambda jax: jax.make_jaxpr(lambda x: x + 1)(1.0).jaxpr.invars[0],
    "jax.numpy.ufunc": lambda jax: jax.numpy.add,
    "jax.sharding.Mesh": lambda jax: jax.make_mesh((1,), ("x",)),
    "jax.sharding.NamedSharding": lambda jax: jax.sharding.NamedSharding(
        jax.make_mesh((1,), ("x",)), jax.sharding.PartitionSpec()
    ),
    "jax.sharding.PartitionSpec": lambda jax: jax.sharding.PartitionSpec(),
}
MISSING = object()


@functools.cache
def owner(module: str, framework: Any) -> Any:
    """The object whose attributes are the names of `module`, or MISSING."""
    if module == "jax.config(options)":
        return framework.config
    if module in OWNERS:
        try:
            return OWNERS[module](framework)
        except (AttributeError, NotImplementedError):
            return MISSING  # what makes the owner is not served
    found = frameworks.import_if_served(module.replace("jax", framework.__name__, 1))
    if found is not None:
        return found
    # A class, or a namespace that is no module.
    above, _, name = module.rpartition(".")
    return getattr(owner(above, framework), name, MISSING) if above else MISSING


def find(name: Name, framework: Any) -> Any:
    """The object that the framework serves under this name, or MISSING."""
    where = owner(name.module, framework)
    if where is MISSING:
        return MISSING
    if name.module == "jax.config(options)":
        return where.values.get(name.name, MISSING)
    try:
        found = getattr(where, name.name)
    except AttributeError:
        # A class attribute that instances refuse (`__hash__` is None on Array, `__del__` lives on the type).
        found = getattr(type(where), name.name, MISSING)
    except Exception as error:
        # A property that exists, and says why it has no value here: served.
        found = error
    if found is MISSING and name.kind == "module":
        found = frameworks.import_if_served(name.path.replace("jax", framework.__name__, 1)) or MISSING
    return found


@functools.lru_cache(maxsize=1)
def served() -> frozenset[str]:
    """Paths of the names that jaxlike serves."""
    return frozenset(name.path for name in names() if find(name, frameworks.ACTUAL) is not MISSING)


# ------------------------------------------------------------------------------------------------- cases

OPERATORS: dict[type[ast.AST], str] = {
    **{ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv"},
    **{ast.Mod: "mod", ast.Pow: "pow", ast.MatMult: "matmul", ast.LShift: "lshift", ast.RShift: "rshift"},
    **{ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor", ast.Invert: "invert"},
    **{ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"},
    **{ast.In: "contains", ast.USub: "neg", ast.UAdd: "pos"},
}
# Calls that end in a method of their own name: `abs(x)` in `__abs__`.
BUILTINS = frozenset("abs bool complex divmod float format hash hex int iter len oct repr round str".split())


# Parameters that stand for a part of jax in programs that are handed no more than it.
CUSTOMARY = {"jax": "jax", "jnp": "jax.numpy", "lax": "jax.lax", "tu": "jax.tree_util", "tree": "jax.tree"}


class _Reader(ast.NodeVisitor):
    """Collects the paths that a file reaches from `jax`, following plain aliases."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.aliases: dict[str, str] = {"jax": "jax"}  # grows by assignment, and by parameters in CUSTOMARY
        self.in_program = 0

    def path(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self.path(node.value)
            return f"{base}.{node.attr}" if base else None
        return None

    def visit_Assign(self, node: ast.Assign) -> None:
        pairs: list[tuple[ast.expr, ast.expr]] = []
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs += zip(target.elts, node.value.elts, strict=False)
            else:
                pairs.append((target, node.value))
        for target, value in pairs:
            path = self.path(value)
            if path and isinstance(target, ast.Name):
                self.aliases[target.id] = path
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.Lambda) -> None:
        """A function with a customary parameter is a program: what it does with values counts."""
        customary = [a.arg for a in node.args.posonlyargs + node.args.args if a.arg in CUSTOMARY]
        outer = dict(self.aliases)
        self.aliases.update((name, CUSTOMARY[name]) for name in customary)
        self.in_program += bool(customary)
        self.generic_visit(node)
        self.in_program -= bool(customary)
        self.aliases = outer

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self.path(node)
        if path:
            self.found.add(path)
        elif self.in_program:
            of = node.value
            if isinstance(of, ast.Subscript) and isinstance(of.value, ast.Attribute) and of.value.attr == "at":
                self.found.add(f"jax.Array.at[...].{node.attr}")
            self.found.update(f"{owner}.{node.attr}" for owner in OWNERS)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if self.in_program and isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
            self.found.add(f"jax.Array.__{node.func.id}__")
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) >= 2:
            base, name = self.path(node.args[0]), node.args[1]
            if base and isinstance(name, ast.Constant):
                self.found.add(f"{base}.{name.value}")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._operator(type(node.op), reflected=isinstance(node.left, ast.Constant))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        self._operator(type(node.op))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for op in node.ops:
            self._operator(type(op))
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self.in_program:
            self.found.add("jax.Array.__setitem__" if isinstance(node.ctx, ast.Store) else "jax.Array.__getitem__")
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        if self.in_program:
            self.found.add("jax.Array.__iter__")
        self.generic_visit(node)

    def _operator(self, op: type[ast.AST], reflected: bool = False) -> None:
        if self.in_program and op in OPERATORS:
            self.found.add(f"jax.Array.__{'r' if reflected else ''}{OPERATORS[op]}__")


def reached_in(text: str) -> set[str]:
    """The paths below `jax` that this Python text reaches."""
    reader = _Reader()
    reader.visit(ast.parse(text))
    return reader.found


@functools.lru_cache(maxsize=1)
def with_case() -> frozenset[str]:
    """Paths of the names that some case or test of compat/ is about."""
    tables: Iterable[Any] = importlib.import_module("compat.cases").TABLES
    found = {row.function_name for table in tables for row in table.rows}
    for path in sorted(FOLDER.rglob("*.py")):
        if "bench" in path.relative_to(FOLDER).parts or path.name in ("inventory.py", "test_harness.py"):
            continue
        found |= reached_in(path.read_text(encoding="utf-8"))
        if path.parent == FOLDER and path.name.startswith("test_"):
            module = importlib.import_module(f"compat.{path.stem}")
            for test in list(vars(module).values()):
                found.update(getattr(test, "covers", ()) if inspect.isfunction(test) else ())
    return frozenset(found)


# ----------------------------------------------------------------------------------------------- verdict


def complaints() -> Iterator[str]:
    """What is wrong between the inventory, the package and the ledger; nothing when all is well."""
    gaps, have = ledger.load(), served()
    every = {name.path for name in names()}
    for name in names():
        later, never = gaps.reason("later", name.path), gaps.reason("never", name.path)
        if later and never:
            yield f"{name.path} is listed in [later] and in [never]"
        if name.path in have and (later or never):
            yield f"{name.path} is served now, and gaps.txt lists it ({later or never}): remove the row"
        if name.path not in have and not (later or never):
            yield f"{name.path} ({name.kind}) is neither served nor in gaps.txt"
    for section in ("later", "never"):
        for row in gaps.rows[section]:
            if not any(path == row or (row.endswith(".*") and path.startswith(row[:-1])) for path in every):
                yield f"gaps.txt [{section}] {row}: no such name in the inventory"


def without_case() -> list[str]:
    """Served names that a program could call, and no case or test does."""
    have, cases = served(), with_case()
    return [name.path for name in names() if name.needs_case and name.path in have and name.path not in cases]
