"""jaxpr: a program as equations between variables, as JAX's interpreters walk it.

A `Jaxpr` is data alone: `equations.jaxpr_of` makes one of a traced graph, `eval_jaxpr` binds each equation's
primitive to values again. Its text is made by `jaxpr_text`. Where JAX's classes hold what has no meaning here
(the layout of a device mesh, a traceback) the attribute is there and empty.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array, ShapedArray, constant
from jaxlike._src.border import scalar
from jaxlike._src.errors import JaxprTypeError as JaxprTypeError
from jaxlike._src.graph.primitive import Primitive, no_effects
from jaxlike._src.graph.source import SourceInfo, new_source_info

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class DebugInfo(NamedTuple):
    """Where a jaxpr comes from: what traced it, which function, and how messages call arguments and results."""

    traced_for: str
    func_src_info: str
    arg_names: tuple[str, ...] | None = None
    result_paths: tuple[str, ...] | None = None

    @property
    def func_name(self) -> str:
        """The function's name alone."""
        return self.func_src_info.split(" ")[0]

    func_filename = property(lambda self: self.func_src_info.partition(" at ")[2].rpartition(":")[0] or None)

    def resolve_result_paths(self) -> DebugInfo:
        """The same, with the results' paths known."""
        return self

    def with_unknown_names(self) -> DebugInfo:
        """The same for other arguments and results."""
        return self._replace(arg_names=None, result_paths=None)

    def safe_arg_names(self, expected: int) -> tuple[str, ...]:
        """The arguments' names; empty ones where they are not known."""
        known = self.arg_names
        return known if known is not None and len(known) == expected else ("",) * expected


class Var:
    """A variable of a jaxpr; ``aval`` is its type. Two are equal only if they are the same object."""

    __slots__ = ("aval", "final_qdd", "initial_qdd")

    def __init__(self, aval: Any, initial_qdd: Any = None, final_qdd: Any = None) -> None:
        self.aval, self.initial_qdd, self.final_qdd = aval, initial_qdd, final_qdd

    def __repr__(self) -> str:
        return f"Var(id={id(self)}):{self.aval.str_short()}"

    def pretty_print(self, context: Any, *, print_dtype: bool = True) -> str:
        """Its letter in a printed jaxpr."""
        del print_dtype
        return context.name(self)


