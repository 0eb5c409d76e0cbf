"""cond and switch: one of several functions, chosen by a number that may be traced.

Every branch is traced; the choice is one `Structured` operation, of which only the chosen branch runs. Its jvp
and pullback are choices between the branches' jvps and pullbacks. Where lanes of a vmap choose differently all
branches run on all lanes and each lane takes its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import config, key_uses, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, concrete_tensor, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.graph.control import CondForm
from jaxlike._src.graph.effects import IOEffect, OrderedIOEffect, control_flow_allowed_effects
from jaxlike._src.graph.graph import BACKWARD_RULE, TRANSPOSED, Var
from jaxlike._src.graph.ref_calls import NotingCall, RefForm, Slot, given, given_all
from jaxlike._src.graph.ref_events import unnoted
from jaxlike._src.lax.body import Body, check_branches, example, leaf_arrays, make_body
from jaxlike._src.lax.select import clamp
from jaxlike._src.lax.while_loop import chosen
from jaxlike._src.regions import equation
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms import derive, hi_values
from jaxlike._src.transforms.halves import IN_FORCE, Halves, halves_of
from jaxlike._src.transforms.ref_operands import closing_over_refs
from jaxlike._src.transforms.ref_state import has_refs, put_last, refs_of
from jaxlike._src.transforms.stop_gradient import stopped
from jaxlike._src.transforms.structured import (
    GraphFunction,
    Structured,
    apply,
    derived,
    spread,
    stand_in,
    unmoved,
)
from jaxlike._src.tree import tree_structure, tree_unflatten
from jaxlike._src.varying import union

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.frames import Frame
    from jaxlike._src.graph.graph import Graph

WRITTEN_OUT = 50  # a compiler gets branches of up to so many nodes: all are computed and one is kept


class Cond(Structured):
    """A choice on flat arguments: the number of the branch, and what all branches take."""

    name = "cond"
    allows = control_flow_allowed_effects
    is_executed = True

    def __init__(self, branches: Sequence[GraphFunction]) -> None:
        self.branches = branches
        self._made: dict[Any, Any] = {}  # branches derived from these

    def of(self, branches: Sequence[GraphFunction]) -> Cond:
        """A choice of the same kind between other branches."""
        return Cond(branches)

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The chosen branch."""
        index, *operands = args
        known = concrete_tensor(index)
        assert known is not None
        outs = self.branches[int(known.item())].on_tensors([unwrap(x) for x in operands])
        kinds = self.branches[0].kinds
        return [kind(t.contiguous(), tag) for (kind, tag), t in zip(kinds, outs, strict=True)]

    def varying(self, axes: Sequence[frozenset[Any]]) -> list[frozenset[Any]]:
        """As any of the branches, and the choice."""
        index, *operands = axes
        return [union([index, *outs]) for outs in zip(*(b.varying(operands) for b in self.branches), strict=True)]

    def control(self) -> CondForm | None:
        """For a generator of loops."""
        return CondForm([b.part() for b in self.branches])

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node."""
        like = [type(o)(stand_in(o._t), o._tag) for o in self.branches[0].stand_ins()]
        examples = [example(a) for a in args]

        def written() -> Graph | None:
            if sum(len(b.graph.nodes) for b in self.branches) > WRITTEN_OUT:
                return None
            made = derived(self.written_out, examples, self.name)
            return None if made.closed else made.graph

        return self, written, [], like

    def written_out(self, args: Sequence[Array]) -> list[Array]:
        """Every branch, and the one that is meant of their results."""
        index, *operands = args
        number = unwrap(index)
        outs = self.branches[0](operands)
        for k, branch in enumerate(self.branches[1:], start=1):
            outs = [
                type(o)(unsigned.where(torch.ge(number, k), unwrap(n), unwrap(o)), o._tag)
                for o, n in zip(outs, branch(operands), strict=True)
            ]
        return outs

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {"branches": tuple(b.graph for b in self.branches)}

    def with_results(self, places: Sequence[int]) -> tuple[Cond, Sequence[int]] | None:
        """A choice between branches that give less."""
        if not places or self.kept_from is not None or self.again_of is not None:
            return None
        key = ("results", *places)
        if key not in self._made:
            self._made[key] = self.of([b.with_outputs(places) for b in self.branches])
        return self._made[key], places

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """A choice between the branches' jvps."""
        index, *operands = primals
        moved = [t is not None for t in tangents[1:]]
        n = len(operands)

        def with_tangents(branch: GraphFunction) -> Callable[..., list[Array]]:
            def both(flat: Sequence[Array]) -> list[Array]:
                outs, ts = derive.forward(branch, flat[:n], derive.filled(flat[n:], moved), self.name)
                return [*outs, *(t for t in ts if t is not None)]

            return both

        args = [*operands, *(t for t in tangents[1:] if t is not None)]
        inner = self._derived(("jvp", tuple(moved)), with_tangents, args)
        outs = apply(inner, [index, *args])
        floating = derive.differentiable(self.branches[0].stand_ins())
        m = len(floating)
        return outs[:m], derive.filled(outs[m:], floating)

    def constants(self, perturbed: Sequence[bool]) -> Sequence[int]:
        """What no branch moves."""
        return unmoved([any(found) for found in zip(*(b.moved(perturbed[1:]) for b in self.branches), strict=True)])

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The choice; and a choice between the branches' pullbacks, which compute the branch again."""
        operands, by = primals[1:], list(perturbed[1:])
        for branch in self.branches:
            derive.require_values(branch.graph.holds)
        if IN_FORCE.policy is not None:
            likes = self.branches[0].stand_ins()
            given = derive.differentiable(likes)
            halves = [halves_of(b, IN_FORCE.policy, operands, by, given, self.name) for b in self.branches]
            if any(h.kept for h in halves):
                return self._vjp_keeping(halves, primals, by, likes)

        forward = self
        if any(BACKWARD_RULE in b.graph.holds for b in self.branches):  # the results are those of the forward rules
            forward = self._known(by, operands, linear=False)
        return apply(forward, primals), lambda cotangents: self._pull(primals, by, cotangents, linear=False)

    def _known(self, by: Sequence[bool], operands: Sequence[Array], linear: bool) -> Cond:
        """The results as reverse mode by these operands computes them."""

        def known(branch: GraphFunction) -> Callable[..., list[Array]]:
            return lambda flat: derive.known(branch, flat, by, self.name, linear)

        return self._derived(("known", tuple(by), linear), known, operands)

    def _pull(self, primals: Sequence[Array], by: Sequence[bool], cotangents: Sequence[Any], linear: bool) -> list[Any]:
        index, *operands = primals
        n, given = len(operands), [c is not None for c in cotangents]

        def pulling(branch: GraphFunction) -> Callable[..., list[Array]]:
            def pull(flat: Sequence[Array]) -> list[Array]:
                grads = derive.reverse(branch, flat[:n], by, derive.filled(flat[n:], given), self.name, linear)
                return derive.of_types(grads, derive.chosen_of(flat[:n], by))

            return pull

        args = [*operands, *(c for c in cotangents if c is not None)]
        inner = self._derived(("pull", tuple(by), tuple(given), linear), pulling, args)
        return [None, *derive.filled(apply(inner, [index, *args]), by)]

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """A choice between the branches' transposes, where one has no values."""
        if not any(TRANSPOSED in b.graph.holds for b in self.branches):
            return self.vjp(args, perturbed)
        by = list(perturbed[1:])
        outs = apply(self._known(by, args[1:], linear=True), args)
        return outs, lambda cotangents: self._pull(args, by, cotangents, linear=True)

    def _vjp_keeping(
        self, halves: Sequence[Halves], primals: Sequence[Array], by: Sequence[bool], likes: Sequence[Array]
    ) -> Any:
        """The choice, with what the policy that is in force keeps of every branch: zeros of those not chosen."""
        index, *operands = primals
        n, m = len(operands), len(likes)
        places = [
            range(sum(h.kept for h in halves[:k]), sum(h.kept for h in halves[: k + 1])) for k in range(len(halves))
        ]
        kinds = [o for h in halves for o in h.forward.stand_ins()[m:]]

        def keeping(half: Halves, own: range) -> Callable[..., list[Array]]:
            def branch(flat: Sequence[Array]) -> list[Array]:
                outs = half.forward(flat)
                rest = iter(outs[m:])
                return [*outs[:m], *(next(rest) if k in own else derive.zeros_of(o) for k, o in enumerate(kinds))]

            return branch

        def choice(branches: Sequence[Callable[..., list[Array]]], args: Sequence[Array]) -> Cond:
            examples = [example(a) for a in args]
            return self.of([derived(b, examples, self.name) for b in branches])

        first = choice([keeping(h, p) for h, p in zip(halves, places, strict=True)], operands)
        first.kept_from = m
        kept = apply(first, primals)[m:]
        again = choice([_of_own(h.again(), n, p) for h, p in zip(halves, places, strict=True)], [*operands, *kept])
        again.again_of = first
        outs = apply(again, [*primals, *kept])

        def pulling(half: Halves, own: range) -> Callable[..., list[Array]]:
            def branch(flat: Sequence[Array]) -> list[Array]:
                cts, saved = flat[n + len(kinds) :], [flat[n + k] for k in own]
                grads = half.backward([*(flat[k] for k in half.read), *saved, *cts])
                return derive.of_types(grads, derive.chosen_of(flat[:n], by))

            return branch

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            args = [*operands, *kept, *derive.given(cotangents, likes)]
            inner = choice([pulling(h, p) for h, p in zip(halves, places, strict=True)], args)
            return [None, *derive.filled(apply(inner, [index, *args]), by)]

        return outs, pullback

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """One choice for all lanes; or every branch, and for each lane its own."""
        if any(isinstance(e, IOEffect | OrderedIOEffect) for b in self.branches for e in b.graph.effects):
            raise NotImplementedError("IO effect not supported in vmap-of-cond.")
        index, *operands = args
        flags = list(mapped[1:])
        guarded = [mapped[0] and STATE.frame is not None and d for d in derive.differentiable(operands)]
        operands = [spread(x, m, m or g, frame) for x, m, g in zip(operands, flags, guarded, strict=True)]
        flags = [m or g for m, g in zip(flags, guarded, strict=True)]
        outs_mapped = [
            any(found)
            for found in zip(
                *(derive.found_lanes(b, operands, flags, frame, self.name) for b in self.branches), strict=True
            )
        ]
        if mapped[0]:
            outs_mapped = [True] * len(outs_mapped)

        def over_lanes(branch: GraphFunction) -> Callable[..., list[Array]]:
            return lambda flat: derive.lanes(branch, flat, flags, outs_mapped, frame, self.name)[0]

        inner = self._derived(
            ("vmap", tuple(flags), tuple(outs_mapped), frame.axis_size, frame.axis_name), over_lanes, operands
        )
        if not mapped[0]:
            return apply(inner, [index, *operands]), outs_mapped
        number = unwrap(index)
        made: list[list[Array]] = []
        mine: list[Tensor] = []
        for k, branch in enumerate(inner.branches):
            # What a lane does not choose has no part in its derivative, be it infinite there.
            mine.append(torch.eq(number, k))
            given = [chosen(mine[k], x, stopped(x)) if g else x for x, g in zip(operands, guarded, strict=True)]
            made.append(branch(given))
        return [_of_lanes(index, mine, cases) for cases in zip(*made, strict=True)], outs_mapped

    def _derived(self, key: Any, make: Callable[[GraphFunction], Any], args: Sequence[Array]) -> Cond:
        key = derive.keyed(*key)
        made = self._made.get(key)
        if made is None or not all(b.usable() for b in made.branches):
            examples = [example(a) for a in args]
            made = self._made[key] = self.of([derived(make(b), examples, self.name) for b in self.branches])
        return made


