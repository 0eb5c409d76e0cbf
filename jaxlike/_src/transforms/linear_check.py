"""linear_check: whether what is to be transposed is linear in its arguments; where it is not, JAX's refusal.

A jaxpr is looked at backwards from its results, as JAX's transposition goes, so the operation nearest to them is named.
A rule that runs at once, at zero tangents, is recorded besides (`LinearTape`): what depends on a tangent is followed
also through comparisons and integers, which torch's tape does not show. Most operations are linear by their name; only
where one is not a jaxpr is made of what was recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import ShapedArray
from jaxlike._src.frames import STATE, current_trace
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.graph import Graph, Node, Var
from jaxlike._src.graph.jaxpr import Literal
from jaxlike._src.graph.partition import dependents
from jaxlike._src.transforms.reverse import LOOKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.graph.jaxpr import Jaxpr, JaxprEqn

    Tensor = torch.Tensor

aten = torch.ops.aten
NO_REVERSE_OF_WHILE = (
    "Reverse-mode differentiation does not work for lax.while_loop or lax.fori_loop with dynamic start/stop values. Try "
    "using lax.scan, or using fori_loop with static start/stop."
)

# Operations that are not linear, by their names in a jaxpr.
_CURVED = frozenset(
    "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp exp2 expm1 log log1p logistic sqrt rsqrt cbrt "
    "square integer_pow pow max min rem atan2 nextafter clamp argmax argmin sort abs sign floor ceil round erf erfc "
    "erf_inv lgamma digamma top_k qr svd eigh cholesky lu eq ne lt le gt ge is_finite bitcast_convert_type cumprod cummax cummin cumlogsumexp "
    "reduce_max reduce_min reduce_prod and or not xor reduce_and reduce_or reduce_xor population_count".split()
)
# The same for those that are torch's alone, with JAX's name; None where JAX says nothing.
_CURVED_OF_TORCH = {
    "aten.relu": "max", "aten.amax": "reduce_max", "aten.amin": "reduce_min", "aten.prod": "reduce_prod",
    "aten.argmax": "argmax", "aten.argmin": "argmin", "aten.linalg_qr": "qr", "aten._linalg_svd": "svd",
    "aten._linalg_eigh": "eigh", "aten.linalg_cholesky_ex": "cholesky", "aten.linalg_lu_factor_ex": "lu",
    "aten.i0": None, "aten.special_i1": None, "aten.special_ndtri": None, "aten.remainder": None, "aten.fmod": None, "aten.trunc": None, "aten.frac": None, "aten.isnan": None,
}  # fmt: skip
_PRODUCTS = frozenset(["mul", "dot_general", "conv_general_dilated", "aten.convolution"])
_INDEXED = frozenset("gather dynamic_slice dynamic_update_slice scatter scatter-add scatter_add aten.gather".split())
_SOLVES = ("triangular_solve", "aten.linalg_solve_triangular")  # linear in the right-hand side
_INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")  # parameters that hold what a call computes


def check_linear(jaxpr: Jaxpr, given: Sequence[bool], wanted: Sequence[bool] | None = None) -> None:
    """An error where a result, one of those wanted, depends on these arguments through what is not linear."""
    depends, asked = _dependents(jaxpr, given), _results(jaxpr, wanted)
    for eqn, of_it in _asked(jaxpr, asked):
        moved = [_is_in(v, depends) for v in eqn.invars]
        if any(moved):
            _check_equation(eqn, moved, of_it)


def _is_in(var: Any, found: set[Any]) -> bool:
    return not isinstance(var, Literal) and var in found


def _results(jaxpr: Jaxpr, wanted: Sequence[bool] | None) -> set[Any]:
    chosen = jaxpr.outvars if wanted is None else [v for v, w in zip(jaxpr.outvars, wanted, strict=True) if w]
    return {v for v in chosen if not isinstance(v, Literal)}


def _asked(jaxpr: Jaxpr, asked: set[Any]) -> Iterator[tuple[JaxprEqn, list[bool]]]:
    """The equations that these values come of, the last first, and which of their results they come of.

    ``asked`` grows by what these equations read.
    """
    for eqn in reversed(jaxpr.eqns):
        # What an integer is made of has no cotangent; a boolean is no conversion, so JAX looks behind it.
        of_it = [v in asked and not dtypes.issubdtype(v.aval.dtype, np.integer) for v in eqn.outvars]
        if any(of_it):
            yield eqn, of_it
            read = zip(eqn.invars, _read_for(eqn, of_it), strict=True)
            asked.update(v for v, r in read if r and not isinstance(v, Literal))


def _dependents(jaxpr: Jaxpr, given: Sequence[bool]) -> set[Any]:
    """These arguments and what depends on them."""
    depends = {v for v, g in zip(jaxpr.invars, given, strict=True) if g}
    for eqn in jaxpr.eqns:
        moved = [_is_in(v, depends) for v in eqn.invars]
        if any(moved):
            depends.update(v for v, m in zip(eqn.outvars, _moved_by(eqn, moved), strict=True) if m)
    return depends


def _moved_by(eqn: JaxprEqn, moved: Sequence[bool]) -> list[bool]:
    """Which results depend on these operands."""
    if eqn.primitive.name == "scan":
        return _outs_of(eqn.params["jaxpr"].jaxpr, _carried_on(eqn, moved))
    if eqn.primitive.name == "while":
        return _moved_by_while(eqn, moved)
    parts = [
        [True] * len(eqn.outvars) if any(moved[:start]) else _outs_of(inner, moved[start:])
        for inner, start in _inside(eqn)
    ]
    return [any(p) for p in zip(*parts, strict=True)] if parts else [True] * len(eqn.outvars)


def _moved_by_while(eqn: JaxprEqn, moved: Sequence[bool]) -> list[bool]:
    of_cond, of_body = eqn.params["cond_nconsts"], eqn.params["body_nconsts"]
    found = list(moved[of_cond:])
    while True:
        outs = _outs_of(eqn.params["body_jaxpr"].jaxpr, found)
        grown = [*found[:of_body], *(f or o for f, o in zip(found[of_body:], outs, strict=True))]
        if grown == found:
            return found[of_body:]
        found = grown


def _read_for(eqn: JaxprEqn, wanted: Sequence[bool]) -> list[bool]:
    """Which operands these results are made of."""
    if eqn.primitive.name == "scan":
        return _ins_of(eqn.params["jaxpr"].jaxpr, _carried_back(eqn, wanted))
    parts = [[True] * start + _ins_of(inner, wanted) for inner, start in _inside(eqn)]
    return [any(p) for p in zip(*parts, strict=True)] if parts else [True] * len(eqn.invars)


def _inside(eqn: JaxprEqn) -> list[tuple[Jaxpr, int]]:
    """The jaxprs that an equation runs once, or one of which it runs, and the operand that is their first."""
    if eqn.primitive.name == "cond":
        return [(branch.jaxpr, 1) for branch in eqn.params["branches"]]
    inner: Any = next((eqn.params[p] for p in _INNER if p in eqn.params), None)
    inner = getattr(inner, "jaxpr", inner)
    if inner is None or eqn.primitive.name in ("scan", "while") or len(inner.invars) != len(eqn.invars):
        return []
    return [(inner, 0)]


def _outs_of(jaxpr: Jaxpr, moved: Sequence[bool]) -> list[bool]:
    depends = _dependents(jaxpr, moved)
    return [_is_in(v, depends) for v in jaxpr.outvars]


def _ins_of(jaxpr: Jaxpr, wanted: Sequence[bool]) -> list[bool]:
    asked = _results(jaxpr, wanted)
    for _ in _asked(jaxpr, asked):
        pass
    return [v in asked for v in jaxpr.invars]


def _carried_on(eqn: JaxprEqn, moved: Sequence[bool]) -> list[bool]:
    """Which arguments of a loop's body depend on these operands after any number of steps."""
    first, carries, found = eqn.params["num_consts"], eqn.params["num_carry"], list(moved)
    while True:
        grown = list(found)
        for k, m in enumerate(_outs_of(eqn.params["jaxpr"].jaxpr, found)[:carries]):
            grown[first + k] |= m
        if grown == found:
            return found
        found = grown