class DropVar(Var):
    """Stands where a result is not used."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "_"

    def pretty_print(self, context: Any, *, print_dtype: bool = True) -> str:
        """An underscore."""
        del context, print_dtype
        return "_"


class Literal:
    """A value written into an equation; ``val`` is a numpy scalar."""

    __slots__ = ("aval", "val")
    __hash__ = None  # type: ignore[assignment]  # an array may stand in it

    def __init__(self, val: Any, aval: Any) -> None:
        self.val, self.aval = val, aval

    @property
    def hash(self) -> int | None:
        """A hash of the value, or None."""
        try:
            return hash(self.val)
        except TypeError:
            return None

    def __repr__(self) -> str:
        return f"Literal({self.val})"

    def pretty_print(self, context: Any, *, print_dtype: bool = True) -> str:
        """The number with its type."""
        del context
        shown = "[...]" if np.shape(self.val) else str(np.asarray(self.val).item())
        return f"{shown}:{self.aval.str_short(short_dtypes=True)}" if print_dtype else shown


Atom = Var | Literal


class EqnContext:
    """Settings that an equation was traced under; there are none here."""

    @property
    def manager(self) -> EqnContext:
        """A context manager that brings them back."""
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass

    def __repr__(self) -> str:
        return "JaxprEqnContext()"


NO_CONTEXT = EqnContext()


class JaxprEqn:
    """``outvars = primitive[params] invars``."""

    __slots__ = ("ctx", "effects", "invars", "outvars", "params", "primitive", "source_info")

    def __init__(
        self,
        invars: list[Any],
        outvars: list[Any],
        primitive: Primitive,
        params: dict[str, Any],
        effs: Any = no_effects,
        source_info: SourceInfo | None = None,
        ctx: Any = None,
    ) -> None:
        self.invars, self.outvars, self.primitive, self.params = invars, outvars, primitive, params
        self.effects = effs
        self.source_info = new_source_info() if source_info is None else source_info
        self.ctx = NO_CONTEXT if ctx is None else ctx

    def __repr__(self) -> str:
        from jaxlike._src.graph.jaxpr_text import equation_text  # the printer is not needed to hold a jaxpr

        return equation_text(self)

    def replace(self, **changes: Any) -> JaxprEqn:
        """The same with some fields changed."""
        names = ("invars", "outvars", "primitive", "params", "effects", "source_info", "ctx")
        unknown = set(changes) - set(names)
        if unknown:
            raise TypeError(f"JaxprEqn.replace() got an unexpected keyword argument '{min(unknown)}'")
        return JaxprEqn(*(getattr(self, n) if changes.get(n) is None else changes[n] for n in names))


def new_jaxpr_eqn(
    invars: Sequence[Any],
    outvars: Sequence[Any],
    primitive: Primitive,
    params: dict[str, Any],
    effects: Any = no_effects,
    source_info: Any = None,
    ctx: Any = None,
) -> JaxprEqn:
    """An equation."""
    return JaxprEqn(list(invars), list(outvars), primitive, params, effects, source_info, ctx)


class Jaxpr:
    """Equations between input and output variables."""

    def __init__(
        self,
        constvars: Sequence[Var],
        invars: Sequence[Var],
        outvars: Sequence[Any],
        eqns: Sequence[JaxprEqn],
        effects: Any = no_effects,
        debug_info: Any = None,
        is_high: bool = False,
    ) -> None:
        self.constvars, self.invars = list(constvars), list(invars)
        self.outvars, self.eqns = list(outvars), list(eqns)
        self.effects, self.is_high = effects, is_high
        if debug_info is None:
            warnings.warn("core.Jaxpr is missing a DebugInfo object.", DeprecationWarning, stacklevel=2)
            debug_info = DebugInfo("core.Jaxpr", "<unknown>")
        self.debug_info: DebugInfo = debug_info

    # Where JAX has them: tests of checks set them to what is wrong.
    _invars = property(lambda self: self.invars, lambda self, wrong: setattr(self, "invars", list(wrong)))
    _outvars = property(lambda self: self.outvars, lambda self, wrong: setattr(self, "outvars", list(wrong)))
    _eqns = property(lambda self: self.eqns, lambda self, wrong: setattr(self, "eqns", list(wrong)))

    in_avals = property(lambda self: [v.aval for v in self.invars])
    out_avals = property(lambda self: [v.aval for v in self.outvars])
    in_aval_qdds = final_aval_qdds = in_avals

    def replace(self, **changes: Any) -> Jaxpr:
        """The same with some fields changed."""
        names = ("constvars", "invars", "outvars", "eqns", "effects", "debug_info", "is_high")
        given = {n: changes.pop(n) if n in changes else getattr(self, n) for n in names}
        if changes:
            raise ValueError(f"Unknown keyword arguments: {changes}")
        return Jaxpr(**given)

    def pretty_print(self, **settings: Any) -> str:
        """The text; ``print_shapes=False`` leaves types out, ``name_stack=True`` shows names of scopes."""
        from jaxlike._src.graph.jaxpr_text import jaxpr_text  # the printer is not needed to hold a jaxpr

        return jaxpr_text(self, **settings)

    def __str__(self) -> str:
        return self.pretty_print()

    __repr__ = __str__


class ClosedJaxpr:
    """A jaxpr and the values of its constants."""

    def __init__(self, jaxpr: Jaxpr, consts: Sequence[Any]) -> None:
        assert len(consts) == len(jaxpr.constvars)
        self.jaxpr, self.consts = jaxpr, list(consts)

    literals = property(lambda self: self.consts)
    constvars = property(lambda self: self.jaxpr.constvars)
    invars = property(lambda self: self.jaxpr.invars)
    outvars = property(lambda self: self.jaxpr.outvars)
    eqns = property(lambda self: self.jaxpr.eqns)
    effects = property(lambda self: self.jaxpr.effects)
    debug_info = property(lambda self: self.jaxpr.debug_info)
    is_high = property(lambda self: self.jaxpr.is_high)
    in_avals = property(lambda self: self.jaxpr.in_avals)
    out_avals = property(lambda self: self.jaxpr.out_avals)
    in_aval_qdds = final_aval_qdds = in_avals

    def map_jaxpr(self, f: Callable[[Jaxpr], Jaxpr]) -> ClosedJaxpr:
        """Another jaxpr with the same constants."""
        return ClosedJaxpr(f(self.jaxpr), self.consts)

    def replace(self, *, jaxpr: Jaxpr | None = None, consts: Sequence[Any] | None = None) -> ClosedJaxpr:
        """The same with jaxpr or constants changed."""
        return ClosedJaxpr(self.jaxpr if jaxpr is None else jaxpr, self.consts if consts is None else consts)

    def pretty_print(self, **settings: Any) -> str:
        """As `Jaxpr.pretty_print`."""
        return self.jaxpr.pretty_print(**settings)

    def __str__(self) -> str:
        return str(self.jaxpr)

    __repr__ = __str__


# Looking into jaxprs


def gensym() -> type[Var]:
    """What makes fresh variables: call it with a type."""
    return Var


def jaxprs_in_params(params: dict[str, Any]) -> Iterator[Jaxpr]:
    """The jaxprs among an equation's parameters."""
    for value in params.values():
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Jaxpr):
                yield item
            elif isinstance(item, ClosedJaxpr):
                yield item.jaxpr


