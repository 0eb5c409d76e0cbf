"""check_grads: derivatives against finite differences, in one random direction.

The arithmetic around the function is numpy's, in the dtypes of the arguments, so that nothing of what is
tested takes part in the test.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxlike._src import config, dtypes
from jaxlike._src.transforms.forward import jvp, linearize
from jaxlike._src.transforms.reverse import vjp
from jaxlike._src.tree import tree_leaves, tree_map

STEP = 1e-4
_CLOSE = {"bfloat16": 1e-1, "float16": 1e-2, "float32": 2e-3, "float64": 1e-5, "complex64": 1e-3, "complex128": 1e-5}
_NARROW = 1e-1  # of the 8-bit floats


def _dtype(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def _is_number(x: Any) -> bool:
    return isinstance(x, bool | int | float | complex) and not isinstance(x, np.generic)


def _like(x: Any, value: Any) -> Any:
    """``value`` in the dtype of ``x``; a Python number where that is one."""
    made = np.asarray(value, dtype=_dtype(x))
    return made.item() if _is_number(x) else made


def _random_like(rng: np.random.RandomState, x: Any) -> Any:
    shape, dtype = np.shape(x), _dtype(x)
    value = np.asarray(rng.randn(*shape), dtype=dtype)
    if dtypes.issubdtype(dtype, np.complexfloating):
        value = value + dtype.type(1.0j) * np.asarray(rng.randn(*shape), dtype=dtype)
    return _like(x, value)


def _scaled(tree: Any, by: float) -> Any:
    return tree_map(lambda x: _like(x, np.multiply(x, np.array(by, _dtype(x)), dtype=_dtype(x))), tree)


def _difference(a: Any, b: Any) -> Any:
    with np.errstate(invalid="ignore"):  # inf - inf is no change
        return np.where(np.equal(a, b), np.array(0, _dtype(a)), np.subtract(a, b, dtype=_dtype(a)))


def _directional(f: Callable[..., Any], args: Any, direction: Any, step: float) -> Any:
    """The derivative of ``f`` by central differences."""
    delta = _scaled(direction, step)
    ahead = f(*tree_map(lambda x, d: _like(x, x + d), args, delta))
    behind = f(*tree_map(lambda x, d: _like(x, x - d), args, delta))
    return _scaled(tree_map(_difference, ahead, behind), 0.5 / step)


def _tolerance(dtype: Any, given: Any) -> float:
    if given is not None and not isinstance(given, dict):
        return given
    chosen = {np.dtype(k).name: v for k, v in (given or {}).items()}
    name = np.dtype(dtypes.canonicalize_dtype(dtype)).name
    if name in chosen:
        return chosen[name]
    return _CLOSE.get(name, _NARROW if name.startswith("float") and name != "float0" else 0.0)


def _check_close(actual: Any, expected: Any, atol: Any, rtol: Any, message: str) -> None:
    def check(a: Any, b: Any) -> None:
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        if a.dtype == b.dtype == dtypes.float0:
            return
        bounds = {
            name: max(_tolerance(a.dtype, tol), _tolerance(b.dtype, tol)) * max(x.size, 0)
            for name, tol, x in (("atol", atol, a), ("rtol", rtol, b))
        }
        wide = [x.astype(np.float32) if x.dtype.kind == "V" or x.dtype.name == "bfloat16" else x for x in (a, b)]
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(*wide, **{k: v for k, v in bounds.items() if v}, err_msg=message)

    tree_map(check, actual, expected)


def _check_dtypes(a: Any, b: Any) -> None:
    def check(x: Any, y: Any) -> None:
        found, wanted = _dtype(x), _dtype(y)
        if not config.enable_x64.value:
            found, wanted = dtypes.canonicalize_dtype(found), dtypes.canonicalize_dtype(wanted)
        assert found == wanted

    tree_map(check, a, b)


def check_jvp(
    f: Callable[..., Any],
    f_jvp: Callable[..., Any],
    args: Any,
    atol: Any = None,
    rtol: Any = None,
    eps: float = STEP,
    err_msg: str = "",
) -> None:
    """AssertionError where a jvp disagrees with finite differences.

    Args:
        f: the function.
        f_jvp: takes arguments and tangents, as ``functools.partial(jax.jvp, f)``.
        args: tuple of arguments.
        atol: absolute tolerance, or one for each dtype; by default one that suits the dtype.
        rtol: relative tolerance.
        eps: step of the differences.
        err_msg: begins the message.
    """
    rng = np.random.RandomState(0)
    tangent = tree_map(functools.partial(_random_like, rng), args)
    value, moved = f_jvp(args, tangent)
    _check_dtypes(value, moved)
    expected = f(*args)
    _check_dtypes(value, expected)
    difference = _directional(f, args, tangent, eps)
    _check_close(value, expected, atol, rtol, f"{err_msg} primal" if err_msg else "primal")
    _check_close(moved, difference, atol, rtol, f"{err_msg} tangent" if err_msg else "tangent")


def check_vjp(
    f: Callable[..., Any],
    f_vjp: Callable[..., Any],
    args: Any,
    atol: Any = None,
    rtol: Any = None,
    eps: float = STEP,
    err_msg: str = "",
) -> None:
    """AssertionError where a vjp disagrees with finite differences.

    Args:
        f: the function.
        f_vjp: takes arguments, gives the value and the pullback, as ``functools.partial(jax.vjp, f)``.
        args: tuple of arguments.
        atol: absolute tolerance, or one for each dtype; by default one that suits the dtype.
        rtol: relative tolerance.
        eps: step of the differences.
        err_msg: begins the message.
    """
    rng = np.random.RandomState(0)
    value, pullback = f_vjp(*args)
    _check_close(value, f(*args), atol, rtol, f"{err_msg} primal" if err_msg else "primal")
    tangent = tree_map(functools.partial(_random_like, rng), args)
    moved = _directional(f, args, tangent, eps)
    cotangent = tree_map(functools.partial(_random_like, rng), value)
    pulled = _conjugate(pullback(_conjugate(cotangent)))
    said = f"{err_msg} cotangent projection" if err_msg else "cotangent projection"
    _check_close(_product(tangent, pulled), _product(moved, cotangent), atol, rtol, said)


def _conjugate(tree: Any) -> Any:
    return tree_map(lambda x: _like(x, np.conj(x)), tree)


def _product(a: Any, b: Any) -> Any:
    """The real inner product of two trees."""
    pairs = zip(tree_leaves(a), tree_leaves(b), strict=True)
    parts = [np.real(np.dot(np.conj(x).reshape(-1), np.asarray(y).reshape(-1))) for x, y in pairs]
    return functools.reduce(np.add, parts)


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: Any = None,
    rtol: Any = None,
    eps: float | None = None,
) -> None:
    """AssertionError where derivatives up to an order disagree with finite differences.

    Args:
        f: the function.
        args: its arguments.
        order: up to which order.
        modes: of "fwd", "rev" and "lin" (linearize).
        atol: absolute tolerance, or one for each dtype; by default one that suits the dtype.
        rtol: relative tolerance.
        eps: step of the differences.
    """
    how = {"atol": atol, "rtol": rtol, "eps": eps or STEP}

    def check(f: Callable[..., Any], args: Any, order: int, err_msg: str) -> None:
        def named(mode: str) -> str:
            return f"{mode} of {err_msg}" if err_msg else mode

        if "fwd" in modes:
            forward = functools.partial(jvp, f)
            check_jvp(f, forward, args, err_msg=named("JVP"), **how)
            if order > 1:
                check(forward, (args, args), order - 1, named("JVP"))
        if "rev" in modes:
            check_vjp(f, functools.partial(vjp, f), args, err_msg=named("VJP"), **how)
            if order > 1:

                def pulled(*args: Any) -> Any:
                    value, pullback = vjp(f, *args)
                    return pullback(value)

                check(pulled, args, order - 1, named("VJP"))
        if "lin" in modes:
            linear = functools.partial(_by_linearize, f)
            check_jvp(f, linear, args, err_msg=named("LIN"), **how)
            if order > 1:
                check(linear, (args, args), order - 1, named("LIN"))

    check(f, tuple(args), order, "")


def _by_linearize(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    value, linear = linearize(f, *primals)
    return value, linear(*tangents)
