"""attention: scaled dot-product attention over heads, in the layout batch, time, heads, features.

The plain form: logits, masks, softmax in float32, weighted sum. (torch's fused kernel has no forward derivative.)
Several query heads may share a key head; bias and mask then belong to query heads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, unwrap
from jaxlike._src.nn.activations import softmax
from jaxlike._src.nn.logsumexp import logsumexp
from jaxlike._src.numpy.create import asarray
from jaxlike._src.transforms.stop_gradient import stop_gradient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    *,
    scale: float | None = None,
    is_causal: bool = False,
    query_seq_lengths: Any = None,
    key_value_seq_lengths: Any = None,
    local_window_size: int | tuple[int, int] | None = None,
    implementation: str | None = None,
    return_residual: bool = False,
) -> Any:
    """``softmax(query @ key^T * scale + bias) @ value`` for each head.

    Args:
        query: ``[B, T, N, H]`` or ``[T, N, H]``.
        key: ``[B, S, K, H]``; N is a multiple of K.
        value: as ``key``.
        bias: added to the logits; each axis is that of ``[B, N, T, S]`` or 1.
        mask: logits where it is False count for nothing; shape as ``bias``.
        scale: by default ``1 / sqrt(H)``.
        is_causal: position t sees positions up to t.
        query_seq_lengths: ``[B]`` int32, rows of ``query`` that count.
        key_value_seq_lengths: ``[B]`` int32, rows of ``key`` that count.
        local_window_size: how far back and ahead a position sees.
        implementation: None or "xla"; "cudnn" is computed in the same way.
        return_residual: also give the log of the softmax's denominators, ``[B, T, N]``.

    Returns:
        An array of the shape of ``query``, with the residual if asked for.
    """
    given = asarray(query)
    q, k, v = (_four_axes(x) for x in (given, key, value))
    bias = None if bias is None else _four_axes(bias)
    mask = None if mask is None else _four_axes(mask)
    q_lengths = None if query_seq_lengths is None else asarray(query_seq_lengths)
    k_lengths = None if key_value_seq_lengths is None else asarray(key_value_seq_lengths)
    batch, _, heads, features = k.shape
    _check("value", v, k.shape, k.dtype)
    _check("query", q, (batch, -1, -1, features), k.dtype)
    _check("mask", mask, (-1,) * 4, np.dtype(bool))
    _check("bias", bias, (-1,) * 4, None)
    _check("query_seq_lengths", q_lengths, (batch,), np.dtype("int32"))
    _check("key_value_seq_lengths", k_lengths, (batch,), np.dtype("int32"))
    if q.shape[-2] % heads:
        raise ValueError(
            f"The number of query heads must be a multiple of key/value heads, but got {q.shape[-2]} vs {heads}"
        )
    if implementation not in (None, "xla", "cudnn"):
        raise ValueError(f"Unsupported implementation option: {implementation}")
    factor = 1.0 / math.sqrt(features) if scale is None else scale
    logits = _logits(q, k, bias, factor)
    seen = _visible(q.shape[1], k.shape[1], is_causal, local_window_size, q_lengths, k_lengths, logits.device)
    if mask is not None:
        allowed = unwrap(mask)
        seen = allowed if seen is None else seen & allowed
    if seen is not None:
        largest = torch.finfo(torch.float32).max  # float64 logits are cut as well: softmax is in float32
        logits = torch.where(seen, logits, torch.full_like(logits, -0.7 * largest))
    logits = Array(logits.to(torch.float32))
    weights = unwrap(astype(softmax(logits, axis=-1), k.dtype))
    out = torch.einsum("bnts,bsnh->btnh", weights, _repeated(unwrap(v), q.shape[2]))
    if q_lengths is not None:
        rows = torch.arange(q.shape[1], device=out.device)[None, :] < unwrap(q_lengths)[:, None]
        out = out * rows[:, :, None, None].to(out.dtype)
    encoded = Array(out.reshape(given.shape))
    if not return_residual:
        return encoded
    residual = unwrap(astype(logsumexp(logits, axis=-1), k.dtype)).transpose(1, 2)
    return encoded, stop_gradient(Array(residual.reshape(given.shape[:-1])))


def _four_axes(x: Any) -> Array:
    x = asarray(x)
    return x if x.ndim >= 4 else Array(unwrap(x).reshape((1,) * (4 - x.ndim) + x.shape), x.weak_type)


def _check(name: str, x: Array | None, shape: Sequence[int], dtype: Any) -> None:
    """ValueError where number of axes, dtype or sizes (-1: any) are not as wanted."""
    if x is None:
        return
    if x.ndim != len(shape):
        raise ValueError(f"{name} ndim should be {len(shape)}, but got {x.ndim}")
    if dtype is not None and x.dtype != dtype:
        raise ValueError(f"{name} dtype should be {dtype}, but got {x.dtype}")
    if any(want not in (-1, size) for want, size in zip(shape, x.shape, strict=True)):
        raise ValueError(f"{name} shape should be {list(shape)}: but got {x.shape}")


def _repeated(x: Tensor, heads: int) -> Tensor:
    """Key or value heads, each repeated for the query heads that share it."""
    group = heads // x.shape[2]
    if group == 1:
        return x
    batch, length, own, features = x.shape
    return x.unsqueeze(3).expand(batch, length, own, group, features).reshape(batch, length, heads, features)


def _logits(q: Array, k: Array, bias: Array | None, factor: Any) -> Tensor:
    """``[B, N, T, S]``, in float32 or wider."""
    wide = dtypes.to_torch(dtypes.promote_types(q.dtype, np.dtype("float32")))
    left, right = unwrap(q).to(wide), _repeated(unwrap(k).to(wide), q.shape[2])
    logits = torch.einsum("btnh,bsnh->bnts", left, right) * unwrap(asarray(factor, dtype=dtypes.from_torch(wide)))
    return logits if bias is None else (logits + unwrap(bias)).to(wide)


def _visible(
    t: int,
    s: int,
    causal: bool,
    window: int | tuple[int, int] | None,
    q_lengths: Array | None,
    k_lengths: Array | None,
    device: torch.device,
) -> Tensor | None:
    """Which keys each query sees, ``[B or 1, 1, T, S]``; None: all."""
    rows, columns = torch.arange(t, device=device)[:, None], torch.arange(s, device=device)[None, :]
    conditions: list[Tensor] = []
    if causal:
        conditions.append((columns <= rows)[None, None])
    if window is not None:
        back, ahead = (window, window) if isinstance(window, int) else window
        conditions.append(((rows <= columns + back) & (rows >= columns - ahead))[None, None])
    if q_lengths is not None:
        conditions.append(rows[None, None] < unwrap(q_lengths)[:, None, None, None])
    if k_lengths is not None:
        conditions.append(columns[None, None] < unwrap(k_lengths)[:, None, None, None])
    if not conditions:
        return None
    seen = conditions[0]
    for more in conditions[1:]:
        seen = seen & more
    return seen