def _carried_back(eqn: JaxprEqn, wanted: Sequence[bool]) -> list[bool]:
    """Which results of a loop's body these results are made of, steps later."""
    first, carries, found = eqn.params["num_consts"], eqn.params["num_carry"], list(wanted)
    while True:
        grown = list(found)
        for k, a in enumerate(_ins_of(eqn.params["jaxpr"].jaxpr, found)[first : first + carries]):
            grown[k] |= a
        if grown == found:
            return found
        found = grown


def _check_equation(eqn: JaxprEqn, moved: Sequence[bool], wanted: Sequence[bool]) -> None:
    name = eqn.primitive.name
    name = _CURVED_OF_TORCH.get(name, name)
    if name is None:
        raise AssertionError
    if name in _CURVED:  # not linear, and refused in JAX's words
        raise NotImplementedError(f"Transpose rule (for reverse-mode differentiation) for '{name}' not implemented")
    if name in _PRODUCTS and all(moved[:2]):  # in JAX assertions fail here and below, most of which say nothing
        kinds = [f"{'~' if v.aval.weak_type else ''}{v.aval.str_short()}" for v in eqn.invars[:2]]
        raise AssertionError(f"({', '.join(f'ValAccum({kind})' for kind in kinds)})")
    if name == "div" and moved[1]:
        raise RuntimeError("nonlinear div can't be transposed") if moved[0] else AssertionError
    if (name in ("select_n", "cond", *_SOLVES) and moved[0]) or (name == "scatter-mul" and moved[0] and moved[2]):
        raise AssertionError
    if name in _INDEXED and any(m and not _is_inexact(v) for v, m in zip(eqn.invars, moved, strict=True)):
        raise AssertionError
    if name == "while":
        if LOOKING.now:  # it is run backwards to be transposed in its turn, which ends in running it forwards
            return
        raise ValueError(NO_REVERSE_OF_WHILE)
    if name == "scan":
        check_linear(eqn.params["jaxpr"].jaxpr, _carried_on(eqn, moved), _carried_back(eqn, wanted))
    for inner, start in _inside(eqn):
        check_linear(inner, moved[start:], wanted)


