"""graph: a traced function as a closed, flat list of aten ops.

Values are `Var`s (numbered, with shape, dtype and strides); a `Node` applies an op to Vars and static
arguments. Inputs are the function's arguments followed by what it closed over (`lifted`); 0-d constants from
Python numbers stay visible as `Const`. A Graph is replayed as generated straight-line Python (plain aten,
so an active torch.func level differentiates or batches it), printed as a jaxpr, or turned into an FX graph.
"""

from __future__ import annotations

import copy
import functools
from operator import getitem
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from jaxlike._src import torch_private
from jaxlike._src.devices import default_torch_device
from jaxlike._src.graph.source import NODE_AT, PROGRAM, SCOPES
from jaxlike._src.traceback_filter import REPLAY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from torch import Tensor

    from jaxlike._src.array import Array, ShapedArray
    from jaxlike._src.graph.control import Form
    from jaxlike._src.graph.effects import Effect


class Var:
    """A value in a graph."""

    __slots__ = ("dtype", "index", "shape", "stride")

    def __init__(self, index: int, tensor: Tensor) -> None:
        self.index = index
        self.shape = tuple(tensor.shape)
        self.dtype = tensor.dtype
        self.stride = tensor.stride()

    def renamed(self, index: int) -> Var:
        """Another value of the same type."""
        made = object.__new__(Var)
        made.index, made.shape, made.dtype, made.stride = index, self.shape, self.dtype, self.stride
        return made

    def __repr__(self) -> str:
        return f"v{self.index}"


class Const(NamedTuple):
    """A tensor known when the graph was made; ``number`` is set for those that stand for a number of Python's or numpy's."""

    tensor: Tensor
    number: Any
    array: Any = None  # the Array of which it is the payload, if the function closed over one


class Device:
    """Stands for the device that the graph runs on."""

    def __repr__(self) -> str:
        return "device"


DEVICE = Device()
# What a graph may hold: a function with a backward rule, and values that have only a transpose.
BACKWARD_RULE, TRANSPOSED = "custom_vjp", "custom_lin"


class Node(NamedTuple):
    """``outs = op(*args, **kwargs)``; Vars stand where tensors were, nested in lists too."""

    op: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outs: tuple[Var | None, ...]
    single: bool  # whether the op returns one tensor rather than a tuple
    line: Any = None  # the user's line that it comes from, as `source.user_place` gives it
    pulled: int = PROGRAM  # by whom it was made, as `source` counts

    def reads(self) -> Iterator[Var]:
        """The Vars among its arguments."""
        return vars_in((self.args, self.kwargs))


class Origin(NamedTuple):
    """Which function a graph was traced of, and how messages call its arguments and results."""

    purpose: str  # what it was traced for
    location: str  # ``name at file:line``
    names: dict[Var, str]  # of the arguments
    tree: Any = None  # of the results


class Call:
    """The op of a node that is not one of torch's: called with tensors at replay, gives a tuple of tensors.

    ``params`` is what a jaxpr shows.
    """

    name: str
    params: dict[str, Any]
    effects: frozenset[Effect] = frozenset()  # with any, it is kept even where nothing uses its results
    axes: frozenset[Any] = frozenset()  # the named axes of vmaps around that it needs
    holds: frozenset[str] = frozenset()  # what kinds of rules are inside, by which one does more than what it computes

    is_plain = False  # whether it does nothing but run its graph
    runs_graph = False  # whether that is so where no transformation runs, whatever its derivatives are
    op: Any = None  # the operation that it applies, if it is more than a call
    keeps = False  # whether it says of itself which of its values to keep for a backward pass
    more_from: int | None = None  # from which result on they are there for a derivative, if it uses them
    kept_from: int | None = None  # from which result on they may be kept for a backward pass; None: as for other ops
    again_of: Any = None  # the operation whose first results its own are again, for a backward pass

    @functools.cached_property
    def graph(self) -> Graph | None:
        """What it computes, written out for a compiler, or None."""
        return None

    @functools.cached_property
    def control(self) -> Form | None:
        """What it is made of, where it loops or branches."""
        return None

    def constants(self, perturbed: Sequence[bool]) -> Sequence[int]:
        """Which results differentiation by these arguments takes as constants."""
        del perturbed
        return ()

    def with_results(self, places: Sequence[int]) -> tuple[Call, Sequence[int]] | None:
        """The same for some of its results, and which of them it still gives; None where it knows no less."""
        del places
        return None

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Apply it under whatever runs at replay."""
        raise NotImplementedError


def op_name(node: Node) -> str:
    """The name of a node's op."""
    return node.op.name if isinstance(node.op, Call) else node.op._schema.name.removeprefix("aten::")