@equation("select_n", lambda index, mine, cases: ((index, *cases), {}))
def _of_lanes(index: Array, mine: Sequence[Tensor], cases: Sequence[Array]) -> Array:
    """For each lane the case of its number; ``mine`` says of each which lanes these are."""
    del index
    out = cases[0]
    for here, case in zip(mine[1:], cases[1:], strict=True):
        out = chosen(here, case, out)
    return out


def _of_own(again: GraphFunction, operands: int, own: range) -> Callable[..., list[Array]]:
    """A branch's results again from what is kept of it, which is at these places behind the operands."""
    return lambda flat: again([*flat[:operands], *(flat[operands + k] for k in own)])


# The public functions

_NOT_GIVEN: Any = object()


def _operands(operand: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    if operand is _NOT_GIVEN:
        return operands
    if operands:
        raise TypeError(
            f"if 'operand' keyword is passed then no positional operands can be passed, got operand={operand!r} and "
            f"positional operands {operands}"
        )
    return (operand,)


@api_boundary
def cond(
    pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any, operand: Any = _NOT_GIVEN
) -> Any:
    """``true_fun(*operands)`` if ``pred`` holds, else ``false_fun(*operands)``.

    Args:
        pred: bool scalar; a number counts as true unless it is 0.
        true_fun: any function.
        false_fun: a function that gives the same tree and types.
        *operands: trees of arrays.
        operand: the only operand, by keyword.
    """
    if not (callable(true_fun) and callable(false_fun)):
        if callable(false_fun) and len(operands) == 2 and callable(operands[1]):  # an operand for each function
            one, function, other, last = true_fun, false_fun, *operands
            return cond(pred, lambda x, _: function(x), lambda _, x: last(x), one, other)
        raise TypeError("lax.cond: true_fun and false_fun arguments should be callable.")
    operands = _operands(operand, operands)
    if has_refs(operands):
        with closing_over_refs("cond", (true_fun, false_fun), operands) as ((true_fun, false_fun), others, _):
            return cond(pred, true_fun, false_fun, *others)
    chosen_by = _predicate(pred)
    if config.disable_jit.value and concrete_tensor(chosen_by) is not None:
        return (true_fun if bool(chosen_by) else false_fun)(*operands)
    known = concrete_tensor(chosen_by)
    index = astype(chosen_by, np.dtype(np.int32)) if known is None else asarray(np.int32(bool(known)))
    return choose("cond", index, (false_fun, true_fun), ("false_fun", "true_fun"), operands)


def _predicate(pred: Any) -> Array:
    if pred is None:
        raise TypeError("cond predicate is None")
    listed = isinstance(pred, Sequence)
    if listed or np.ndim(pred) if not isinstance(pred, Array) else pred.ndim:
        what = f"type {type(pred)}" if listed else f"shape {np.shape(pred)}."
        raise TypeError(f"Pred must be a scalar, got {pred} of {what}")
    try:
        x = asarray(pred)
    except TypeError as error:
        raise TypeError(f"Pred type must be either boolean or number, got {pred}.") from error
    kind = getattr(x.dtype, "kind", "V")
    if kind == "b":
        return x
    if kind not in "iuf":
        raise TypeError(f"Pred type must be either boolean or number, got {x.dtype}.")
    return Array(torch.ne(unwrap(x), 0))


@api_boundary
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any, operand: Any = _NOT_GIVEN) -> Any:
    """``branches[index](*operands)``, with ``index`` clamped.

    Args:
        index: integer scalar.
        branches: functions that give the same tree and types.
        *operands: trees of arrays.
        operand: the only operand, by keyword.
    """
    if not all(callable(b) for b in branches):
        raise TypeError("lax.switch: branches argument should be a sequence of callables.")
    operands = _operands(operand, operands)
    if np.ndim(index) if not isinstance(index, Array) else index.ndim:
        raise TypeError(f"Branch index must be scalar, got {index} of shape {np.shape(index)}.")
    try:
        number = asarray(index)
    except TypeError as error:
        raise TypeError(f"Index type must be an integer, got {index}.") from error
    if getattr(number.dtype, "kind", "V") not in "iu":
        raise TypeError(f"Index type must be an integer, got {index} as {number.dtype}")
    functions = tuple(branches)
    if not functions:
        raise ValueError("Empty branch sequence")
    if len(functions) == 1:
        return functions[0](*operands)
    number = clamp(np.int32(0), astype(number, np.dtype(np.int32)), np.int32(len(functions) - 1))
    return choose_by_number(number, functions, operands)


