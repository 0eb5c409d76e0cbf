"""jet: derivatives of many orders along a curve, by forward mode nested in itself.

The series describe a curve through the arguments: ``h(t) = x + s1 t + s2 t^2 / 2! + ...``. The results are the
derivatives of ``f(h(t))`` at ``t = 0``, each the tangent of the one before. What forward mode can differentiate (loops,
choices, custom rules) can be expanded so. Work grows as two to the order.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype
from jaxlike._src.numpy.filled import zeros, zeros_like
from jaxlike._src.transforms.arguments import to_array
from jaxlike._src.transforms.forward import jvp
from jaxlike._src.transforms.reverse import is_differentiable
from jaxlike._src.tree import register_pytree_node, tree_flatten, tree_structure, tree_unflatten, treedef_is_leaf


def fact(n: int) -> Array:
    """``n!`` as an array."""
    return asarray(float(math.factorial(n)))


class ZeroTerm:
    """Where JAX has no term; `jet` gives and takes zeros."""


class ZeroSeries:
    """Where JAX has no terms, for a value that does not depend on the curve; `jet` gives and takes zeros."""


zero_term = ZeroTerm()
zero_series = ZeroSeries()
register_pytree_node(ZeroTerm, lambda _: ((), None), lambda *_: zero_term)
register_pytree_node(ZeroSeries, lambda _: ((), None), lambda *_: zero_series)


def jet(fun: Callable[..., Any], primals: Any, series: Any, factorial_scaled: bool = True, **_: Any) -> Any:
    """The Taylor series of ``fun`` along a curve.

    Args:
        fun: takes arrays, returns any tree of arrays.
        primals: tuple or list of arrays: where the curve starts.
        series: for each of them the derivatives of the curve there, first to n-th.
        factorial_scaled: whether terms are derivatives; else they are coefficients, derivatives divided by k!.

    Returns:
        ``fun(*primals)``, and a tree of lists: the derivatives of each result along the curve, first to n-th.
    """
    orders = {len(terms) for terms in series}
    if len(orders) != 1:
        raise ValueError("jet terms have inconsistent lengths for different arguments")
    (order,) = orders
    for i, (x, terms) in enumerate(zip(primals, series, strict=False)):
        if not treedef_is_leaf(tree_structure(x)):
            raise ValueError(f"primal value at position {i} is not an array")
        for j, t in enumerate(terms):
            if not treedef_is_leaf(tree_structure(t)):
                raise ValueError(f"term {j} for argument {i} is not an array")
    pairs = list(zip(map(to_array, primals), series, strict=False))
    scale = (lambda k: k) if factorial_scaled else lambda k: 1
    tree: Any = None

    def along(t: Any) -> list[list[Array]]:
        nonlocal tree
        out = fun(*(_curve(x, terms, t, scale) for x, terms in pairs))
        leaves, tree = tree_flatten(out)
        return [[to_array(x) for x in leaves]]

    expanded = along
    for k in range(order):
        expanded = functools.partial(_one_more, expanded, 1 if factorial_scaled else k + 1)
    values, *derivatives = expanded(0.0)
    columns = [[_term(x, d[i]) for d in derivatives] for i, x in enumerate(values)]
    return tree_unflatten(tree, values), tree_unflatten(tree, columns)


def _curve(x: Array, terms: Sequence[Any], t: Any, scale: Callable[[int], int]) -> Array:
    """``x + t (s1 + t/2 (s2 + ...))``; integers stay where they are."""
    if not terms or not is_differentiable(x):
        return x
    rest = asarray(terms[-1])
    for k in range(len(terms) - 1, 0, -1):
        rest = asarray(terms[k - 1]) + rest * t * (1 / scale(k + 1))
    moved = x + rest * t
    return moved if moved.dtype == x.dtype and moved.weak_type == x.weak_type else astype(moved, x.dtype, x.weak_type)


def _one_more(expand: Callable[[Any], list[list[Array]]], divisor: int, t: Any) -> list[list[Array]]:
    """The derivatives so far, and the one after the last."""
    values, tangents = jvp(expand, (t,), (1.0,))
    last = tangents[-1]
    return [*values, last if divisor == 1 else [x / divisor if isinstance(x, Array) else x for x in last]]


def _term(x: Array, derivative: Any) -> Array:
    """A derivative of a result, which has the type of the result; integers have none."""
    if not is_differentiable(x):
        return asarray(zeros(x.shape, np.float32))
    if not isinstance(derivative, Array):
        return zeros_like(x)
    return astype(derivative, x.dtype, x.weak_type)


def jet2(fun: Callable[..., Any], primals: Any, series: Any, *, factorial_scaled: bool = False, **_: Any) -> Any:
    """As `jet`, with coefficients in place of derivatives.

    Args:
        fun: takes arrays, returns any tree of arrays.
        primals: tuple or list of arrays.
        series: for each of them the coefficients of the curve.
        factorial_scaled: whether terms are derivatives.
    """
    return jet(fun, primals, series, factorial_scaled)