def _is_inexact(var: Any) -> bool:
    return dtypes.issubdtype(var.aval.dtype, np.inexact)


# A rule that runs

# Linear in all of their operands together.
_TOGETHER = frozenset([
    aten.add.Tensor, aten.sub.Tensor, aten.neg.default, aten.sum.default, aten.sum.dim_IntList, aten.mean.default,
    aten.mean.dim, aten.cumsum.default, aten.cat.default, aten.stack.default, aten.view.default, aten.clone.default,
    aten._unsafe_view.default, aten.reshape.default, aten.expand.default, aten.permute.default, aten.transpose.int,
    aten.t.default, aten.unsqueeze.default, aten.squeeze.default, aten.squeeze.dim, aten.squeeze.dims,
    aten.slice.Tensor, aten.select.int, aten.flip.default, aten.detach.default, aten.alias.default,
    aten.diagonal.default, aten.mul.Scalar, aten.div.Scalar, aten._conj_physical.default, aten.view_as_real.default,
    aten.view_as_complex.default, aten.constant_pad_nd.default,
])  # fmt: skip
# Linear in each of them alone.
_ONE_BY_ONE = frozenset([aten.mul.Tensor, aten.mm.default, aten.bmm.default, aten.mv.default, aten.dot.default])
# Linear in the first.
_FIRST = frozenset([aten.div.Tensor, aten.index.Tensor, aten.index_select.default, aten.gather.default])
# They do not read the values.
_LIKE = frozenset([
    aten.zeros_like.default, aten.ones_like.default, aten.full_like.default, aten.empty_like.default,
    aten.new_zeros.default, aten.new_ones.default, aten.new_full.default, aten.new_empty.default,
])  # fmt: skip