def choose_by_number(number: Array, functions: tuple[Callable[..., Any], ...], operands: tuple[Any, ...]) -> Any:
    """``functions[number](*operands)``, where the number is known to be one of theirs."""
    if has_refs(operands):
        with closing_over_refs("switch", functions, operands) as (of_others, others, _):
            return choose_by_number(number, tuple(of_others), tuple(others))
    known = concrete_tensor(number)
    if config.disable_jit.value and known is not None:
        return functions[int(known.item())](*operands)
    labels = ("branch 0", *(f"branch{k}" for k in range(1, len(functions))))
    return choose("switch", number, functions, labels, operands)


def choose(
    name: str,
    index: Array,
    functions: Sequence[Any],
    labels: Sequence[str],
    operands: Any,
    kind: Callable[[Sequence[GraphFunction]], Cond] = Cond,
) -> Any:
    """The choice between functions of which one is meant by an index.

    Args:
        name: of the public function, as messages say it.
        index: int32 scalar.
        functions: of the operands.
        labels: how messages call the functions.
        operands: trees of arrays.
        kind: makes the operation of the branches.
    """
    if hi_values.has_hi(operands):
        functions, operands = hi_values.closing_over_mutable(functions, operands)
        of_arrays = [hi_values.of_arrays(f) for f in functions]
        return hi_values.raised(choose(name, index, of_arrays, labels, hi_values.lowered(operands), kind))
    values, tree = leaf_arrays(operands)
    in_tree = tree_structure(tree_unflatten(tree, values))
    examples = [example(v) for v in values]
    # JAX traces cond's true function first.
    order = range(len(functions))[:: -1 if name == "cond" else 1]
    bodies: dict[int, Body] = {}
    for k in order:
        bodies[k] = make_body(functions[k], in_tree, examples, name, refs=True)
    made = [bodies[k] for k in range(len(functions))]
    if any(b.key_uses is not None for b in made):
        key_uses.spend_branches([(b.key_uses, b.closed) for b in made], values)
    if name == "cond":
        check_branches(name, (labels[1], labels[0]), (functions[1], functions[0]), made[1], made[0], values)
    else:
        for k in range(1, len(made)):
            check_branches(name, (labels[0], labels[k]), (functions[0], functions[k]), made[0], made[k], values)
    out_tree = made[-1].out_tree if name == "cond" else made[0].out_tree
    refs, traced = refs_of(made), made
    if refs:
        with unnoted():
            held = [ref.value() for ref in refs]
        made = [b.with_refs(refs, held) for b in made]
        values, examples = [*values, *held], [*examples, *map(example, held)]
    op, closed = made[0].made.get(key := ("cond", kind, *made[1:])), _closed([made[k] for k in order])
    if op is None or not all(b.usable() for b in op.branches):
        op = kind([_with_all_constants(b, closed, examples) for b in made])
        made[0].made[key] = op
    operands = [*closed, *values]
    forwarded = _forwarded(op, operands)
    left = [k for k, place in enumerate(forwarded) if place is None]
    less = op.with_results(left) if len(left) < len(forwarded) else (op, left)
    if less is not None and refs:
        less[0].ref_form = _ref_form(traced, refs, closed, values, left)
    with NotingCall(refs):
        rest = iter(apply(less[0], [index, *operands]) if less is not None else [])
        outs = [next(rest) if place is None else operands[place] for place in forwarded]
        n = len(outs) - len(refs)
        put_last(refs, outs[n:], traced)
    return tree_unflatten(out_tree, outs[:n])


