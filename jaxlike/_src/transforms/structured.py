"""structured: operations on arrays that bring differentiation and batching rules of their own.

`apply` takes one running transformation away at a time, innermost first, as JAX's traces do: it asks the
operation for its rule, which runs below that level on the values there (so a rule may use anything, other
transformations included), and wraps the results for the level. Below all levels the operation runs; a trace
records it as a single node that applies it again at replay, so its rules survive in graphs too.
torch.autograd.Function composes in the same way, but computes the function beside its forward rule, runs that
rule with forward mode off, and recomputes in the backward pass what a linearized rule already has.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import cast, unwrap
from jaxlike._src.debug_checks import executed
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import STATE, Frame, below, no_frame
from jaxlike._src.graph.control import Part, WhileForm
from jaxlike._src.graph.effects import are_silenced, check_allowed, effects_in
from jaxlike._src.graph.execute import Executable
from jaxlike._src.graph.graph import Call, Graph
from jaxlike._src.graph.partition import dependents
from jaxlike._src.graph.source import PULLING
from jaxlike._src.graph.trace import trace
from jaxlike._src.transforms.arguments import to_array
from jaxlike._src.transforms.forward import own_memory
from jaxlike._src.transforms.ref_state import ClosedRefs, Touched
from jaxlike._src.transforms.vmap import one_lane, vmap_leaves
from jaxlike._src.varying import through, union

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.graph.control import Form
    from jaxlike._src.graph.effects import Effect, EffectTypeSet
    from jaxlike._src.graph.ref_calls import RefForm

    Arrays = Sequence[Array]
    Tangents = Sequence[Any]  # an Array, or None where there is no tangent
    Pullback = Callable[[Tangents], Tangents]
    Written = Callable[[], Graph | None]


class Structured:
    """An operation on a flat list of Arrays.

    A subclass says what it does (`run`) and gives its rules. A rule gets Arrays of the level below the
    transformation that it is for.
    """

    name = "call"
    is_closed = True  # whether the arguments are all that it may depend on
    is_plain = False  # whether it does nothing but run its graph
    runs_graph = False  # whether that is so where no transformation runs, whatever its derivatives are
    effects: frozenset[Effect] = frozenset()  # its own, beside those of its graphs
    allows: EffectTypeSet | None = None  # which effects its graphs may have, where not any
    axes: frozenset[Any] = frozenset()  # the named axes that it needs, beside those of its graphs
    holds: frozenset[str] = frozenset()  # as of a `Call`, beside those of its graphs
    is_constant = False  # whether differentiation passes it by
    is_executed = False  # whether debug_nans looks at its results, as those of a primitive; else its steps are looked at
    only_looks = False  # whether it gives nothing and may be left out where a function runs once more
    keeps = False  # whether it is a checkpointed function with a policy that may keep something
    kept_from: int | None = None  # from which result on they are what a checkpoint policy keeps, see `halves`
    more_from: int | None = None  # from which result on they are there for a derivative, if it uses them
    again_of: Structured | None = None  # whose first results its own are again, computed from what that one kept

    def run(self, args: Arrays) -> list[Array]:
        """The results, where no transformation runs (or inside of a trace of this operation)."""
        raise NotImplementedError

    def jvp(self, primals: Arrays, tangents: Tangents) -> tuple[list[Array], list[Any]]:
        """Results and their tangents; None where there is none."""
        raise NotImplementedError(f"Differentiation rule for '{self.name}' not implemented")

    def vjp(self, primals: Arrays, perturbed: Sequence[bool]) -> tuple[list[Array], Pullback]:
        """Results, and the map from their cotangents to those of the arguments; None means zero."""
        raise NotImplementedError(f"Differentiation rule for '{self.name}' not implemented")

    def pullback(self, primals: Arrays, perturbed: Sequence[bool]) -> Pullback:
        """That of `vjp` alone, where it needs no results."""
        return self.vjp(primals, perturbed)[1]

    def constants(self, perturbed: Sequence[bool]) -> Sequence[int]:
        """Which results differentiation by these arguments takes as constants."""
        del perturbed
        return ()

    def transpose(self, args: Arrays, perturbed: Sequence[bool]) -> tuple[list[Array], Pullback]:
        """As `vjp`, where the operation is known to be linear in the perturbed arguments."""
        return self.vjp(args, perturbed)

    def vmap(self, frame: Frame, args: Arrays, mapped: Sequence[bool]) -> tuple[list[Array], Sequence[bool]]:
        """Results for all lanes of ``frame``, and which of them have lanes (along axis 0, as mapped arguments)."""
        raise NotImplementedError(f"Batching rule for '{self.name}' not implemented")

    writes_refs = False  # whether `closed` has a place for refs that a graph writes; the last results are theirs then
    closed_refs: ClosedRefs | None = None  # these, of what is recorded
    ref_form: RefForm | None = None  # how it is shown, if it gets refs

    def recorded(self, args: Arrays) -> tuple[Structured, Written, list[Array], list[Array]]:
        """For a trace: the operation as it is to be replayed, and its graph for a compiler.

        Returns:
            The operation with closed-over values as further arguments; a function that gives the graph of what it
            computes, or None; those values; Arrays of the results' kinds and shapes.
        """
        purpose, location, names = self.about()
        graph, outs = trace(self.run, args, self.name, names, location, purpose, refs=True)
        if graph.written_refs and not self.writes_refs:
            raise Touched(graph.written_refs[0])
        kinds = [(type(o), o._tag) for o in outs]
        like = [kind(stand_in(v), tag) for (kind, tag), v in zip(kinds, graph.outputs, strict=True)]
        refs = ClosedRefs(graph)
        more = [*refs.values(), *graph.lifted]
        op = self.closed(GraphFunction(graph, kinds), len(more))
        if graph.written_refs:
            op.closed_refs = refs
        return op, lambda: graph, more, like

    def about(self) -> tuple[str, str, Sequence[str]]:
        """What a trace of it is for, of which function it is, and the names of the arguments, as messages say it."""
        return "jit", "", ()

    def varying(self, axes: Sequence[frozenset[Any]]) -> frozenset[Any] | list[frozenset[Any]]:
        """The mesh axes along which results may differ, for each or for all, where arguments differ along ``axes``."""
        return union(axes)

    def params(self) -> dict[str, Any]:
        """What a jaxpr shows of it."""
        return {}

    def control(self) -> Form | None:
        """The graphs that it loops over or chooses from, where it does nothing else."""
        return None

    def with_results(self, places: Sequence[int]) -> tuple[Structured, Sequence[int]] | None:
        """The same for some of its results, and which of them it still gives; None where it knows no less."""
        del places
        return None

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """This operation where `run` is a graph with ``more`` arguments, which it closed over, at the end."""
        raise NotImplementedError


def unmoved(moved: Sequence[bool]) -> list[int]:
    """Where these are not."""
    return [k for k, m in enumerate(moved) if not m]


class GraphFunction:
    """A traced function of Arrays; what it closed over are its last arguments, or are given here."""

    def __init__(self, graph: Graph, kinds: Sequence[tuple[type[Array], Any]], closed: Arrays = ()) -> None:
        self.graph, self.kinds, self.closed = graph, kinds, closed
        self._executable: Executable | None = None
        self._moved: dict[tuple[bool, ...], list[bool]] = {}

    def __call__(self, args: Arrays) -> list[Array]:
        """Replay the graph under whatever runs."""
        outs = self.on_tensors([unwrap(a) for a in args])
        return [kind(t, tag) for (kind, tag), t in zip(self.kinds, outs, strict=True)]

    def on_tensors(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """The same on bare tensors."""
        return self.graph.replay()(default_torch_device(), *tensors, *(unwrap(c) for c in self.closed))

    def executable(self) -> Executable:
        """How the graph runs where no transformation does: compiled in the end, if it pays."""
        run = self._executable
        if run is None or run.device is not default_torch_device():
            run = self._executable = Executable(self.graph)
        return run

    def stepper(self) -> Callable[..., Sequence[Tensor]]:
        """The same for many calls that are timed together: a function of tensors, one by one."""
        run, closed = self.executable().untimed(), [unwrap(c) for c in self.closed]
        return (lambda *tensors: run(*tensors, *closed)) if closed else run

    def stepped(self, seconds: float, tensors: Sequence[Tensor]) -> None:
        """So long the steps took, for tensors like these."""
        self.executable().ran(seconds, [*tensors, *(unwrap(c) for c in self.closed)])

    def moved(self, perturbed: Sequence[bool]) -> list[bool]:
        """Which results depend on these arguments other than through what stops gradients."""
        key = tuple(perturbed)
        if key not in self._moved:
            sources = [v for v, p in zip(self.graph.inputs, key, strict=False) if p]
            touched = dependents(self.graph, sources, differentiably=True)
            self._moved[key] = [v in touched for v in self.graph.outputs]
        return self._moved[key]

    def carried(self, perturbed: Sequence[bool], first: int, carries: int) -> tuple[list[bool], list[bool]]:
        """The same for a loop's body, of whose arguments some (from ``first`` on) are its first results.

        Returns:
            Which arguments depend on the perturbed ones after any number of steps, and which results.
        """
        flags = list(perturbed)
        while True:
            found = self.moved(flags)
            grown = [f or out for f, out in zip(flags[first : first + carries], found, strict=False)]
            if grown == flags[first : first + carries]:
                return flags, [*grown, *found[carries:]]
            flags[first : first + carries] = grown

    def varying(self, axes: Sequence[frozenset[Any]]) -> list[frozenset[Any]]:
        """See `Structured.varying`."""
        return through(self.graph, axes)

    def part(self) -> Part:
        """The graph with what it closed over."""
        return Part(self.graph, self.closed)

    def usable(self) -> bool:
        """Whether every traced value among what it closed over is still inside its transformation."""
        return all(c._frame is None or c._frame.alive for c in self.closed)

    def with_outputs(self, places: Sequence[int]) -> GraphFunction:
        """The function that gives some of the results."""
        graph = self.graph.with_outputs(places)
        closed = [x for v, x in zip(self.graph.lifted_vars, self.closed, strict=True) if v in graph.lifted_vars]
        return GraphFunction(graph, [self.kinds[k] for k in places], closed)

    def stand_ins(self) -> list[Array]:
        """Arrays without values of the results' kinds and shapes."""
        return [kind(stand_in(v), tag) for (kind, tag), v in zip(self.kinds, self.graph.outputs, strict=True)]


