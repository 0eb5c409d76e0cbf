"""products: dot, matmul, einsum and their kin: sums of products over chosen axes.

Every one comes down to `contract`: two tensors of one dtype and a pairwise einsum, or to torch.matmul where
that says the same. torch has no product of bool or of unsigned tensors, nor of integers on a GPU: `exact`
does those in a type that it has. einsum is parsed once per subscripts and ranks; its order of contraction
is opt_einsum's, as in JAX.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import opt_einsum
import torch
from opt_einsum.parser import convert_interleaved_input, get_shape, parse_einsum_input

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    astype,
    canonicalize_axis,
    cast,
    check_arraylike,
    conjugate,
    device_of,
    is_arraylike,
    kind_of,
    promote_args,
    tensor_as,
    unwrap,
)
from jaxlike._src.family import FLOATS
from jaxlike._src.frames import CHECKED, STATE
from jaxlike._src.lax.constraint import split_as_asked
from jaxlike._src.lax.precision import matmul_precision, stated
from jaxlike._src.placement import follow
from jaxlike._src.regions import PRODUCT, as_one, is_recorded
from jaxlike._src.transforms.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

_DIRECT = FLOATS | {torch.complex64, torch.complex128, torch.int32, torch.int64}


def exact(kernel: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """``kernel`` of tensors of one dtype, in a type in which torch has products, and back."""
    dtype = tensors[0].dtype
    if dtype is torch.bool:
        return exact(kernel, *(t.to(torch.int32) for t in tensors)) != 0
    if dtype in unsigned.WIDE:
        return unsigned.emulate(lambda *ts: exact(kernel, *ts), "bits", *tensors)
    if (
        not dtype.is_floating_point
        and not dtype.is_complex
        and len(tensors) == 2
        and device_of(tensors[0]).type != "cpu"
    ):
        return _integers_in_halves(kernel, *tensors)
    return as_one(PRODUCT, {}, kernel, *tensors) if len(tensors) == 2 else kernel(*tensors)


def _integers_in_halves(kernel: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """Integer products on a GPU, exact modulo the width: 16-bit digits in float64 (sums below 2**21 terms)."""
    a, b = (t.to(torch.int64) for t in tensors)
    digits = [[((t >> (16 * k)) & 0xFFFF).to(torch.float64) for k in range(4)] for t in (a, b)]
    total: Tensor | None = None
    for i in range(4):
        for j in range(4 - i):
            part = torch.round(kernel(digits[0][i], digits[1][j])).to(torch.int64) << (16 * (i + j))
            total = part if total is None else total + part
    assert total is not None
    return total.to(tensors[0].dtype)


def _operands(
    name: str, a: Any, b: Any, preferred_element_type: Any
) -> tuple[Tensor, Tensor, Any, bool]:
    """Both operands in the dtype computed in; the result's dtype; its weak type."""
    check_arraylike(name, a, b)
    dtype, weak = dtypes.promote(kind_of(a), kind_of(b))
    out = dtype
    if preferred_element_type is not None:
        out = dtypes.check_and_canonicalize_user_dtype(preferred_element_type, name)
        weak = False
    if dtype in dtypes.COMPUTED_IN:
        wide = out if out not in dtypes.COMPUTED_IN else dtypes.from_torch(dtypes.COMPUTED_IN[dtype])
        return unwrap(astype(asarray(a), wide)), unwrap(astype(asarray(b), wide)), out, weak
    wide = dtypes.promote((dtype, False), (out, False))[0] if out != dtype and _wider(out, dtype) else dtype
    return tensor_as(asarray(a), wide), tensor_as(asarray(b), wide), out, weak


def _wider(out: Any, dtype: Any) -> bool:
    return dtypes.itemsize_bits(out) > dtypes.itemsize_bits(dtype)


def _result(tensor: Tensor, dtype: Any, weak: bool) -> Array:
    if dtype in dtypes.COMPUTED_IN:
        return astype(Array(tensor), dtype, weak)
    return Array(cast(tensor, dtypes.to_torch(dtype)), weak)


def _summing(left: Any, right: Any) -> Callable[[Tensor, Tensor], Tensor]:
    """torch.tensordot over these axes of the two operands."""
    axes: Any = (left, right)
    return lambda p, q: torch.tensordot(p, q, dims=axes)


