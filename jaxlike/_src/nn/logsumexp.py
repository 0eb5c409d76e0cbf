"""logsumexp: the logarithm of a sum of exponentials, weighted, masked and signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import promote_args_inexact, unwrap
from jaxlike._src.numpy.arguments import axes_of
from jaxlike._src.numpy.select import where as select
from jaxlike._src.regions import spelled
from jaxlike._src.transforms.stop_gradient import stop_gradient

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike, Axis


def logsumexp(
    a: ArrayLike,
    axis: Axis = None,
    b: ArrayLike | None = None,
    keepdims: bool = False,
    return_sign: bool = False,
    where: ArrayLike | None = None,
) -> Any:
    """``log(sum(b * exp(a)))`` over ``axis``, shifted by the largest ``a`` so that exp cannot overflow.

    Args:
        a: array.
        axis: axes of the sum; None: all.
        b: weights that broadcast to ``a``.
        keepdims: keep the summed axes with size 1.
        return_sign: give ``(log of the absolute value, sign)``.
        where: entries that count.

    Returns:
        The logarithm: -inf where all entries are -inf, NaN where a weighted sum is negative.
    """
    if where is not None:
        a = select(where, a, 0)
    if b is None:
        (x,) = promote_args_inexact("logsumexp", a)
        weights = None
        if where is None and not return_sign and not x.dtype.kind == "c":
            return _plain(x, axes_of(axis, x.ndim), bool(keepdims))
    else:
        x, weights = promote_args_inexact("logsumexp", a, b)
        x = select(weights != 0, x, -np.inf)
    return _reduced(x, weights, where, axes_of(axis, x.ndim), bool(keepdims), return_sign)


def _reduced(
    x: Array, weights: Array | None, where: Any, axes: tuple[int, ...], keepdims: bool, return_sign: bool
) -> Any:
    t = unwrap(x)
    if weights is not None or where is not None:
        ones = Array(torch.ones_like(t.real if t.is_complex() else t))
        mask = None if where is None else unwrap(select(where, ones, 0))
        t = t.expand(np.broadcast_shapes(t.shape, *([mask.shape] if mask is not None else [])))
    else:
        mask = None
    real = t.real if t.is_complex() else t
    counted = real if mask is None else torch.where(mask != 0, real, -torch.inf)
    if axes and all(t.shape[d] for d in axes):
        top = counted.amax(axes, keepdim=True)
    else:
        top = counted if not axes else counted.sum(axes, keepdim=True) - torch.inf
    top = unwrap(stop_gradient(Array(torch.where(torch.isfinite(top), top, torch.zeros_like(top)))))
    terms = torch.exp(t - top)
    if weights is not None:
        terms = terms * unwrap(weights)
    if mask is not None:
        terms = torch.where(mask != 0, terms, torch.zeros_like(terms))
    total = terms.sum(axes, keepdim=keepdims) if axes else terms
    if not keepdims:
        top = top.squeeze(axes) if axes else top
    sign = torch.sgn(total) if total.is_complex() else torch.sign(total)
    if return_sign or not total.is_complex():
        out = torch.log(total.abs()) + top
    else:
        out = torch.log(total) + top.to(total.dtype)
    if return_sign:
        return Array(out), Array(sign)
    if weights is not None and not out.is_complex():
        out = torch.where(sign < 0, torch.full_like(out, torch.nan), out)
    return Array(out)


@spelled("logsumexp", lambda x, axes, keepdims: ((x,), (axes, keepdims)), None)
def _plain(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    return _reduced(x, None, None, axes, keepdims, False)
