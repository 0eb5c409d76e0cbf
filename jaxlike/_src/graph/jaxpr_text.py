"""jaxpr_text: a jaxpr in JAX's notation.

Variables are lettered in the order in which the text first names them, through nested jaxprs; a jaxpr that stands in
it more than once, or is long, is printed once at the head under its name. Parameters that the types already say, or
that are as by default, are left out.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src.graph.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Var, jaxprs_in_params
from jaxlike._src.graph.layout import Break, Group, Nest, Note, joined, render, with_notes
from jaxlike._src.graph.source import summarize

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 80
LONG = 10  # equations of a nested jaxpr that is printed at the head
# Parameters that are not shown: those of `_IMPLIED` never, those of `_DEFAULTS` where they have this value.
_IMPLIED: dict[str, frozenset[str]] = {
    "convert_element_type": frozenset({"sharding"}),
    "broadcast_in_dim": frozenset({"shape", "sharding"}),
    "dot_general": frozenset({"out_sharding"}),
    "jit": frozenset({
        "inline", "in_shardings", "out_shardings", "in_layouts", "out_layouts", "ctx_mesh", "compiler_options_kvs",
    }),
    "custom_lin": frozenset({"out_avals"}),
}  # fmt: skip
_DEFAULTS: dict[str, dict[str, Any]] = {
    "broadcast_in_dim": {"broadcast_dimensions": ()},
    "dot_general": {"precision": None, "preferred_element_type": None},
    "mul": {"out_dtype": None},
    "custom_jvp_call": {"num_consts": 0},
    "custom_vjp_call": {"num_consts": 0},
}
_ACCURACY = {"accuracy": None}
_SHOWN_AS = {"fwd_jaxpr_thunk": "fwd", "jvp_jaxpr_fun": "jvp"}


class Names:
    """The letters of variables, and the jaxprs that are printed at the head."""

    def __init__(self, var_names: dict[Var, str] | None = None) -> None:
        self._known: dict[Var, str] = dict(var_names or {})
        self.shared: dict[Jaxpr, str] = {}
        self._fresh = (n for k in itertools.count() if (n := _letters(k)) not in self.shared.values())

    def name(self, var: Var) -> str:
        """The letter of a variable."""
        if var not in self._known:
            self._known[var] = next(self._fresh)
        return self._known[var]

    def call_it(self, var: Var, name: str) -> None:
        """Name a variable."""
        self._known[var] = name

    def alike(self, new: Sequence[Any], known: Sequence[Any]) -> None:
        """Give variables of a called jaxpr the names that the call has for them."""
        used: set[Var] = set()
        for v, like in zip(new, known, strict=True) if len(new) == len(known) else ():
            if isinstance(like, Var) and like not in used and isinstance(v, Var) and v not in self._known:
                used.add(like)
                self._known[v] = like.pretty_print(self)


JaxprPpContext = Names


class JaxprPpSettings(NamedTuple):
    """What is printed of a jaxpr."""

    print_shapes: bool = True
    source_info: bool = False
    name_stack: bool = False
    custom_pp_eqn_rules: bool = True
    print_effects: bool = False


def _letters(k: int) -> str:
    text = ""
    while not text or k:
        k, digit = divmod(k, 26)
        text = chr(ord("a") + digit) + text
    return text


class Printer:
    """Makes documents of jaxprs with given settings."""

    def __init__(
        self,
        print_shapes: bool = True,
        name_stack: bool = False,
        print_effects: bool = False,
        source_info: bool = False,
    ) -> None:
        self.names = Names()
        self.shapes, self.stacks, self.effects = print_shapes, name_stack, print_effects
        self.sources = source_info

    def atoms(self, atoms: Sequence[Any], separator: str = "", typed: bool = False) -> Any:
        """Variables and literals in a row."""
        shown = []
        for a in atoms:
            text = a.pretty_print(self.names)
            if typed and self.shapes:
                text += f":{a.aval.str_short(short_dtypes=True)}"
            shown.append(text)
        return Nest(Group(joined([separator, Group(Break())], shown)))

    def drop(self, jaxpr: Jaxpr) -> None:
        """Print an underscore for what nothing uses. JAX does so in the jaxpr that is printed, not in those inside."""
        used = {v for v in jaxpr.outvars if isinstance(v, Var)}
        for eqn in reversed(jaxpr.eqns):
            for v in eqn.outvars:
                if v not in used:
                    self.names.call_it(v, "_")
            used.update(v for v in eqn.invars if isinstance(v, Var))

    def jaxpr(self, jaxpr: Jaxpr) -> Any:
        """A jaxpr in braces, or the name that it has at the head."""
        return self.names.shared.get(jaxpr) or self.written_out(jaxpr)

    def written_out(self, jaxpr: Jaxpr, start: int = 0, stop: int | None = None) -> Any:
        """A jaxpr in braces; dots for the equations before ``start`` and from ``stop`` on."""
        consts, ins = self.atoms(jaxpr.constvars, typed=True), self.atoms(jaxpr.invars, typed=True)
        rows: list[Any] = ["..."] if start else []
        rows += [self.equation(e) for e in jaxpr.eqns[start:stop]]
        equations = joined(Break("; "), [*rows, "..."] if stop is not None and stop < len(jaxpr.eqns) else rows)
        outs = ["(", self.atoms(jaxpr.outvars, ","), ",)" if len(jaxpr.outvars) == 1 else ")"]
        effects = [" : { " + ", ".join(map(str, jaxpr.effects)) + " }"] if self.effects else []
        body = ["{ lambda ", consts, "; ", ins, ". let", Nest([Break(), *equations]), Break(), "in ", *outs, *effects]
        return Group([Nest(body), " }"])

    def equation(self, eqn: JaxprEqn) -> Any:
        """One equation."""
        special = _SPECIAL.get(eqn.primitive.name)
        if special is not None and "tree" in eqn.params:
            return special(self, eqn)
        name = eqn.primitive.name
        params = {_SHOWN_AS.get(k, k): v for k, v in eqn.params.items() if k not in _IMPLIED.get(name, ())}
        hidden = _DEFAULTS.get(name, _ACCURACY)
        params = {k: v for k, v in params.items() if not (k in hidden and v == hidden[k])}
        if name == "jit":
            for flag in ("donated_invars", "keep_unused"):
                if not np.any(params.get(flag)):
                    params.pop(flag, None)
            inner = params["jaxpr"].jaxpr
            if inner not in self.names.shared:
                self.names.alike(inner.invars, eqn.invars)
                self.names.alike(inner.outvars, eqn.outvars)
        first = [k for k in ("name",) if k in params and name in ("jit", "custom_jvp_call", "custom_vjp_call")]
        order = [*first, *sorted(k for k in params if k not in first)]
        left = self.atoms(eqn.outvars, typed=True)
        source = [Note(summarize(eqn.source_info))] if self.sources else []
        stack = [Note(f"[{eqn.source_info.name_stack}]")] if self.stacks else []
        if name == "dot_general":
            params["dimension_numbers"] = _as_lists(params["dimension_numbers"])
        pairs = [self.parameter(k, params[k]) for k in order]
        bracket = [Group([Nest(["[", Break(""), *joined(Break(), pairs)]), Break(""), "]"])] if pairs else []
        right = [name, *stack, *bracket, " ", self.atoms(eqn.invars)]
        return [left, " = ", *source, *right] if eqn.outvars else right

    def parameter(self, key: str, value: Any) -> Any:
        """``key=value``."""
        if type(value) is tuple and all(isinstance(v, Jaxpr | ClosedJaxpr) for v in value):
            inner = [self.jaxpr(v.jaxpr if isinstance(v, ClosedJaxpr) else v) for v in value]
            return [f"{key}=", Group([Nest(["(", Break(""), *joined(Break(), inner)]), Break(""), ")"])]
        if isinstance(value, Jaxpr | ClosedJaxpr):
            return [f"{key}=", self.jaxpr(value.jaxpr if isinstance(value, ClosedJaxpr) else value)]
        if isinstance(value, frozenset):
            return f"{key}=frozenset({{{', '.join(map(repr, sorted(value)))}}})"
        return f"{key}=" + re.sub(r" at 0x([0-9a-fA-F]+)", lambda m: " at 0x" + "X" * len(m.group(1)), str(value))


def _as_lists(value: Any) -> Any:
    """dot_general's dimension numbers, shorter."""
    if type(value) is not tuple:
        return value
    (left, right), (batch_left, batch_right) = value
    return (list(left), list(right)), (list(batch_left), list(batch_right))


