"""reader: a traced graph of aten ops read as equations of JAX's primitives.

Each node is offered to the rule for its op (`@rule`, in `elementwise_rules` and `shape_rules`), which writes the
equations of JAX's primitives that mean the same: operands brought to one rank and dtype first, as JAX's do it. A node
without a rule, or that its rule declines, becomes one equation of a primitive ``aten.name`` that applies the op itself.
Either way an equation can be bound again and gives the node's value. Ops that only copy are the variables they copy.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.border import asarray, tensor_as, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.graph.call_params import call_params
from jaxlike._src.graph.graph import DEVICE, Call, Graph, Node, Var, vars_in
from jaxlike._src.graph.jaxpr import DropVar, JaxprEqn, Literal, literal
from jaxlike._src.graph.jaxpr import Var as JaxprVar
from jaxlike._src.graph.primitive import Primitive, builtin
from jaxlike._src.graph.spelling import RULES, graph_of
from jaxlike._src.regions import Region
from jaxlike._src.shape_struct import ShapeDtypeStruct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

aten = torch.ops.aten

_RULES: dict[Any, Callable[[Reader, Node], Any]] = {}


def rule(*ops: Any) -> Callable[[Any], Any]:
    """Declare how nodes of these ops are written; a rule that returns False declines a node."""

    def register(fun: Any) -> Any:
        _RULES.update(dict.fromkeys(ops, fun))
        return fun

    return register


_REGION_RULES: dict[str, Callable[[Reader, Region], Any]] = {}


def region_rule(*names: str) -> Callable[[Any], Any]:
    """Declare how regions of these names are written."""

    def register(fun: Any) -> Any:
        for name in names:
            _REGION_RULES[name] = fun
        return fun

    return register


class Reader:
    """Writes the equations of one graph."""

    def __init__(self, graph: Graph, jaxpr_of: Callable[[Graph], Any]) -> None:
        self.graph, self.jaxpr_of = graph, jaxpr_of
        self.of_refs: Any = None  # what writes the equations of refs, see `ref_rules`
        self.nodes: Sequence[Node] = ()  # those that are written, as the graph has them
        self.known: dict[Var, Any] = {}
        self.unwrapped: dict[int, Any] = {}
        self.eqns: list[JaxprEqn] = []
        self.strengthened: dict[int, Any] = {}  # by the id of a weakly typed atom the strong one that was made of it
        self.pulled = False  # whether what is written is the doing of a backward pass
        self.out_avals = dict(zip(graph.outputs, graph.out_avals, strict=True))
        self.used = set(graph.outputs)
        for node in graph.written[0]:
            self.used.update(vars_in(node.args))
            self.used.update(vars_in(node.kwargs))

    # Atoms

    def aval_of(self, var: Var) -> Any:
        """The type of a value."""
        known = self.out_avals.get(var)
        if known is None or is_stored(known.dtype):
            return ShapedArray(var.shape, dtypes.from_torch(var.dtype))
        return known

    def atom(self, value: Any) -> Any:
        """The variable or literal that stands for a Var of the graph."""
        if not isinstance(value, Var):
            return value
        found = self.known.get(value)
        if found is None:
            const = self.graph.written[1].get(value)
            if const is not None and const.number is not None:
                found = literal(const.number, ShapedArray(value.shape, dtypes.from_torch(value.dtype)))
            else:
                found = JaxprVar(self.aval_of(value))
            self.known[value] = found
        return found

    def payload(self, value: Any) -> Any:
        """The same as the numbers that store it, where its dtype is not one of torch's (keys, int4)."""
        a = self.atom(value)
        if not is_stored(a.aval.dtype):
            return a
        found = self.unwrapped.get(id(a))
        if found is None:
            assert isinstance(value, Var)
            aval = ShapedArray(value.shape, dtypes.from_torch(value.dtype))
            found = self.unwrapped[id(a)] = self.emit("aten.stored", [a], {}, aval)
        return found

    def stored(self, value: Any) -> Any:
        """The atom of a value, of 64 bits where torch has those."""
        a = self.atom(value)
        return self.operand(value, np.dtype(np.int64)) if value.dtype is torch.int64 and a.aval.dtype == np.int32 else a

    def whole(self, a: Any, kind: tuple[type[Array], Any]) -> Any:
        """An atom as an Array of this class is, where a node needs keys and has the numbers that store them."""
        if kind[0] is Array or is_stored(a.aval.dtype):
            return a
        aval = aval_of_kind(kind, a.aval)
        return self.emit("aten.of_stored", [a], {"kind": kind[1]}, aval)

    def operand(self, value: Any, dtype: Any) -> Any:
        """An operand as an atom of ``dtype``; a Python number as a literal."""
        if isinstance(value, bool | int | float | complex):
            return literal(value, ShapedArray((), dtype))
        a = self.payload(value)
        if a.aval.dtype == dtype:
            return a
        if isinstance(a, Literal):
            return literal(a.val.item(), ShapedArray((), dtype))
        return self.convert(a, dtype, a.aval.weak_type)

    def dtype_of(self, out: Any, *operands: Any) -> Any:
        """The dtype of a node's result as a jaxpr has it.

        Places have 64 bits in torch where JAX has 32, if 64-bit types are off: what is made of those alone has them too.
        """
        dtype = dtypes.from_torch(out.dtype)
        known = dtypes.canonicalize_dtype(dtype)
        if known == dtype or dtype.kind != "i":
            return dtype
        given = [self.payload(v) for v in operands if isinstance(v, Var)]
        ours = [a for a in given if not isinstance(a, Literal)]
        return known if ours and all(a.aval.dtype == known for a in ours) else dtype

    # Equations

    def emit(self, name: str, operands: Sequence[Any], params: dict[str, Any], out: Any) -> Any:
        """An equation with one result: a type for a fresh variable, or a Var of the graph."""
        first = 1 if name == "select_n" else 0
        given = list(operands)
        if name in _PROMOTE and not self.pulled:
            given[first:] = self.of_one_strength(given[first:])
        elif name in _PROMOTE:  # a backward pass brings nothing to one type: it has what the function did
            given = [self.strengthened.get(id(a), a) for a in given]
        var = self.result(out)
        if isinstance(out, Var) and name in _MOVING and (
            is_stored(operands[0].aval.dtype) or operands[0].aval.dtype != var.aval.dtype
        ):
            var.aval = operands[0].aval.update(shape=out.shape)
        elif isinstance(out, Var) and name not in _TYPED and given:
            self.as_places(var, given[first])
        weak = [v.aval.weak_type for v in given[first:] if not isinstance(v, Literal)]
        if name in KEEP_WEAK and weak and all(weak) and out not in self.out_avals and not is_stored(var.aval.dtype):
            var.aval = var.aval.update(weak_type=True)
        if weak and all(weak) and var.aval.weak_type:
            given = [weak_number(a) if isinstance(a, Literal) else a for a in given]
        self.eqns.append(JaxprEqn(given, [var], builtin(name), params))
        return var

    def as_places(self, var: JaxprVar, source: Any) -> None:
        """What is made of places, as `dtype_of` has them, is such too."""
        if var.aval.dtype == np.int64 and source.aval.dtype == np.int32:
            var.aval = var.aval.update(dtype=source.aval.dtype)

    def of_one_strength(self, atoms: Sequence[Any]) -> list[Any]:
        """Weakly typed operands beside others as strongly typed ones; a number in the program is as its operand is."""
        if len({a.aval.weak_type for a in atoms if not isinstance(a, Literal)}) < 2:
            return list(atoms)
        return [a if isinstance(a, Literal) or not a.aval.weak_type else self.strong(a) for a in atoms]

    def strong(self, a: Any) -> Any:
        """A weakly typed atom with a type of its own: in the conversion that made it, if one just did."""
        last = next((e for e in self.eqns[-2:] if e.outvars == [a]), None)
        if last is None or last.primitive.name != "convert_element_type":
            made = self.strengthened[id(a)] = self.convert(a, a.aval.dtype)
            return made
        last.params = {**last.params, "weak_type": False}
        a.aval = a.aval.update(weak_type=False)
        return a

    def result(self, out: Any) -> JaxprVar:
        """The variable that an equation defines."""
        if not isinstance(out, Var):
            return JaxprVar(out)
        var = self.known[out] = JaxprVar(self.aval_of(out))
        return var

    def convert(self, a: Any, dtype: Any, weak: bool = False) -> Any:
        """The atom in another dtype."""
        params = {"new_dtype": np.dtype(dtype), "weak_type": weak, "sharding": None}
        return self.emit("convert_element_type", [a], params, ShapedArray(a.aval.shape, dtype, weak))

    def broadcast(self, a: Any, shape: Sequence[int], out: Any = None) -> Any:
        """The atom with leading axes, or axes of size 1, repeated."""
        shape = tuple(shape)
        if out is None and a.aval.shape == shape:
            return a
        dims = tuple(range(len(shape) - len(a.aval.shape), len(shape)))
        params = {"shape": shape, "broadcast_dimensions": dims, "sharding": None}
        return self.emit("broadcast_in_dim", [a], params, ShapedArray(shape, a.aval.dtype) if out is None else out)

    def one_rank(self, atoms: Sequence[Any]) -> list[Any]:
        """Operands of one rank, scalars left alone, as JAX brings them together."""
        ndim = max(len(a.aval.shape) for a in atoms)
        return [
            self.broadcast(a, (1,) * (ndim - len(s)) + s) if (s := a.aval.shape) and len(s) < ndim else a for a in atoms
        ]

    def alias(self, out: Var | None, a: Any) -> None:
        """The result is the operand."""
        if out is not None:
            self.known[out] = a

    def spelled(
        self, name: str, operands: Sequence[Any], outs: Sequence[Var], fixed: tuple[Any, ...] = (), call: str | None = ""
    ) -> bool:
        """The steps that are known by a name (see `spelling`), or a call of them; False if results were of other types.

        ``call``: how the call is named, by default as the steps; None where there is none.
        """
        graph = graph_of(name, [a.aval for a in operands], fixed)
        made = [(o.shape, self.aval_of(o).dtype) for o in outs]
        if [(a.shape, a.dtype) for a in graph.out_avals] != made:
            return False
        closed = self.jaxpr_of(graph)
        if closed.consts:
            return False
        if call is not None:
            params, primitive = call_params(call or name, closed, len(operands), len(outs)), builtin("jit")
            if (rule := RULES.get(name)) is not None:
                params = {"call_jaxpr": closed, **rule, "num_consts": 0, "symbolic_zeros": False}
                primitive = builtin("custom_jvp_call", True)
            self.eqns.append(JaxprEqn(list(operands), [self.result(o) for o in outs], primitive, params))
            return True
        known: dict[Any, Any] = dict(zip(closed.jaxpr.invars, operands, strict=True))
        last = {v: o for v, o in zip(closed.jaxpr.outvars, outs, strict=True) if isinstance(v, JaxprVar)}
        for e in closed.jaxpr.eqns:
            inputs = [a if isinstance(a, Literal) else known[a] for a in e.invars]
            for v in e.outvars:
                known[v] = self.result(last[v]) if v in last else JaxprVar(v.aval)
            self.eqns.append(e.replace(invars=inputs, outvars=[known[v] for v in e.outvars]))
        for v, o in zip(closed.jaxpr.outvars, outs, strict=True):
            self.alias(o, v if isinstance(v, Literal) else known[v])
        return True

    # Nodes

    def node(self, node: Node) -> None:
        """Write one node."""
        if isinstance(node.op, Call):
            self.call(node)
            return
        self.pulled = node.pulled
        write = _RULES.get(node.op)
        mark = len(self.eqns)
        if write is not None:
            if write(self, node) is not False:
                return
            self.take_back(mark)
        self.as_aten(node)

    def take_back(self, mark: int) -> None:
        """Forget the equations that a rule wrote before it declined."""
        gone = {id(v) for e in self.eqns[mark:] for v in e.outvars}
        if gone:
            del self.eqns[mark:]
            self.unwrapped = {k: v for k, v in self.unwrapped.items() if id(v) not in gone}

    def region(self, region: Region) -> None:
        """Nodes that are one equation, or as they are where its rule declines them."""
        write = _REGION_RULES.get(region.name)
        mark = len(self.eqns)
        if write is None:
            self.one(region)
        elif write(self, region) is False:
            self.take_back(mark)
            for node in region.nodes:
                self.node(node)

    def one(self, region: Region) -> None:
        """An equation of the region's primitive."""
        dtype = next((self.payload(v).aval.dtype for v in region.operands if isinstance(v, Var)), None)
        index = dtypes.default_int_dtype()  # a whole number among floats is a place
        operands = [
            self.payload(v)
            if isinstance(v, Var)
            else self.operand(v, index if type(v) is int and dtype is not None and dtype.kind not in "iu" else dtype)
            for v in region.operands
        ]
        if region.name in _PROMOTE:
            operands = self.one_rank(operands)
        outs = [self.result(o) for o in region.outs]
        self.eqns.append(JaxprEqn(operands, outs, builtin(region.name), region.params))

    def call(self, node: Node) -> None:
        """A node that applies an operation of ours."""
        op: Any = node.op
        primitive = getattr(getattr(op, "op", None), "primitive", None)
        params = {k: self.shown(v) for k, v in op.params.items()}
        if primitive is None:
            known = _CALLS.get(op.name, op.name)
            primitive = Applying(op) if known not in _BY_PARAMETERS else builtin(known)
        operands = [self.whole(self.stored(v), kind) for v, kind in zip(node.args, op.kinds, strict=True)]
        weak = [kind[0] is Array and kind[1] is True for kind in op.kinds]
        operands = [weak_number(a) if w and isinstance(a, Literal) else a for a, w in zip(operands, weak, strict=True)]
        if op.name == "custom_jvp_call":  # what it closed over comes first, as in JAX
            n = params.get("num_consts", 0)
            operands = [*operands[len(operands) - n :], *operands[: len(operands) - n]]
        outs = [self.result(o) for o in node.outs if o is not None]
        for var, kind in zip(outs, op.out_kinds, strict=False):
            if kind[0] is not Array:
                var.aval = aval_of_kind(kind, var.aval)
        effects = getattr(op, "effects", frozenset())
        if self.of_refs is not None and id(node) in self.of_refs.calls:
            primitive = builtin(_CALLS.get(op.name, op.name))
            operands, outs, params, own = self.of_refs.call(node, operands, outs, params)
            effects = {*effects, *own}
        self.eqns.append(JaxprEqn(operands, outs, primitive, params, effects))

    def shown(self, value: Any) -> Any:
        """A parameter, with graphs as jaxprs."""
        if isinstance(value, Graph):
            return self.jaxpr_of(value)
        return tuple(map(self.shown, value)) if isinstance(value, tuple) else value

    def as_aten(self, node: Node) -> None:
        """A node as it is."""
        operands = [self.operand(v, dtypes.from_torch(v.dtype)) for v in vars_in((node.args, node.kwargs))]
        outs = [DropVar(ShapedArray((), bool)) if o is None else self.result(o) for o in node.outs]
        self.eqns.append(JaxprEqn(operands, outs, AtenOp(node), _static(node)))