def subjaxprs(jaxpr: Jaxpr) -> Iterator[Jaxpr]:
    """The jaxprs among the parameters of all equations; what is inside of those is not looked at."""
    for eqn in jaxpr.eqns:
        yield from jaxprs_in_params(eqn.params)


# Running


def eval_jaxpr(jaxpr: Jaxpr, consts: Sequence[Any], *args: Any, propagate_source_info: bool = True) -> list[Any]:
    """The results of a jaxpr: each equation's primitive is bound to the values of its arguments.

    Args:
        jaxpr: the program.
        consts: values of its ``constvars``.
        *args: values of its ``invars``.
        propagate_source_info: accepted.
    """
    del propagate_source_info
    env: dict[Var, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, args, strict=True))
    for eqn in jaxpr.eqns:
        values = [a.val if isinstance(a, Literal) else env[a] for a in eqn.invars]
        out = eqn.primitive.bind(*values, **eqn.primitive.get_bind_params(eqn.params))
        env.update(zip(eqn.outvars, out if eqn.primitive.multiple_results else [out], strict=True))
    return [a.val if isinstance(a, Literal) else env[a] for a in jaxpr.outvars]


def jaxpr_as_fun(closed_jaxpr: ClosedJaxpr, *args: Any) -> Any:
    """The function that a closed jaxpr is; with further arguments, its results for them."""
    run = functools.partial(eval_jaxpr, closed_jaxpr.jaxpr, closed_jaxpr.consts)
    return run(*args) if args else run


def literal(number: Any, aval: ShapedArray) -> Literal:
    """A Python number as a literal of a type: a numpy scalar, or an Array where numpy's would lose its 64 bits."""
    if dtypes.canonicalize_dtype(aval.dtype) != aval.dtype:
        return Literal(constant(scalar(number, dtypes.to_torch(aval.dtype))), aval)
    return Literal(aval.dtype.type(number), aval)


literalable_types: set[type] = {bool, int, float, complex, np.ndarray, np.generic, Array}