def _check_contraction(left: Sequence[int], right: Sequence[int]) -> None:
    if tuple(left) != tuple(right):
        raise TypeError(
            "dot_general requires contracting dimensions to have the same shape, got "
            f"{tuple(left)} and {tuple(right)}."
        )


def matmul(
    a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None, out_sharding: Any = None
) -> Array:
    """Matrix product: ``a[..., n, k] @ b[..., k, m]`` is ``[..., n, m]``; vectors lose their axis.

    Args:
        a: array of at least one axis.
        b: the same.
        precision: as in ``jax.lax.dot_general``; affects float32 on a GPU.
        preferred_element_type: dtype of the result and of the sums.
        out_sharding: how the result is split over explicit axes of a mesh.
    """
    if type(a) is Array and type(b) is Array and preferred_element_type is precision is out_sharding is None and STATE.fast is not CHECKED:
        x, y = unwrap(a), unwrap(b)
        if x.dtype is y.dtype and x.dtype in _DIRECT and x.is_cpu and 1 <= x.dim() <= 2 >= y.dim() >= 1:
            try:
                made = torch.matmul(x, y) if STATE.frame is None else as_one(PRODUCT, {}, torch.matmul, x, y)
                return Array(made, a._tag and b._tag)
            except RuntimeError:
                _check_contraction((x.shape[-1],), (y.shape[0],))
                raise
    if out_sharding is not None:
        alone = functools.partial(matmul, a, b, precision=precision, preferred_element_type=preferred_element_type)
        return split_as_asked(out_sharding, "matmul", alone)
    check_arraylike("matmul", a, b)
    a, b = (asarray(v) if hasattr(v, "__jax_array__") else v for v in (a, b))
    for position, v in enumerate((a, b)):
        if (v if hasattr(v, "ndim") else asarray(v)).ndim == 0:
            raise ValueError(f"matmul input operand {position} must have ndim at least 1, but it has ndim 0")
    x, y, dtype, weak = _operands("matmul", a, b, preferred_element_type)
    rows = y.shape[-2] if y.dim() > 1 else y.shape[0]
    _check_contraction((x.shape[-1],), (rows,))
    _check_batches(x.shape[:-2], y.shape[:-2])
    with matmul_precision(precision):
        return follow("matmul", _result(_many_rows(precision, x, y), dtype, weak), a, b)


def _many_rows(precision: Any, x: Tensor, y: Tensor) -> Tensor:
    """``torch.matmul``; where one side has all batch axes it is one product over axes as they are."""
    low, high = sorted((x.dim(), y.dim()))
    if low > 2 or high <= 2 or (x.dim() == 2 < y.dim()):
        return exact(torch.matmul, x, y)
    return _as_one(torch.matmul, precision, x, y, ((x.dim() - 1,), (max(y.dim() - 2, 0),)))


def _as_one(
    kernel: Callable[..., Tensor], precision: Any, x: Tensor, y: Tensor, summed: Any, common: Any = ((), ())
) -> Tensor:
    """A kernel that comes to one `lax.dot_general` over these axes of both sides.

    torch joins and adds axes before and after, so that a jaxpr would show them.
    """
    if not is_recorded():
        return exact(kernel, x, y)
    params = {
        "dimension_numbers": (tuple(map(tuple, summed)), tuple(map(tuple, common))),
        "precision": stated(precision),
        "preferred_element_type": dtypes.from_torch(x.dtype),
        "out_sharding": None,
    }
    return as_one("dot_general", params, functools.partial(exact, kernel), x, y)


def _check_batches(*batches: Sequence[int]) -> None:
    if all(batches):
        try:
            np.broadcast_shapes(*batches)
        except ValueError:
            said = [tuple(s) for s in batches]
            raise ValueError(f"Incompatible shapes for broadcasting: shapes={said}") from None