class LinearTape(torch_private.TorchDispatchMode):
    """Records what is computed of some plain tensors at once, as a trace would; their values are not known inside."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """As for a trace: nothing here is compiled by Dynamo."""
        return False

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.vars: dict[int, Var] = {}
        self.keep: list[Tensor] = []  # so that ids stay unique
        self.regions: list[Any] = []
        self.lifted: dict[int, Any] = {}  # none: it closes over nothing
        self.constants: dict[Var, Any] = {}
        self._reached: set[int] = set()
        self._outer: LinearTape | None = None
        self._paused = False

    def __enter__(self) -> LinearTape:
        self._outer, STATE.tape = STATE.tape, self
        super().__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        super().__exit__(*exc)
        STATE.tape = self._outer

    def known(self, tensor: Tensor) -> Var:
        """The Var of a plain tensor."""
        var = self.vars.get(id(tensor))
        return self._define(tensor) if var is None else var

    def begin(self, tensor: Tensor) -> Var:
        """A value from which on to record."""
        self._reached.add(id(tensor))
        return self.known(tensor)

    def reaches(self, tensor: Tensor) -> bool:
        """Whether a value depends on one of those."""
        found = id(torch_private.innermost(tensor)) in self._reached
        return found or (self._outer is not None and self._outer.reaches(tensor))

    def _define(self, tensor: Tensor) -> Var:
        var = self.vars[id(tensor)] = Var(len(self.keep), tensor)
        self.keep.append(tensor)
        return var

    def _made(self, tensor: Tensor) -> Var:
        self._reached.add(id(tensor))
        return self._define(tensor)

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._paused or op in _LIKE or not self._reads(args):
            return op(*args, **kwargs) if kwargs else op(*args)
        if op is aten._local_scalar_dense.default:
            raise AssertionError("an index that depends on what is transposed")  # as where JAX transposes a gather
        kwargs = kwargs or {}
        outs = op(*args, **kwargs)
        args, kwargs = self._stored(args), {k: self._stored(v) for k, v in kwargs.items()}
        made = tuple(map(self._made, _tensors(outs)))
        self.nodes.append(Node(op, args, kwargs, made, isinstance(outs, torch.Tensor)))
        return outs

    def _reads(self, args: Any) -> bool:
        reached = self._reached
        for a in args:
            if id(a) in reached or (type(a) in (list, tuple) and self._reads(a)):
                return True
        return False

    def _stored(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.known(value)
        if isinstance(value, list | tuple):
            return type(value)(map(self._stored, value)) if type(value) in (list, tuple) else list(map(self._stored, value))
        return value

    def call(self, call: Any, args: Sequence[Tensor], inputs: Sequence[Array], run: Callable[[], Any]) -> Any:
        """Record an operation that has graphs as a whole: what a trace would record of it, and its results.

        Args:
            call: what a trace records.
            args: the arguments.
            inputs: Arrays of the types of these and of what it closed over.
            run: gives the results.
        """
        variables = [Var(len(self.keep) + k, x._t) for k, x in enumerate(inputs)]
        self.keep += [x._t for x in inputs]
        reached = [k for k, t in enumerate(args) if self.reaches(t)]
        for k in reached:
            variables[k] = self.known(torch_private.innermost(args[k]))
        before, self._paused = self._paused, True
        try:
            outs = run()
        finally:
            self._paused = before
        made = [
            self._made(t) if moved else self.known(t)
            for t, moved in zip(map(torch_private.innermost, outs), _moved(call, reached, len(outs)), strict=True)
        ]
        self.nodes.append(Node(call, tuple(variables), {}, tuple(made), False))
        return outs


def _moved(call: Any, reached: Sequence[int], count: int) -> list[bool]:
    """Which results of a call depend on these arguments, as far as it says."""
    if not call.is_plain or call.graph is None:
        constants = call.constants([k in reached for k in range(len(call.kinds))])
        return [k not in constants for k in range(count)]
    graph = call.graph
    arguments = [*graph.inputs, *graph.lifted_vars]
    found = dependents(graph, [arguments[k] for k in reached])
    return [v in found for v in graph.outputs]


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [t for v in value for t in _tensors(v)]
    return [t for v in value.values() for t in _tensors(v)] if isinstance(value, dict) else []


class LinearRule:
    """Watches a rule while it runs, on a tape or by the trace that runs, to check later what it does to its tangents."""

    def __init__(self, tangents: Iterable[Tensor]) -> None:
        self._trace = current_trace()
        self._recorder: Any = LinearTape() if self._trace is None else self._trace
        begin = self._recorder.begin if self._trace is None else self._recorder.var_of
        self._inputs: list[Var] = [begin(torch_private.innermost(t)) for t in tangents]
        self._nodes: list[Node] = []

    def __enter__(self) -> LinearRule:
        self._start = len(self._recorder.nodes)
        if self._trace is None:
            self._recorder.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        if self._trace is None:
            self._recorder.__exit__(*exc)
        reached, nodes, is_linear = set(self._inputs), [], True
        for node in self._recorder.nodes[self._start :]:
            read = [v for v in node.reads() if v in reached]
            if read:
                nodes.append(node)
                reached.update(o for o in node.outs if o is not None)
                is_linear = is_linear and _is_linear(node, read)
        self._nodes = [] if is_linear else nodes

    def check(self, tangents: Iterable[Tensor]) -> None:
        """An error where one of these tangents is not linear in those that the rule was given."""
        if not self._nodes:
            return
        known = self._recorder.vars
        asked = [known[id(t)] for x in tangents if id(t := torch_private.innermost(x)) in known]
        made = {*self._inputs, *(o for n in self._nodes for o in n.outs)}
        constants = {v: c for v, c in self._recorder.constants.items() if c.number is not None}
        others = dict.fromkeys(v for n in self._nodes for v in n.reads() if v not in made and v not in constants)
        inputs = [*self._inputs, *others]
        ins, outs = ([ShapedArray(v.shape, dtypes.from_torch(v.dtype)) for v in vs] for vs in (inputs, asked))
        graph = Graph(self._nodes, inputs, [], constants, asked, ins, outs, "rule")
        graph.regions = self._recorder.regions
        check_linear(jaxpr_of(graph).jaxpr, [True] * len(self._inputs) + [False] * len(others))


def _is_linear(node: Node, read: Sequence[Var]) -> bool:
    """Whether an operation is known by its name to be linear in these operands."""
    op = node.op
    return op in _TOGETHER or (len(read) == 1 and (op in _ONE_BY_ONE or (op in _FIRST and node.args[0] is read[0])))
