"""tables: where libraries put the rules of their primitives, and the helpers that they write rules with.

`jax.interpreters.ad`: `primitive_jvps`, `primitive_transposes`, with `Zero` for a tangent that is zero whatever
the values, and `UndefinedPrimal` for an argument by which a transpose is taken. `jax.interpreters.batching`:
`primitive_batchers` and, with the axis' size as a further argument, `fancy_primitive_batchers`.
`jax.interpreters.mlir`: `register_lowering` takes what `lower_fun` makes: a function of arrays. There is no MLIR
here: a rule that builds MLIR itself is kept but cannot run, and the primitive's `impl` computes it instead.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.border import unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.graph.primitive import Primitive, builtin
from jaxlike._src.transforms.arguments import is_float0, to_array
from jaxlike._src.tree import register_pytree_node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Derivatives


class Zero:
    """A tangent or cotangent that is zero whatever the values are; ``aval`` is its type."""

    __slots__ = ("aval",)

    def __init__(self, aval: Any) -> None:
        self.aval = aval

    def __repr__(self) -> str:
        return f"Zero({self.aval})"

    def instantiate(self) -> Any:
        """The same as an array."""
        return zeros_like_aval(self.aval)

    @staticmethod
    def from_primal_value(val: Any) -> Zero:
        """The zero tangent of a value."""
        return _zero_for(val)


class UndefinedPrimal:
    """Stands for an argument by which a transpose is taken, whose value is not known; ``aval`` is its type."""

    __slots__ = ("aval",)

    def __init__(self, aval: Any) -> None:
        self.aval = aval

    def __repr__(self) -> str:
        return f"UndefinedPrimal({self.aval})"


register_pytree_node(Zero, lambda z: ((), z.aval), lambda aval, _: Zero(aval))
register_pytree_node(UndefinedPrimal, lambda z: ((), z.aval), lambda aval, _: UndefinedPrimal(aval))

primitive_jvps: dict[Primitive, Callable[..., Any]] = {}
primitive_transposes: dict[Primitive, Callable[..., Any]] = {}


def is_undefined_primal(x: Any) -> bool:
    """Whether ``x`` is an `UndefinedPrimal`."""
    return type(x) is UndefinedPrimal


def zeros_like_aval(aval: Any) -> Any:
    """An array of zeros of this type, or what a higher type says is its zero."""
    if aval.is_high:
        return aval.vspace_zero()
    if aval.dtype == dtypes.float0:
        return np.zeros(aval.shape, dtypes.float0)
    zeros = torch.zeros(aval.shape, dtype=dtypes.to_torch(aval.dtype), device=default_torch_device())
    return Array(zeros, aval.weak_type)


def _zero_for(val: Any) -> Zero:
    if isinstance(val, Zero):
        return val
    val = to_array(val)
    return Zero(ShapedArray(val.shape, dtypes.float0) if is_float0(val) else val.aval.to_tangent_aval())


def instantiate_zeros(tangent: Any) -> Any:
    """A `Zero` as an array; anything else as it is."""
    return zeros_like_aval(tangent.aval) if type(tangent) is Zero else tangent


def add_jaxvals(x: Any, y: Any) -> Array:
    """The sum of two tangents of one type."""
    x, y = to_array(x), to_array(y)
    if is_float0(x):
        return x
    a, b = unwrap(x), unwrap(y)
    signed = unsigned.SIGNED.get(a.dtype)  # a sum has the same bits
    total = a + b if signed is None else (a.view(signed) + b.view(signed)).view(a.dtype)
    return Array(total, x.weak_type and y.weak_type)


add_jaxvals_p = builtin("add_any")
add_jaxvals_p.def_impl(add_jaxvals)


def add_tangents(x: Any, y: Any) -> Any:
    """The sum of two tangents, either of which may be a `Zero`."""
    if type(x) is Zero:
        return y
    return x if type(y) is Zero else add_jaxvals(x, y)


def get_primitive_transpose(p: Primitive) -> Callable[..., Any]:
    """The transpose rule of a primitive."""
    try:
        return primitive_transposes[p]
    except KeyError as error:
        raise NotImplementedError(
            f"Transpose rule (for reverse-mode differentiation) for '{p}' not implemented"
        ) from error


def defjvp(primitive: Primitive, *jvprules: Callable[..., Any] | None) -> None:
    """Give a rule ``rule(tangent, *primals, **params)`` for each argument; None where the derivative is zero."""
    assert not primitive.multiple_results

    def rule(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out = primitive.bind(*primals, **params)
        parts = [
            r(t, *primals, **params)
            for r, t in zip(jvprules, tangents, strict=False)
            if r is not None and type(t) is not Zero
        ]
        return out, functools.reduce(add_tangents, parts, _zero_for(out))

    primitive_jvps[primitive] = rule


def defjvp2(primitive: Primitive, *jvprules: Callable[..., Any] | None) -> None:
    """As `defjvp`, for rules ``rule(tangent, result, *primals, **params)``."""
    assert not primitive.multiple_results

    def rule(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out = primitive.bind(*primals, **params)
        parts = [
            r(t, out, *primals, **params)
            for r, t in zip(jvprules, tangents, strict=False)
            if r is not None and type(t) is not Zero
        ]
        return out, functools.reduce(add_tangents, parts, _zero_for(out))

    primitive_jvps[primitive] = rule


def _linear_jvp(primitive: Primitive, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
    out = primitive.bind(*primals, **params)
    if all(type(t) is Zero for t in tangents):
        return out, [_zero_for(o) for o in out] if primitive.multiple_results else _zero_for(out)
    return out, primitive.bind(*map(instantiate_zeros, tangents), **params)


def _zero_cotangents(args: Sequence[Any]) -> list[Any]:
    return [Zero(x.aval.to_tangent_aval()) if is_undefined_primal(x) else None for x in args]


def deflinear(primitive: Primitive, transpose_rule: Callable[..., Any]) -> None:
    """Declare a primitive linear; ``transpose_rule(cotangent, **params)`` gives the arguments' cotangents."""

    def transpose(cotangent: Any, *args: Any, **params: Any) -> Any:
        return _zero_cotangents(args) if type(cotangent) is Zero else transpose_rule(cotangent, **params)

    primitive_jvps[primitive] = functools.partial(_linear_jvp, primitive)
    primitive_transposes[primitive] = transpose


