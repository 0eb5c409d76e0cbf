"""outcomes: how a program ended, in words that belong to neither framework.

What it returns is flattened by the framework's own tree_util: the printed tree, and of each leaf its kind,
shape, dtype, weak type and value. What it raises is its type, public ancestors and first sentence. Warnings and
printed text are kept with it, under neutral names.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Program = Callable[..., Any]


@dataclass(frozen=True)
class Leaf:
    """What is seen of one leaf, in words that belong to neither framework."""

    kind: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    weak_type: bool | None = None
    value: Any = None

    def __str__(self) -> str:
        """As in a failure's message."""
        if self.shape is None:
            return f"{self.kind} {self.value}"
        dims = ",".join(map(str, self.shape))
        weak = " weakly typed" if self.weak_type else ""
        return f"{self.kind} {self.dtype}[{dims}]{weak} {_short(self.value)}"


@dataclass(frozen=True)
class Outcome:
    """How a program ended: a tree of leaves, or an exception; with what it printed and warned."""

    tree: str | None = None
    leaves: dict[str, Leaf] = field(default_factory=dict)
    error: tuple[str, tuple[str, ...], str] | None = None
    cause: BaseException | None = None
    warned: frozenset[tuple[str, str]] = frozenset()
    printed: str = ""

    def __str__(self) -> str:
        """As in a failure's message."""
        lines: list[str] = []
        if self.error is not None:
            lines.append(f"raised {self.error[0]}: {self.error[2]}")
        else:
            lines.append(f"returned {self.tree}")
            lines += [f"  {path or 'value'}: {leaf}" for path, leaf in list(self.leaves.items())[:20]]
        lines += [f"warned {category}: {text}" for category, text in sorted(self.warned)]
        if self.printed:
            lines.append("printed " + repr(self.printed[:400]))
        return "\n".join(lines)


def _short(value: Any) -> str:
    text = np.array2string(value, threshold=20, precision=9) if isinstance(value, np.ndarray) else repr(value)
    return text if len(text) <= 400 else text[:400] + " ..."


def neutral(text: str) -> str:
    """`text` without memory addresses, and with one name for what each framework calls by its own.

    jax's array class is ArrayImpl, and what it traces with has a class for each transformation; it keeps
    where in the file a batched value was made, which here is not always found.
    """
    text = re.sub(r"0x[0-9a-f]+", "0xADDRESS", text).replace("jaxlike", "jax")
    text = re.sub(r"\n *This \w+Tracer with object id \d+ was created on line:\n.*(?=\n|$)", "", text)
    return re.sub(r"\b(jaxlib\._jax\.|jax\.(_src\.array\.)?)?(ArrayImpl|Array)\b", "Array", text)


def first_sentence(message: str) -> str:
    """Up to the first full stop that ends a sentence or the first empty line; white space joined."""
    message = neutral(message)
    match = re.search(r"(?<!e\.g)(?<!i\.e)(?<=[^.])\.+(?=\s|$)|\n\s*\n", message)
    return " ".join(message[: match.end() if match else None].split())


def describe_leaf(leaf: Any, jax: Any) -> Leaf:
    """The leaf as `Leaf`; `jax` is the framework that made it."""
    if isinstance(leaf, jax.core.Tracer):
        return Leaf("Tracer", tuple(leaf.shape), str(leaf.dtype))
    if isinstance(leaf, jax.Array):
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            data = np.asarray(jax.random.key_data(leaf))
            return Leaf("Array", tuple(leaf.shape), str(leaf.dtype), bool(leaf.aval.weak_type), data)
        value = np.asarray(leaf)
        # The array's own word for its dtype, and numpy's word for the same data, must agree.
        dtype = str(leaf.dtype) if leaf.dtype == value.dtype else f"{leaf.dtype} (as numpy: {value.dtype})"
        return Leaf("Array", tuple(leaf.shape), dtype, bool(leaf.weak_type), value)
    if isinstance(leaf, np.ndarray | np.generic):
        kind = "numpy." + ("ndarray" if isinstance(leaf, np.ndarray) else "scalar")
        return Leaf(kind, leaf.shape, str(leaf.dtype), None, np.asarray(leaf))
    if isinstance(leaf, bool | int | float | complex | str | bytes | type(None)):
        return Leaf(type(leaf).__name__, value=leaf)
    if isinstance(leaf, type):
        return Leaf("type", value=leaf.__name__)
    if callable(leaf) and hasattr(leaf, "__name__"):
        return Leaf("callable", value=leaf.__name__)
    return Leaf(type(leaf).__name__, value=neutral(repr(leaf)))


def describe_error(error: BaseException) -> tuple[str, tuple[str, ...], str]:
    """Type name, public ancestors, first sentence."""
    ancestors = tuple(c.__name__ for c in type(error).__mro__[1:] if not c.__name__.startswith("_"))
    # str(KeyError("text")) adds quotes; the message is its argument.
    text = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error)
    return type(error).__name__, ancestors, first_sentence(text)


def run(program: Program, jax: Any, *args: Any, **kwargs: Any) -> Outcome:
    """Run `program(jax, ...)` and describe how it ended."""
    printed = io.StringIO()
    error: BaseException | None = None
    tree, leaves = "", dict[str, Leaf]()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            value = program(jax, *args, **kwargs)
            # Reading a result belongs to the program: an array that cannot be read is no result.
            paths_and_leaves, treedef = jax.tree_util.tree_flatten_with_path(value)
            leaves = {jax.tree_util.keystr(path): describe_leaf(leaf, jax) for path, leaf in paths_and_leaves}
            tree = neutral(str(treedef))
        except Exception as raised:
            error = raised
    warned = frozenset((w.category.__name__, first_sentence(str(w.message))) for w in caught)
    text = neutral(printed.getvalue())
    if error is not None:
        return Outcome(error=describe_error(error), cause=error, warned=warned, printed=text)
    return Outcome(tree, leaves, warned=warned, printed=text)