def vars_in(value: Any) -> Iterator[Var]:
    """The Vars in an argument."""
    if isinstance(value, Var):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from vars_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from vars_in(item)


MOST_NODES = 20_000  # beyond so many a compiler gets the calls inside one by one


class Graph:
    """A closed graph; call `replay()` for a function of (device, *inputs, *lifted) tensors."""

    def __init__(
        self,
        nodes: list[Node],
        inputs: list[Var],
        lifted: list[tuple[Var, Array]],
        constants: dict[Var, Const],
        outputs: list[Var],
        in_avals: Sequence[ShapedArray],
        out_avals: Sequence[ShapedArray],
        name: str,
    ) -> None:
        self.inputs, self.outputs, self.name = inputs, outputs, name
        self.in_avals, self.out_avals = list(in_avals), list(out_avals)
        self.nodes, used = _without_dead_code(nodes, outputs)
        calls = [n.op for n in self.nodes if isinstance(n.op, Call)]
        self.effects = frozenset(e for call in calls for e in call.effects)
        self.axes = frozenset(a for call in calls for a in call.axes)
        self.holds = frozenset(h for call in calls for h in call.holds)
        self.lifted_vars = [v for v, _ in lifted if v in used]
        self.lifted = [x for v, x in lifted if v in used]
        self.constants = {v: c for v, c in constants.items() if v in used}
        self.written = self.nodes, self.constants  # of a traced function with what nothing uses: a jaxpr shows it
        self._replay: dict[bool, Callable[..., Any]] = {}
        self.scopes: dict[int, Any] = {}  # id of a node -> the names of the scopes around it
        self.precisions: dict[int, Any] = {}  # id of a node -> in which precision a product was asked for
        self.regions: list[Any] = []  # which nodes a jaxpr shows as one equation
        self.ref_events: Sequence[Any] = ()  # what was done with refs, where it is known what the function computes,
        self.ref_operands: dict[Var, Array] = {}  # and what they are told of what it closed over and does not use
        self.noted: dict[Var, Any] = {}  # how values are split over a mesh of which it was said
        # The refs that it closes over: what they hold are its last inputs; of those that it writes the last results.
        self.refs: Sequence[Any] = ()
        self.written_refs: Sequence[Any] = ()
        self.shows_closed = False  # whether a jaxpr has 0-d Arrays that it closed over as constants, not written in
        self.origin: Origin | None = None
        self.key_uses: Any = None  # which keys a traced function used, where `jax.debug_key_reuse` looks at that
        self.jaxpr: Any = None  # made and kept by `equations.jaxpr_of`,
        self.equations: dict[int, Any] = {}  # with the equation of each node, by its id

    def replay(self, alone: bool = False) -> Callable[..., Any]:
        """Straight-line Python: ``replay(device, *inputs, *lifted)`` gives a tuple of tensors.

        ``alone``: for where no transformation runs; plain calls inside run their graphs directly.
        """
        made = self._replay.get(alone)
        if made is None:
            made = self._replay[alone] = _generate(self, alone)
        return made

    @property
    def own_avals(self) -> tuple[list[ShapedArray], list[ShapedArray]]:
        """The types of arguments and results, without those of refs that it closes over."""
        n, m = len(self.inputs) - len(self.refs), len(self.outputs) - len(self.written_refs)
        return self.in_avals[:n], self.out_avals[:m]

    @functools.cached_property
    def size(self) -> int:
        """Nodes with those of the calls inside."""
        return sum(n.op.graph.size if isinstance(n.op, Call) and n.op.graph is not None else 1 for n in self.nodes)

    @functools.cached_property
    def is_compilable(self) -> bool:
        """Whether every node is an op of torch, or a call that has a graph of such ops; and it is not huge."""
        calls = [n.op.graph for n in self.nodes if isinstance(n.op, Call)]
        return all(inner is not None and inner.is_compilable for inner in calls) and self.size <= MOST_NODES

    def _marked(self, made: Graph) -> Graph:
        """Another graph of the same nodes, told what is known of them."""
        made.regions, made.scopes, made.origin = self.regions, self.scopes, self.origin
        made.precisions, made.ref_events, made.ref_operands = self.precisions, self.ref_events, self.ref_operands
        made.shows_closed = self.shows_closed
        made.written = self.written[0], {**self.written[1], **made.constants}
        return made

    def of_values(self) -> Graph:
        """The same graph as one of what the refs hold that it is given or closes over."""
        coming = {id(e.ref) for e in self.ref_events if e.kind in ("given", "closed")}
        if not coming:
            return self
        made = copy.copy(self)
        made.ref_events = [e for e in self.ref_events if id(e.ref) not in coming]
        made.refs, made.written_refs, made.jaxpr, made.equations, made._replay = (), (), None, {}, {}
        return made

    def with_refs(self, refs: Sequence[Any], held: Sequence[Array]) -> Graph:
        """The same graph closing over these refs, its own among them, and writing all; ``held``: of their values' types."""
        n, m = len(self.inputs) - len(self.refs), len(self.outputs) - len(self.written_refs)
        lifted = list(zip(self.lifted_vars, self.lifted, strict=True))
        free = self.free_index()
        before = {id(r): v for r, v in zip(self.refs, self.inputs[n:], strict=True)}
        inputs = [before.get(id(r)) or Var(free + k, x._t) for k, (r, x) in enumerate(zip(refs, held, strict=True))]
        after = {id(r): v for r, v in zip(self.written_refs, self.outputs[m:], strict=True)}
        outputs = [after.get(id(r), v) for r, v in zip(refs, inputs, strict=True)]
        avals = [x.aval for x in held]
        made = Graph(
            self.nodes,
            [*self.inputs[:n], *inputs],
            lifted,
            self.constants,
            [*self.outputs[:m], *outputs],
            [*self.in_avals[:n], *avals],
            [*self.out_avals[:m], *avals],
            self.name,
        )
        made.refs, made.written_refs = refs, refs
        return self._marked(made)

    def free_index(self) -> int:
        """A number from which on no value is numbered."""
        made = (o for node in self.written[0] for o in node.outs if o is not None)
        there = [*self.inputs, *self.lifted_vars, *self.constants, *self.written[1], *made]
        return 1 + max((v.index for v in there), default=0)

    def inputs_of(self, refs: Sequence[Any]) -> list[Var]:
        """What refs hold that the graph closes over, by these refs."""
        at = {id(r): v for r, v in zip(self.refs, self.inputs[len(self.inputs) - len(self.refs) :], strict=True)}
        return [at[id(r)] for r in refs]

    def closing_over(self, values: Sequence[Array]) -> Graph:
        """The same graph where these values are what the refs hold that it closes over and does not write."""
        n = len(self.inputs) - len(self.refs)
        lifted = [*zip(self.lifted_vars, self.lifted, strict=True), *zip(self.inputs[n:], values, strict=True)]
        avals = self.in_avals[:n]
        made = Graph(
            self.nodes, self.inputs[:n], lifted, self.constants, self.outputs, avals, self.out_avals, self.name
        )
        return self.of_values()._marked(made)

    def with_lifted_first(self) -> Graph:
        """The same graph where what it closed over are its first inputs."""
        if not self.lifted:
            return self
        inputs, avals = [*self.lifted_vars, *self.inputs], [*(x.aval for x in self.lifted), *self.in_avals]
        made = Graph(self.nodes, inputs, [], self.constants, self.outputs, avals, self.out_avals, self.name)
        return self._marked(made)

    def with_constants(self, last: bool = False) -> Graph:
        """The same graph where the concrete Arrays that it closed over are constants, and traced ones inputs.

        These come first, as in JAX, or last.
        """
        if not self.lifted:
            return self
        pairs = list(zip(self.lifted_vars, self.lifted, strict=True))
        fixed = {v: Const(x._t, None, x) for v, x in pairs if x._frame is None}
        traced = [(v, x) for v, x in pairs if x._frame is not None]
        inputs, avals = [v for v, _ in traced], [x.aval for _, x in traced]
        inputs = [*self.inputs, *inputs] if last else [*inputs, *self.inputs]
        avals = [*self.in_avals, *avals] if last else [*avals, *self.in_avals]
        constants = {**self.constants, **fixed}
        made = Graph(self.nodes, inputs, [], constants, self.outputs, avals, self.out_avals, self.name)
        return self._marked(made)

    def with_outputs(self, chosen: Sequence[int]) -> Graph:
        """The same graph with some of its results, by place."""
        if list(chosen) == list(range(len(self.outputs))):
            return self
        outputs, avals = [self.outputs[k] for k in chosen], [self.out_avals[k] for k in chosen]
        lifted = list(zip(self.lifted_vars, self.lifted, strict=True))
        made = Graph(self.nodes, self.inputs, lifted, self.constants, outputs, self.in_avals, avals, self.name)
        made.regions, made.scopes, made.origin = self.regions, self.scopes, self.origin
        made.precisions = self.precisions
        return made

    def rearranged(
        self, inputs: Sequence[Var], outputs: Sequence[Var], unused: Sequence[tuple[Var, ShapedArray]] = ()
    ) -> Graph:
        """The same computation with other inputs, of its own or what it closed over, and other outputs among its.

        ``unused``: inputs that it has no use for, with their types.
        """
        closed = dict(zip(self.lifted_vars, self.lifted, strict=True))
        in_avals = {v: x.aval for v, x in closed.items()} | dict(zip(self.inputs, self.in_avals, strict=True))
        in_avals.update(unused)
        out_avals = dict(zip(self.outputs, self.out_avals, strict=True))
        ins, outs = [in_avals[v] for v in inputs], [out_avals[v] for v in outputs]
        lifted = [(v, x) for v, x in closed.items() if v not in set(inputs)]
        made = Graph(self.nodes, list(inputs), lifted, self.constants, list(outputs), ins, outs, self.name)
        made.scopes, made.origin, made.precisions = self.scopes, self.origin, self.precisions
        return made

    def inputs_read(self) -> list[bool]:
        """Which inputs a node or an output reads."""
        read = {v for n in self.nodes for v in vars_in((n.args, n.kwargs))} | set(self.outputs)
        return [v in read for v in self.inputs]

    def dependencies(self, var: Var) -> set[Var]:
        """The inputs that ``var`` is computed from."""
        made_by = {o: n for n in self.nodes for o in n.outs if o is not None}
        return inputs_behind(var, made_by)


