"""context: questions to and about the transformations that run, under the names that `jax.core` has for them.

A running transformation is a `Frame`; `Trace` is a view of one. Types, tokens and dimension sizes are here too:

| name | stands for |
| --- | --- |
| `get_opaque_trace_state`, `find_top_trace`, `trace_ctx` | the innermost frame |
| `unsafe_am_i_under_a_jit_DO_NOT_USE`, `..._vmap_...`, `unsafe_get_axis_names_DO_NOT_USE` | the stack of frames |
| `is_concrete`, `concrete_or_error` | `border.concrete_tensor`, `border.concrete_or_error` |
| `valid_jaxtype`, `pytype_aval_mappings` | `arguments.check_leaf`, `shaped_abstractify` by class |
| `eval_context` | `ensure_compile_time_eval` |
| `set_current_trace`, `take_current_trace` | nothing: torch's levels cannot be handed about; calling them says so |
"""

from __future__ import annotations

import contextlib
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import border, dtypes, errors, torch_private
from jaxlike._src.array import AbstractValue, Array, ShapedArray
from jaxlike._src.effects.names import ensure_compile_time_eval
from jaxlike._src.extending.api_util import shaped_abstractify
from jaxlike._src.extending.util import FrozenDict
from jaxlike._src.frames import STATE, Frame, running
from jaxlike._src.graph.jaxpr import literalable_types as literalable_types
from jaxlike._src.lax.primitives import call_p
from jaxlike._src.transforms.arguments import check_leaf
from jaxlike._src.transforms.primitive_call import CURRENT, CurrentTrace

if TYPE_CHECKING:
    from collections.abc import Iterator

# Running transformations


class _TraceMeta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, CurrentTrace | TraceView)


class Trace(metaclass=_TraceMeta):
    """What `isinstance` tells running transformations by. Never made itself."""


class _TraceOfKind(type):
    kind: str | None = None

    def __instancecheck__(cls, instance: Any) -> bool:
        if not isinstance(instance, CurrentTrace | TraceView):
            return False
        frame = STATE.frame if isinstance(instance, CurrentTrace) else instance.main
        return cls.kind == (None if frame is None else frame.kind)


class EvalTrace(metaclass=_TraceOfKind):
    """``isinstance`` tells plain evaluation."""


class DynamicJaxprTrace(metaclass=_TraceOfKind):
    """``isinstance`` tells a trace, of `jit` and its like."""

    kind = "jit"


class BatchTrace(metaclass=_TraceOfKind):
    """``isinstance`` tells `vmap`."""

    kind = "vmap"


class JVPTrace(metaclass=_TraceOfKind):
    """``isinstance`` tells forward-mode differentiation."""

    kind = "jvp"


class LinearizeTrace(metaclass=_TraceOfKind):
    """``isinstance`` tells reverse-mode differentiation and `linearize`."""

    kind = "grad"


class JaxprTrace(metaclass=_TraceOfKind):
    """Nothing is one: partial evaluation is done on graphs."""

    kind = "partial evaluation"


class TraceView:
    """The innermost running transformation; None stands for plain evaluation."""

    def __init__(self, frame: Frame | None) -> None:
        self._frame = frame

    def process_primitive(self, primitive: Any, args: Any, params: Any) -> Any:
        """Apply a primitive, if this transformation is the innermost that runs."""
        if STATE.frame is not self._frame:
            raise NotImplementedError("a primitive can only be applied under the transformations that run")
        return CURRENT.process_primitive(primitive, args, params)

    @property
    def main(self) -> Frame | None:
        """What stays the same as long as it runs."""
        return self._frame

    def is_valid(self) -> bool:
        """Whether it still runs."""
        return self._frame is None or self._frame.alive

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TraceView) and self._frame is other._frame

    def __hash__(self) -> int:
        return id(self._frame)

    def __repr__(self) -> str:
        names = {"jit": "DynamicJaxprTrace", "vmap": "BatchTrace", "grad": "LinearizeTrace", "jvp": "JVPTrace"}
        return "EvalTrace" if self._frame is None else names.get(self._frame.kind, self._frame.kind)


def _trace_of(x: Array) -> TraceView:
    """The innermost transformation that a traced value takes part in."""
    if not border.is_traced(x):
        raise AttributeError("'Array' object has no attribute '_trace'")
    if not torch_private.is_wrapped(x._t):
        return TraceView(next((f for f in running() if f.trace is not None), x._frame))
    level = torch_private.level_of(x._t)
    return TraceView(next((f for f in running() if f.level == level), x._frame))


Array._trace = property(_trace_of)  # pyright: ignore[reportAttributeAccessIssue]


class TraceTag:
    """An identity."""