# Equations that read and write refs


def _place(printer: Printer, ref: Any, eqn: JaxprEqn, flat: Sequence[Any]) -> str:
    shown = [a.pretty_print(printer.names, print_dtype=False) for a in flat]
    return ref.pretty_print(printer.names) + eqn.params["tree"].shown(shown)


def _get(printer: Printer, eqn: JaxprEqn) -> Any:
    ref, *flat = eqn.invars
    return [printer.atoms(eqn.outvars, typed=True), " <- ", _place(printer, ref, eqn, flat)]


def _swap(printer: Printer, eqn: JaxprEqn) -> Any:
    ref, value, *flat = eqn.invars
    (out,), place = eqn.outvars, _place(printer, ref, eqn, flat)
    given = value.pretty_print(printer.names)
    if out.pretty_print(printer.names) == "_":
        return [place, " <- ", given]
    return [printer.atoms([out], typed=True), f", {place} <- {place}, {given}"]


def _addupdate(printer: Printer, eqn: JaxprEqn) -> Any:
    ref, value, *flat = eqn.invars
    return [_place(printer, ref, eqn, flat), " += ", value.pretty_print(printer.names)]


_SPECIAL = {"get": _get, "swap": _swap, "addupdate": _addupdate}


# Whole texts


def equation_text(eqn: JaxprEqn) -> str:
    """An equation alone."""
    return render(Printer().equation(eqn), WIDTH).rstrip()