def inputs_behind(var: Var, made_by: dict[Var, Node]) -> set[Var]:
    """The Vars without a defining node that ``var`` is computed from."""
    found: set[Var] = set()
    stack, seen = [var], set()
    while stack:
        v = stack.pop()
        if v in seen:
            continue
        seen.add(v)
        node = made_by.get(v)
        if node is None:
            found.add(v)
        else:
            stack.extend(vars_in(node.args))
            stack.extend(vars_in(node.kwargs))
    return found


def has_derivatives(op: Call) -> bool:
    """Whether some of a call's results may be left out where nothing uses them: if they have no values they must be."""
    return op.more_from is not None or TRANSPOSED in op.holds


def with_used_results(nodes: Sequence[Node], outputs: Sequence[Var], of_derivatives: bool) -> list[Node]:
    """The nodes, where calls give only the results that are used.

    Args:
        nodes: of a graph.
        outputs: its results.
        of_derivatives: whether only results that are there for a derivative are left out.
    """
    used: set[Var] = set(outputs)
    made: list[Node] = []
    for node in reversed(nodes):
        op = node.op
        if isinstance(op, Call) and (has_derivatives(op) or not of_derivatives):
            certain = op.more_from or 0 if of_derivatives else 0
            places = [k for k, o in enumerate(node.outs) if k < certain or o in used]
            if len(places) < len(node.outs) and (less := op.with_results(places)) is not None:
                node = node._replace(op=less[0], outs=tuple([node.outs[k] for k in less[1]]))
        if any(o in used for o in node.outs) or (isinstance(op, Call) and op.effects):
            used.update(node.reads())
        made.append(node)
    made.reverse()
    return made


