"""jaxpr_check: whether a jaxpr fits together.

Variables are defined once, before they are read; what an elementwise equation defines has the type that its operands
give; the branches of a choice take and give the same. An error shows the equation at fault, its line, and the jaxpr
around it.
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
    from collections.abc import Sequence

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
    if name == "cond":
        _check_branches([j.jaxpr if isinstance(j, ClosedJaxpr) else j for j in eqn.params["branches"]])
    if name not in _ALIKE and name not in _COMPARE:
        return
    (out,), operands = eqn.outvars, [a.aval for a in eqn.invars]
    shape = max((a.shape for a in operands), key=len)
    dtype = np.dtype(bool) if name in _COMPARE else operands[0].dtype
    if (out.aval.shape, out.aval.dtype) != (shape, dtype):
        given, wanted = ShapedArray(shape, dtype).str_short(True), out.aval.str_short(short_dtypes=True)
        raise JaxprTypeError(
            f"Value for variable '{out.pretty_print(printer.names)}' inconsistently typed as {given} for let-binder "
            f"of type {wanted}"
        )


def _check_branches(branches: Sequence[Jaxpr]) -> None:
    first = branches[0]
    for k, other in enumerate(branches):
        if len(first.invars) != len(other.invars):
            raise JaxprTypeError(
                f"cond branch 0 takes {len(first.invars)} inputs, branch {k} takes {len(other.invars)}"
            )
        if len(first.outvars) != len(other.outvars):
            raise JaxprTypeError(
                f"cond branch 0 outputs {len(first.outvars)} values, branch {k} outputs {len(other.outvars)}"
            )