def deflinear2(primitive: Primitive, transpose_rule: Callable[..., Any]) -> None:
    """As `deflinear`, for a rule ``transpose_rule(cotangent, *args, **params)``."""

    def transpose(cotangent: Any, *args: Any, **params: Any) -> Any:
        return _zero_cotangents(args) if type(cotangent) is Zero else transpose_rule(cotangent, *args, **params)

    primitive_jvps[primitive] = functools.partial(_linear_jvp, primitive)
    primitive_transposes[primitive] = transpose


def defbilinear(prim: Primitive, lhs_rule: Callable[..., Any], rhs_rule: Callable[..., Any]) -> None:
    """Declare a primitive bilinear; a rule gives the cotangent of its argument from ``(cotangent, x, y, **params)``."""

    def by_left(g: Any, x: Any, y: Any, **params: Any) -> Any:
        del x
        return prim.bind(g, y, **params)

    def by_right(g: Any, x: Any, y: Any, **params: Any) -> Any:
        del y
        return prim.bind(x, g, **params)

    def transpose(cotangent: Any, x: Any, y: Any, **params: Any) -> Any:
        assert is_undefined_primal(x) ^ is_undefined_primal(y)
        if type(cotangent) is Zero:
            return _zero_cotangents((x, y))
        if is_undefined_primal(x):
            return lhs_rule(cotangent, x, y, **params), None
        return None, rhs_rule(cotangent, x, y, **params)

    defjvp(prim, by_left, by_right)
    primitive_transposes[prim] = transpose


# Batching


class AxisData(NamedTuple):
    """The mapped axis, as batching rules of `fancy_primitive_batchers` get it first."""

    name: Any
    size: int
    spmd_name: Any = None
    explicit_mesh_axis: Any = None


primitive_batchers: dict[Primitive, Callable[..., Any]] = {}
fancy_primitive_batchers: dict[Primitive, Callable[..., Any]] = {}


class _AxisBatchers:
    """The older form of `fancy_primitive_batchers`: rules get size, name and None in place of the axis."""

    def __setitem__(self, primitive: Primitive, batcher: Callable[..., Any]) -> None:
        def fancy(axis: AxisData, vals: Any, dims: Any, **params: Any) -> Any:
            return batcher(axis.size, axis.name, None, vals, dims, **params)

        fancy_primitive_batchers[primitive] = fancy


axis_primitive_batchers = _AxisBatchers()


def moveaxis(x: Any, source: int, destination: int) -> Array:
    """``x`` with one axis moved."""
    x = to_array(x)
    return x if source == destination else type(x)(unwrap(x).movedim(source % x.ndim, destination % x.ndim), x._tag)


def broadcast(x: Any, sz: int, axis: int, mesh_axis: Any = None) -> Array:
    """``x`` with a new axis of size ``sz``."""
    del mesh_axis
    x = to_array(x)
    axis %= x.ndim + 1
    tensor = unwrap(x)
    sizes = list(tensor.shape)
    sizes.insert(axis, sz)
    return type(x)(tensor.unsqueeze(axis).expand(sizes), x._tag)


def bdim_at_front(x: Any, bdim: int | None, size: int, mesh_axis: Any = None) -> Array:
    """``x`` with its mapped axis first, broadcast if it has none."""
    return broadcast(x, size, 0, mesh_axis) if bdim is None else moveaxis(x, bdim, 0)