def derived(
    fun: Callable[[Arrays], Sequence[Array]], examples: Arrays, name: str, refs: bool = False
) -> GraphFunction:
    """Trace a function of Arrays that depends on nothing that is differentiated or batched but its arguments.

    ``refs``: it may close over refs, as `Graph.refs` says it.
    """
    graph, outs = trace(lambda inside: list(fun(inside)), examples, name, refs=refs)
    return GraphFunction(graph, [(type(o), o._tag) for o in outs], graph.lifted)


def stand_in(like: Any, shape: Sequence[int] | None = None) -> Tensor:
    """A tensor without values, of the shape and dtype of a tensor or graph variable (or of another shape)."""
    with torch_private.outside():
        if shape is not None or isinstance(like, torch.Tensor):
            return torch.empty(tuple(like.shape) if shape is None else tuple(shape), dtype=like.dtype, device="meta")
        return torch.empty_strided(like.shape, like.stride, dtype=like.dtype, device="meta")


class Applied(Call):
    """What a node of a graph applies: an operation, with the kinds of Array that its tensors are."""

    def __init__(self, op: Structured, written: Written, args: Arrays) -> None:
        self.op, self.name, self.params, self._written = op, op.name, op.params(), written
        self.is_plain, self.runs_graph = op.is_plain, op.runs_graph
        self.keeps, self.kept_from, self.again_of = op.keeps, op.kept_from, op.again_of
        self.more_from = op.more_from
        self.kinds = [(type(a), a._tag) for a in args]
        self.out_kinds: list[tuple[type[Array], Any]] = []
        self.varying = op.varying
        self.effects = op.effects | effects_in(self.params)
        if self.effects and op.allows is not None:
            check_allowed(self.effects, op.allows, f"`{op.name.removesuffix('_call')}`")
        self.axes = op.axes | _axes_in(self.params)
        self.holds = op.holds.union(*(g.holds for g in _graphs_in(self.params)))

    @functools.cached_property
    def graph(self) -> Graph | None:
        """What it computes, written out when a compiler asks."""
        return self._written()

    def constants(self, perturbed: Sequence[bool]) -> Sequence[int]:
        """As the operation says."""
        return range(len(self.out_kinds)) if self.op.is_constant else self.op.constants(perturbed)

    def with_results(self, places: Sequence[int]) -> tuple[Applied, Sequence[int]] | None:
        """As `Call.with_results`."""
        found = self.op.with_results(places)
        if found is None:
            return None
        op, left = found

        def written() -> Graph | None:
            whole = self.graph
            return None if whole is None else whole.with_outputs(left)

        made = Applied(op, written, ())
        made.kinds, made.out_kinds = self.kinds, [self.out_kinds[k] for k in left]
        return made, left

    @functools.cached_property
    def control(self) -> Form | None:
        """What the operation loops over, or chooses from."""
        return self.op.control()

    def on_arrays(self, args: Sequence[Any]) -> list[Array]:
        """Apply the operation to what an equation was bound to."""
        arrays = map(to_array, args)
        return apply(self.op, [kind(unwrap(a), tag) for (kind, tag), a in zip(self.kinds, arrays, strict=True)])

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Apply the operation under whatever runs at replay."""
        args = [kind(t, tag) for (kind, tag), t in zip(self.kinds, tensors, strict=True)]
        return tuple(unwrap(o) for o in apply(self.op, args))


def _axes_in(params: dict[str, Any]) -> frozenset[Any]:
    """The named axes that graphs among the parameters of an operation need."""
    return frozenset(a for graph in _graphs_in(params) for a in graph.axes)


def _graphs_in(value: Any) -> list[Graph]:
    """The graphs among the parameters of an operation."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [g for v in value for g in _graphs_in(v)]
    return [value] if isinstance(value, Graph) else []


