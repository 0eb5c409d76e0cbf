"""select: choosing between arrays elementwise by conditions, indices or bounds.

All branches are computed and one is kept, so a derivative that is not finite in a branch not taken is
multiplied by 0, as in JAX. `where` moves elements only, so it takes arrays of every kind, PRNG keys included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, fast_paths, key_uses, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    astype,
    cast,
    check_arraylike,
    concrete_or_error,
    promote_dtypes,
    scalar,
    unwrap,
)
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.arguments import like, one_array, payload
from jaxlike._src.numpy.arithmetic import remainder
from jaxlike._src.numpy.compare import maximum, minimum
from jaxlike._src.numpy.complex_parts import iscomplexobj
from jaxlike._src.numpy.create import asarray as as_array
from jaxlike._src.numpy.kinks import transformed
from jaxlike._src.numpy.shape import common_shape
from jaxlike._src.placement import follow
from jaxlike._src.transforms.compiled import jitted
from jaxlike._src.transforms.stop_gradient import stop_gradient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.typing import ArrayLike

_WIDE_FLOATS = frozenset([torch.float32, torch.float64])
_REAL_NUMBERS = (float, int)


def where(
    condition: ArrayLike,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    /,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """Elements of ``x`` where ``condition`` holds, of ``y`` elsewhere.

    Args:
        condition: bool array; numbers count as true unless they are 0.
        x: array or number.
        y: array or number; the three shapes broadcast, the dtypes of ``x`` and ``y`` promote.
        size: with ``condition`` alone: how many indices to give, see `nonzero`.
        fill_value: with ``condition`` alone: what fills up to ``size``.

    Returns:
        An array of the common shape; with ``condition`` alone ``nonzero(condition)``.
    """
    fast = STATE.fast
    if (
        type(condition) is Array
        and condition._frame is fast
        and (fast is None or fast.trace is None)
        and size is None
        and fill_value is None
    ):
        c = condition._t
        if c.dtype is torch.bool:
            try:
                if type(x) is Array and x._frame is fast:
                    a = x._t
                    if type(y) is Array:
                        if y._frame is fast and a.dtype is y._t.dtype and a.dtype not in unsigned.WIDE:
                            return Array(torch.where(c, a, y._t), x._tag and y._tag)
                    elif type(y) in _REAL_NUMBERS and a.dtype in _WIDE_FLOATS:
                        if fast is None and a.is_cpu and a.numel() >= fast_paths.LARGE and str(y) in ("0", "0.0"):
                            return Array(fast_paths.large_where(c, a), x._tag)
                        return Array(torch.where(c, a, scalar(y, a.dtype)), x._tag)
                elif type(x) in _REAL_NUMBERS and type(y) is Array and y._frame is fast and y._t.dtype in _WIDE_FLOATS:
                    return Array(torch.where(c, scalar(x, y._t.dtype), y._t), y._tag)
            except RuntimeError:  # shapes: the general path says which
                return _where(condition, x, y)
    if x is None and y is None:
        from jaxlike._src.numpy.search import nonzero  # search is built on this module

        return nonzero(condition, size=size, fill_value=fill_value)
    if size is not None or fill_value is not None:
        raise ValueError("size and fill_value arguments cannot be used in three-term where function.")
    return _where(condition, x, y)


@jitted("_where")
def _where(condition: Any, x: Any, y: Any) -> Array:
    check_arraylike("where", condition, x, y)
    if key_uses.FLAG.value:
        key_uses.use_joined((condition, x, y), "jit-compiled function")
    condition = asarray(condition)
    if isinstance(condition.dtype, dtypes.ExtendedDType):
        raise TypeError(f"Cannot interpret '{condition.dtype}' as a data type")
    chosen = unwrap(condition)
    x, y = promote_dtypes(x, y)
    shapes = [x.shape, y.shape] if chosen.dim() == 0 else [tuple(chosen.shape), x.shape, y.shape]
    common_shape(shapes)
    chosen = cast(chosen, torch.bool)
    for _ in range(payload(x)):
        chosen = chosen.unsqueeze(-1)
    a, b = unwrap(x), unwrap(y)
    for _ in range(payload(x)):  # leading axes: the payload stays last
        if a.dim() < b.dim():
            a = a.reshape((1,) * (b.dim() - a.dim()) + tuple(a.shape))
    return follow("_where", like(x, unsigned.where(chosen, a, b)), condition, x, y)


def select(condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0) -> Array:
    """For each element the choice whose condition is the first to hold.

    Args:
        condlist: bool arrays.
        choicelist: as many arrays; all shapes broadcast, the dtypes of choices and default promote.
        default: where no condition holds.

    Returns:
        An array of the common shape.
    """
    if len(condlist) != len(choicelist):
        raise ValueError(f"condlist must have length equal to choicelist ({len(condlist)} vs {len(choicelist)})")
    if len(condlist) == 0:
        raise ValueError("condlist must be non-empty")
    check_arraylike("select", *condlist, *choicelist, default)
    out, *choices = promote_dtypes(default, *choicelist)
    conditions = [asarray(c) for c in condlist]
    shape = common_shape([a.shape for a in (*conditions, *choices, out)])
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        out = where(astype(condition, np.dtype(bool)), choice, out)
    return out if out.shape == shape else like(out, unwrap(out).expand(shape))


def piecewise(x: ArrayLike, condlist: Array | Sequence[ArrayLike], funclist: list[Any], *args: Any, **kw: Any) -> Array:
    """A function given by parts: for each element the part whose condition is the last to hold.

    Args:
        x: array or number.
        condlist: bool arrays that broadcast with ``x``.
        funclist: one function of a scalar, or constant, per condition; one more is the default, else 0.
        args: passed on to the functions.
        kw: passed on to the functions.

    Returns:
        An array of the dtype of ``x``.
    """
    from jaxlike._src.transforms.vmap import vmap  # imported here: the transformations are above this layer

    x = one_array("piecewise", x)
    parts = list(funclist)
    if len(parts) == len(condlist) + 1:
        default, parts = parts[-1], parts[:-1]
    elif len(parts) == len(condlist):
        default = 0
    else:
        n = len(condlist)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected; got {len(parts)}")
    conditions = as_array(condlist, dtype=bool)
    dtype = x.dtype

    rows = unwrap(conditions)
    shape = common_shape([tuple(rows.shape[1:]), x.shape])
    points, constant = x, None
    if transformed() and dtypes.issubdtype(dtype, np.inexact):
        points = Array(unwrap(x).expand(shape), x.weak_type)
        constant = stop_gradient(points)

    def values(part: Any, k: int) -> Array:
        if not callable(part):
            return astype(as_array(part), dtype)  # a number wraps around, as in a cast
        given = points
        if constant is not None:  # a slope that is not finite where another part is chosen does not matter
            no_later = ~torch.any(rows[k + 1 :], 0)
            given = where(Array(no_later if k < 0 else rows[k] & no_later), points, constant)
        flat = Array(unwrap(given).reshape(-1), x.weak_type)
        each: Callable[..., Array] = vmap(lambda one: astype(asarray(part(one, *args, **kw)), dtype))
        return Array(unwrap(each(flat)).reshape(points.shape))

    out = values(default, -1)
    for k, part in enumerate(parts):
        out = where(Array(rows[k]), values(part, k), out)
    return out if out.shape == shape else Array(unwrap(out).expand(shape))


def choose(
    a: ArrayLike, choices: Array | np.ndarray[Any, Any] | Sequence[ArrayLike], out: None = None, mode: str = "raise"
) -> Array:
    """``choices[a[i]][i]`` for each element i.

    Args:
        a: integer array that says which choice to take.
        choices: arrays; all shapes broadcast.
        out: not supported.
        mode: for indices out of bounds: "raise" (needs known values), "wrap" or "clip".

    Returns:
        An array of the common shape.
    """
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.choose is not supported.")
    check_arraylike("choose", a, *choices)
    index, arrays = asarray(a), promote_dtypes(*choices)
    if not dtypes.issubdtype(index.dtype, np.integer):
        raise ValueError("`a` array must be integer typed")
    n = len(arrays)
    if mode == "raise":
        known = concrete_or_error(
            np.asarray,
            index,
            "The error occurred because jnp.choose was jit-compiled with mode='raise'. Use mode='wrap' or "
            "mode='clip' instead.",
        )
        if ((known < 0) | (known >= n)).any():
            raise ValueError("invalid entry in choice array")
    elif mode == "wrap":
        index = remainder(index, n)
    elif mode == "clip":
        index = clip(index, 0, n - 1)
    else:
        raise ValueError(f"mode={mode!r} not understood. Must be 'raise', 'wrap', or 'clip'")
    shape = common_shape([index.shape, *(c.shape for c in arrays)])
    rows = torch.stack([unwrap(c).expand(shape) for c in arrays])
    where_to = cast(unwrap(index), torch.int64).expand(shape).unsqueeze(0)
    taken = unsigned.moved_as_signed(lambda t: torch.gather(t, 0, where_to), rows)
    return Array(taken.squeeze(0))


@jitted("clip")
def clip(arr: ArrayLike | None = None, /, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Array:
    """``minimum(max, maximum(min, arr))``; at a bound the derivative is 1/2.

    Args:
        arr: real array or number.
        min: lower bound, or None.
        max: upper bound, or None; shapes broadcast, dtypes promote.

    Returns:
        An array of the common shape. Where ``min > max`` it is ``max``.
    """
    if type(arr) is Array and arr._frame is STATE.fast and not transformed() and arr._t.dtype in _WIDE_FLOATS:
        low, high = type(min), type(max)
        if (low is float or low is int) and (high is float or high is int):
            return Array(torch.clamp(arr._t, min, max), arr._tag)  # pyright: ignore[reportCallIssue, reportArgumentType]
    if arr is None:
        raise ValueError("No input was provided to the clip function.")
    check_arraylike("clip", arr)
    if any(iscomplexobj(t) for t in (arr, min, max)):
        raise ValueError(
            "Clip received a complex value either through the input or the min/max keywords. Complex values have no "
            "ordering and cannot be clipped. Please convert to a real value or array by taking the real or imaginary "
            "components via jax.numpy.real/imag respectively."
        )
    if min is not None:
        arr = maximum(min, arr)
    if max is not None:
        arr = minimum(max, arr)
    return asarray(arr)
