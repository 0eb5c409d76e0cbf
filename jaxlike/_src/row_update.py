"""row_update: rows of a tensor changed at positions along its first axes: set, added to, multiplied, bounded.

Positions are one vector for each of the axes, rows that do not count are masked. Repeated positions add up, or
are combined; in "set" the last one wins, and it alone has a gradient. Where that needs it, rows that are not to
be written go to a row past the end, which is cut off. Nothing is written in place, save by `write`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from jaxlike._src import border, torch_private, unsigned

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def in_own_dtype(kind: str, run: Callable[[Tensor, Tensor], Tensor], tensor: Tensor, values: Tensor) -> Tensor:
    """``run(tensor, values)`` in a dtype that torch's scatters take, and back."""
    dtype = tensor.dtype
    ordered = kind in ("min", "max")
    if dtype in unsigned.WIDE and not ordered:  # the same bits, wrapping the same way
        return run(tensor.view(unsigned.SIGNED[dtype]), values.view(unsigned.SIGNED[dtype])).view(dtype)
    if dtype is torch.uint64:
        return unsigned.unflip(run(unsigned.flip(tensor), unsigned.flip(values)))
    if dtype in unsigned.WIDE:
        return run(tensor.to(torch.int64), values.to(torch.int64)).to(dtype)
    if dtype is torch.bool and ordered:
        return run(tensor.to(torch.uint8), values.to(torch.uint8)) != 0
    if dtype.is_floating_point and dtype.itemsize == 1:  # float8
        if kind == "set":
            return run(tensor.view(torch.uint8), values.view(torch.uint8)).view(dtype)
        return border.cast(run(tensor.to(torch.float32), values.to(torch.float32)), dtype)
    return run(tensor, values)


def _lexicographic(keep_first: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    def of_complex(a: Tensor, b: Tensor) -> Tensor:
        real, imag = keep_first(a.real, b.real), keep_first(a.imag, b.imag)
        return torch.where(real | ((a.real == b.real) & imag) | a.isnan(), a, b)

    return of_complex


COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "min": torch.minimum,
    "max": torch.maximum,
}
_OF_COMPLEX = {"min": _lexicographic(torch.lt), "max": _lexicographic(torch.gt)}


def combine(kind: str, old: Tensor, new: Tensor) -> Tensor:
    """An old element with a new one."""
    if kind == "set":
        return new
    return (_OF_COMPLEX if old.is_complex() and kind in _OF_COMPLEX else COMBINE)[kind](old, new)


def write(kind: str, rows: Tensor, at: tuple[Tensor, ...], new: Tensor) -> None:
    """The same in place, for distinct positions that all count (or sums)."""
    if kind in ("add", "sub"):
        new = -new if kind == "sub" else new
        if len(at) == 1:
            rows.scatter_add_(0, as_rows(at[0], new).expand(new.shape), new)
        else:
            rows.index_put_(at, new, accumulate=True)
    else:
        rows.index_put_(at, new if kind == "set" else combine(kind, rows[at], new))


def as_rows(mask: Tensor, rows: Tensor) -> Tensor:
    """A mask of rows, beside rows."""
    return mask.reshape(-1, *[1] * (rows.dim() - 1))


def changed(
    kind: str, rows: Tensor, at: tuple[Tensor, ...], mask: Tensor | None, new: Tensor, distinct: bool
) -> Tensor:
    """``rows`` with those at ``at`` changed by ``new``.

    Args:
        kind: "set", "add", "sub", "mul", "min" or "max".
        rows: elements along as many leading axes as there are vectors of positions.
        at: positions, in bounds.
        mask: which of them count; None for all.
        new: one row for each position.
        distinct: promises that no position repeats.
    """
    if kind in ("add", "sub"):
        new = -new if kind == "sub" else new
        new = new if mask is None else torch.where(as_rows(mask, new), new, torch.zeros_like(new))
        flat, one = _along_one_axis(rows, at)  # torch sums along one axis several times as quickly as along two
        return flat.scatter_add(0, as_rows(one, new).expand(new.shape), new).reshape(rows.shape)
    if new.shape[0] == 1:
        old = rows[at]
        new = combine(kind, old, new)
        return rows.index_put(at, new if mask is None else torch.where(as_rows(mask, new), new, old))
    return _put_with_spare_row(kind, rows, at, mask, new, distinct)


def _along_one_axis(rows: Tensor, at: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """The rows along one axis, and their positions along it."""
    sizes = rows.shape[: len(at)]
    if len(at) == 1:
        return rows, at[0]
    one = at[0]
    for positions, size in zip(at[1:], sizes[1:], strict=True):
        one = one * size + positions
    return rows.reshape(sizes.numel(), *rows.shape[len(at) :]), one


def _put_with_spare_row(
    kind: str, rows: Tensor, at: tuple[Tensor, ...], mask: Tensor | None, new: Tensor, distinct: bool
) -> Tensor:
    """Rows that do not count go to a row past the end."""
    flat, one = _along_one_axis(rows, at)
    length = flat.shape[0]
    spare = border.scalar(length, torch.int64)
    if mask is not None:
        one = torch.where(mask, one, spare)
    padded = torch.cat([flat, flat[:1]])
    if not distinct:
        if kind == "set":
            one = torch.where(_is_last(one, length), one, spare)
        elif kind == "mul" and is_differentiated(new):
            raise NotImplementedError("scatter_mul gradients are only implemented if `unique_indices=True`")
        elif flat.is_complex() or (kind == "mul" and border.raw_parts(flat) is not None):
            # torch has no order of complex numbers, and a trace may yet be differentiated, where torch's
            # scatter of products has a tangent of 0.
            one, new = _combined_repeats(kind, one, new, length)
        else:
            how = {"mul": "prod", "min": "amin", "max": "amax"}[kind]
            changed = padded.scatter_reduce(0, as_rows(one, new).expand(new.shape), new, how, include_self=True)
            return changed[:length].reshape(rows.shape)
    if kind != "set":
        new = combine(kind, padded[one], new)
    return padded.index_put((one,), new)[:length].reshape(rows.shape)


def _is_last(at: Tensor, length: int) -> Tensor:
    """Which of the positions are not repeated later."""
    number = torch.arange(at.shape[0], device=at.device)
    none = torch.full((length + 1,), -1, device=at.device)
    return none.scatter_reduce(0, at, number, "amax").gather(0, at) == number


def _combined_repeats(kind: str, at: Tensor, new: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """The rows sorted by position, each combined with those before it at the same one; the last ones count."""
    at, order = torch.sort(at, stable=True)
    new = new[order]
    step = 1
    while step < at.shape[0]:
        same = as_rows(at[step:] == at[:-step], new)
        new = torch.cat([new[:step], torch.where(same, combine(kind, new[:-step], new[step:]), new[step:])])
        step *= 2
    repeated = torch.cat([at[1:] == at[:-1], at[:1] < 0])
    return torch.where(repeated, border.scalar(length, torch.int64), at), new


def is_differentiated(*tensors: Tensor) -> bool:
    """Whether a grad or jvp level that runs depends on one of the tensors."""
    for tensor in tensors:
        while torch_private.is_wrapped(tensor):
            if not torch_private.is_batched(tensor) and (tensor.requires_grad or torch_private.has_tangent(tensor)):
                return True
            tensor = torch_private.wrapped_value(tensor)
    return False
