"""child: run a program for which `import jax` is one framework or the other, and write down where it came to.

Run by its path, with the real JAX (`python child.py RECORD KIND PROGRAM arguments`) or through `python -m jaxlike`,
so it uses nothing but Python and what the program itself imports: the other interpreter may not have jaxlike. The
record is a pickle of plain Python values; numbers are bytes with the name of their dtype.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib.util
import json
import os
import pickle
import sys
import time
import traceback
import types
from typing import Any

_TICK = "__statement_ended__"  # a name among the builtins: the program's own globals stay its own


def main() -> None:
    """Run the program, then write."""
    record, kind, program, *arguments = sys.argv[1:]
    module = types.ModuleType("__main__")
    vars(module)["__builtins__"] = builtins
    sys.modules["__main__"] = module
    sys.argv[:] = [program, *arguments]
    run = {"script": run_script, "module": run_module, "notebook": run_notebook}[kind]
    statements: list[tuple[int, float]] = []  # (line, seconds since the beginning) at the end of each
    error, code = None, 0
    beginning = time.perf_counter()

    def tick(line: int) -> None:
        statements.append((line, time.perf_counter() - beginning))

    setattr(builtins, _TICK, tick)
    try:
        run(module, program)
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        if not isinstance(ending.code, int | None):
            print(ending.code, file=sys.stderr)
    except BaseException as raised:
        error, code = (type(raised).__name__, str(raised)), 1
        traceback.print_exception(type(raised), raised, without_our_frames(raised.__traceback__))
    variables = variables_of(vars(module)) if "jax" in sys.modules else {}
    seconds = time.perf_counter() - beginning  # reading the values waits for them
    with contextlib.suppress(AttributeError):
        sys.stdout.flush()
    jax = sys.modules.get("jax")
    outcome = {
        "framework": getattr(jax, "__name__", None),
        "version": getattr(jax, "__version__", None),
        "variables": variables,
        "statements": statements,
        "error": error,
        "code": code,
        "seconds": seconds,
    }
    with open(record, "wb") as file:
        pickle.dump(outcome, file, protocol=4)


def without_our_frames(trace: types.TracebackType | None) -> types.TracebackType | None:
    """A traceback from the program's first frame on."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__ and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


# Running


def run_script(module: types.ModuleType, path: str) -> None:
    """As `python path` does."""
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    vars(module).update(__file__=os.path.join(os.getcwd(), path), __cached__=None)
    with open(path, "rb") as file:
        execute(module, file.read(), path)


def run_module(module: types.ModuleType, name: str) -> None:
    """As `python -m name` does."""
    sys.path[0] = os.getcwd()
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(name + ".__main__")
    if spec is None or spec.origin is None or not spec.has_location:
        raise ModuleNotFoundError(f"No module named {name}", name=name)
    sys.argv[0] = spec.origin
    vars(module).update(__file__=spec.origin, __cached__=None, __spec__=spec, __package__=spec.parent)
    with open(spec.origin, "rb") as file:
        execute(module, file.read(), spec.origin)


def execute(module: types.ModuleType, source: bytes, path: str) -> None:
    """Run the program's statements, and take the time at the end of each."""
    tree = ast.parse(source, path)
    body: list[ast.stmt] = []
    for position, node in enumerate(tree.body):
        body.append(node)
        first = position == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (first or future):  # nothing may stand between these
            call = ast.Call(ast.Name(_TICK, ast.Load()), [ast.Constant(node.lineno)], [])
            body.append(ast.fix_missing_locations(ast.copy_location(ast.Expr(call), node)))
    tree.body = body
    exec(compile(tree, path, "exec", dont_inherit=True), vars(module))


def run_notebook(module: types.ModuleType, path: str) -> None:
    """Each code cell as IPython runs it; what a cell shows is printed."""
    try:
        from IPython.core.interactiveshell import InteractiveShell
    except ImportError as error:
        raise ImportError(f"a notebook needs IPython, which is not installed for {sys.executable}") from error
    with open(path, encoding="utf-8") as file:
        cells = [cell for cell in json.load(file)["cells"] if cell["cell_type"] == "code"]
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    shell = InteractiveShell.instance(user_module=module)
    shell.run_line_magic("colors", "nocolor")
    before = set(vars(module))
    for number, cell in enumerate(cells, 1):
        outcome = shell.run_cell("".join(cell["source"]), store_history=True)
        getattr(builtins, _TICK)(number)
        if not outcome.success:
            outcome.raise_error()
    for name in before:  # the shell's own: In, Out, exit, ...
        vars(module).pop(name, None)


# What the program left


def variables_of(names: dict[str, Any]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """The numbers in each public global, by their paths in its tree; in the order of the first assignments."""
    jax = sys.modules["jax"]
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for name, value in list(names.items()):
        if name.startswith("_") or isinstance(value, types.ModuleType | type | types.FunctionType):
            continue
        try:
            leaves, _ = jax.tree_util.tree_flatten_with_path(value)
        except Exception:  # a node's own code may refuse: then it is no tree of numbers
            continue
        known = [(jax.tree_util.keystr(path), numbers(leaf, jax)) for path, leaf in leaves]
        if kept := [(path, leaf) for path, leaf in known if leaf is not None]:
            found[name] = kept
    return found


def numbers(leaf: Any, jax: Any) -> dict[str, Any] | None:
    """A number or an array as plain values; None for anything else."""
    import numpy as np

    weak = None
    if isinstance(leaf, bool | int | float | complex):
        kind, array = type(leaf).__name__, np.asarray(leaf)
        if array.dtype == object:
            return None
    elif isinstance(leaf, jax.Array):
        kind = "Array"
        try:
            if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
                return plain(kind, str(leaf.dtype), np.asarray(jax.random.key_data(leaf)), None)
            array, weak = np.asarray(leaf), bool(leaf.weak_type)
        except Exception:  # deleted, or leaked from a transformation: there is nothing to compare
            return None
    elif isinstance(leaf, np.ndarray | np.generic):
        kind, array = "numpy", np.asarray(leaf)
    else:
        return None
    if array.dtype.kind not in "biufcV":
        return None
    return plain(kind, array.dtype.name, array, weak)


def plain(kind: str, dtype: str, array: Any, weak: bool | None) -> dict[str, Any]:
    """Every number as float64, complex128 or int64 (unsigned: uint64), whose bytes any numpy reads."""
    name, shape = array.dtype.name, array.shape
    if array.dtype.names:  # float0, the dtype of an integer's tangent, holds no value
        dtype, wide, array = "float0", "int64", array.reshape(-1)[:0]
    elif name.startswith("complex"):
        wide = "complex128"
    elif name.startswith(("int", "bool")):
        wide = "int64"
    else:
        wide = "uint64" if name.startswith("uint") else "float64"
    return {
        "kind": kind,
        "dtype": dtype,
        "shape": shape,
        "weak": weak,
        "wide": wide,
        "bytes": array.astype(wide).tobytes(),
    }


if __name__ == "__main__":
    main()
