"""attention: scaled dot-product attention over heads, in the layout batch, time, heads, features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.nn.activations import softmax

if TYPE_CHECKING:
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
        bias: added to the logits; broadcasts to ``[B, N, T, S]``.
        mask: logits where it is False count for nothing; broadcasts likewise.
        scale: by default ``1 / sqrt(H)``.
        is_causal: position t sees positions up to t.
        query_seq_lengths: ``[B]``, rows of ``query`` that count.
        key_value_seq_lengths: ``[B]``, rows of ``key`` that count.
        local_window_size: how far back and ahead a position sees.
        implementation: accepted.
        return_residual: also give the log of the softmax's denominators.

    Returns:
        ``[B, T, N, H]``.
    """
    del implementation
    q, k, v = (unwrap(asarray(x)) for x in (query, key, value))
    single = q.dim() == 3
    if single:
        q, k, v = q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0)
    if q.dim() != 4 or k.dim() != 4 or v.dim() != 4:
        raise ValueError(f"query, key and value must have 3 or 4 axes, got {q.dim()}, {k.dim()} and {v.dim()}")
    _, t, n, h = q.shape
    _, s, heads, _ = k.shape
    if n % heads:
        raise ValueError(f"The number of query heads must be a multiple of key/value heads, but got {n} vs {heads}")
    group = n // heads
    if group > 1:
        k, v = k.repeat_interleave(group, dim=2), v.repeat_interleave(group, dim=2)
    factor = 1.0 / float(np.sqrt(h)) if scale is None else scale
    logits = torch.einsum("btnh,bsnh->bnts", q.to(torch.float32), k.to(torch.float32)) * factor
    if bias is not None:
        logits = logits + unwrap(asarray(bias)).to(logits.dtype)
    seen = _visible(t, s, is_causal, local_window_size, query_seq_lengths, key_value_seq_lengths, q.device)
    if mask is not None:
        given = unwrap(asarray(mask))
        seen = given if seen is None else seen & given
    if seen is not None:
        logits = torch.where(seen, logits, -0.7 * torch.finfo(torch.float32).max)
    weights = unwrap(softmax(Array(logits))).to(k.dtype)
    out = torch.einsum("bnts,bsnh->btnh", weights, v)
    if query_seq_lengths is not None:
        rows = torch.arange(t, device=q.device)[None, :] < unwrap(asarray(query_seq_lengths))[:, None]
        out = out * rows[:, :, None, None].to(out.dtype)
    residual = torch.logsumexp(logits, -1).transpose(1, 2).to(k.dtype)
    if single:
        out, residual = out.squeeze(0), residual.squeeze(0)
    return (Array(out), Array(residual.detach())) if return_residual else Array(out)


def _visible(
    t: int, s: int, causal: bool, window: int | tuple[int, int] | None, q_lengths: Any, k_lengths: Any, device: Any
) -> Tensor | None:
    """Which keys each query sees, ``[B or 1, 1, T, S]``; None: all."""
    rows, columns = torch.arange(t, device=device)[:, None], torch.arange(s, device=device)[None, :]
    seen: Tensor | None = None

    def also(condition: Tensor) -> None:
        nonlocal seen
        seen = condition if seen is None else seen & condition

    if causal:
        also((columns <= rows)[None, None])
    if window is not None:
        back, ahead = (window, window) if isinstance(window, int) else window
        also(((columns >= rows - back) & (columns <= rows + ahead))[None, None])
    if q_lengths is not None:
        also(rows[None, None] < unwrap(asarray(q_lengths))[:, None, None, None])
    if k_lengths is not None:
        also(columns[None, None] < unwrap(asarray(k_lengths))[:, None, None, None])
    return seen
