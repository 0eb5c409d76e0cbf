"""vectorize: a function of small arrays (or scalars) made one of arrays with more axes, by vmap.

The signature names the axes that the function itself handles, as in ``(n,m),(m)->(n)``; all axes before them
broadcast. Axes of size 1 are not mapped over but put back into the result.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from jaxlike._src import config
from jaxlike._src.border import canonicalize_axis, check_arraylike
from jaxlike._src.numpy.arguments import one_array
from jaxlike._src.numpy.create import asarray
from jaxlike._src.numpy.shape import broadcast_shapes, expand_dims, shape, squeeze
from jaxlike._src.transforms.vmap import vmap

if TYPE_CHECKING:
    from jaxlike._src.array import Array
    from jaxlike._src.typing import ArrayLike

CoreDims = tuple[str, ...]
_LIST = r"\((?:\w+(?:,\w+)*)?\)"
_SIGNATURE = re.compile(rf"{_LIST}(?:,{_LIST})*->{_LIST}(?:,{_LIST})*")


@functools.lru_cache(256)
def parse_signature(signature: str) -> tuple[tuple[CoreDims, ...], tuple[CoreDims, ...]]:
    """``"(n,m),(m)->(n)"`` as ((("n", "m"), ("m",)), (("n",),))."""
    if not _SIGNATURE.fullmatch(signature):
        raise ValueError(f"not a valid gufunc signature: {signature}")
    inputs, outputs = (
        tuple(tuple(re.findall(r"\w+", one)) for one in re.findall(_LIST, side)) for side in signature.split("->")
    )
    return inputs, outputs


def _note_sizes(sizes: dict[str, int], given: tuple[int, ...], names: CoreDims, context: str, output: bool) -> None:
    """Enter the sizes of named axes, which must be the same wherever the name stands."""
    if output and len(given) != len(names):
        raise ValueError(f"output shape {given!r} does not match core dimensions {names!r} {context}")
    if len(given) < len(names):
        raise ValueError(
            f"input with shape {given!r} does not have enough dimensions for all core dimensions {names!r} {context}"
        )
    for name, size in zip(names, given[len(given) - len(names) :], strict=True):
        if sizes.setdefault(name, size) != size:
            raise ValueError(f"inconsistent size for core dimension {name!r}: {size!r} vs {sizes[name]!r} {context}")


def _with_output_check(
    function: Callable[..., Any], sizes: dict[str, int], expected: tuple[CoreDims, ...], context: str
) -> Callable[..., Any]:
    def checked(*args: Any) -> Any:
        out = function(*args)
        if len(expected) > 1 and not isinstance(out, tuple):
            raise TypeError(f"output must be a tuple when multiple outputs are expected, got: {out!r}\n{context}")
        outs = out if isinstance(out, tuple) else (out,)
        if len(outs) != len(expected):
            raise TypeError(
                f"wrong number of output arguments: expected {len(expected)!r}, got {len(outs)!r} {context}"
            )
        known = dict(sizes)
        for one, names in zip(outs, expected, strict=True):
            _note_sizes(known, tuple(shape(one)), names, context, output=True)
        return out

    return checked


def _without(
    function: Callable[..., Any], excluded: Collection[int | str], args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
    """The function with the excluded arguments filled in, and the other arguments."""
    if not excluded:
        return function, list(args), kwargs
    fixed = [(i, args[i]) for i in sorted(e for e in excluded if isinstance(e, int)) if i < len(args)]
    fixed_kwargs = {k: v for k, v in kwargs.items() if k in excluded}

    def rest(*others: Any, **named: Any) -> Any:
        full = list(others)
        for i, value in fixed:
            full.insert(i, value)
        return function(*full, **named, **fixed_kwargs)

    return (
        rest,
        [a for i, a in enumerate(args) if i not in excluded],
        {k: v for k, v in kwargs.items() if k not in excluded},
    )


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Collection[int | str] = frozenset(), signature: str | None = None
) -> Callable[..., Any]:
    """``pyfunc`` mapped over all axes of its arguments that it does not itself handle.

    Args:
        pyfunc: a function of arrays.
        excluded: positions and names of arguments that are passed as they are.
        signature: which axes pyfunc handles, as ``"(n),(n)->()"``; none if it is left out.
    """
    if any(not isinstance(e, str | int) for e in excluded):
        raise TypeError(f"jax.numpy.vectorize can only exclude integer or string arguments, but {excluded=!r}")
    if any(isinstance(e, int) and e < 0 for e in excluded):
        raise ValueError(f"{excluded=!r} contains negative numbers")

    @functools.wraps(pyfunc)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        context = f"on vectorized function with {excluded=!r} and {signature=!r}"
        function, given, named = _without(pyfunc, excluded, args, kwargs)
        inputs, outputs = parse_signature(signature) if signature is not None else (((),) * len(given), None)
        absent = {i for i, a in enumerate(given) if a is None}
        if absent:
            if any(inputs[i] != () for i in absent):
                raise ValueError(f"Cannot pass None at locations {absent} with {signature=!r}")
            function, given, _ = _without(function, absent, given, {})
            inputs = tuple(d for i, d in enumerate(inputs) if i not in absent)
        arrays = [asarray(a) for a in given]
        if len(arrays) != len(inputs):
            raise TypeError(
                f"wrong number of positional arguments: expected {len(inputs)!r}, got {len(arrays)!r} {context}"
            )
        sizes: dict[str, int] = {}
        mapped: list[tuple[int, ...]] = []
        for a, names in zip(arrays, inputs, strict=True):
            _note_sizes(sizes, a.shape, names, context, output=False)
            mapped.append(a.shape[: a.ndim - len(names)])
        if named:
            function = functools.partial(function, **named)
        if outputs is not None:
            function = _with_output_check(function, sizes, outputs, context)
        _check_ranks(arrays, mapped, signature)
        return _mapped(function, arrays, mapped)

    return wrapped


def _check_ranks(arrays: Sequence[Array], mapped: Sequence[tuple[int, ...]], signature: str | None) -> None:
    mode = config.numpy_rank_promotion.value
    if mode == "allow" or len({len(m) for a, m in zip(arrays, mapped, strict=True) if a.ndim}) < 2:
        return
    message = (
        f"operands with shapes {[a.shape for a in arrays]} require rank promotion for jnp.vectorize "
        "function with "
        f"signature {signature}. Set the jax_numpy_rank_promotion config option to 'allow' to disable this "
        "message; "
        "for more information, see https://docs.jax.dev/en/latest/rank_promotion_warning.html."
    )
    if mode == "raise":
        raise ValueError(message)
    warnings.warn(message, stacklevel=4)


def _mapped(function: Callable[..., Any], arrays: Sequence[Array], mapped: Sequence[tuple[int, ...]]) -> Any:
    """``function`` under a vmap for each broadcast axis, from the last to the first."""
    rank = len(broadcast_shapes(*mapped)) if mapped else 0
    reversed_sizes = [((1,) * (rank - len(m)) + m)[::-1] for m in mapped]
    squeezed = [squeeze(a, tuple(i for i, n in enumerate(m) if n == 1)) for a, m in zip(arrays, mapped, strict=True)]
    put_back: list[int] = []
    for depth, sizes in enumerate(zip(*reversed_sizes, strict=True)):
        if all(n == 1 for n in sizes):
            put_back.append(rank - 1 - depth)
        else:
            function = vmap(function, tuple(None if n == 1 else 0 for n in sizes))
    result = function(*squeezed)
    if not put_back:
        return result
    if isinstance(result, tuple):
        return tuple(expand_dims(r, put_back) for r in result)
    return expand_dims(result, put_back)


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: ArrayLike, *args: Any, **kwargs: Any) -> Any:
    """``func1d`` of each vector that lies along ``axis``; its result takes the vector's place.

    Args:
        func1d: function of a vector.
        axis: where the vectors lie.
        arr: array.
        args: more arguments of func1d.
        kwargs: more arguments of func1d, by name.
    """
    check_arraylike("apply_along_axis", arr)
    x = asarray(arr)
    at = canonicalize_axis(axis, x.ndim)

    def function(vector: Any) -> Any:
        return func1d(vector, *args, **kwargs)

    for i in range(1, x.ndim - at):
        function = vmap(function, in_axes=i, out_axes=-1)
    for _ in range(at):
        function = vmap(function, in_axes=0, out_axes=0)
    return function(x)


def apply_over_axes(func: Callable[[Any, int], Array], a: ArrayLike, axes: Sequence[int]) -> Array:
    """``func(a, axis)`` for each axis in turn; axes that it removes are put back with size 1."""
    x = one_array("apply_over_axes", a)
    for axis in axes:
        reduced = func(x, axis)
        if reduced.ndim == x.ndim:
            x = reduced
        elif reduced.ndim == x.ndim - 1:
            x = expand_dims(reduced, axis)
        else:
            raise ValueError("function is not returning an array of the correct shape")
    return x