def dot(
    a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None, out_sharding: Any = None
) -> Array:
    """Sum over the last axis of ``a`` and the last but one of ``b`` (or its only one); scalars multiply."""
    if out_sharding is not None:
        alone = functools.partial(dot, a, b, precision=precision, preferred_element_type=preferred_element_type)
        return split_as_asked(out_sharding, "dot", alone)
    x, y, dtype, weak = _operands("dot", a, b, preferred_element_type)
    with matmul_precision(precision):
        if not x.dim() or not y.dim():
            return _result(exact(torch.mul, x, y) if x.dtype is not torch.bool else x & y, dtype, weak)
        contracted = -1 if y.dim() == 1 else -2
        _check_contraction((x.shape[-1],), (y.shape[contracted],))
        summed = [x.dim() - 1], [y.dim() + contracted]
        return _result(_as_one(_summing(*summed), precision, x, y, summed), dtype, weak)


def vdot(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Array:
    """Sum of products of all elements, ``a`` conjugated."""
    check_arraylike("vdot", a, b)
    first = asarray(a)
    if dtypes.issubdtype(first.dtype, np.complexfloating):
        first = Array(conjugate(unwrap(first)), first.weak_type)
    return dot(_ravel(first), _ravel(asarray(b)), precision=precision, preferred_element_type=preferred_element_type)


def _ravel(x: Array) -> Array:
    return Array(unwrap(x).reshape(-1), x.weak_type)


def inner(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Array:
    """Sum over the last axes of both."""
    x, y, dtype, weak = _operands("inner", a, b, preferred_element_type)
    with matmul_precision(precision):
        if not x.dim() or not y.dim():
            return _result(exact(torch.mul, x, y) if x.dtype is not torch.bool else x & y, dtype, weak)
        _check_contraction((x.shape[-1],), (y.shape[-1],))
        summed = [x.dim() - 1], [y.dim() - 1]
        return _result(_as_one(_summing(*summed), precision, x, y, summed), dtype, weak)


def outer(a: Any, b: Any, out: None = None) -> Array:
    """Products of each element of ``a`` with each of ``b``: ``[a.size, b.size]``."""
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.outer is not supported.")
    x, y, dtype, weak = _operands("outer", a, b, None)
    x, y = x.reshape(-1, 1), y.reshape(1, -1)
    return _result(x & y if x.dtype is torch.bool else exact(torch.mul, x, y), dtype, weak)


def tensordot(
    a: Any,
    b: Any,
    axes: Any = 2,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Sum over the last ``axes`` axes of ``a`` and the first of ``b``, or over given pairs of axes."""
    if out_sharding is not None:
        kwargs = {"precision": precision, "preferred_element_type": preferred_element_type}
        return split_as_asked(out_sharding, "tensordot", lambda: tensordot(a, b, axes, **kwargs))
    x, y, dtype, weak = _operands("tensordot", a, b, preferred_element_type)
    ranks = f"({tuple(x.shape)} and {tuple(y.shape)})"
    if isinstance(axes, int | np.integer):
        if axes > min(x.dim(), y.dim()):
            raise TypeError(f"Number of tensordot axes (axes {axes}) exceeds input ranks {ranks}")
        left, right = list(range(x.dim() - int(axes), x.dim())), list(range(int(axes)))
    elif isinstance(axes, tuple | list) and len(axes) == 2:
        first, second = axes
        if type(first) is not type(second) and not all(isinstance(v, tuple | list | int) for v in (first, second)):
            raise TypeError(
                "tensordot requires axes lists to have equal length, got axes "
                f"{first} and {second}."
            )
        left = [first] if isinstance(first, int | np.integer) else list(first)
        right = [second] if isinstance(second, int | np.integer) else list(second)
        if len(left) != len(right):
            raise TypeError(f"tensordot requires axes lists to have equal length, got {first} and {second}.")
        left = [canonicalize_axis(v, x.dim()) for v in left]
        right = [canonicalize_axis(v, y.dim()) for v in right]
    else:
        raise TypeError("tensordot axes argument must be an int, a pair of ints, or a pair of lists/tuples of ints.")
    _check_contraction([x.shape[v] for v in left], [y.shape[v] for v in right])
    with matmul_precision(precision):
        return _result(_as_one(_summing(left, right), precision, x, y, (left, right)), dtype, weak)


def vecdot(
    x1: Any, x2: Any, /, *, axis: int = -1, precision: Any = None, preferred_element_type: Any = None
) -> Array:
    """Conjugated inner products of the vectors along ``axis``."""
    check_arraylike("jnp.vecdot", x1, x2)
    a, b = asarray(x1), asarray(x2)
    axis = operator.index(axis)
    if a.shape[axis] != b.shape[axis]:
        raise ValueError(f"axes must match; got shapes {a.shape} and {b.shape} with axis={axis}")
    x, y, dtype, weak = _operands("jnp.vecdot", a, b, preferred_element_type)
    x, y = x.movedim(axis, -1), y.movedim(axis, -1)
    if x.shape != y.shape:
        _check_batches(x.shape[:-1], y.shape[:-1])
    if x.is_complex():
        x = conjugate(x)
    with matmul_precision(precision):
        rows = exact(torch.matmul, x.unsqueeze(-2), y.unsqueeze(-1))
    return _result(rows.squeeze(-1).squeeze(-1), dtype, weak)


def check_core_sizes(signature: str, shapes: Sequence[tuple[int, ...]], cores: Sequence[str]) -> None:
    sizes: dict[str, int] = {}
    tail = f" on vectorized function with excluded=frozenset() and signature='{signature}'"
    for shape, core in zip(shapes, cores, strict=True):
        if len(shape) < len(core):
            raise ValueError(
                f"input with shape {shape} does not have enough dimensions for all core dimensions {tuple(core)}{tail}"
            )
        for name, size in zip(core, shape[len(shape) - len(core) :], strict=True):
            if sizes.setdefault(name, size) != size:
                raise ValueError(f"inconsistent size for core dimension '{name}': {size} vs {sizes[name]}{tail}")


@compiled("x1", "x2")
def matvec(x1: Any, x2: Any, /) -> Array:
    """``[..., n, m]`` matrices times ``[..., m]`` vectors: ``[..., n]``."""
    check_arraylike("matvec", x1, x2)
    a, b = asarray(x1), asarray(x2)
    check_core_sizes("(n,m),(m)->(n)", (a.shape, b.shape), ("nm", "m"))
    x, y, dtype, weak = _operands("matvec", a, b, None)
    _check_batches(x.shape[:-2], y.shape[:-1])
    return _result(exact(torch.matmul, x, y.unsqueeze(-1)).squeeze(-1), dtype, weak)


@compiled("x1", "x2")
def vecmat(x1: Any, x2: Any, /) -> Array:
    """Conjugated ``[..., n]`` vectors times ``[..., n, m]`` matrices: ``[..., m]``."""
    check_arraylike("matvec", x1, x2)
    a, b = asarray(x1), asarray(x2)
    check_core_sizes("(n),(n,m)->(m)", (a.shape, b.shape), ("n", "nm"))
    x, y, dtype, weak = _operands("vecmat", a, b, None)
    _check_batches(x.shape[:-1], y.shape[:-2])
    if x.is_complex():
        x = conjugate(x)
    return _result(exact(torch.matmul, x.unsqueeze(-2), y).squeeze(-2), dtype, weak)


@compiled("a", "b")
def kron(a: Any, b: Any) -> Array:
    """Kronecker product: each element of ``a`` times all of ``b``, in blocks."""
    from jaxlike._src.numpy.arithmetic import multiply

    x, y = promote_args("kron", a, b)
    rank = max(x.ndim, y.ndim)
    p, q = (unwrap(v).reshape((1,) * (rank - v.ndim) + v.shape) for v in (x, y))
    shape = [m * n for m, n in zip(p.shape, q.shape, strict=True)]
    left = p.reshape([s for m in p.shape for s in (m, 1)])
    right = q.reshape([s for n in q.shape for s in (1, n)])
    product = multiply(Array(left, x.weak_type), Array(right, y.weak_type)) if p.dtype is not torch.bool else None
    if product is None:
        raise TypeError(
            "mul does not accept dtype bool at position 0. Accepted dtypes at position 0 are subtypes of integer, "
            "floating, complexfloating."
        )
    return Array(unwrap(product).reshape(shape), product.weak_type)


@compiled("a", "b")
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    """Cross product of 3-vectors, or the third component for 2-vectors."""
    from jaxlike._src.numpy.arithmetic import multiply, subtract

    x, y = promote_args("cross", a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    p = unwrap(x).movedim(canonicalize_axis(axisa, x.ndim), -1)
    q = unwrap(y).movedim(canonicalize_axis(axisb, y.ndim), -1)
    if p.shape[-1] not in (2, 3) or q.shape[-1] not in (2, 3):
        raise ValueError("Dimension must be either 2 or 3 for cross product")

    def part(t: Tensor, k: int, weak: bool) -> Array:
        return Array(t.select(-1, k) if k < t.shape[-1] else torch.zeros_like(t.select(-1, 0)), weak)

    def component(i: int, j: int) -> Array:
        u = multiply(part(p, i, x.weak_type), part(q, j, y.weak_type))
        return subtract(u, multiply(part(p, j, x.weak_type), part(q, i, y.weak_type)))

    if p.shape[-1] == q.shape[-1] == 2:
        return component(0, 1)
    parts = [component(1, 2), component(2, 0), component(0, 1)]
    stacked = torch.stack([unwrap(v) for v in parts], dim=-1)
    return Array(stacked.movedim(-1, canonicalize_axis(axisc, stacked.dim())), parts[0].weak_type)


# einsum


class Plan(NamedTuple):
    """Subscripts in canonical letters, one string for each operand, and the order of contraction."""

    inputs: tuple[str, ...]
    output: str
    steps: tuple[tuple[tuple[int, ...], str], ...]


@functools.lru_cache(maxsize=1024)
def contraction_plan(subscripts: str, shapes: tuple[tuple[int, ...], ...], optimize: Any) -> Plan:
    """Parse and check ``subscripts`` for operands of these shapes, and order the contraction."""
    inputs, output = _parse(subscripts, shapes)
    sizes: dict[str, int] = {}
    for number, (labels, shape) in enumerate(zip(inputs, shapes, strict=True)):
        if len(labels) != len(shape):
            raise ValueError(
                f"Einstein sum subscript '{labels}' does not contain the correct number of indices for operand "
                f"{number}."
            )
        for label, size in zip(labels, shape, strict=True):
            if sizes.get(label, 1) not in (1, size) and size != 1:
                raise ValueError(
                    f"Size of label '{label}' for operand {number} ({sizes[label]}) does not match previous terms "
                    f"({size})."
                )
            sizes[label] = max(sizes.get(label, 1), size)
    if len(inputs) <= 2:
        steps: tuple[Any, ...] = ((tuple(range(len(inputs))), output),)
    else:
        path, _ = opt_einsum.contract_path(
            ",".join(inputs) + "->" + output, *shapes, shapes=True, optimize=optimize
        )
        steps = tuple(_steps(list(inputs), output, [tuple(p) for p in path]))
    return Plan(tuple(inputs), output, steps)


def _steps(terms: list[str], output: str, path: Sequence[tuple[int, ...]]) -> Any:
    for k, chosen in enumerate(path):
        picked = [terms[i] for i in chosen]
        rest = [t for i, t in enumerate(terms) if i not in chosen]
        needed = set(output).union(*rest)
        made = output if k == len(path) - 1 else "".join(sorted(set("".join(picked)) & needed))
        yield tuple(chosen), made
        terms = [*rest, made]


def _parse(subscripts: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[list[str], str]:
    """Subscripts with ellipses and implicit output written out, in letters a-zA-Z."""
    if subscripts.count("->") == 0:
        count = subscripts.count(",") + 1
    else:
        count = subscripts.split("->")[0].count(",") + 1
    if count != len(shapes):
        raise ValueError(
            f"Number of einsum subscripts, {count}, must be equal to the number of operands, {len(shapes)}."
        )
    inputs, output, _ = parse_einsum_input((subscripts, *shapes), shapes=True)
    if repeated := [c for c in output if output.count(c) > 1]:
        raise ValueError(f"Output character '{repeated[0]}' appeared more than once in the output.")
    for label in output:
        if label not in inputs:
            raise ValueError(f"Output character '{label}' did not appear in the input")
    if all(_is_plain(c) for c in inputs.replace(",", "")):
        return inputs.split(","), output
    everything = dict.fromkeys(inputs.replace(",", ""))
    renamed = {c: _LETTERS[k] for k, c in enumerate(everything)}
    return ["".join(renamed[c] for c in part) for part in inputs.split(",")], "".join(renamed[c] for c in output)


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _is_plain(character: str) -> bool:
    return character in _LETTERS


def contract(plan: Plan, tensors: Sequence[Tensor], precision: Any = None) -> Tensor:
    """Carry out a plan on tensors of one dtype."""
    terms = list(zip(plan.inputs, tensors, strict=True))
    for chosen, made in plan.steps:
        picked = [terms[i] for i in chosen]
        terms = [t for i, t in enumerate(terms) if i not in chosen]
        equation = ",".join(labels for labels, _ in picked) + "->" + made
        terms.append((made, _step(equation, precision, picked, made)))
    return terms[0][1]


def _step(equation: str, precision: Any, picked: Sequence[tuple[str, Tensor]], made: str) -> Tensor:
    """One contraction; that of two operands is one `lax.dot_general`, and its axes put in order."""
    plain = functools.partial(torch.einsum, equation)
    if len(picked) != 2 or not is_recorded() or any(len(set(labels)) != len(labels) for labels, _ in picked):
        return exact(plain, *(t for _, t in picked))
    (a, x), (b, y) = picked
    shared = [c for c in a if c in b]
    common, summed = [c for c in shared if c in made], [c for c in shared if c not in made]
    own = [[c for c in labels if c not in shared] for labels in (a, b)]
    alone = any(c not in made for c in (*own[0], *own[1]))
    if alone or any(x.shape[a.index(c)] != y.shape[b.index(c)] for c in shared):
        return exact(plain, x, y)
    if [*common, *own[0], *own[1]] != list(made):  # JAX exchanges the sides then
        a, x, b, y, own = b, y, a, x, own[::-1]
    labels = "".join([*common, *own[0], *own[1]])
    axes = [[[side.index(c) for c in chosen] for side in (a, b)] for chosen in (summed, common)]
    out = _as_one(functools.partial(torch.einsum, f"{a},{b}->{labels}"), precision, x, y, *axes)
    return out if labels == made else out.permute([labels.index(c) for c in made])


def einsum(
    subscripts: Any,
    /,
    *operands: Any,
    out: None = None,
    optimize: Any = "auto",
    precision: Any = None,
    preferred_element_type: Any = None,
    _dot_general: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Einstein summation: ``einsum("ij,jk->ik", a, b)`` is the matrix product.

    Args:
        subscripts: labels of each operand's axes and of the result's; or operands and lists of ints in turn.
        operands: arrays.
        out: must be None.
        optimize: how opt_einsum orders the contractions: "auto", "optimal", "greedy", True, False or a path.
        precision: as in `matmul`.
        preferred_element_type: dtype of the result and of the sums.
        _dot_general: accepted.
        out_sharding: how the result is split over explicit axes of a mesh.
    """
    del _dot_general
    if out_sharding is not None:
        kwargs: dict[str, Any] = {"optimize": optimize, "precision": precision, "preferred_element_type": preferred_element_type}
        return split_as_asked(out_sharding, "einsum", lambda: einsum(subscripts, *operands, out=out, **kwargs))
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.einsum is not supported.")
    if not isinstance(subscripts, str):
        subscripts, operands = convert_interleaved_input((subscripts, *operands))
    for x in operands:
        if not is_arraylike(x):
            get_shape(x)  # says what has no shape
    check_arraylike("einsum", *operands)
    arrays = [asarray(x) for x in operands]
    order = "auto" if optimize is True else optimize
    order = tuple(map(tuple, order[1:] if order and order[0] == "einsum_path" else order)) if isinstance(
        order, list | tuple
    ) else order
    plan = contraction_plan(subscripts, tuple(x.shape for x in arrays), order)
    dtype, weak = dtypes.promote(*map(kind_of, operands))
    result = dtype
    if preferred_element_type is not None:
        result, weak = dtypes.check_and_canonicalize_user_dtype(preferred_element_type, "einsum"), False
        if _wider(result, dtype):
            dtype = result
    tensors = [tensor_as(x, dtype) for x in arrays]
    with matmul_precision(precision):
        made = contract(plan, tensors, precision)
    return _result(made, result, weak)


def einsum_path(subscripts: Any, /, *operands: Any, optimize: Any = "auto") -> tuple[Any, Any]:
    """The order of contraction that `einsum` would use, and opt_einsum's account of its cost."""
    if isinstance(optimize, bool):
        optimize = "optimal" if optimize else [(0, 1)] * max(len(operands) - 1, 1)  # from the left
    return opt_einsum.contract_path(subscripts, *(np.empty(np.shape(x)) for x in operands), optimize=optimize)