def apply(op: Structured, args: Arrays) -> list[Array]:
    """The results of ``op`` under whatever transformations run."""
    frame = STATE.frame
    if op.only_looks and (frame is None or frame.trace is not None) and are_silenced():
        return []
    if frame is None:
        return op.run(args) if STATE.plain or not op.is_executed else executed(op.name, op.run, args)
    if frame.trace is not None:
        if frame.trace.folds and not frame.trace.depends(tensors := [unwrap(a) for a in args]):
            with torch_private.outside_of_everything(), no_frame():
                return op.run([_like(a, t) for a, t in zip(args, tensors, strict=True)])
        return _record(op, frame, args)
    return _RULES[frame.kind](op, frame, args)


def _record(op: Structured, frame: Frame, args: Arrays) -> list[Array]:
    op, written, more, outs = op.recorded(args)
    args = [*args, *more]
    tensors = [unwrap(a) for a in args]
    applied = Applied(op, written, args)
    applied.out_kinds = [(type(o), o._tag) for o in outs]
    made = frame.trace.record_call(applied, tensors, [o._t for o in outs])
    outs = [_like(o, t) for o, t in zip(outs, made, strict=True)]
    return outs if op.closed_refs is None else op.closed_refs.finish(outs)


def _like(x: Array, tensor: Tensor) -> Array:
    return type(x)(tensor, x._tag)