def _without_dead_code(nodes: list[Node], outputs: list[Var]) -> tuple[list[Node], set[Var]]:
    used: set[Var] = set(outputs)
    kept: list[Node] = []
    for node in reversed(nodes):
        if any(o in used for o in node.outs) or (isinstance(node.op, Call) and node.op.effects):
            kept.append(node)
            used.update(vars_in(node.args))
            used.update(vars_in(node.kwargs))
    kept.reverse()
    return kept, used


def _written(value: Any, scope: dict[str, Any], moving: Collection[Var]) -> str:
    """An operand in the generated Python; what cannot be written there gets a name in its scope."""
    if isinstance(value, Var | Device):
        return f"{value!r}.to(device)" if value in moving else repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(_written(v, scope, moving) for v in value) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(_written(v, scope, moving) + ", " for v in value) + ")"
    if value is None or type(value) in (bool, int, str):
        return repr(value)
    name = f"s{len(scope)}"
    scope[name] = value
    return name


def _without_guards(nodes: list[Node], outputs: list[Var]) -> tuple[list[Node], list[Var]]:
    """Without factors that are 1 or of NaN: they are there for derivatives (`kinks.flat_at_nan`)."""
    aten = torch.ops.aten
    known = {n.outs[0]: n.args[0] for n in nodes if n.op is aten.eq.Tensor and n.args[0] is n.args[1]}
    if not known:
        return nodes, outputs
    same: dict[Any, Var] = {}
    kept: list[Node] = []

    def now(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(map(now, value))
        return same.get(value, value) if isinstance(value, Var) else value

    for node in nodes:
        if same:
            node = node._replace(args=now(node.args), kwargs={k: now(v) for k, v in node.kwargs.items()})
        if node.op is aten.mul.Tensor and isinstance(node.args[1], Var) and known.get(node.args[1]) is node.args[0]:
            same[node.outs[0]] = node.args[0]
        else:
            kept.append(node)
    outputs = now(outputs)
    return _without_dead_code(kept, outputs)[0], outputs


def _generate(graph: Graph, alone: bool) -> Callable[..., Any]:
    """Compile the graph to a Python function; values are freed after their last use."""
    last_use: dict[Var, int] = {}
    nodes, outputs = _without_guards(graph.nodes, graph.outputs) if alone else (graph.nodes, graph.outputs)
    for k, node in enumerate(nodes):
        for v in (*vars_in(node.args), *vars_in(node.kwargs), *(o for o in node.outs if o is not None)):
            last_use[v] = k
    keep = {*outputs, *graph.constants}
    scope: dict[str, Any] = {f"{v!r}": c.tensor for v, c in graph.constants.items()}
    ops: dict[Any, str] = {}

    def short(op: Any) -> str:
        if op not in ops:
            ops[op] = f"op{len(ops)}"
            called = torch_private.ANY_LAYOUT.get(op, op)
            scope[ops[op]] = getattr(
                called, "_op", called
            )  # the C++ function under an OpOverload: no Python in between
        return ops[op]

    def moved(node: Node) -> set[Var]:
        """Constants that the node needs on the device: many kernels take one 0-d tensor of the CPU beside others."""
        given = [*vars_in(node.args), *vars_in(node.kwargs)]
        constants = {v for v in given if v in graph.constants}
        if len(constants) == len(given) or node.op in torch_private.ONE_DEVICE:
            return constants
        return {v for v in constants if v.shape or v not in node.args}  # what stands in a list is joined to others

    moves = default_torch_device().type != "cpu"
    moving: Collection[Var] = ()
    parameters = ["device", *map(repr, graph.inputs), *map(repr, graph.lifted_vars)]
    lines = [f"def replay({', '.join(parameters)}):"]
    node_at: dict[int, Node] = {}  # line number -> the node that runs there, for `source.user_place`
    for k, node in enumerate(nodes):
        moving = moved(node) if moves else ()
        given = [_written(a, scope, moving) for a in node.args]
        given += [f"{key}={_written(v, scope, moving)}" for key, v in node.kwargs.items()]
        targets = [repr(o) if o is not None else "_" for o in node.outs]
        left = targets[0] if node.single else "".join(f"{t}, " for t in targets).rstrip()
        op = node.op
        if alone and isinstance(op, Call) and op.runs_graph and op.graph is not None and graph.is_compilable:
            op, given = op.graph.replay(alone), ["device", *given]
        lines.append(f"    {left + ' = ' if left else ''}{short(op)}({', '.join(given)})")
        node_at[len(lines)] = node
        dead = {v for v in (*vars_in(node.args), *vars_in(node.kwargs), *node.outs) if v and last_use[v] == k} - keep
        if dead:
            lines.append(f"    del {', '.join(sorted(map(repr, dead)))}")
    lines.append(f"    return ({''.join(f'{o!r}, ' for o in outputs)})")
    scope[NODE_AT], scope[SCOPES] = node_at, graph.scopes
    exec(compile("\n".join(lines), f"{REPLAY}{graph.name}>", "exec"), scope)
    return scope["replay"]


# Ops that give their first operand with some elements written.
_WRITE = frozenset(
    overload
    for name in ("index_put", "_unsafe_index_put", "index_add", "index_copy", "index_fill", "index_reduce", "scatter",
                 "scatter_add", "scatter_reduce", "masked_scatter", "select_scatter", "slice_scatter",
                 "diagonal_scatter")
    for packet in [getattr(torch.ops.aten, name)]
    for overload in (getattr(packet, overload) for overload in packet.overloads())
)  # fmt: skip


def to_fx(graph: Graph, device: torch.device) -> torch.fx.GraphModule:
    """The same as an FX graph module on ``device``, calls written out: what torch's compilers take."""
    made = torch.fx.Graph()
    env = {var: made.placeholder(repr(var)) for var in (*graph.inputs, *graph.lifted_vars)}
    module = torch.nn.Module()
    _write(graph, env, made, module, device)
    made.output(tuple(env[o] for o in graph.outputs))
    return torch.fx.GraphModule(module, made)


def _write(graph: Graph, env: dict[Any, Any], made: torch.fx.Graph, module: torch.nn.Module, device: Any) -> None:
    """Add the nodes of ``graph`` to an FX graph; ``env`` has its inputs and gets its other values."""
    for var, const in graph.constants.items():
        if const.number is not None:
            env[var] = made.call_function(
                torch.ops.aten.full.default, ([], const.number), {"dtype": var.dtype, "device": device}
            )
        else:
            name = f"constant_{len(dict(module.named_buffers()))}"
            module.register_buffer(name, const.tensor.to(device))
            env[var] = made.get_attr(name)

    def translate(value: Any) -> Any:
        if isinstance(value, Var):
            return env[value]
        if isinstance(value, list | tuple):
            return type(value)(translate(v) for v in value)
        return device if isinstance(value, Device) else value

    for node in graph.nodes:
        args = tuple(translate(a) for a in node.args)
        if isinstance(node.op, Call):
            inner = node.op.graph
            assert inner is not None
            inside = dict(zip((*inner.inputs, *inner.lifted_vars), args, strict=True))
            _write(inner, inside, made, module, device)
            env.update(zip(node.outs, (inside[o] for o in inner.outputs), strict=True))
            continue
        op: Any = torch_private.ANY_LAYOUT.get(node.op, node.op)
        if op in _WRITE and any(
            step == 0 < size - 1 for step, size in zip(node.args[0].stride, node.args[0].shape, strict=True)
        ):
            # Inductor (torch 2.13) would write in place, where one element stands for many.
            whole: dict[str, Any] = {"memory_format": torch.contiguous_format}
            args = (made.call_function(torch.ops.aten.clone.default, args[:1], whole), *args[1:])
        call = made.call_function(op, args, {k: translate(v) for k, v in node.kwargs.items()})
        if node.single:
            env[node.outs[0]] = call
        else:
            for k, out in enumerate(node.outs):
                if out is not None:
                    env[out] = made.call_function(getitem, (call, k))