def defvectorized(prim: Primitive) -> None:
    """Declare that a primitive may be bound to whole batches: arguments are mapped along the same axis."""

    def batcher(axis_data: Any, args: Sequence[Any], dims: Sequence[Any], **params: Any) -> Any:
        del axis_data
        assert not prim.multiple_results
        assert all(dims[0] == d for d in dims[1:]), dims
        return prim.bind(*args, **params), dims[0]

    fancy_primitive_batchers[prim] = batcher


def defbroadcasting(prim: Primitive) -> None:
    """Declare that a primitive broadcasts its arguments against each other, which batches of them may use."""

    def batcher(axis_data: Any, args: Sequence[Any], dims: Sequence[Any], **params: Any) -> Any:
        del axis_data
        shape, dim = next((x.shape, d) for x, d in zip(args, dims, strict=True) if d is not None)
        agree = all(shape == np.shape(x) and d == dim for x, d in zip(args, dims, strict=True) if np.ndim(x))
        if not agree:
            args = [bdim_at_front(x, d, 1) if np.ndim(x) else x for x, d in zip(args, dims, strict=True)]
            ndim, dim = max(np.ndim(x) for x in args), 0
            args = [
                x if d is None or np.ndim(x) == ndim else _with_ones(x, ndim) for x, d in zip(args, dims, strict=True)
            ]
        out = prim.bind(*args, **params)
        return (out, (dim,) * len(out)) if prim.multiple_results else (out, dim)

    fancy_primitive_batchers[prim] = batcher


def _with_ones(x: Any, ndim: int) -> Array:
    for axis in range(np.ndim(x), ndim):
        x = broadcast(x, 1, axis)
    return x


def defreducer(prim: Primitive) -> None:
    """Declare that a primitive reduces over its parameter ``axes``."""

    def batcher(axis_data: Any, args: Sequence[Any], dims: Sequence[Any], axes: Any, **params: Any) -> Any:
        del axis_data
        (operand,), (dim,) = args, dims
        axes = tuple(a if a < dim else a + 1 for a in axes)
        kept = [a for a in range(operand.ndim) if a not in axes]
        if "input_shape" in params:
            params = {**params, "input_shape": operand.shape}
        return prim.bind(operand, axes=axes, **params), kept.index(dim)

    fancy_primitive_batchers[prim] = batcher


# Lowering


class LoweringRuleContext(NamedTuple):
    """What a lowering rule is told: the primitive, and for which platforms."""

    primitive: Primitive
    platforms: tuple[str, ...]


class Lowered:
    """What `lower_fun` gives: a rule that computes a primitive by a function of arrays."""

    def __init__(self, fun: Callable[..., Any], multiple_results: bool) -> None:
        self.fun, self.multiple_results = fun, multiple_results

    def __call__(self, ctx: Any, *args: Any, **params: Any) -> Any:
        """As another rule calls it: the values of the function."""
        del ctx
        out = self.fun(*args, **params)
        return list(out) if self.multiple_results else [out]


_lowerings: dict[tuple[Primitive, str | None], Any] = {}


def lower_fun(fun: Callable[..., Any], multiple_results: bool = True) -> Any:
    """A lowering rule that computes a primitive by ``fun(*args, **params)``."""
    return Lowered(fun, multiple_results)


def register_lowering(
    prim: Primitive, rule: Any, platform: str | None = None, inline: bool = True, cacheable: bool = True
) -> None:
    """Set how compiled programs compute a primitive.

    Args:
        prim: the primitive.
        rule: what `lower_fun` made, or a function that calls such a rule.
        platform: the only platform that this is for; "cuda" and "gpu" are the same.
        inline: accepted.
        cacheable: accepted.
    """
    del inline, cacheable
    _lowerings[prim, {"gpu": "cuda", "rocm": "cuda"}.get(platform or "", platform)] = rule


def lowering_of(prim: Primitive, platform: str) -> Callable[..., Any] | None:
    """The function that computes a primitive in compiled programs, giving a list.

    None where only the rule of another compiler is there: then `impl` computes it.
    """
    rule = _lowerings.get((prim, platform), _lowerings.get((prim, None)))
    if isinstance(rule, Lowered):
        return functools.partial(rule, LoweringRuleContext(prim, (platform,)))
    if rule is None:
        raise NotImplementedError(
            f"MLIR translation rule for primitive '{prim.name}' not found for platform {platform}"
        )
    return None


def apply_primitive(prim: Primitive, *args: Any, **params: Any) -> Any:
    """Compute a primitive as compiled programs do; made to be its `impl`."""
    compute = lowering_of(prim, default_torch_device().type)
    if compute is None:
        raise NotImplementedError(
            f"The lowering rule of '{prim.name}' builds MLIR, which does not exist here. Use "
            "jax.interpreters.mlir.lower_fun, or give the primitive an impl of its own."
        )
    outs = compute(*map(to_array, args), **params)
    return outs if prim.multiple_results else outs[0]
