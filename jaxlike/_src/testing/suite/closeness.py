"""closeness: how near two results must be, by dtype, and the checks that use it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from jaxlike._src import config
from jaxlike._src import dtypes as _dtypes
from jaxlike._src.check_grads import _random_like
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_map, tree_unflatten

ToleranceDict = dict[Any, float]

_NARROW = {
    **{name: 0 for name in ("int1", "uint1", "int2", "uint2", "int4", "uint4") if hasattr(ml_dtypes, name)},
    **dict.fromkeys(("float4_e2m1fn", "float8_e8m0fnu"), 1e0),
    **dict.fromkeys(("float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz"), 1e-1),
    **dict.fromkeys(("float8_e5m2", "float8_e5m2fnuz"), 1e-1),
}
_WIDE = {"bfloat16": 1e-2, "float16": 1e-3, "float32": 1e-6, "float64": 1e-15, "complex64": 1e-6, "complex128": 1e-15}
_WHOLE = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_GRADIENT = {"bfloat16": 1e-1, "float16": 1e-2, "float32": 2e-3, "float64": 1e-5, "complex64": 1e-3, "complex128": 1e-5}


def _by_dtype(by_name: dict[str, float]) -> ToleranceDict:
    return {np.dtype(getattr(ml_dtypes, name, name)): by_name[name] for name in by_name}


_default_tolerance: ToleranceDict = {
    _dtypes.float0: 0,
    **_by_dtype(dict.fromkeys(_WHOLE, 0) | _NARROW | _WIDE),
}
default_gradient_tolerance: ToleranceDict = _by_dtype({k: v for k, v in _NARROW.items() if v} | _GRADIENT)


def default_tolerance() -> ToleranceDict:
    """Tolerances, relative and absolute, of each dtype; one may change them."""
    return _default_tolerance


def tolerance(dtype: Any, tol: Any = None) -> float:
    """The tolerance of ``dtype``: ``tol``, or what it says of that dtype, or the usual one."""
    if tol is not None and not isinstance(tol, dict):
        return tol
    dtype = _dtypes.canonicalize_dtype(np.dtype(dtype))
    given = {np.dtype(k): v for k, v in (tol or {}).items()}
    return given[dtype] if dtype in given else _default_tolerance[dtype]


def join_tolerance(tol1: Any, tol2: Any) -> ToleranceDict:
    """The larger of two tolerances, dtype by dtype."""

    def whole(tol: Any) -> ToleranceDict:
        return {np.dtype(k): v for k, v in tol.items()} if isinstance(tol, dict) else dict.fromkeys(_default_tolerance, float(tol or 0))

    first, second = whole(tol1), whole(tol2)
    return first | {k: max(v, first.get(k, 0)) for k, v in second.items()}


def _dtype(x: Any) -> Any:
    if hasattr(x, "dtype"):
        return x.dtype
    return _dtypes.scalar_dtype(type(x)) if type(x) in (bool, int, float, complex) else np.asarray(x).dtype


def num_float_bits(dtype: Any) -> int:
    """Bits of a floating type, after canonicalization."""
    return _dtypes.finfo(_dtypes.canonicalize_dtype(dtype)).bits


def is_sequence(x: Any) -> bool:
    """Whether ``x`` can be iterated over."""
    try:
        iter(x)
    except TypeError:
        return False
    return True


def _widened(x: Any) -> Any:
    """``x`` in a type that numpy compares, where its own is one of ml_dtypes."""
    if x.dtype.type.__module__ != ml_dtypes.__name__:
        return x
    return x.astype(np.float32 if _dtypes.issubdtype(x.dtype, np.floating) else np.int8)


def _assert_numpy_allclose(a: Any, b: Any, atol: Any = None, rtol: Any = None, err_msg: str = "") -> None:
    if a.dtype == b.dtype == _dtypes.float0:
        np.testing.assert_array_equal(a, b, err_msg=err_msg)
        return
    given = {name: value for name, value in (("atol", atol), ("rtol", rtol)) if value}
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(_widened(a), _widened(b), **given, err_msg=err_msg)


def check_close(xs: Any, ys: Any, atol: Any = None, rtol: Any = None, err_msg: str = "") -> None:
    """AssertionError unless two trees are close, leaf by leaf; larger leaves may differ more."""

    def check(a: Any, b: Any) -> None:
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            raise AssertionError(f"shapes {a.shape} and {b.shape} differ {err_msg}")
        within = [max(tolerance(a.dtype, t), tolerance(b.dtype, t)) for t in (atol, rtol)]
        _assert_numpy_allclose(a, b, within[0] * a.size, within[1] * b.size, err_msg)

    tree_map(check, xs, ys)


def check_eq(xs: Any, ys: Any, err_msg: str = "") -> None:
    """AssertionError unless two trees of arrays are equal to numpy's usual tolerance."""
    tree_map(functools.partial(_assert_numpy_allclose, err_msg=err_msg), xs, ys)


