"""jaxpr_check: whether a jaxpr fits together.

Variables are defined once, before they are read; what an elementwise equation defines has the type that its operands
give; what loops and choices need of their parameters holds. An error shows the equation at fault, its line, and the
jaxpr around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import ShapedArray
from jaxlike._src.errors import JaxprTypeError
from jaxlike._src.graph.jaxpr import ClosedJaxpr, DropVar, Jaxpr, JaxprEqn, Var, jaxprs_in_params
from jaxlike._src.graph.jaxpr_text import WIDTH, Printer
from jaxlike._src.graph.layout import Nest, render
from jaxlike._src.graph.reader import KEEP_WEAK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_COMPARE = frozenset("eq ne lt le gt ge".split())
# Operations on all elements alike, whose result is of their operands' dtype.
_ALIKE = KEEP_WEAK - frozenset("select_n broadcast_in_dim reshape transpose squeeze abs".split())
AROUND = 10  # equations that an error shows before and after the one at fault


def check_jaxpr(jaxpr: Jaxpr) -> None:
    """JaxprTypeError where a jaxpr, or one inside of it, does not fit together."""
    printer = Printer()
    printer.drop(jaxpr)
    printer.jaxpr(jaxpr)  # which names its variables
    known: set[Var] = set()
    _define(jaxpr.constvars, known, printer)
    _define(jaxpr.invars, known, printer)
    for place, eqn in enumerate(jaxpr.eqns):
        try:
            _use(eqn.invars, known, printer)
            if eqn.primitive.name in _CHECKS:  # whether the inner ones fit each other comes before what is in them
                _CHECKS[eqn.primitive.name](eqn)
            for inner in jaxprs_in_params(eqn.params):
                check_jaxpr(inner)
            _check_types(eqn, printer)
            _define(eqn.outvars, known, printer)
        except JaxprTypeError as error:
            said = str(error).partition("\n\nwhile checking jaxpr:")[0]
            parts = [said, "in equation:", render(Nest(printer.equation(eqn)), WIDTH).rstrip()]
            if eqn.source_info.traceback is not None:
                parts.append(f"from source: {eqn.source_info.traceback}")
            raise _wrong("\n\n".join(parts), jaxpr, place, printer) from None
    try:
        _use(jaxpr.outvars, known, printer)
    except JaxprTypeError as error:
        raise _wrong(str(error), jaxpr, AROUND, printer) from None


def _wrong(said: str, jaxpr: Jaxpr, place: int, printer: Printer) -> JaxprTypeError:
    text = render(printer.written_out(jaxpr, max(place - AROUND, 0), place + AROUND), WIDTH)
    return JaxprTypeError(f"{said}\n\nwhile checking jaxpr:\n\n{text}")


def _define(variables: Sequence[Any], known: set[Var], printer: Printer) -> None:
    for v in variables:
        if type(v) is DropVar:
            continue
        if v in known:
            raise JaxprTypeError(f"Variable '{v.pretty_print(printer.names)}' already bound")
        known.add(v)


def _use(atoms: Sequence[Any], known: set[Var], printer: Printer) -> None:
    for a in atoms:
        if isinstance(a, Var) and a not in known:
            raise JaxprTypeError(f"Variable '{a.pretty_print(printer.names)}' not defined")


def _check_types(eqn: JaxprEqn, printer: Printer) -> None:
    name = eqn.primitive.name
    if name not in _ALIKE and name not in _COMPARE:
        return
    (out,), operands = eqn.outvars, [a.aval for a in eqn.invars]
    shape = np.broadcast_shapes(*(a.shape for a in operands))
    dtype = np.dtype(bool) if name in _COMPARE else operands[0].dtype
    if (out.aval.shape, out.aval.dtype) != (shape, dtype):
        given, wanted = ShapedArray(shape, dtype).str_short(True), out.aval.str_short(short_dtypes=True)
        raise JaxprTypeError(
            f"Value for variable '{out.pretty_print(printer.names)}' inconsistently typed as {given} for let-binder "
            f"of type {wanted}"
        )


# What primitives say of their parameters


def _require(holds: bool, primitive: str, name: str, what: str, value: Any) -> None:
    if not holds:
        shown = str(value)
        raise JaxprTypeError(
            f"invalid {primitive} param {name} of type {type(value).__name__}, {what} required:"
            f"{chr(10) if chr(10) in shown else ' '}{shown}"
        )


def _differ(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return [(a.shape, a.dtype) for a in some] != [(a.shape, a.dtype) for a in others]


def _short(avals: Iterable[Any]) -> str:
    return " ".join(a.str_short() for a in avals)


def _scan(eqn: JaxprEqn) -> None:
    def whole(value: Any) -> bool:
        return type(value) is int and value >= 0

    p = eqn.params
    _require(type(p["reverse"]) is bool, "scan", "reverse", "bool", p["reverse"])
    for name in ("num_consts", "num_carry"):
        _require(whole(p[name]), "scan", name, "non-negative int", p[name])
    body = p["jaxpr"]
    _require(isinstance(body, ClosedJaxpr), "scan", "jaxpr", "ClosedJaxpr", body)
    for name in ("unroll", "length"):
        _require(whole(p[name]), "scan", name, "non-negative int", p[name])
    a, b = p["num_consts"], p["num_consts"] + p["num_carry"]
    given, wanted, made = [x.aval for x in eqn.invars], body.in_avals, body.out_avals[: b - a]
    if _differ(wanted[a:b], made):
        raise JaxprTypeError(
            f"scan input carry input and output types mismatch: \n{_short(wanted[a:b])}\nvs\n{_short(made)}"
        )
    for part, what, called in ((slice(a), "const", "consts"), (slice(a, b), "carry", "initial carry")):
        if _differ(wanted[part], given[part]):
            raise JaxprTypeError(
                f"scan jaxpr takes input {what} types\n{_short(wanted[part])},\ncalled with {called} of type\n"
                f"{_short(given[part])}"
            )
    items = [x.update(shape=x.shape[1:]) for x in given[b:]]
    if _differ(wanted[b:], items):
        raise JaxprTypeError(
            f"scan jaxpr takes input sequence types\n{_short(wanted[b:])},\ncalled with sequence whose items have type\n"
            f"{_short(items)}"
        )


def _cond(eqn: JaxprEqn) -> None:
    branches = eqn.params["branches"]
    valid = isinstance(branches, tuple) and all(isinstance(b, ClosedJaxpr) for b in branches)
    _require(valid, "cond", "branches", "tuple of ClosedJaxpr", branches)
    if not branches:
        raise JaxprTypeError("cond requires at least one branch function")
    first = branches[0]
    for k, other in enumerate(branches[1:], start=1):
        for one, two, takes, things in (
            (first.in_avals, other.in_avals, "takes", "inputs"),
            (first.out_avals, other.out_avals, "outputs", "values"),
        ):
            if len(one) != len(two):
                raise JaxprTypeError(f"cond branch 0 {takes} {len(one)} {things}, branch {k} {takes} {len(two)}")
        for one, two, what in (
            (first.in_avals, other.in_avals, "input"), (first.out_avals, other.out_avals, "output")
        ):  # fmt: skip
            if _differ(one, two):
                raise JaxprTypeError(
                    f"cond branches 0 and {k} have mismatching {what} types: {_short(one)} vs {_short(two)}"
                )
    index, *operands = [x.aval for x in eqn.invars]
    if len(operands) != len(first.in_avals):
        raise JaxprTypeError(
            f"cond called with {len(operands)} non-predicate operands, but branches take {len(first.in_avals)} inputs"
        )
    if index.dtype.name != "int32":
        raise JaxprTypeError(f"cond called with index of type {index.dtype} instead of int32")
    if _differ(first.in_avals, operands):
        raise JaxprTypeError(
            f"cond branches take input types {_short(first.in_avals)}, called with operands of type {_short(operands)}"
        )


_CHECKS = {"scan": _scan, "cond": _cond}
