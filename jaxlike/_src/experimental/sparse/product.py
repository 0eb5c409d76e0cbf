"""product: a sparse matrix times dense columns, as one operator on compressed rows.

torch multiplies a matrix of compressed rows (CSR) in a kernel of its own, many times faster than rows are read, scaled and
added up. Entries out of bounds, by which a BCOO is padded, are left out; entries need no order and may repeat.
Derivatives are compositions of reading and adding rows, as the product itself is where this operator does not serve.
"""

from __future__ import annotations

import functools
import math
import warnings
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import device_of, unwrap
from jaxlike._src.experimental.sparse.lookup import add_rows, read_rows
from jaxlike._src.random import ops
from jaxlike._src.transforms.custom import library_jvp
from jaxlike._src.transforms.types import SymbolicZero

if TYPE_CHECKING:
    from torch import Tensor

_TYPES = (torch.float32, torch.float64)


def serves(data: Array, dense: Array, dtype: Any) -> bool:
    """Whether the operator takes these: one dtype that it knows, on the CPU."""
    t = unwrap(data)
    return data.dtype == dense.dtype == dtype and t.dtype in _TYPES and device_of(t).type == "cpu"


@functools.cache
def _without_notice() -> None:
    """torch says once in a process that CSR is in beta: here is the place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor(torch.zeros(1, dtype=torch.int64), [], [], (0, 0), device="cpu")


def _one(data: Tensor, rows: Tensor, columns: Tensor, dense: Tensor, size: int) -> Tensor:
    width = dense.shape[0]
    rows, columns = (torch.where(t < 0, t + n, t) for t, n in ((rows, size), (columns, width)))
    inside = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < width)
    if not inside.all():
        data, rows, columns = data[inside], rows[inside], columns[inside]
    if not (rows[1:] >= rows[:-1]).all():
        rows, order = rows.to(torch.int32).sort(stable=True)  # of half the width, which takes half the time
        data, columns = data.take(order), columns.take(order)
    starts = torch.zeros(size + 1, dtype=torch.int64, device=rows.device)
    starts[1:] = torch.bincount(rows, minlength=size).cumsum(0)
    matrix = torch.sparse_csr_tensor(starts, columns, data, (size, width), check_invariants=False)
    return matrix @ dense


def _like(data: Tensor, rows: Tensor, columns: Tensor, dense: Tensor, size: int) -> tuple[tuple[int, ...], torch.dtype]:
    return (*data.shape[:-1], size, dense.shape[-1]), data.dtype


@ops.operator(
    "sparse_times_columns(Tensor data, Tensor rows, Tensor columns, Tensor dense, int size) -> Tensor", _like
)
def _times_columns(data: Tensor, rows: Tensor, columns: Tensor, dense: Tensor, size: int) -> Tensor:
    """``[..., nse]`` entries times ``[..., n, k]``."""
    _without_notice()
    rows, columns = rows.to(torch.int64), columns.to(torch.int64)
    lead = data.shape[:-1]
    lanes = math.prod(lead)
    if not lanes:
        return data.new_zeros((*lead, size, dense.shape[-1]))
    d, r, c, x = (t.reshape(lanes, *t.shape[len(lead) :]).contiguous() for t in (data, rows, columns, dense))
    made = [_one(d[i], r[i], c[i], x[i], size) for i in range(lanes)]
    return torch.stack(made).reshape(*lead, size, dense.shape[-1]) if lead else made[0]


def _by_rows(data: Array, rows: Array, columns: Array, dense: Array, size: int) -> Array:
    """The product by reading, scaling and adding rows."""
    read = read_rows(dense, (columns,))
    return add_rows((size, dense.shape[1]), (rows,), Array(unwrap(data).unsqueeze(-1) * unwrap(read)))


@functools.cache
def _of_size(size: int) -> Any:
    """The product with a matrix of ``size`` rows, a function of arrays alone."""

    @library_jvp
    def times(data: Array, rows: Array, columns: Array, dense: Array) -> Array:
        return Array(_times_columns(unwrap(data), unwrap(rows), unwrap(columns), unwrap(dense), size))

    def rule(primals: Any, tangents: Any) -> Any:
        data, rows, columns, dense = primals
        of_data, of_dense = tangents[0], tangents[3]
        parts: list[Tensor] = []
        if not isinstance(of_data, SymbolicZero):
            parts.append(unwrap(_by_rows(of_data, rows, columns, dense, size)))
        if not isinstance(of_dense, SymbolicZero):
            parts.append(unwrap(_by_rows(data, rows, columns, of_dense, size)))
        out = times(*primals)
        moved = torch.zeros_like(unwrap(out)) if not parts else parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return out, Array(moved)

    times.defjvp(rule, symbolic_zeros=True)
    return times


def times_columns(data: Array, rows: Array, columns: Array, dense: Array, size: int) -> Array:
    """``out[r] = sum of data[i] * dense[columns[i]]`` over the entries i of row r: ``[nse], [n, k] -> [size, k]``."""
    return _of_size(size)(data, rows, columns, dense)