def check_dtypes_match(xs: Any, ys: Any) -> None:
    def check(x: Any, y: Any) -> None:
        first, second = _dtype(x), _dtype(y)
        if not config.enable_x64.value:
            first, second = _dtypes.canonicalize_dtype(first), _dtypes.canonicalize_dtype(second)
        if first != second:
            raise AssertionError(f"dtypes {first} and {second} differ")

    tree_map(check, xs, ys)


def check_raises(thunk: Callable[[], Any], err_type: Any, msg: str) -> None:
    """AssertionError unless ``thunk()`` raises ``err_type`` with a text that begins with ``msg``."""
    _expect(thunk, err_type, lambda text: text.startswith(msg), msg)


def check_raises_regexp(thunk: Callable[[], Any], err_type: Any, pattern: str) -> None:
    """AssertionError unless ``thunk()`` raises ``err_type`` with a text that ``pattern`` matches."""
    _expect(thunk, err_type, lambda text: re.match(pattern, text) is not None, pattern)


def _expect(thunk: Callable[[], Any], kind: Any, fits: Callable[[str], bool], wanted: str) -> None:
    try:
        thunk()
    except kind as error:
        if not fits(str(error)):
            raise AssertionError(f"\n{error}\n\n{wanted}\n") from error
        return
    raise AssertionError(f"{kind} was not raised")


def rand_like(rng: Any, x: Any) -> Any:
    """Normal numbers of the shape and dtype of ``x``; a Python number for one."""
    return _random_like(rng, x)


# Numpy's functions made to return what JAX's return


def to_default_dtype(arr: Any) -> Any:
    """A numpy array in the default dtype of its kind."""
    arr = np.asarray(arr)
    defaults = {
        "b": lambda: np.dtype(bool),
        "i": _dtypes.default_int_dtype,
        "u": _dtypes.default_uint_dtype,
        "f": _dtypes.default_float_dtype,
        "c": _dtypes.default_complex_dtype,
    }
    default = defaults.get(arr.dtype.kind)
    return arr if default is None else arr.astype(default())


def with_jax_dtype_defaults(func: Callable[..., Any], use_defaults: Any = True) -> Callable[..., Any]:
    """``func`` with results in default dtypes: all of them, none, or as a tree of truth values says."""

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        if isinstance(use_defaults, bool):
            return tree_map(to_default_dtype, result) if use_defaults else result
        return tree_map(lambda x, convert: to_default_dtype(x) if convert else x, result, use_defaults)

    return wrapped


def promote_like_jnp(fun: Callable[..., Any], inexact: bool = False) -> Callable[..., Any]:
    """A function of numpy's with its arguments promoted as `jax.numpy` promotes them."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        leaves, tree = tree_flatten(args)
        dtype = _dtypes.result_type(*tree_leaves(args))
        dtype = _dtypes.to_inexact_dtype(dtype) if inexact else dtype
        return fun(*tree_unflatten(tree, [np.asarray(x, dtype) for x in leaves]), **kwargs)

    return wrapper


def strict_promotion_if_dtypes_match(dtypes: Sequence[Any]) -> Any:
    """A context: strict dtype promotion where all ``dtypes`` are one, the standard one elsewhere."""
    return config.numpy_dtype_promotion("strict" if all(d == dtypes[0] for d in dtypes) else "standard")


_check_dtypes_match = check_dtypes_match
