"""jaxpr: a graph read as JAX's jaxpr: equations with primitives, printed in JAX's notation.

An aten op shows under the name of the JAX primitive that means the same (`_NAMES`), with that primitive's
parameters where a rule is given (`_PARAMS`); any other op shows under its own name with its static
arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.graph import Call, Const, Device, Graph, Node, Var, op_name, vars_in
from jaxlike._src.graph.jaxpr_print import equation_text, jaxpr_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

aten = torch.ops.aten

_NAMES: dict[str, str] = {
    "add": "add", "sub": "sub", "mul": "mul", "div": "div", "neg": "neg", "abs": "abs", "sgn": "sign",
    "sign": "sign", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan",
    "atan2": "atan2", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh",
    "atanh": "atanh", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log1p": "log1p",
    "sqrt": "sqrt", "rsqrt": "rsqrt", "sigmoid": "logistic", "pow": "pow", "maximum": "max", "minimum": "min",
    "floor": "floor", "ceil": "ceil", "round": "round", "remainder": "rem", "fmod": "rem", "eq": "eq", "ne": "ne",
    "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "bitwise_and": "and", "bitwise_or": "or",
    "bitwise_xor": "xor", "bitwise_not": "not", "logical_and": "and", "logical_or": "or", "logical_not": "not",
    "where": "select_n", "sum": "reduce_sum", "prod": "reduce_prod", "amax": "reduce_max", "amin": "reduce_min",
    "any": "reduce_or", "all": "reduce_and", "argmax": "argmax", "argmin": "argmin", "cumsum": "cumsum",
    "cumprod": "cumprod", "view": "reshape", "_unsafe_view": "reshape", "reshape": "reshape",
    "expand": "broadcast_in_dim", "unsqueeze": "broadcast_in_dim", "squeeze": "squeeze", "permute": "transpose",
    "transpose": "transpose", "t": "transpose", "cat": "concatenate", "slice": "slice", "flip": "rev",
    "_to_copy": "convert_element_type", "mm": "dot_general", "bmm": "dot_general", "dot": "dot_general",
    "mv": "dot_general", "sort": "sort", "gather": "gather", "index": "gather", "index_select": "gather",
    "index_put": "scatter", "scatter": "scatter", "scatter_add": "scatter-add", "clone": "copy",
    "full": "broadcast_in_dim", "zeros": "broadcast_in_dim", "ones": "broadcast_in_dim", "arange": "iota",
    "linalg_cholesky_ex": "cholesky", "linalg_eigh": "eigh", "_linalg_eigh": "eigh", "_linalg_svd": "svd",
    "linalg_qr": "qr", "erf": "erf", "erfc": "erfc", "erfinv": "erf_inv", "lgamma": "lgamma", "digamma": "digamma",
    "isfinite": "is_finite", "real": "real", "imag": "imag", "_conj_physical": "conj", "complex": "complex",
    "constant_pad_nd": "pad", "convolution": "conv_general_dilated",
}  # fmt: skip


def primitive_name(node: Node) -> str:
    """JAX's name of what a node applies."""
    short = op_name(node)
    return _NAMES.get(short, short)


def _axes(value: Any, ndim: int) -> tuple[int, ...]:
    given = range(ndim) if value is None or value == [] else [value] if isinstance(value, int) else value
    return tuple(sorted(a % max(ndim, 1) for a in given))


def _reduce_params(node: Node) -> dict[str, Any]:
    ndim = len(node.args[0].shape)
    return {"axes": _axes(node.args[1] if len(node.args) > 1 else node.kwargs.get("dim"), ndim), "out_sharding": None}


def _permutation(node: Node) -> dict[str, Any]:
    ndim = len(node.args[0].shape)
    if node.op is aten.permute.default:
        return {"permutation": tuple(a % ndim for a in node.args[1])}
    order = list(range(ndim))
    i, j = (0, ndim - 1) if len(node.args) < 3 else (node.args[1] % ndim, node.args[2] % ndim)
    order[i], order[j] = order[j], order[i]
    return {"permutation": tuple(order)}


