"""primitive_call: a library's Primitive where it is bound: a `Structured` operation with rules found in tables.

With nothing running the primitive's own `impl` gives the values. Under a transformation the tables that the
library filled are asked: `primitive_jvps` for both modes (reverse mode transposes the rule, which is linear in its
tangents; a primitive bound to such tangents brings its part of the transpose in `primitive_transposes`), and
`primitive_batchers`. A trace holds one node; when that runs, the function given to `register_lowering` computes
it (as in JAX's compiled code, which never calls `impl`).
"""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.border import unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import STATE
from jaxlike._src.graph.effects import lowerable_effects
from jaxlike._src.graph.trace import trace
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms import tables
from jaxlike._src.transforms.arguments import check_leaf, is_float0, to_array
from jaxlike._src.transforms.linear_check import LinearRule
from jaxlike._src.transforms.reverse import is_differentiable, vjp_leaves
from jaxlike._src.transforms.structured import Structured, apply
from jaxlike._src.transforms.tables import UndefinedPrimal, Zero

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jaxlike._src.frames import Frame
    from jaxlike._src.graph.primitive import Primitive


class _Staged(threading.local):
    """Whether a compiled program runs, so that primitives are computed by their lowering."""

    value: bool = False


_staged = _Staged()


@contextlib.contextmanager
def _staged_out(value: bool) -> Iterator[None]:
    before, _staged.value = _staged.value, value or _staged.value
    try:
        yield
    finally:
        _staged.value = before


