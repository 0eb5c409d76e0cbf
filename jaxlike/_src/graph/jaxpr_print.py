"""jaxpr_print: jaxprs as text, in JAX's notation.

Variables are lettered in order of appearance; results that nothing uses print as ``_``. Inside of a call of a
jitted function the values are called as outside. A jaxpr that occurs more than once, or is long, is printed first,
under a name.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes
from jaxlike._src.graph.pretty import Brk, Group, Nest, join, layout, separated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONG = 10  # equations from which on a jaxpr inside of another is printed first


def jaxpr_text(jaxpr: Any) -> str:
    """A jaxpr, after those that it shares."""
    return layout(_Printer(jaxpr).whole())


def equation_text(equation: Any) -> str:
    """One equation."""
    return layout(_Printer(None).equation(equation))


def _jaxprs_in(value: Any) -> Iterator[Any]:
    """The jaxprs in a parameter."""
    if isinstance(value, tuple | list):
        for item in value:
            yield from _jaxprs_in(item)
    else:
        inner = getattr(value, "jaxpr", value)
        if hasattr(inner, "eqns") and hasattr(inner, "invars"):
            yield inner


def _is_literal(v: Any) -> bool:
    return hasattr(v, "val")


class _Printer:
    """The names that a text uses."""

    def __init__(self, top: Any) -> None:
        self.top = top
        self.names: dict[int, str] = {}
        self.count = 0
        self.shared: dict[int, str] = {}
        self.first: list[Any] = []
        if top is not None:
            self._share(top)

    def _share(self, top: Any) -> None:
        """Name what occurs more than once; find the results that nothing uses."""
        counts: Counter[int] = Counter()
        found: dict[int, tuple[Any, str]] = {}
        queue = [(top, "jaxpr")]
        while queue:
            jaxpr, name = queue.pop(0)
            if id(jaxpr) not in found:
                found[id(jaxpr)] = jaxpr, name
                self._drop_unused(jaxpr)
            counts[id(jaxpr)] += 1 + (jaxpr is not top and len(jaxpr.eqns) > LONG)
            for equation in jaxpr.eqns:
                called = equation.params.get("name")
                name = called.strip("<>") if isinstance(called, str) else "jaxpr"
                queue += [(inner, name) for value in equation.params.values() for inner in _jaxprs_in(value)]
        taken: Counter[str] = Counter()
        for key, (jaxpr, name) in found.items():
            if counts[key] > 1:
                number, taken[name] = taken[name], taken[name] + 1
                self.shared[key] = f"{name}{number}" if number else name
                self.first.append(jaxpr)

    def _drop_unused(self, jaxpr: Any) -> None:
        used = {id(v) for e in jaxpr.eqns for v in e.invars} | {id(v) for v in jaxpr.outvars}
        for equation in jaxpr.eqns:
            for v in equation.outvars:
                if id(v) not in used:
                    self.names[id(v)] = "_"

    def name(self, v: Any) -> str:
        """A variable's letters, or a number."""
        if _is_literal(v):
            return repr(v)
        known = self.names.get(id(v))
        while known is None:
            letters, k = "", self.count
            while not letters or k:
                letters, k = chr(ord("a") + k % 26) + letters, k // 26
            self.count += 1
            if letters not in self.shared.values():
                known = self.names[id(v)] = letters
        return known

    def call_alike(self, variables: Sequence[Any], like: Sequence[Any]) -> None:
        """Call the variables of a function as those that it is called with."""
        taken: set[int] = set()
        if len(variables) != len(like):
            return
        for v, other in zip(variables, like, strict=True):
            if not (_is_literal(v) or _is_literal(other) or id(v) in self.names or id(other) in taken):
                taken.add(id(other))
                self.names[id(v)] = self.name(other)

    def variables(self, vs: Sequence[Any], typed: bool = False, separator: str = "") -> Any:
        """Variables in a row."""
        shown = [f"{self.name(v)}:{v.aval.str_short(short_dtypes=True)}" if typed else self.name(v) for v in vs]
        return Nest(2, Group(separated(join(separator, Group(Brk(" "))), shown)))

    def whole(self) -> Any:
        """What is shared, then the jaxpr itself."""
        parts: list[Any] = []
        for jaxpr in self.first:
            parts += ["let ", self.shared[id(jaxpr)], " = ", self.skeleton(jaxpr), " in", Brk(" ")]
        return join(*parts, self.skeleton(self.top))

    def skeleton(self, jaxpr: Any) -> Any:
        """``{ lambda ; a. let ... in (b,) }``."""
        consts, ins = self.variables(jaxpr.constvars, True), self.variables(jaxpr.invars, True)
        equations = separated(Brk("; "), [self.equation(e) for e in jaxpr.eqns])
        outs = join("(", self.variables(jaxpr.outvars, separator=","), ",)" if len(jaxpr.outvars) == 1 else ")")
        body = join(
            "{ lambda ", consts, "; ", ins, ". let", Nest(2, join(Brk(" "), equations)), Brk(" "), "in ", outs
        )  # fmt: skip
        return join(Group(Nest(2, body)), " }")

    def equation(self, equation: Any) -> Any:
        """``outvars = primitive[params] invars``."""
        params = dict(equation.params)
        order = sorted(params)
        if equation.primitive.name == "jit":
            order = ["name", *(k for k in order if k == "jaxpr" or _unusual(k, params[k]))]
            inner = params["jaxpr"].jaxpr
            if id(inner) not in self.shared:
                self.variables(equation.outvars, True)  # lettered first, as they stand first
                self.call_alike(inner.invars, equation.invars)
                self.call_alike(inner.outvars, equation.outvars)
        left = [self.variables(equation.outvars, True), " = "] if equation.outvars else []
        pairs = [join(f"{k}=", self.value(params[k])) for k in order]
        brackets = Group(join(Nest(2, join("[", Brk(""), separated(Brk(" "), pairs))), Brk(""), "]")) if pairs else ""
        operands = [" ", self.variables(equation.invars)] if equation.invars else [" "]
        return join(*left, equation.primitive.name, brackets, *operands)

    def value(self, v: Any) -> Any:
        """A parameter."""
        inner = list(_jaxprs_in(v))
        if inner and isinstance(v, tuple):
            shown = separated(Brk(" "), [self.named(j) for j in inner])
            return Group(join(Nest(2, join("(", Brk(""), shown)), Brk(""), ")"))
        if inner:
            return self.named(inner[0])
        if isinstance(v, torch.dtype):
            return dtypes.from_torch(v).name
        return getattr(v, "name", None) or str(v)

    def named(self, jaxpr: Any) -> Any:
        """A jaxpr inside of another."""
        return self.shared.get(id(jaxpr)) or self.skeleton(jaxpr)


def _unusual(key: str, value: Any) -> bool:
    """Whether a parameter of a jitted function's call is shown."""
    if key == "donated_invars":
        return any(value)
    return key == "keep_unused" and value