def _broadcast_params(node: Node) -> dict[str, Any]:
    out = node.outs[0]
    assert out is not None
    source = node.args[0].shape if node.args and isinstance(node.args[0], Var) else ()
    if node.op is aten.unsqueeze.default:
        new = node.args[1] % len(out.shape)
        kept = tuple(d for d in range(len(out.shape)) if d != new)
    else:
        kept = tuple(range(len(out.shape) - len(source), len(out.shape)))
    return {"broadcast_dimensions": kept, "shape": out.shape, "sharding": None}


def _reshape_params(node: Node) -> dict[str, Any]:
    out = node.outs[0]
    assert out is not None
    return {"dimensions": None, "new_sizes": out.shape, "sharding": None}


def _convert_params(node: Node) -> dict[str, Any]:
    out = node.outs[0]
    assert out is not None
    return {"new_dtype": dtypes.from_torch(out.dtype), "weak_type": False, "sharding": None}


def _dot_params(node: Node) -> dict[str, Any]:
    a, b, out = node.args[0], node.args[1], node.outs[0]
    assert out is not None
    batch: list[int] = [0] if node.op is aten.bmm.default else []
    left, right = len(a.shape) - 1, len(batch) if len(b.shape) > 1 else 0
    return {
        "dimension_numbers": (([left], [right]), (batch, batch)),
        "preferred_element_type": dtypes.from_torch(out.dtype),
    }


def _second(node: Node, default: Any) -> Any:
    return node.args[1] if len(node.args) > 1 else default


_PARAMS: dict[str, Callable[[Node], dict[str, Any]]] = {
    **dict.fromkeys(("sum", "prod", "amax", "amin", "any", "all"), _reduce_params),
    **dict.fromkeys(("permute", "transpose", "t"), _permutation),
    **dict.fromkeys(("expand", "unsqueeze", "full", "zeros", "ones"), _broadcast_params),
    **dict.fromkeys(("view", "_unsafe_view", "reshape"), _reshape_params),
    "_to_copy": _convert_params,
    **dict.fromkeys(("mm", "bmm", "dot", "mv"), _dot_params),
    "cat": lambda n: {"dimension": _second(n, 0) % len(n.args[0][0].shape)},
    "squeeze": lambda n: {"dimensions": _axes(_second(n, None), len(n.args[0].shape))},
    "round": lambda _: {"rounding_method": "TO_NEAREST_EVEN"},
}


class Primitive:
    """The name of an operation in a jaxpr."""

    __slots__ = ("multiple_results", "name")

    def __init__(self, name: str, multiple_results: bool = False) -> None:
        self.name, self.multiple_results = name, multiple_results

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Primitive) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


class Literal(NamedTuple):
    """A number written into an equation."""

    val: Any
    aval: ShapedArray

    def __repr__(self) -> str:
        return f"{self.val}:{self.aval.str_short(short_dtypes=True)}"


