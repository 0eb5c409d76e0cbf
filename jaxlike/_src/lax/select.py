"""select: choosing between arrays of one shape and dtype, and clamping.

At a bound the derivative of `clamp` is 0 in every argument, and a bound has one only where it is in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from jaxlike._src import dtypes, key_uses, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import raw_parts, unwrap
from jaxlike._src.lax.shape import broadcast
from jaxlike._src.lax.strict import ANY, check_kind, check_same_dtypes, compute, operand, result
from jaxlike._src.numpy.arguments import like, payload
from jaxlike._src.numpy.kinks import transformed
from jaxlike._src.regions import equation
from jaxlike._src.transforms.stop_gradient import stopped

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


def select(pred: ArrayLike, on_true: ArrayLike, on_false: ArrayLike) -> Array:
    """``on_true`` where ``pred`` holds, else ``on_false``; ``pred`` is a scalar or has their shape."""
    return select_n(pred, on_false, on_true)


def select_n(which: ArrayLike, *cases: ArrayLike) -> Array:
    """For each element the case of that number.

    Args:
        which: bool (for two cases) or integers, a scalar or of the cases' shape; what is too small counts as 0,
            what is too large as the last.
        cases: arrays of one shape and dtype, of any kind.
    """
    if not cases:
        raise ValueError("select_n() must have at least one case")
    w = operand("select_n", which, 0)
    arrays = [operand("select_n", c, k + 1) for k, c in enumerate(cases)]
    shape = arrays[0].shape
    if any(a.shape != shape for a in arrays[1:]):
        raise TypeError(f"select cases must have the same shapes, got [{', '.join(str(a.shape) for a in arrays)}].")
    if w.shape and w.shape != shape:
        if not shape and raw_parts(unwrap(w)) == "vmap" and not any(raw_parts(unwrap(a)) == "vmap" for a in arrays):
            # JAX's shapes are checked where lanes are one array, and its rule for lanes spreads scalars that all share.
            return select_n(which, *(broadcast(a, w.shape) for a in cases))
        raise TypeError(
            "select `which` must be scalar or have the same shape as cases, got `which` shape "
            f"{w.shape} but case shape {shape}."
        )
    check_same_dtypes("select", arrays)
    if not dtypes.any_of((np.bool_, np.integer), w.dtype):
        raise TypeError(f"select `which` must be boolean or integer type, got {w.dtype}.")
    if w.dtype == np.bool_ and len(arrays) > 2:
        raise TypeError("select with boolean `which` cannot have > 2 cases.")
    if key_uses.FLAG.value:
        key_uses.use_joined(arrays, "select_n")
    number = unwrap(w)
    for _ in range(payload(arrays[0])):
        number = number.unsqueeze(-1)
    number = number if number.dtype is torch.bool else number.to(torch.int64)
    tensors = [unwrap(a) for a in arrays]
    out = tensors[0]
    for k, t in enumerate(tensors[1:], start=1):
        chosen = number if number.dtype is torch.bool else torch.ge(number, k)
        out = unsigned.where(chosen, t, out)
    if all(a.weak_type for a in arrays) == arrays[0].weak_type:
        return like(arrays[0], out)
    return Array(out)


def _clamp(low: Tensor, x: Tensor, high: Tensor) -> Tensor:
    value = torch.minimum(torch.maximum(x, low), high)
    if not transformed() or not (x.dtype.is_floating_point or x.dtype.is_complex):
        return value
    value = unwrap(stopped(Array(value)))
    inside = torch.gt(x, low) & torch.lt(x, high)
    below = torch.gt(low, x) & torch.lt(low, high)
    return torch.where(inside, x, torch.where(below, low, torch.where(torch.lt(high, x), high, value)))


def _clamp_complex(low: Tensor, x: Tensor, high: Tensor) -> Tensor:
    from jaxlike._src.numpy import compare

    return compare.minimum.kernel(compare.maximum.kernel(x, low), high)


@equation("clamp", lambda *arrays: (arrays, {}))
def clamp(min: ArrayLike, x: ArrayLike, max: ArrayLike) -> Array:
    """``x`` brought between ``min`` and ``max``, which are scalars or have its shape."""
    low, x, high = (operand("clamp", v, k) for k, v in enumerate((min, x, max)))
    arrays = (low, x, high)
    for k, v in enumerate(arrays):
        check_kind("clamp", v.dtype, ANY, k)
    for name, bound in (("min", low), ("max", high)):
        if bound.shape and bound.shape != x.shape:
            raise TypeError(
                f"clamp requires {name}.shape == operand.shape or {name}.shape == (), got "
                f"{name}.shape={bound.shape}, operand.shape={x.shape}."
            )
    check_same_dtypes("clamp", arrays)
    weak = all(v.weak_type for v in arrays)
    kernel = _clamp_complex if dtypes.issubdtype(x.dtype, np.complexfloating) else _clamp
    return result("clamp", compute(kernel, "order", *arrays), weak)