class CurrentTrace:
    """What `Primitive.bind_with_trace` gets: applies a primitive under the transformations that run."""

    def process_primitive(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """The result of the primitive; see `jax.core.Trace`."""
        if STATE.frame is None and not _staged.value:
            return primitive.impl(*args, **params)
        outs = apply(PrimitiveCall(primitive, params, _staged.value), [_array(a) for a in args])
        return outs if primitive.multiple_results else outs[0]


CURRENT = CurrentTrace()


def bind(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """Check the arguments and apply the primitive."""
    for position, arg in enumerate(args):
        if type(arg) is Array or getattr(arg, "is_ref", False):
            continue
        try:
            check_leaf(arg)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"Error interpreting argument to {primitive} as a JAX value. The problematic value is of type "
                f"{type(arg)} and was passed to {primitive} at position {position}.\n"
            ) from error
    return primitive.bind_with_trace(CURRENT, args, _Avals(args), params)


class _Avals:
    """The arguments' types, worked out if somebody looks."""

    def __init__(self, args: Sequence[Any]) -> None:
        self._args = args

    def __iter__(self) -> Iterator[Any]:
        return (getattr(a, "aval", None) or to_array(a).aval for a in self._args)


def _array(x: Any) -> Array:
    """An argument as an Array; a float0 tangent as the bool array that stands for it inside programs."""
    x = to_array(x)
    return to_array(x.astype(bool)) if is_float0(x) else x


class PrimitiveCall(Structured):
    """One call of a library's primitive."""

    def __init__(self, primitive: Primitive, params: dict[str, Any], staged: bool = False) -> None:
        self.primitive, self.name, self._params, self.staged = primitive, primitive.name, params, staged

    def _results(self, out: Any) -> list[Any]:
        return list(out) if self.primitive.multiple_results else [out]

    def _bind(self, args: Sequence[Any]) -> list[Any]:
        return [to_array(o) for o in self._results(self.primitive.bind(*args, **self._params))]

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The values: by `impl`, or in a compiled program by the function that lowers it."""
        refused = lowerable_effects.filter_not_in(self.effects) if self.staged else []
        if refused:
            raise ValueError(f"Cannot lower jaxpr with effects: {set(refused)}")
        compute = tables.lowering_of(self.primitive, default_torch_device().type) if self.staged else None
        with _staged_out(self.staged):
            if compute is None:
                return [_array(o) for o in self._results(self.primitive.impl(*args, **self._params))]
            return [_array(o) for o in compute(*args, **self._params)]

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node; the types of its results are what `abstract_eval` says."""
        out, effects = self.primitive.abstract_eval(*(a.aval for a in args), **self._params)
        like = [_stand_in(a) for a in self._results(out)]
        call = PrimitiveCall(self.primitive, self._params, True)
        call.effects = frozenset(effects or ())

        def written() -> Any:
            compute = tables.lowering_of(self.primitive, default_torch_device().type)
            if compute is None:
                return None
            graph, _ = trace(lambda inside: [_array(o) for o in compute(*inside, **self._params)], args, self.name)
            return None if graph.lifted else graph

        return call, written, [], like

    effects: frozenset[Any] = frozenset()

    def params(self) -> dict[str, Any]:
        """As it was bound."""
        return self._params

    # Derivatives

    def _rule(self) -> Any:
        rule = tables.primitive_jvps.get(self.primitive)
        if rule is None:
            raise NotImplementedError(f"Differentiation rule for '{self.name}' not implemented")
        return rule

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The rule of `primitive_jvps`."""
        given = [_zero_of(p) if t is None else t for p, t in zip(primals, tangents, strict=True)]
        with _staged_out(self.staged):
            out, moved = self._rule()(list(primals), given, **self._params)
        outs = [to_array(o) for o in self._results(out)]
        return outs, [_tangent_of(o, t) for o, t in zip(outs, self._results(moved), strict=True)]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The rule of `primitive_jvps`, transposed in its tangents."""
        at = [k for k, p in enumerate(perturbed) if p]
        places: list[int] = []

        def of_tangents(inside: Sequence[Any]) -> Any:
            tangents: list[Any] = [None] * len(primals)
            for k, t in zip(at, inside, strict=True):
                tangents[k] = t
            outs, moved = self.jvp(primals, tangents)
            places[:] = [k for k, t in enumerate(moved) if t is not None]
            return [moved[k] for k in places], outs

        zeros = [tables.zeros_like_aval(primals[k].aval) for k in at]
        with LinearRule(unwrap(z) for z in zeros) as watched:
            moved, _, pull, outs = vjp_leaves(of_tangents, zeros, self.name, linear=True)
        made = [unwrap(t) for t in moved]

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            watched.check(t for k, t in zip(places, made, strict=True) if cotangents[k] is not None)
            grads: list[Any] = [None] * len(primals)
            with _staged_out(self.staged):
                for k, g in zip(at, pull([cotangents[k] for k in places], known_zeros=True), strict=True):
                    grads[k] = g
            return grads

        return outs, pullback

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The rule of `primitive_transposes`, where the primitive is bound to the tangents of another rule."""
        rule = tables.get_primitive_transpose(self.primitive)
        with _staged_out(self.staged):
            outs = self._bind(args)
        given = [UndefinedPrimal(a.aval) if p else a for a, p in zip(args, perturbed, strict=True)]

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            cts = [Zero(o.aval.to_tangent_aval()) if c is None else c for o, c in zip(outs, cotangents, strict=True)]
            with _staged_out(self.staged):
                grads = rule(cts if self.primitive.multiple_results else cts[0], *given, **self._params)
            if len(grads) != len(args):
                raise TypeError(
                    f"The transpose rule of {self.name} gave {len(grads)} cotangents for {len(args)} arguments."
                )
            return [
                None if not p or g is None or type(g) is Zero else to_array(g)
                for g, p in zip(grads, perturbed, strict=True)
            ]

        return outs, pullback

    # Batching

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """The rule of `primitive_batchers`; lanes come in along axis 0 and may go out along any."""
        dims = [0 if m else None for m in mapped]
        batcher: Any = tables.primitive_batchers.get(self.primitive)
        fancy = tables.fancy_primitive_batchers.get(self.primitive)
        if fancy is not None:
            batcher = functools.partial(fancy, tables.AxisData(frame.axis_name, frame.axis_size))
        if batcher is None:
            raise NotImplementedError(f"Batching rule for '{self.name}' not implemented")
        with _staged_out(self.staged):
            out, out_dims = batcher(list(args), dims, **self._params)
            outs = [to_array(o) for o in self._results(out)]
            if not self.primitive.multiple_results:
                out_dims = [out_dims]
            moved = [o if d is None else tables.moveaxis(o, d, 0) for o, d in zip(outs, out_dims, strict=True)]
        return moved, [d is not None for d in out_dims]


def _stand_in(aval: Any) -> Array:
    if not isinstance(aval, ShapedArray | ShapeDtypeStruct):
        raise TypeError(f"abstract_eval must give ShapedArrays, got {type(aval)}")
    if aval.dtype == dtypes.float0:
        return ShapeDtypeStruct(aval.shape, np.bool_).stand_in()
    return ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=getattr(aval, "weak_type", False)).stand_in()


def _zero_of(primal: Array) -> Zero:
    return Zero(primal.aval.to_tangent_aval())


def _tangent_of(out: Array, tangent: Any) -> Any:
    """None for a tangent that is known to be zero."""
    if type(tangent) is Zero or not is_differentiable(out) or is_float0(tangent):
        return None
    return to_array(tangent)
