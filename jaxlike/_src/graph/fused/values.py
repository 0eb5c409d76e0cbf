"""values: what a graph's values are in the C++ that is written: names of numbers, memory, or a number in a running loop.

Few numbers are `Cells`, a name or literal each, so that views of them cost nothing and the compiler keeps them in
registers. One number for many elements is `Uniform`. More numbers are `Memory`: a base, strides and an offset, of which
a part may be computed. An element of a loop that is still being written is `Pending`. A view is found by applying
torch's own op to a tensor of the same strides that has no values.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.metadata import contiguous

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

C_TYPES = {
    torch.float32: "float",
    torch.float64: "double",
    torch.int8: "signed char",
    torch.int16: "short",
    torch.int32: "int",
    torch.int64: "long long",
    torch.uint8: "unsigned char",
    torch.uint16: "unsigned short",
    torch.uint32: "unsigned int",
    torch.uint64: "unsigned long long",
    torch.bool: "bool",
    torch.complex64: "complex64",
    torch.complex128: "complex128",
}
HALF = {torch.complex64: torch.float32, torch.complex128: torch.float64}
FEW = 16  # up to so many numbers get a name each, unless that is too much to compile


class Ineligible(Exception):
    """A graph that has something in it which is not written as C++ here."""


def c_type(dtype: torch.dtype) -> str:
    """The C++ type of a dtype."""
    found = C_TYPES.get(dtype)
    if found is None:
        raise Ineligible(f"{dtype} values")
    return found


def literal(number: Any, dtype: torch.dtype) -> str:
    """A number as C++ source, rounded to the dtype."""
    if dtype == torch.bool:
        return "true" if number else "false"
    if dtype.is_complex:
        halves = complex(number)
        return f"{c_type(dtype)}({literal(halves.real, HALF[dtype])}, {literal(halves.imag, HALF[dtype])})"
    if dtype.is_floating_point:
        value, single = float(number), dtype == torch.float32
        if single and math.isfinite(value):
            try:
                value = struct.unpack("f", struct.pack("f", value))[0]
            except OverflowError:
                value = math.copysign(math.inf, value)
        f = "f" if single else ""
        if math.isnan(value):
            return f'__builtin_nan{f}("")'
        if math.isinf(value):
            return f"{'-' if value < 0 else ''}__builtin_inf{f}()"
        return f"({value.hex()}{f})" if value < 0 or math.copysign(1.0, value) < 0 else f"{value.hex()}{f}"
    bits = dtype.itemsize * 8
    value = int(number) & ((1 << bits) - 1)
    if dtype.is_signed and value >= 1 << (bits - 1):
        value -= 1 << bits
    return f"(({c_type(dtype)}){'(-0x7fffffffffffffffLL - 1)' if value == -(1 << 63) else f'{value}LL' if dtype.is_signed else f'{value}ULL'})"


class Value:
    """A tensor in the program."""

    def __init__(self, shape: Sequence[int], dtype: torch.dtype) -> None:
        self.shape, self.dtype = tuple(shape), dtype

    @property
    def numel(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)


class Cells(Value):
    """A name or literal for each element, in the usual order."""

    def __init__(self, shape: Sequence[int], dtype: torch.dtype, cells: Sequence[str]) -> None:
        super().__init__(shape, dtype)
        self.cells = list(cells)


class Uniform(Value):
    """The same number everywhere."""

    def __init__(self, shape: Sequence[int], dtype: torch.dtype, cell: str) -> None:
        super().__init__(shape, dtype)
        self.cell = cell


class Memory(Value):
    """``base[offset + moved + sum(index * strides)]``; ``moved`` is C++ or empty.

    The base is the name of an array, or such a name as a pointer to another type (`seen_as`).
    """

    def __init__(
        self,
        shape: Sequence[int],
        dtype: torch.dtype,
        base: str,
        strides: Sequence[int] | None = None,
        offset: int = 0,
        moved: str = "",
    ) -> None:
        super().__init__(shape, dtype)
        self.base, self.offset, self.moved = base, offset, moved
        self.strides = contiguous(self.shape) if strides is None else tuple(strides)

    @property
    def array(self) -> str:
        """The name of the array that it is in."""
        return self.base.rpartition("*)")[2].rstrip(")")

    def seen_as(self, kind: str) -> str:
        """The base for memory of another C++ type in the same array."""
        return f"(({kind}*){self.array})"

    @property
    def is_contiguous(self) -> bool:
        """Whether its elements lie one after the other, in the usual order."""
        usual = contiguous(self.shape)
        return all(n == 1 or a == b for n, a, b in zip(self.shape, self.strides, usual, strict=True))

    def address(self, *more: str) -> str:
        """C++ for the place of an element, for terms that say which."""
        terms = [self.moved] * bool(self.moved) + [t for t in more if t]
        if self.offset or not terms:
            terms.append(str(self.offset))
        return f"{self.base}[{' + '.join(terms)}]"

    def pointer(self) -> str:
        """C++ for the place of its first element."""
        return f"(&{self.address()})"

    def element(self, number: int) -> str:
        """C++ for an element, by its place in the usual order."""
        where = 0
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            number, k = divmod(number, size)
            where += k * stride
        return Memory((), self.dtype, self.base, (), self.offset + where, self.moved).address()


class Pending(Value):
    """The element that a loop, which is still being written, is at; ``name`` is a local name in the loop."""

    def __init__(self, shape: Sequence[int], dtype: torch.dtype, entry: Any) -> None:
        super().__init__(shape, dtype)
        self.entry: Any = entry


class Halves(Value):
    """Complex numbers as pairs of real ones, along a last axis."""

    def __init__(self, whole: Value, dtype: torch.dtype) -> None:
        super().__init__((*whole.shape, 2), dtype)
        self.whole = whole


def viewed(value: Value, view: Callable[[torch.Tensor], Any]) -> list[Value] | None:
    """Views of a value, by a function of tensors that makes views; None where the layout does not allow it."""
    if isinstance(value, Cells):
        numbers = view(torch.arange(value.numel).reshape(value.shape))
        return [_of_cells(value, n) for n in (numbers if isinstance(numbers, list | tuple) else [numbers])]
    if isinstance(value, Uniform):
        found = view(torch.empty(value.shape, device="meta"))
        return [
            Uniform(t.shape, value.dtype, value.cell) for t in (found if isinstance(found, list | tuple) else [found])
        ]
    assert isinstance(value, Memory)
    try:
        found = view(torch.empty_strided(value.shape, value.strides, device="meta"))
    except RuntimeError:
        return None
    return [
        Memory(t.shape, value.dtype, value.base, t.stride(), value.offset + int(t.storage_offset()), value.moved)
        for t in (found if isinstance(found, list | tuple) else [found])
    ]


def _of_cells(value: Cells, numbers: torch.Tensor) -> Value:
    if value.numel == 1 and numbers.numel() > FEW:
        return Uniform(numbers.shape, value.dtype, value.cells[0])
    return Cells(numbers.shape, value.dtype, [value.cells[k] for k in numbers.flatten().tolist()])