def jaxpr_text(
    jaxpr: Jaxpr,
    *,
    source_info: bool = False,
    print_shapes: bool = True,
    custom_pp_eqn_rules: bool = True,
    name_stack: bool = False,
    print_effects: bool = False,
    width: int = WIDTH,
    use_color: bool = False,
    **_options: Any,
) -> str:
    """A jaxpr, after those that it shares."""
    del custom_pp_eqn_rules, use_color
    printer = Printer(print_shapes, name_stack, print_effects, source_info)
    printer.drop(jaxpr)
    counts, called = Counter[Jaxpr](), {}
    todo = [jaxpr]
    while todo:
        now = todo.pop(0)
        counts[now] += 1 + (now is not jaxpr and len(now.eqns) > LONG)
        for eqn in now.eqns:
            name = eqn.params.get("name")
            inside = list(jaxprs_in_params(eqn.params))
            todo += inside
            if isinstance(name, str):
                for j in inside:
                    called.setdefault(j, name.strip("<>"))
    taken = Counter[str]()
    heads = []
    for j, count in counts.items():
        if count > 1:
            name = called.get(j, "jaxpr")
            unique = name + (str(taken[name]) if taken[name] else "")
            taken[name] += 1
            printer.names.shared[j] = unique
            heads.append((unique, j))
    parts = [[f"let {name} = ", printer.written_out(j)] for name, j in heads]
    text = "".join(f"{render(part, width)} in\n" for part in parts)  # "in" does not count for where lines break
    return with_notes(text + render(printer.jaxpr(jaxpr), width))