class JaxprVar:
    """A variable of a jaxpr, with its ``aval``."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray) -> None:
        self.aval = aval

    def __repr__(self) -> str:
        return f"Var:{self.aval.str_short(short_dtypes=True)}"


class JaxprEqn(NamedTuple):
    """``outvars = primitive[params] invars``."""

    invars: list[Any]
    outvars: list[JaxprVar]
    primitive: Primitive
    params: dict[str, Any]

    def __repr__(self) -> str:
        return equation_text(self)


class Jaxpr:
    """Equations between input and output variables."""

    def __init__(
        self,
        constvars: Sequence[JaxprVar],
        invars: Sequence[JaxprVar],
        outvars: Sequence[Any],
        eqns: Sequence[JaxprEqn],
        effects: AbstractSet[Any] = frozenset(),
    ) -> None:
        self.constvars, self.invars = list(constvars), list(invars)
        self.outvars, self.eqns = list(outvars), list(eqns)
        self.effects = effects

    def __repr__(self) -> str:
        return jaxpr_text(self)

    __str__ = __repr__


class ClosedJaxpr:
    """A jaxpr and the values of its constants."""

    def __init__(self, jaxpr: Jaxpr, consts: Sequence[Any]) -> None:
        self.jaxpr, self.consts = jaxpr, list(consts)

    literals = property(lambda self: self.consts)
    eqns = property(lambda self: self.jaxpr.eqns)
    effects = property(lambda self: self.jaxpr.effects)
    in_avals = property(lambda self: [v.aval for v in self.jaxpr.invars])
    out_avals = property(lambda self: [v.aval for v in self.jaxpr.outvars])

    def __repr__(self) -> str:
        return repr(self.jaxpr)

    __str__ = __repr__


def jaxpr_of(graph: Graph) -> ClosedJaxpr:
    """The graph as a closed jaxpr; the same one each time."""
    if graph.jaxpr is None:
        graph.jaxpr = _jaxpr_of(graph)
    return graph.jaxpr


def _jaxpr_of(graph: Graph) -> ClosedJaxpr:
    known: dict[Var, Any] = {}

    def variable(var: Var, aval: ShapedArray | None = None) -> Any:
        if var not in known:
            constant = graph.constants.get(var)
            made = ShapedArray(var.shape, dtypes.from_torch(var.dtype)) if aval is None else aval
            numeric = constant is not None and constant.number is not None
            known[var] = Literal(constant.number, made) if constant is not None and numeric else JaxprVar(made)
        return known[var]

    invars = [variable(v, a) for v, a in zip(graph.inputs, graph.in_avals, strict=True)]
    closed = [(v, Const(x._t, None), x) for v, x in zip(graph.lifted_vars, graph.lifted, strict=True)]
    others = [(v, c, None) for v, c in graph.constants.items() if c.number is None]
    constvars = [variable(v) for v, _, _ in (*closed, *others)]
    consts = [x if x is not None else c.tensor for _, c, x in (*closed, *others)]
    out_avals = dict(zip(graph.outputs, graph.out_avals, strict=True))
    eqns = [_equation(n, variable, out_avals) for n in graph.nodes]
    outvars = [variable(v) for v in graph.outputs]
    return ClosedJaxpr(Jaxpr(constvars, invars, outvars, eqns, set(graph.effects)), consts)


def _equation(node: Node, variable: Any, out_avals: dict[Var, ShapedArray]) -> JaxprEqn:
    if isinstance(node.op, Call):
        return _call_equation(node, variable, out_avals)
    short = op_name(node)
    if node.op is aten.select.int:
        short = "select"
    operands = [variable(v) for v in vars_in((node.args, tuple(node.kwargs.values())))]
    operands += [_literal(a, node) for a in _numbers(node)]
    params = _PARAMS[short](node) if short in _PARAMS else _static(node)
    outs = [JaxprVar(ShapedArray((), bool)) if o is None else variable(o, out_avals.get(o)) for o in node.outs]
    return JaxprEqn(operands, outs, Primitive(_NAMES.get(short, short), not node.single), params)


def _call_equation(node: Node, variable: Any, out_avals: dict[Var, ShapedArray]) -> JaxprEqn:
    """A call: the graphs among its parameters show as jaxprs."""

    def shown(value: Any) -> Any:
        if isinstance(value, Graph):
            return jaxpr_of(value)
        return tuple(map(shown, value)) if isinstance(value, tuple) else value

    outs = [variable(o, out_avals.get(o) if o is not None else None) for o in node.outs]
    params = {k: shown(v) for k, v in node.op.params.items()}
    return JaxprEqn([variable(v) for v in node.args], outs, Primitive(node.op.name, True), params)


_TAKES_NUMBERS = frozenset(["add", "sub", "mul", "div", "pow", "eq", "ne", "lt", "le", "gt", "ge", "remainder", "where", "full"])


def _numbers(node: Node) -> Iterator[Any]:
    """Python numbers that stand as operands."""
    if node.op._schema.name.removeprefix("aten::") in _TAKES_NUMBERS:
        for a in node.args:
            if isinstance(a, int | float | complex) and not isinstance(a, bool):
                yield a


def _literal(value: Any, node: Node) -> Literal:
    out = node.outs[0]
    assert out is not None
    return Literal(value, ShapedArray((), dtypes.from_torch(out.dtype)))


def _static(node: Node) -> dict[str, Any]:
    """The op's static arguments under their own names."""
    params: dict[str, Any] = {}
    named = zip(node.op._schema.arguments, node.args, strict=False)
    for name, value in (*((a.name, v) for a, v in named), *node.kwargs.items()):
        if isinstance(value, Device | Var) or any(True for _ in vars_in(value)) or value is None:
            continue
        if node.op._schema.name.removeprefix("aten::") in _TAKES_NUMBERS:
            continue
        params[name] = tuple(value) if isinstance(value, list) else value
    return params