class _AxisEnv:
    @property
    def axis_sizes(self) -> FrozenDict:
        """The names of the axes that are mapped over, and their sizes."""
        return FrozenDict({f.axis_name: f.axis_size for f in reversed(list(running())) if f.axis_name is not None})

    def axis_size(self, axis_name: Any) -> int:
        """The size of a named axis."""
        if axis_name not in self.axis_sizes:
            raise NameError(f"unbound axis name: {axis_name}")
        return self.axis_sizes[axis_name]

    def names(self) -> list[Any]:
        """The names."""
        return list(self.axis_sizes)

    def axis_names(self) -> tuple[Any, ...]:
        """The names, as a tuple."""
        return tuple(self.axis_sizes)

    def axis_exists(self, axis_name: Any) -> bool:
        """Whether an axis of this name is mapped over."""
        return axis_name in self.axis_sizes


class _TraceContext:
    """What runs on this thread."""

    axis_env = _AxisEnv()

    @property
    def trace(self) -> TraceView:
        """The innermost transformation."""
        return TraceView(STATE.frame)

    def is_top_level(self) -> bool:
        """Whether none runs."""
        return STATE.frame is None


trace_ctx = _TraceContext()


class OpaqueTraceState:
    """Equal to another where the same transformation is innermost."""

    def __init__(self, frame: Frame | None) -> None:
        self._frame = frame

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OpaqueTraceState) and self._frame is other._frame

    __hash__ = None  # type: ignore[assignment]


def get_opaque_trace_state(convention: Any = None) -> OpaqueTraceState:
    """What to compare with later, to see whether other transformations run then."""
    del convention
    return OpaqueTraceState(STATE.frame)


def find_top_trace(_: Any) -> TraceView:
    """The innermost transformation."""
    return trace_ctx.trace


def trace_state_clean() -> bool:
    """Whether no transformation runs."""
    return trace_ctx.is_top_level()


def axis_frame(axis_name: Any) -> int:
    """The size of a named axis."""
    return trace_ctx.axis_env.axis_size(axis_name)


def nonempty_axis_env_DO_NOT_USE() -> bool:
    """Whether a named axis is mapped over."""
    return bool(trace_ctx.axis_env.axis_sizes)


def unsafe_am_i_under_a_jit_DO_NOT_USE() -> bool:
    """Whether a trace runs."""
    return any(f.trace is not None for f in running())


def unsafe_am_i_under_a_vmap_DO_NOT_USE() -> bool:
    """Whether a vmap runs."""
    return any(f.kind == "vmap" for f in running())


def unsafe_get_axis_names_DO_NOT_USE() -> list[Any]:
    """The names of the axes that are mapped over."""
    return trace_ctx.axis_env.names()


def eval_context() -> Any:
    """Inside, what does not depend on a transformation is computed at once."""
    return ensure_compile_time_eval()


_NO_HANDING_ABOUT = (
    "the running transformations are levels of torch.func, which a program cannot set aside and bring back. "
    "jax.ensure_compile_time_eval() computes at once what does not depend on them."
)


def set_current_trace(trace: Any, check_leaks: bool = False) -> Any:
    """Not possible here."""
    del trace, check_leaks
    raise NotImplementedError(f"jax.extend.core.set_current_trace: {_NO_HANDING_ABOUT}")


def take_current_trace() -> Any:
    """Not possible here."""
    raise NotImplementedError(f"jax.extend.core.take_current_trace: {_NO_HANDING_ABOUT}")


# Values


def valid_jaxtype(x: Any) -> bool:
    """Whether ``x`` is a value that programs compute with."""
    if getattr(x, "is_ref", False) or isinstance(x, Token):
        return True
    try:
        check_leaf(x)
    except (TypeError, ValueError):
        return False
    return True


def is_concrete(x: Any) -> bool:
    """Whether the value of ``x`` is known."""
    return not (isinstance(x, Array) and border.is_traced(x)) or border.concrete_tensor(x) is not None


concrete_or_error = border.concrete_or_error


def concretization_function_error(fun: Any, suggest_astype: bool = False) -> Any:
    """A method that says that ``fun`` needs a value that is not known."""
    name = getattr(fun, "__name__", fun)
    context = f"The problem arose with the `{name}` function. "
    if suggest_astype:
        context += (
            f"If trying to convert the data type of a value, try using `x.astype({name})` or `jnp.array(x, {name})` "
            "instead."
        )

    def error(self: Any, arg: Any) -> Any:
        del self
        if fun is bool:
            raise errors.TracerBoolConversionError(arg)
        if fun in (hex, oct, operator.index):
            raise errors.TracerIntegerConversionError(arg)
        raise errors.ConcretizationTypeError(arg, context)

    return error


