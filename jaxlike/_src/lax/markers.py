"""markers: what only tells a compiler something: tokens, names of compositions, shapes as values, sinks.

Tokens order effects in a compiled program; here effects run in the order of the program. A composite is its
decomposition, under a name.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import is_traced
from jaxlike._src.errors import UnexpectedTracerError
from jaxlike._src.lax.convert import full
from jaxlike._src.lax.strict import operand
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.typing import ArrayLike


class Token:
    """A value that stands for a point in the order of effects."""


def create_token(_: Any = None) -> Token:
    """A token that nothing comes before."""
    return Token()


def after_all(*operands: Token) -> Token:
    """A token for after all of these."""
    if not all(isinstance(token, Token) for token in operands):
        raise TypeError("Arguments to after_all must be tokens")
    return Token()


class _Composite(Structured):
    """A decomposition as one operation, without rules, as in JAX."""

    name = "composite"

    def __init__(self, run: Callable[[Sequence[Array]], list[Array]], shown: dict[str, Any]) -> None:
        self._run, self._shown = run, shown

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The decomposition."""
        return self._run(args)

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
        """None is there."""
        raise ValueError(
            "JVP rule for composite not implemented. You can use `jax.custom_jvp` to add support. See "
            "https://docs.jax.dev/en/latest/_autosummary/jax.custom_jvp.html"
        )

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """None is there."""
        return self.jvp(primals, perturbed)

    def params(self) -> dict[str, Any]:
        """Name and version."""
        return self._shown

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """What the decomposition closed over is given to it."""
        del more
        return _Composite(run, self._shown)


def composite(decomposition: Callable[..., Any], name: str, version: int = 0) -> Callable[..., Any]:
    """``decomposition`` as an operation with a name.

    Args:
        decomposition: function of arrays; keyword arguments are the operation's attributes and may not be traced.
        name: the operation's name.
        version: of its meaning.
    """

    @functools.wraps(decomposition)
    def composed(*args: Any, **kwargs: Any) -> Any:
        if any(is_traced(v) for v in kwargs.values()):
            raise UnexpectedTracerError(
                f"Found a JAX Tracer as an attribute in the decomposition for the composite op '{name}'. This means "
                "that the decomposition function closes over a value that is involved in a JAX transformation. Any "
                "values that aren't explicitly known at compile time must be explicitly passed as arguments to the "
                "composite.\n\nNote: If you are passing jax arrays as attributes, use numpy arrays instead."
            )
        leaves, tree = tree_flatten(args)
        arrays = [operand("composite", leaf) for leaf in leaves]
        out_tree: Any = None

        def run(inside: Sequence[Array]) -> list[Array]:
            nonlocal out_tree
            outs, out_tree = tree_flatten(decomposition(*tree_unflatten(tree, list(inside)), **kwargs))
            return [operand("composite", out) for out in outs]

        outs = apply(_Composite(run, {"name": name, "version": version}), arrays)
        return tree_unflatten(out_tree, outs)

    return composed


def shape_as_value(shape: Sequence[int]) -> Any:
    """A shape as an array of integers."""
    if len(shape) == 0:
        return full((0,), np.array(0, np.int32))
    wide = any(int(n) > np.iinfo(np.int32).max for n in shape)
    return np.asarray(shape, dtype=np.int64 if wide else np.int32)


def dce_sink(val: Any, *, prevent_mlir_dce: bool = False) -> None:
    """Keep the computation of ``val`` alive; nothing here removes one that is run."""
    del prevent_mlir_dce
    for leaf in tree_leaves(val):
        operand("dce_sink", leaf)


def stage(x: ArrayLike, /) -> Array:
    """The value as an Array of what runs."""
    return operand("stage", x)