def _ref_form(
    bodies: Sequence[Body], refs: Sequence[Any], closed: Sequence[Array], values: Sequence[Array], left: Sequence[int]
) -> RefForm:
    """The choice of refs, whose values come last among these; ``left``: which results the operation has."""
    n, m, count = len(values) - len(refs), len(bodies[0].avals), len(closed)
    held, graphs, shown = [example(x) for x in values[n:]], [b.run.graph for b in bodies], []
    # What is closed over is in the order in which the functions came upon it, the one that is traced first first.
    met: dict[int, int] = {}
    for body in reversed(bodies) if len(bodies) == 2 else bodies:
        graph = body.run.graph
        pairs = [*zip(graph.lifted_vars, body.closed, strict=True), *zip(graph.inputs_of(graph.refs), graph.refs, strict=True)]
        for _, x in sorted(pairs, key=lambda pair: pair[0].index):
            met.setdefault(id(x), len(met))
    consts = sorted([*closed, *refs], key=lambda x: met[id(x)])
    for body, graph in zip(bodies, graphs, strict=True):
        whole = given_all(graph, refs, held)
        at = dict(zip(map(id, (*body.closed, *refs)), (*whole.lifted_vars, *whole.inputs[n:]), strict=True))
        free = whole.free_index()
        unused = [(Var(free + k, example(x)._t), x) for k, x in enumerate(closed) if id(x) not in at]
        at.update((id(x), v) for v, x in unused)
        inputs, outputs = [*(at[id(x)] for x in consts), *whole.inputs[:n]], [whole.outputs[k] for k in left if k < m]
        shown.append(given(whole, inputs, outputs, [(v, x.aval) for v, x in unused]))
    first = 1 + count + n  # an argument before is the number of the branch
    slots = [Slot(first + k, left.index(m + k) if m + k in left else None) for k in range(len(refs))]
    place = {id(x): 1 + k for k, x in enumerate(closed)} | {id(r): first + k for k, r in enumerate(refs)}
    order = [0, *(place[id(x)] for x in consts), *range(1 + count, first)]
    return RefForm(slots, order, {"branches": tuple(shown)}, shown)