def converted(number: Any, aval: Any) -> Literal:
    """A number as a literal of another type."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)  # parts are left out as the program says
        return literal(np.asarray(number).astype(aval.dtype).item(), aval)


def weak_number(a: Literal) -> Literal:
    """A number beside weakly typed operands alone as Python's, where that is of its dtype."""
    number = a.val.item() if isinstance(a.val, np.generic) else a.val
    if type(number) not in dtypes.SCALAR_TYPES or dtypes.scalar_dtype(type(number), number) != a.aval.dtype:
        return a
    return Literal(number, a.aval.update(weak_type=True))


# Operations that bring their operands to one type, and those whose results are weakly typed where all operands are.
_PROMOTE = frozenset("add sub mul div max min pow rem atan2 and or xor eq ne lt le gt ge select_n nextafter".split())
KEEP_WEAK = frozenset([
    *(_PROMOTE - frozenset("eq ne lt le gt ge".split())), "integer_pow", "neg", "abs", "sign", "floor", "ceil", "round",
    *"sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp exp2 expm1 log log1p sqrt rsqrt cbrt logistic".split(),
    *"erf erfc erf_inv lgamma digamma square broadcast_in_dim reshape transpose squeeze".split(),
])  # fmt: skip
# Operations that move elements, whatever these are.
_MOVING = frozenset("broadcast_in_dim reshape transpose squeeze slice".split())
# Operations that say the type of their results.
_TYPED = frozenset(["convert_element_type", "bitcast_convert_type", "iota"])
# Operations that their parameters say in full; `lax.primitives` computes them.
_BY_PARAMETERS = frozenset(["platform_index", "reduce_precision", "scan", "while", "cond", "jit", "custom_jvp_call", "stop_gradient"])
_CALLS = {"checkpoint": "remat2"}


