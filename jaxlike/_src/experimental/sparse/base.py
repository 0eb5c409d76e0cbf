"""base: what every sparse array is: a shape, and arrays that hold the values and their places.

A format is a tree of its arrays, so it goes through every transformation as they do. What a format cannot do says so in
an error that names it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_shape, is_traced, tracer_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np


def _missing(name: str) -> Callable[..., Any]:
    """A method that a format may have, and that this one does not."""

    def method(self: JAXSparse, *args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        # As JAX refuses, in its words: an operation that this format has no meaning or no rule for in JAX either.
        raise NotImplementedError(f"{self.__class__}.{name}")

    method.__name__ = name
    return method


class JAXSparse:
    """Base of sparse arrays: a shape, and arrays that hold the rest."""

    data: Any
    shape: tuple[int, ...]
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, args: Any, *, shape: Sequence[int]) -> None:
        del args
        self.shape = canonicalize_shape(shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.data.dtype

    @property
    def nse(self) -> int:
        """How many entries are stored."""
        raise NotImplementedError  # abstract: only a format knows which of its arrays has an element for each entry

    size = property(lambda self: math.prod(self.shape))
    ndim = property(lambda self: len(self.shape))
    T = property(lambda self: self.transpose())

    def __len__(self) -> int:
        return self.shape[0]

    def _more(self) -> str:
        """What `repr` says beside type, shape and count."""
        return ""

    def __repr__(self) -> str:
        name = type(self).__name__
        try:
            text = f"{name}({self.dtype}{list(self.shape)}, nse={self.nse}{self._more()})"
        except (AttributeError, IndexError, TypeError):  # a tree of something else than arrays
            text = f"{name}(<invalid>)"
        data = getattr(self, "data", None)
        return f"{tracer_kind(data)}[{text}]" if isinstance(data, Array) and is_traced(data) else text

    def tree_flatten(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Its arrays, and what is known of them."""
        raise NotImplementedError  # abstract: only a format knows of which arrays it is made

    def todense(self) -> Array:
        """The whole array."""
        raise NotImplementedError  # abstract: places are coordinates in one format and row pointers in another

    def transpose(self, axes: Any = None) -> Any:
        """With the axes in another order."""
        raise NotImplementedError  # abstract: COO swaps its arrays, BCOO reorders indices, BCSR has none, as in JAX

    def block_until_ready(self) -> JAXSparse:
        """Itself, once its arrays are computed."""
        for part in self.tree_flatten()[0]:
            part.block_until_ready()
        return self

    sum = _missing("sum")
    __neg__ = _missing("__neg__")
    __pos__ = _missing("__pos__")
    __matmul__ = _missing("__matmul__")
    __rmatmul__ = _missing("__rmatmul__")
    __mul__ = _missing("__mul__")
    __rmul__ = _missing("__rmul__")
    __add__ = _missing("__add__")
    __radd__ = _missing("__radd__")
    __sub__ = _missing("__sub__")
    __rsub__ = _missing("__rsub__")
    __getitem__ = _missing("__getitem__")