def _forwarded(op: Cond, operands: Sequence[Array]) -> list[int | None]:
    """For each result the operand that every branch gives back as it is; None for others."""
    graphs = [b.graph for b in op.branches]
    if any(g.effects for g in graphs):
        return [None] * len(graphs[0].outputs)
    places = [{v: k for k, v in enumerate(g.inputs)} for g in graphs]
    found: list[int | None] = []
    for kind, *outs in zip(op.branches[0].kinds, *(g.outputs for g in graphs), strict=True):
        at = {p.get(v) for p, v in zip(places, outs, strict=True)}
        place = at.pop() if len(at) == 1 else None
        same = place is not None and (type(operands[place]), operands[place]._tag) == kind
        found.append(place if same else None)
    return found


def _closed(bodies: Sequence[Body]) -> list[Array]:
    """What any of the branches closed over, each value once."""
    return list({id(c): c for b in bodies for c in b.closed}.values())


def _with_all_constants(body: Body, closed: Sequence[Array], examples: Sequence[Array]) -> GraphFunction:
    """A branch that takes what all branches closed over before its arguments."""
    own = GraphFunction(body.run.graph.with_lifted_first(), body.run.kinds)
    place = {id(c): k for k, c in enumerate(closed)}
    own_places, count = [place[id(c)] for c in body.closed], len(closed)
    if own_places == list(range(count)):
        return own
    return derived(
        lambda flat: own([*(flat[k] for k in own_places), *flat[count:]]),
        [*(example(c) for c in closed), *examples],
        "branch",
    )
