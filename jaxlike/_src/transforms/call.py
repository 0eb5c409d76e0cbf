"""call: a traced function as one operation: what a jitted function is inside of other transformations.

In a trace it is a single node, whose graph all calls share. Its derivatives and batched forms are calls of
graphs derived from its own (`partition` takes forward and backward pass apart), made once for each kind of use and
kept, so that ``grad(vmap(jit(f)))`` outside of a trace runs compiled graphs and never the Python of ``f``.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from jaxlike._src import config
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.debug_checks import find_in, find_op
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import STATE, current_trace
from jaxlike._src.graph.call_params import call_params
from jaxlike._src.graph.execute import Executable
from jaxlike._src.graph.graph import BACKWARD_RULE
from jaxlike._src.graph.partition import (
    acting,
    backward_part,
    forward_part,
    known_zeros,
    sparing,
    subgraph,
    value_numbers,
)
from jaxlike._src.graph.trace import trace
from jaxlike._src.transforms import derive
from jaxlike._src.transforms.derive import example
from jaxlike._src.transforms.halves import IN_FORCE
from jaxlike._src.transforms.jit_logs import log_compile
from jaxlike._src.transforms.ref_state import ClosedRefs, Touched, is_ref, standing_for
from jaxlike._src.transforms.reverse import LOOKING, is_differentiable, vjp_leaves
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply, on_lanes, unmoved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame
    from jaxlike._src.graph.graph import Graph, Var
    from jaxlike._src.transforms.ref_state import RefState

    Kinds = Sequence[tuple[type[Array], Any]]


class JitCall(Structured):
    """A call of a closed graph; ``shown``: parameters beside name and graph that a jaxpr shows."""

    name = "jit"
    is_plain = runs_graph = True

    def __init__(self, graph: Graph, kinds: Kinds, shown: dict[str, Any], closed: Sequence[Array] = ()) -> None:
        self.function = GraphFunction(graph, kinds)
        self.graph, self.kinds, self.shown = graph, kinds, shown
        self.outer = closed  # traced values that a rule of an operation inside closed over: the last arguments
        self._made: dict[Any, Any] = {}  # calls derived from this one
        self._executable: Executable | None = None
        self.refs: tuple[tuple[RefState, RefState], ...] = ()  # of the trace, with those that they are in this call

    def with_refs(self, refs: tuple[tuple[RefState, RefState], ...]) -> JitCall:
        """The same, in a call with these refs."""
        if not refs:
            return self
        self.executable()  # which the copies share
        made = copy.copy(self)
        made.refs = refs
        return made

    def executable(self) -> Executable:
        """What runs it outside of transformations."""
        made = self._executable
        if made is None or made.device is not default_torch_device():
            made = self._executable = Executable(self.graph)
            if current_trace() is None:
                log_compile(self.graph)
        return made

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Replayed, later compiled."""
        tensors = [unwrap(a) for a in args]
        outs = self.executable()(tensors)
        made = [kind(t, tag) for (kind, tag), t in zip(self.kinds, outs, strict=True)]
        if not STATE.plain and find_in(made) is not None:
            find_op(self.graph.name, self.function.on_tensors, made, (tensors,), {}, is_graph=True)
        return made

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node, for all calls the same."""
        del args
        return self, lambda: self.graph, [], self.function.stand_ins()

    def varying(self, axes: Sequence[frozenset[Any]]) -> list[frozenset[Any]]:
        """As its graph."""
        return self.function.varying(axes)

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return call_params(self.graph.name, self.graph, len(self.graph.inputs), len(self.kinds)) | self.shown

    def with_results(self, places: Sequence[int]) -> tuple[JitCall, Sequence[int]] | None:
        """A call of a graph that gives less."""
        if not places:
            return None
        key = ("results", *places)
        if key not in self._made:
            kinds = [self.kinds[k] for k in places]
            made = JitCall(self.graph.with_outputs(places), kinds, self.shown, self.outer)
            self._made[key] = made, self.outer
        return self._made[key][0], places

    # Derived calls

    def _derived(self, key: Any, make: Callable[[], Any]) -> Any:
        key = (*key, config.trace_context())
        found = self._made.get(key)
        if found is None or not all(map(_is_there, found[1])):
            found = self._made[key] = make()
        return found[0]

    def traced(
        self, fun: Callable[[Sequence[Array]], Sequence[Array]], examples: Sequence[Array], refs: bool = False
    ) -> _Traced:
        """The graph of a function of Arrays; ``refs``: which may close over refs."""
        graph, outs = trace(lambda inside: list(fun(inside)), examples, self.graph.name, refs=refs)
        closed = [x for x in graph.lifted if x._frame is not None]
        kinds = [(type(o), o._tag) for o in outs]
        return _Traced(graph.with_constants(last=True), kinds, closed, ClosedRefs(graph))

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """A call of the graph that also computes tangents."""
        moved = [t is not None for t in tangents]
        call, at = self._derived(("jvp", tuple(moved)), lambda: self._forward(primals, moved))
        outs = apply(call.with_refs(self.refs), [*primals, *(t for t in tangents if t is not None), *call.outer])
        n = len(self.kinds)
        return outs[:n], derive.filled(outs[n:], at)

    def _forward(self, primals: Sequence[Array], moved: Sequence[bool]) -> Any:
        n, m = len(primals), len(self.kinds)
        floating: list[bool] = []

        def both(flat: Sequence[Array]) -> list[Array]:
            outs, ts = derive.forward(self.function, flat[:n], derive.filled(flat[n:], moved), self.name)
            floating[:] = [t is not None for t in ts]
            return [*outs, *(t for t in ts if t is not None)]

        examples = [*map(example, primals), *(example(p) for p, t in zip(primals, moved, strict=True) if t)]
        graph, kinds, closed, _ = self.traced(both, examples)
        zero = known_zeros(graph, graph.outputs[m:])
        at = derive.filled([not z for z in zero], floating)
        chosen = [*range(m), *(m + k for k, z in enumerate(zero) if not z)]
        call = JitCall(graph.with_outputs(chosen), [kinds[k] for k in chosen], self.shown, closed)
        return (call, [bool(a) for a in at]), closed

    def constants(self, perturbed: Sequence[bool]) -> Sequence[int]:
        """The results that do not depend on these arguments, or only through what stops gradients."""
        key = ("constants", tuple(perturbed))
        if key not in self._made:
            self._made[key] = unmoved(self.function.moved(perturbed))
        return self._made[key]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """A call that also gives residuals, and the call of the backward graph on them."""
        return self._backward(primals, perturbed, linear=False)

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The same; where a rule refuses it is asked to transpose."""
        return self._backward(args, perturbed, linear=True)

    def _backward(self, primals: Sequence[Array], perturbed: Sequence[bool], linear: bool) -> Any:
        if IN_FORCE.policy is not None:  # it is asked about each operation
            return self._vjp_of_operations(primals, perturbed, linear)
        with standing_for(self.refs):
            pair: _Pair | None = self._derived(("vjp", tuple(perturbed)), lambda: _pair(self, primals, perturbed))
        if pair is None:
            return self._vjp_of_operations(primals, perturbed, linear)
        n, m = len(primals), len(self.kinds)
        values = apply(pair.forward, [*primals, *pair.forward.outer])
        outs, pool = values[:m], [*primals, *values]
        kept = [pool[k] for k in pair.kept]
        del pool, values

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            if LOOKING.now and BACKWARD_RULE in self.graph.holds:  # the rules inside are asked, whose values nobody may see
                return self._vjp_of_operations(primals, perturbed, linear)[1](cotangents)
            given = tuple(c is not None and f for c, f in zip(cotangents, pair.floating, strict=True))
            if not any(given):
                return [None] * n
            backward = pair.backward(given)
            if backward is None:  # it needs more than was kept: as if the others had a cotangent of zero
                given = tuple(pair.floating)
                backward = pair.whole
                zeros = [zeros_of(v) if g else None for v, g in zip(self.graph.outputs, given, strict=True)]
                cotangents = [z if c is None else c for c, z in zip(cotangents, zeros, strict=True)]
            cts = [c for c, g in zip(cotangents, given, strict=True) if g]
            with standing_for(self.refs):
                args = [*kept, *cts, *backward.refs.values(), *backward.call.outer]
                grads = backward.refs.finish(apply(backward.call, args))
            return derive.filled(grads, backward.at)

        return outs, pullback

    def _vjp_of_operations(self, primals: Sequence[Array], perturbed: Sequence[bool], linear: bool) -> Any:
        """The graph's operations one by one, asked only for what has a cotangent."""
        at = [k for k, p in enumerate(perturbed) if p]
        looking = LOOKING.now  # the operations are those of the function that is looked at, not another function's

        def of_perturbed(inside: Sequence[Any]) -> Any:
            given = list(primals)
            for k, x in zip(at, inside, strict=True):
                given[k] = x
            with LOOKING.set(looking):
                return list(self.function(given)), None

        outs, _, pull, _ = vjp_leaves(of_perturbed, [primals[k] for k in at], self.name, linear)

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            grads: list[Any] = [None] * len(primals)
            with standing_for(self.refs):
                found = pull(cotangents, known_zeros=True)
            for k, g in zip(at, found, strict=True):
                grads[k] = g
            return grads

        return outs, pullback

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """A call of the graph over all lanes."""
        call, has = self._derived(
            ("vmap", tuple(mapped), frame.axis_size, frame.axis_name), lambda: self._over_lanes(frame, args, mapped)
        )
        return apply(call.with_refs(self.refs), [*args, *call.outer]), has

    def _over_lanes(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        has: list[bool] = []

        def over_lanes(flat: Sequence[Array]) -> list[Array]:
            outs, has[:] = on_lanes(self.function, flat, mapped, frame, self.name)
            return outs

        graph, kinds, closed, _ = self.traced(over_lanes, [example(a) for a in args])
        return (JitCall(graph, kinds, self.shown, closed), has), closed


def zeros_of(var: Var) -> Array:
    """A zero of the type of a graph's value."""
    return Array(torch.zeros(var.shape, dtype=var.dtype, device=default_torch_device()))


def _pair(of: JitCall, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
    try:
        pair = _Pair(of, primals, perturbed)
    except _Refusal:
        # It asks for the cotangents of all results, and a rule may refuse some that nobody will ask for. If somebody
        # does, the rule is asked again, and is heard.
        return None, []
    return pair, [*pair.forward.outer, *pair.whole.refs.refs]


def _is_there(x: Any) -> bool:
    """Whether the transformation runs that a value belongs to which was closed over, or a ref."""
    return x.usable() if is_ref(x) else x._frame is not None and x._frame.alive


class _Traced(NamedTuple):
    """What `JitCall.traced` gives: a graph, the kinds of its results, and what it closed over.

    Its last arguments are what refs hold, then values of traces; its last results what is written to refs.
    """

    graph: Graph
    kinds: Kinds
    closed: list[Array]
    refs: ClosedRefs


class _Refusal(Exception):
    """A rule raised an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class _Backward(NamedTuple):
    """A backward graph for cotangents of some of the results, and which arguments it has cotangents of."""

    call: JitCall
    at: list[bool]
    refs: ClosedRefs  # which a rule reads or writes


class _Pair:
    """The forward graph of a call, and a backward graph for each choice of results that have cotangents.

    Each backward graph is traced along with the forward one; the values that the forward graph keeps are found in it
    by how they are computed (`value_numbers`).
    """

    def __init__(self, of: JitCall, primals: Sequence[Array], perturbed: Sequence[bool]) -> None:
        self.of, self.perturbed = of, list(perturbed)
        outs = of.function.stand_ins()
        self.floating = [is_differentiable(o) and m for o, m in zip(outs, of.function.moved(perturbed), strict=True)]
        self._examples = [
            *map(example, primals), *(example(o) for o, f in zip(outs, self.floating, strict=True) if f)
        ]  # fmt: skip
        n, m = len(primals), len(outs)
        every = tuple(self.floating)
        made, at = self._joint(every)
        joint, self._refs = made.graph, made.refs.refs
        grads, late = joint.outputs[m:], self._late(joint)
        parts = backward_part(joint, grads, late, sparing(joint, grads, late), acting(joint, late))
        pool = [*joint.inputs[:n], *joint.outputs[:m]]
        saved = [v for v in parts.saved if v not in pool]
        self._values = [*(v for v in parts.inputs if v in pool), *parts.saved]
        self._table: dict[Any, int] = {}
        self._numbers = value_numbers(joint, self._table)
        self._joints = [joint]  # what the table's ids refer to stays
        pool += saved
        self.kept = [pool.index(v) for v in self._values]  # places among arguments, results and residuals
        inputs = [*joint.inputs[:n], *joint.inputs[n + len(late) :]]
        forward = subgraph(joint, forward_part(joint, late), inputs, [*joint.outputs[:m], *saved], of.graph.name)
        forward.in_avals[:n], forward.out_avals[:m] = of.graph.in_avals, of.graph.out_avals
        self.forward = JitCall(forward, [*of.kinds, *((Array, False) for _ in saved)], of.shown, made.closed)
        whole = self._backward(made, at, every)
        assert whole is not None
        self.whole = whole
        self.made: dict[Any, _Backward | None] = {every: whole}

    def _late(self, joint: Graph) -> list[Var]:
        """What only the backward graph is given: cotangents, and what the refs hold then."""
        return joint.inputs[len(self.perturbed) : len(self._examples) + len(self._refs)]

    def _joint(self, given: tuple[bool, ...]) -> tuple[_Traced, list[bool]]:
        """Results and gradients in one graph, and which arguments have a gradient that is not known to be zero."""
        of, n, m = self.of, len(self.perturbed), len(self.of.kinds)
        at: list[bool] = []

        def both(flat: Sequence[Array]) -> list[Array]:
            args, cotangents = flat[:n], derive.filled(flat[n:], self.floating)

            def of_perturbed(inside: Sequence[Any]) -> Any:
                rest = iter(inside)
                outs = of.function([next(rest) if p else a for a, p in zip(args, self.perturbed, strict=True)])
                return derive.chosen_of(outs, given), list(outs)

            try:
                _, _, pull, outs = vjp_leaves(of_perturbed, derive.chosen_of(args, self.perturbed), of.name)
                for ref, _ in current_trace().refs:  # in the forward pass: the two cannot be told apart
                    raise Touched(ref)
                pulled = pull(derive.chosen_of(cotangents, given))
            except Exception as error:  # of a rule of a user's, any
                raise _Refusal(error) from error
            grads = derive.filled(pulled, self.perturbed)
            at[:] = [isinstance(g, Array) for g in grads]
            return [*outs, *derive.chosen_of(grads, at)]

        made = of.traced(both, self._examples, refs=True)
        outputs = made.graph.outputs
        written = range(len(outputs) - len(made.refs.written), len(outputs))
        real = [not z for z in known_zeros(made.graph, outputs[m : written.start])]
        chosen = [*range(m), *(m + k for k, r in enumerate(real) if r), *written]
        graph, kinds = made.graph.with_outputs(chosen), [made.kinds[k] for k in chosen]
        return made._replace(graph=graph, kinds=kinds), [bool(a) for a in derive.filled(real, at)]

    def backward(self, given: tuple[bool, ...]) -> _Backward | None:
        """The backward graph for cotangents of these results; None where it reads what was not kept."""
        if given not in self.made:
            try:
                joint = self._joint(given)
            except _Refusal as refusal:
                raise refusal.error from None
            self.made[given] = self._backward(*joint, given)
        return self.made[given]

    def _backward(self, made: _Traced, at: list[bool], given: tuple[bool, ...]) -> _Backward | None:
        joint, m = made.graph, len(self.of.kinds)
        if [*map(id, made.refs.refs)] != [*map(id, self._refs)]:
            return None  # its inputs are others
        # The same values in this graph; those that it has no use for get a name that it does not use.
        same = {n: v for v, n in value_numbers(joint, self._table).items()}
        free = 1 + max((v.index for v in (*same.values(), *self._values)), default=0)
        values = self._values
        if joint is not self._joints[0]:
            self._joints.append(joint)
            values = [same.pop(self._numbers[v], None) or v.renamed(free + k) for k, v in enumerate(values)]
        late, kept = self._late(joint), set(values)
        parts = backward_part(joint, joint.outputs[m:], late, lambda v, _: v in kept, acting(joint, late))
        cotangents = late[: len(late) - len(self._refs)]
        inputs = [*values, *derive.chosen_of(cotangents, derive.chosen_of(given, self.floating))]
        inputs += joint.inputs[len(self._examples) :]
        missing = [v for v in (*parts.inputs, *parts.saved) if v not in inputs]
        if missing:
            return None
        graph = subgraph(joint, parts.nodes, inputs, joint.outputs[m:], self.of.graph.name)
        return _Backward(JitCall(graph, made.kinds[m:], self.of.shown, made.closed), at, made.refs)
