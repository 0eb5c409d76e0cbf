"""The columns of the tables: what is done with a function before it is called.

Each column is one function of (jax, function, arguments, drawn), written with the framework's own
transformations; `drawn` holds what was drawn for it in numpy (tangents, batch axes). Derivatives are taken
with respect to every inexact argument, of a weighted sum of all inexact results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]


@dataclass(frozen=True)
class Drawn:
    """What a column needs beside the arguments."""

    tangents: tuple[Any, ...] = ()
    in_axes: tuple[int | None, ...] = ()
    out_axes: int = 0


def eager(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """The function itself."""
    return fun(*args)


def jit(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """Compiled."""
    return jax.jit(fun)(*args)


def vmap(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """Batched over drawn axes."""
    return jax.vmap(fun, drawn.in_axes, drawn.out_axes)(*args)


def jit_of_vmap(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """Batched, then compiled."""
    return jax.jit(jax.vmap(fun, drawn.in_axes, drawn.out_axes))(*args)


def jvp(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """Value and tangent."""
    of_inexact, inexact = _of_inexact(jax, fun, args)
    return jax.jvp(of_inexact, inexact, _tangents(jax, args, drawn))


def grad(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """Gradients of the weighted sum."""
    of_inexact, inexact = _of_inexact(jax, fun, args)
    return jax.grad(_weighted(jax, of_inexact), tuple(range(len(inexact))))(*inexact)


def hessian_vector(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """The second derivative along the tangents: forward over reverse."""
    of_inexact, inexact = _of_inexact(jax, fun, args)
    gradient = jax.grad(_weighted(jax, of_inexact), tuple(range(len(inexact))))
    return jax.jvp(gradient, inexact, _tangents(jax, args, drawn))[1]


def jvp_of_jvp(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """The second derivative along the tangents twice: forward over forward."""
    of_inexact, inexact = _of_inexact(jax, fun, args)
    tangents = _tangents(jax, args, drawn)

    def moved(*inexact: Any) -> Any:
        return jax.jvp(of_inexact, inexact, tangents)[1]

    return jax.jvp(moved, inexact, tangents)[1]


def vmap_of_grad(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """Gradients of each sample."""

    def gradient(*one: Any) -> Any:
        return grad(jax, fun, one, drawn)

    return jax.vmap(gradient, drawn.in_axes, 0)(*args)


def jit_of_grad(jax: Any, fun: Function, args: Sequence[Any], drawn: Drawn) -> Any:
    """Gradients, compiled."""
    return jax.jit(lambda *args: grad(jax, fun, args, drawn))(*args)


def is_inexact(jax: Any, x: Any) -> bool:
    """Whether x is an array of floats or of complex numbers."""
    return hasattr(x, "dtype") and bool(jax.numpy.issubdtype(x.dtype, jax.numpy.inexact))


def _of_inexact(jax: Any, fun: Function, args: Sequence[Any]) -> tuple[Function, tuple[Any, ...]]:
    at = [i for i, x in enumerate(args) if is_inexact(jax, x)]

    def of_inexact(*inexact: Any) -> Any:
        full = list(args)
        for i, x in zip(at, inexact, strict=True):
            full[i] = x
        return fun(*full)

    return of_inexact, tuple(args[i] for i in at)


def _tangents(jax: Any, args: Sequence[Any], drawn: Drawn) -> tuple[Any, ...]:
    return tuple(jax.numpy.asarray(t) for x, t in zip(args, drawn.tangents, strict=True) if is_inexact(jax, x))


def _weighted(jax: Any, fun: Function) -> Function:
    """The sum of fun's inexact results, each entry with a weight of its own."""
    jnp = jax.numpy

    def scalar(*args: Any) -> Any:
        total: Any = None
        for leaf in jax.tree_util.tree_leaves(fun(*args)):
            if not is_inexact(jax, leaf):
                continue
            steps = np.arange(int(np.prod(leaf.shape, dtype=int))).reshape(leaf.shape)
            weights = 1.0 + 0.5 * np.cos(2.0 * steps)
            if jnp.issubdtype(leaf.dtype, jnp.complexfloating):
                weights = weights + 0.25j * np.sin(3.0 * steps)
            term = jnp.sum(jnp.real(leaf * jnp.asarray(weights, leaf.dtype)))
            total = term if total is None else total + term
        return total

    return scalar


@dataclass(frozen=True)
class Column:
    """A transformation as a column: which draws it wants, and how much its rounding grows."""

    name: str
    transform: Callable[..., Any]
    derivative: bool = False
    batched: bool = False
    domain: str | None = None  # "EDGES", "TIED": instead of the case's own
    mixed: bool = False  # each argument of its own dtype, Python scalars too
    oracle: Callable[..., Any] | None = None  # cheaper for jax, with the same result by jax's own contract
    growth: float = 1.0
    like: str = ""  # the column that a row names for both in `only` and `without`

    def __str__(self) -> str:
        """The column's name."""
        return self.name


COLUMNS = (
    Column("eager", eager),
    Column("edges", eager, domain="EDGES"),
    Column("promote", eager, mixed=True),
    Column("jit", jit, oracle=eager),
    Column("vmap", vmap, batched=True),
    Column("jvp", jvp, derivative=True, growth=4),
    Column("grad", grad, derivative=True, growth=4),
    Column("kinks", grad, derivative=True, domain="TIED", growth=4),
    Column("hvp", hessian_vector, derivative=True, growth=20),
    Column("jvp_of_jvp", jvp_of_jvp, derivative=True, growth=20, like="hvp"),
    Column("jit_of_vmap", jit_of_vmap, batched=True, oracle=vmap),
    Column("vmap_of_grad", vmap_of_grad, derivative=True, batched=True, growth=4),
    Column("jit_of_grad", jit_of_grad, derivative=True, oracle=grad, growth=4),
)