class AbstractToken(AbstractValue):
    """The type of a token."""

    def str_short(self, short_dtypes: bool = False, mesh_axis_types: bool = False) -> str:
        """How it is printed."""
        del short_dtypes, mesh_axis_types
        return "Tok"

    def to_tangent_aval(self) -> AbstractToken:
        """The type of its tangents: itself."""
        return self

    to_ct_aval = to_tangent_aval


abstract_token = AbstractToken()


class Token:
    """A value that only orders effects."""

    aval = abstract_token

    def __init__(self, buf: Any) -> None:
        self._buf = buf

    def block_until_ready(self) -> None:
        """Wait for what it stands for."""
        self._buf.block_until_ready()


array_types: set[type] = {np.ndarray, np.generic, Array}
pytype_aval_mappings: dict[type, Any] = {
    t: shaped_abstractify for t in (Array, np.ndarray, np.generic, bool, int, float, complex)
}
# Class -> a function that brings a value to a dtype in force; `asarray` does that here, whatever is added.
canonicalize_dtype_handlers: dict[type, Any] = dict.fromkeys((Array, np.ndarray, np.generic), border.asarray)
custom_typechecks: dict[Any, Any] = {}
no_axis_name = object()
call = call_p.bind


def call_impl(f: Any, *args: Any, **params: Any) -> Any:
    """Call a wrapped function."""
    del params
    return f.call_wrapped(*args)


# Types and sizes


def primal_dtype_to_tangent_dtype(primal_dtype: Any) -> Any:
    """The dtype of tangents: float0 for integers and keys."""
    if isinstance(primal_dtype, dtypes.ExtendedDType) or not dtypes.issubdtype(primal_dtype, np.inexact):
        return dtypes.float0
    return primal_dtype


def _map_aval(size: int, axis: int | None, aval: Any) -> Any:
    if axis is None:
        return aval
    assert aval.shape[axis] == size
    return aval.update(shape=(*aval.shape[:axis], *aval.shape[axis + 1 :]))


def _unmap_aval(size: int, axis: int | None, aval: Any) -> Any:
    if axis is None:
        return aval
    axis %= len(aval.shape) + 1
    return aval.update(shape=(*aval.shape[:axis], size, *aval.shape[axis:]))


aval_mapping_handlers: dict[type, Any] = {ShapedArray: (_map_aval, _unmap_aval)}


def mapped_aval(size: int, axis: Any, aval: Any) -> Any:
    """The type of one lane."""
    handlers = aval_mapping_handlers.get(type(aval))
    if handlers is None:
        raise TypeError(f"no mapping handler for {aval} of type {type(aval)}")
    return handlers[0](size, axis, aval)


def unmapped_aval(size: int, axis: int | None, aval: Any, explicit_mesh_axis: Any = None) -> Any:
    """The type of all lanes."""
    del explicit_mesh_axis
    handlers = aval_mapping_handlers.get(type(aval))
    if handlers is None:
        raise TypeError(f"no unmapping handler for {aval} of type {type(aval)}")
    return handlers[1](size, axis, aval)


def is_constant_dim(d: Any) -> bool:
    """Whether a size is an integer."""
    if isinstance(d, Array) and not is_concrete(d):
        return False
    try:
        operator.index(d)
    except TypeError:
        return False
    return True


def is_constant_shape(s: Any) -> bool:
    """Whether all sizes are integers."""
    return all(map(is_constant_dim, s))


def definitely_equal(x: Any, y: Any) -> bool:
    """Whether two sizes are known to be the same."""
    return x is y or (is_constant_dim(x) and is_constant_dim(y) and operator.index(x) == operator.index(y))


def definitely_equal_shape(s1: Any, s2: Any) -> bool:
    """The same for each of their sizes."""
    return len(s1) == len(s2) and all(map(definitely_equal, s1, s2))


def typematch(t1: Any, t2: Any) -> bool:
    """Whether two types are the same but for a weak dtype."""
    return definitely_equal_shape(t1.shape, t2.shape) and t1.dtype == t2.dtype


@contextlib.contextmanager
def extend_axis_env_nd(name_size_pairs: Any) -> Iterator[None]:
    """Named axes of these sizes inside, that nothing maps over."""
    with contextlib.ExitStack() as axes:
        for name, size in name_size_pairs:
            axes.enter_context(Frame("axis", axis_name=name, axis_size=size))
        yield


def min_dim(d1: Any, d2: Any) -> Any:
    """The smaller size."""
    return min(operator.index(d1), operator.index(d2))


def max_dim(d1: Any, d2: Any) -> Any:
    """The larger size."""
    return max(operator.index(d1), operator.index(d2))


Value = Any
ParamDict = dict[str, Any]