def _depends(tensor: Tensor, level: int) -> bool:
    return torch_private.level_of(tensor) == level


# Reverse mode


class _Link(torch_private.SingleLevelFunction):
    """Ties results that were computed below a level to the arguments, with a given pullback."""

    @staticmethod
    def forward(ctx: Any, job: _Reverse, *tensors: Tensor) -> tuple[Tensor, ...]:
        del tensors
        ctx.job = job
        outs = job.run()
        ctx.set_materialize_grads(False)
        plain = [o for o in outs if not (o.is_floating_point() or o.is_complex())]
        ctx.mark_non_differentiable(*plain, *(outs[k] for k in job.constants))
        return outs

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> Any:
        return None, *ctx.job.pull(cotangents)


class _Reverse:
    """An operation under a grad level: its results with their pullback, computed below."""

    def __init__(
        self, op: Structured, frame: Frame, args: Arrays, tensors: Sequence[Tensor], instead: Arrays | None = None
    ) -> None:
        self.op, self.frame, self.args, self.tensors = op, frame, args, tensors
        self.instead = instead  # what stands for the results of a loop that is not run
        self.at = [k for k, t in enumerate(tensors) if _depends(t, frame.level) and t.requires_grad]
        self.outs: list[Array] = []
        self.constants: Sequence[int] = ()

    def run(self) -> tuple[Tensor, ...]:
        level = self.frame.level
        perturbed = [k in self.at for k in range(len(self.args))]
        plain = [torch_private.unwrap_at(t, level) for t in self.tensors]
        with torch_private.below_level(), below(self.frame):
            args = [_like(a, t) for a, t in zip(self.args, plain, strict=True)]
            rule = self.op.transpose if self.frame.linear else self.op.vjp
            if self.instead is None:
                self.outs, self.pullback = rule(args, perturbed)
            else:
                self.outs, self.pullback = list(self.instead), self.op.pullback(args, perturbed)
            tensors = [unwrap(o) for o in self.outs]
        self.constants = self.op.constants(perturbed)
        return tuple(torch_private.wrap_at(t, level) for t in tensors)

    def pull(self, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
        given = [None if c is None else _like(o, _conjugate(c)) for o, c in zip(self.outs, cotangents, strict=True)]
        with PULLING.aside():
            grads = self.pullback(given)
        return [None if grads[k] is None else self._given(k, _conjugate(unwrap(grads[k]))) for k in self.at]

    def _given(self, k: int, cotangent: Tensor) -> Tensor | None:
        """A cotangent as torch's engine takes it; of another dtype it passes to what is differentiated by as it is."""
        tensor = self.tensors[k]
        if cotangent.dtype is tensor.dtype:
            return cotangent
        if tensor.grad_fn is None:
            PULLING.stray(tensor, cotangent)
            return None
        return cast(cotangent, tensor.dtype)


def _conjugate(tensor: Tensor) -> Tensor:
    """torch's cotangents of complex values are the conjugates of JAX's."""
    return tensor.conj_physical() if tensor.is_complex() else tensor


def _under_grad(op: Structured, frame: Frame, args: Arrays) -> list[Array]:
    tape = STATE.tape
    if tape is not None and frame.linear:
        tensors = [unwrap(a) for a in args]
        if any(map(tape.reaches, tensors)):
            return _under_tape(op, frame, args, tensors)
    return _reversed(op, frame, args)


def _under_tape(op: Structured, frame: Frame, args: Arrays, tensors: Sequence[Tensor]) -> list[Array]:
    """An operation in a rule that is to be linear, which the tape records as a trace would."""
    inputs = [_like(a, stand_in(t, t.shape)) for a, t in zip(args, tensors, strict=True)]
    recorded, written, more, like = op.recorded(inputs)
    applied = Applied(recorded, written, inputs := [*inputs, *more])
    applied.out_kinds = [(type(o), o._tag) for o in like]
    outs: list[Array] = []

    def run() -> list[Tensor]:
        if type(applied.control) is WhileForm:  # it would not end at zeros, and is refused where its values are used
            with torch_private.below_level(), below(frame):
                device = default_torch_device()
                zeros = [_like(o, torch.zeros(o._t.shape, dtype=o._t.dtype, device=device)) for o in like]
            outs[:] = _reversed(op, frame, args, zeros)
        else:
            outs[:] = _reversed(op, frame, args)
        return [unwrap(o) for o in outs]

    STATE.tape.call(applied, tensors, inputs, run)
    return outs


def _reversed(op: Structured, frame: Frame, args: Arrays, instead: Arrays | None = None) -> list[Array]:
    job = _Reverse(op, frame, args, [unwrap(a) for a in args], instead)
    if op.only_looks and frame.linear and job.at:
        return []  # at what is transposed, which has no value
    if not job.at or (op.is_constant and not frame.linear):
        return _independent(op, frame, args, job.tensors) if instead is None else list(instead)
    tensors = torch_private.link(_Link, job, *(job.tensors[k] for k in job.at))
    return [_like(o, t) for o, t in zip(job.outs, tensors, strict=True)]


def _independent(op: Structured, frame: Frame, args: Arrays, tensors: Sequence[Tensor]) -> list[Array]:
    """No argument depends on the innermost transformation: apply below it."""
    plain = [torch_private.unwrap_at(t, frame.level) for t in tensors]
    with torch_private.below_level(), below(frame):
        outs = apply(op, [_like(a, t) for a, t in zip(args, plain, strict=True)])
        made = [unwrap(o) for o in outs]
    return [_like(o, t) for o, t in zip(outs, made, strict=True)]


# Forward mode


def _under_jvp(op: Structured, frame: Frame, args: Arrays) -> list[Array]:
    level = frame.level
    tensors = [unwrap(a) for a in args]
    duals = [torch_private.unpack_dual(t) if _depends(t, level) else (t, None) for t in tensors]
    primals = [torch_private.unwrap_at(p, level) for p, _ in duals]
    if all(t is None for _, t in duals) or op.is_constant:
        return _independent(op, frame, args, primals)
    tangents = [None if t is None else torch_private.unwrap_at(t, level) for _, t in duals]
    with torch_private.below_level(), below(frame):
        outs, moved = op.jvp(
            [_like(a, p) for a, p in zip(args, primals, strict=True)],
            [None if t is None else _like(a, own_memory(t)) for a, t in zip(args, tangents, strict=True)],
        )
        pairs = [(unwrap(o), None if t is None else own_memory(unwrap(t))) for o, t in zip(outs, moved, strict=True)]
    return [
        _like(o, p if t is None else torch_private.make_dual(own_memory(p), t))
        for o, (p, t) in zip(outs, pairs, strict=True)
    ]


# Batching


def _under_vmap(op: Structured, frame: Frame, args: Arrays) -> list[Array]:
    level = frame.level
    tensors = [unwrap(a) for a in args]
    dims = [torch_private.batch_dim_at(t, level) for t in tensors]
    if op.is_closed and all(d is None for d in dims):
        name = frame.axis_name
        if name is None or name not in op.axes | _axes_in(op.params()):
            return _independent(op, frame, args, tensors)
    with torch_private.below_level(), below(frame):
        plain = [
            t if d is None else torch_private.wrapped_value(t).movedim(d, 0) if d else torch_private.wrapped_value(t)
            for t, d in zip(tensors, dims, strict=True)
        ]
        if not frame.axis_size:  # a rule sees no lanes, where `vmap_leaves` has one in their place
            plain = [t if d is None else t.narrow(0, 0, 0) for t, d in zip(plain, dims, strict=True)]
        inside = [_like(a, t) for a, t in zip(args, plain, strict=True)]
        outs, flags = op.vmap(frame, inside, [d is not None for d in dims])
        made = [unwrap(o) for o in outs]
        if not frame.axis_size:
            made = [one_lane(t, 0) if m else t for t, m in zip(made, flags, strict=True)]
    return [
        _like(o, torch_private.add_batch_dim(t, 0, level) if m else t)
        for o, t, m in zip(outs, made, flags, strict=True)
    ]


_RULES = {"grad": _under_grad, "jvp": _under_jvp, "vmap": _under_vmap}


def on_lanes(
    fun: Callable[[Sequence[Any]], Sequence[Any]], args: Sequence[Any], mapped: Sequence[bool], frame: Frame, name: str
) -> tuple[list[Any], list[bool]]:
    """Run a function of flat lists over all lanes of a vmap that is set aside.

    Returns:
        The results (None stays None), and whether each has lanes, which are then along axis 0.
    """
    level, flags = 0, []

    def look(inside: Sequence[Any]) -> list[Any]:
        nonlocal level, flags
        assert STATE.frame is not None
        level = STATE.frame.level
        outs = list(fun(inside))
        flags = [isinstance(o, Array) and _depends(unwrap(o), level) for o in outs]
        axes[:] = [0 if m else None for m in flags]
        return outs

    axes: list[Any] = []
    in_axes = [0 if m else None for m in mapped]
    outs = vmap_leaves(look, args, in_axes, axes, frame.axis_size, frame.axis_name, name, frame)
    return outs, flags


def spread(x: Array, had: bool, wanted: bool, frame: Frame) -> Array:
    """A carry with lanes where it must have them."""
    if had or not wanted:
        return x
    tensor = unwrap(x)
    return _like(x, tensor.expand([frame.axis_size, *tensor.shape]))


def with_lanes(x: Any, has: bool, wanted: bool, frame: Frame) -> Any:
    """A value with lanes along axis 0 if they are wanted and it has none."""
    if has == wanted or x is None:
        return x
    if not wanted:
        raise NotImplementedError("a rule whose result differs between lanes, where the function's does not")
    if not isinstance(x, Array):  # float0
        return np.zeros((frame.axis_size, *x.shape), x.dtype)
    tensor = unwrap(x)
    return _like(x, tensor.expand([frame.axis_size, *tensor.shape]))


class Settled:
    """Brings results of functions that must agree to the lanes that the first of them found."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.mapped: Sequence[bool] | None = None

    def __call__(self, values: Sequence[Any], has: Sequence[bool]) -> list[Any]:
        """The values with lanes where they are to have them."""
        wanted = self.mapped = has if self.mapped is None else self.mapped
        return [with_lanes(*triple, self.frame) for triple in zip(values, has, wanted, strict=True)]