def is_stored(dtype: Any) -> bool:
    """Whether values of a dtype are stored as numbers of another."""
    return isinstance(dtype, dtypes.ExtendedDType) or dtype in dtypes.STORAGE


def aval_of_kind(kind: tuple[type[Array], Any], stored: Any) -> Any:
    """The type of an Array of a class, stored as numbers of a type."""
    with torch_private.outside():
        tensor = torch.empty(stored.shape, dtype=dtypes.to_torch(stored.dtype), device="meta")
        return kind[0](tensor, kind[1]).aval


def kind_of_aval(aval: Any) -> tuple[type[Array], Any]:
    """Class and tag of Arrays of a type."""
    if not is_stored(aval.dtype):
        return Array, aval.weak_type
    made = ShapeDtypeStruct(aval.shape, aval.dtype).stand_in()
    return type(made), made._tag


class AtenOp(Primitive):
    """Applies an aten op; its static arguments are its own, what an equation shows of them is for reading."""

    def __init__(self, node: Node) -> None:
        super().__init__("aten." + node.op._schema.name.removeprefix("aten::"))
        self.multiple_results = not node.single
        self._node = node
        self._is_view = any(r.alias_info is not None for r in node.op._schema.returns)

    def bind_with_trace(self, trace: Any, args: Any, avals: Any, params: Any, /) -> Any:
        """Apply the op under whatever runs."""
        del trace, avals, params
        rest = iter(args)

        def filled(value: Any) -> Any:
            if isinstance(value, Var):
                given, want = next(rest), dtypes.from_torch(value.dtype)
                tensor = unwrap(given) if isinstance(given, Array) else tensor_as(asarray(given), want)
                return tensor.contiguous() if self._is_view else tensor  # a view of one layout may be none of another
            if isinstance(value, list | tuple):
                return type(value)(map(filled, value))
            return default_torch_device() if value is DEVICE else value

        node = self._node
        positional = filled(node.args)
        out = node.op(*positional, **{k: filled(v) for k, v in node.kwargs.items()})
        return Array(out) if node.single else [None if t is None else Array(t) for t in out]


def indexed_axes(prim: AtenOp) -> list[int]:
    """The axes that the arrays of an ``aten.index`` look up."""
    return [axis for axis, at in enumerate(prim._node.args[1]) if at is not None]


class Applying(Primitive):
    """Applies an operation of ours that has no form in parameters alone."""

    multiple_results = True

    def __init__(self, call: Any) -> None:
        super().__init__(call.name)
        self._call = call

    def bind_with_trace(self, trace: Any, args: Any, avals: Any, params: Any, /) -> Any:
        """Apply the operation under whatever runs."""
        del trace, avals, params
        return self._call.on_arrays(args)


def _static(node: Node) -> dict[str, Any]:
    """The op's static arguments under their own names."""
    params: dict[str, Any] = {}
    named = zip(node.op._schema.arguments, node.args, strict=False)
    for name, value in (*((a.name, v) for a, v in named), *node.kwargs.items()):
        if value is DEVICE or value is None or any(True for _ in vars_in(value)):
            continue
        if isinstance(value, torch.dtype):
            value = dtypes.from_torch(value).name
        params[name] = tuple(value) if isinstance(value, list) else value
    return params
