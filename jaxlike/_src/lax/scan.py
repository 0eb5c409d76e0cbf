"""scan: a loop of known length that carries values along and stacks what each step gives; map and fori_loop by it.

The body is traced once. The loop is one `Structured` operation, and so are its derivatives: forward mode scans
the body's jvp; reverse mode scans forward keeping the carries, then backward with the body's pullback; vmap
scans the batched body. A trace therefore holds one node however long the loop is.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import config, errors, key_uses
from jaxlike._src.array import Array
from jaxlike._src.border import concrete_or_error, is_traced, refuse_own_arrays, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.graph.control import ScanForm
from jaxlike._src.graph.effects import control_flow_allowed_effects
from jaxlike._src.graph.graph import BACKWARD_RULE, TRANSPOSED
from jaxlike._src.graph.ref_calls import NotingCall
from jaxlike._src.lax.body import Body, check_carry, check_varying, example, leaf_arrays, make_body, promoted
from jaxlike._src.lax.loop import Runner
from jaxlike._src.lax.scan_lanes import (
    lanes_of_backward,
    lanes_of_keeping,
    lanes_of_reading,
    lanes_of_results,
    lanes_of_vmap,
)
from jaxlike._src.lax.scan_parts import Parts
from jaxlike._src.lax.scan_refs import TouchedRefs, over_rows, rows_of
from jaxlike._src.lax.slicing import index_in_dim
from jaxlike._src.numpy.arguments import like
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms import derive, hi_values
from jaxlike._src.transforms.halves import IN_FORCE, Halves, asks_to_keep, halves_of
from jaxlike._src.transforms.mesh_types import signature
from jaxlike._src.transforms.policies import everything_saveable
from jaxlike._src.transforms.ref_state import (
    Touched,
    holding,
    is_ref,
    refuse_carried,
    write_back,
)
from jaxlike._src.transforms.structured import (
    GraphFunction,
    Structured,
    apply,
    derived,
    spread,
    stand_in,
    unmoved,
)
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import tree_flatten, tree_map, tree_structure, tree_unflatten, treedef_children

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.frames import Frame
    from jaxlike._src.graph.control import Lanes
    from jaxlike._src.graph.graph import Graph

UNROLLED = 200  # a compiler gets loops of up to so many nodes, written out


class Scan(Structured):
    """A scan on flat arguments: constants, carry, and rows ``[length, ...]``; results: carry, stacked rows."""

    name = "scan"
    allows = control_flow_allowed_effects
    is_executed = True
    unroll = 1  # what a jaxpr shows; loops are written out where it pays
    lanes: Lanes | None = None

    def __init__(self, body: GraphFunction, n_consts: int, n_carry: int, length: int, reverse: bool) -> None:
        self.body, self.n_consts, self.n_carry = body, n_consts, n_carry
        self.length, self.reverse = length, reverse
        self._runner: Runner | None = None
        self._made: dict[Any, Any] = {}  # bodies derived from this one
        self._touched = TouchedRefs()  # by backward rules in the body

    def split(self, flat: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Constants, carry, rows."""
        c, k = self.n_consts, self.n_consts + self.n_carry
        return list(flat[:c]), list(flat[c:k]), list(flat[k:])

    def one_step(self, args: Sequence[Array]) -> list[Array]:
        """Arrays without values, of the types that the body takes."""
        consts, carry, rows = self.split(args)
        return [*(example(x) for x in (*consts, *carry)), *(example(x, x.shape[1:]) for x in rows)]

    def varying(self, axes: Sequence[frozenset[Any]]) -> list[frozenset[Any]]:
        """What is carried takes over the axes of what it becomes."""
        consts, carry, rows = self.split(axes)
        while True:
            outs = self.body.varying([*consts, *carry, *rows])
            grown = [a | b for a, b in zip(carry, outs, strict=False)]
            if grown == carry:
                return outs
            carry = grown

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The loop itself."""
        if self._runner is None:
            self._runner = Runner(self, len(self.body.graph.nodes))
        outs = self._runner(args, self.length, self._step_by_step)
        return [kind(t, tag) for (kind, tag), t in zip(self.body.kinds, outs, strict=True)]

    def _step_by_step(self, args: list[Tensor]) -> list[Tensor]:
        consts, carry, rows = self.split(args)
        step, cut = self.body.stepper(), [row.unbind(0) for row in rows]
        if self.reverse:
            cut = [row[::-1] for row in cut]
        kept: list[Sequence[Tensor]] = []
        n, start = self.n_carry, time.perf_counter()
        for row in zip(*cut, strict=True) if cut else itertools.repeat((), self.length):
            outs = step(*consts, *carry, *row)
            carry = outs[:n]
            kept.append(outs[n:])
        if kept:
            self.body.stepped(time.perf_counter() - start, [*consts, *carry, *(row[0] for row in cut)])
        if self.reverse:
            kept.reverse()
        stacked = [torch.stack(column) for column in zip(*kept, strict=True)] if kept else self._no_rows()
        return [*(t.contiguous() for t in carry), *stacked]

    def _no_rows(self) -> list[Tensor]:
        like_rows = self.body.graph.outputs[self.n_carry :]
        return [torch.zeros((0, *v.shape), dtype=v.dtype, device=default_torch_device()) for v in like_rows]

    def control(self) -> ScanForm:
        """For a generator of loops."""
        return ScanForm(self.body.part(), self.n_consts, self.n_carry, self.length, self.reverse, self.lanes)

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node, whatever the length."""
        outs = self.body.stand_ins()
        done = [type(o)(stand_in(o._t), o._tag) for o in outs[: self.n_carry]]
        rows = [type(o)(stand_in(o._t, (self.length, *o._t.shape)), o._tag) for o in outs[self.n_carry :]]
        examples = [example(a) for a in args]

        def written() -> Graph | None:
            if self.length * max(len(self.body.graph.nodes), 1) > UNROLLED:
                return None
            made = derived(self._written_out, examples, self.name)
            return None if made.closed else made.graph

        return self, written, [], [*done, *rows]

    def _written_out(self, args: Sequence[Array]) -> list[Array]:
        """Every step, for a trace."""
        consts, carry, rows = self.split([unwrap(a) for a in args])
        cut = [row.unbind(0) for row in rows]
        steps: list[Sequence[Tensor]] = []
        order = range(self.length)
        for i in reversed(order) if self.reverse else order:
            outs = self.body.on_tensors([*consts, *carry, *(row[i] for row in cut)])
            carry = list(outs[: self.n_carry])
            steps.append(outs[self.n_carry :])
        if self.reverse:
            steps.reverse()
        stacked = [torch.stack(column) for column in zip(*steps, strict=True)] if steps else self._no_rows()
        return [
            kind(t, tag)
            for (kind, tag), t in zip(self.body.kinds, [*(t.contiguous() for t in carry), *stacked], strict=True)
        ]

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {
            "jaxpr": self.body.graph,
            "length": self.length,
            "num_carry": self.n_carry,
            "num_consts": self.n_consts,
            "reverse": self.reverse,
            "unroll": self.unroll,
        }

    def with_results(self, places: Sequence[int]) -> tuple[Scan, Sequence[int]] | None:
        """All that is carried, and some of the rows."""
        n = self.n_carry
        left = [*range(n), *(k for k in places if k >= n)]
        if len(left) == len(self.body.kinds) or self.kept_from is not None or self.again_of is not None:
            return None
        key = ("results", *left)
        if key not in self._made:
            made = Scan(self.body.with_outputs(left), self.n_consts, n, self.length, self.reverse)
            made.unroll = self.unroll
            made.lanes = lanes_of_results(self.lanes, places, left)
            self._made[key] = made
        return self._made[key], left

    # Derivatives

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """Scan the body's jvp; every floating carry that depends on what has a tangent has one."""
        parts, moved_parts = self.split(primals), list(self.split(tangents))
        sizes, n = [len(p) for p in parts], self.n_carry
        moving = self.body.carried([t is not None for t in tangents], self.n_consts, n)[1]
        floating = [f and m for f, m in zip(derive.differentiable(parts[1]), moving, strict=False)]
        moved_parts[1] = [
            derive.zeros_like(x) if f and t is None else t
            for x, t, f in zip(parts[1], moved_parts[1], floating, strict=True)
        ]
        moved = [t is not None for part in moved_parts for t in part]
        given = [[t for t in part if t is not None] for part in moved_parts]

        def step(flat: Sequence[Array]) -> list[Array]:
            both = inner.split(flat)
            values = [x for part, size in zip(both, sizes, strict=True) for x in part[:size]]
            dots = derive.filled([t for part, size in zip(both, sizes, strict=True) for t in part[size:]], moved)
            outs, ts = derive.forward(self.body, values, dots, self.name)
            rows = [t for t in ts[n:] if t is not None]
            return [*outs[:n], *derive.chosen_of(ts[:n], floating), *outs[n:], *rows]

        args = [x for part, dots in zip(parts, given, strict=True) for x in (*part, *dots)]
        inner = Scan(self.body, sizes[0] + len(given[0]), n + len(given[1]), self.length, self.reverse)
        inner = self._derived(("jvp", tuple(moved)), step, inner, inner.one_step(args))
        outs = apply(inner, args)
        with_tangent = derive.differentiable(self.body.stand_ins())[n:]
        done, rows = outs[: inner.n_carry], outs[inner.n_carry :]
        m = len(with_tangent)
        return [*done[:n], *rows[:m]], [*derive.filled(done[n:], floating), *derive.filled(rows[m:], with_tangent)]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """Scan forward keeping the carries; the pullback scans the body's pullback the other way."""
        derive.require_values(self.body.graph.holds)
        n, m = self.n_carry, len(self.body.kinds) - self.n_carry
        policy = IN_FORCE.policy or (everything_saveable if asks_to_keep(self.body.graph) else None)
        if policy is not None:
            halves = self._halves(policy, primals, perturbed)
            if halves.kept:
                return self._vjp_keeping(halves, primals, perturbed)
        by: list[bool] = []  # by which arguments of the body, if its results are those of forward rules
        if BACKWARD_RULE in self.body.graph.holds:
            by = self.body.carried(perturbed, self.n_consts, n)[0]
        outs = apply(self.keeping(self.one_step(primals), by), primals)
        carries = outs[n + m :]

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            return self._pull(primals, perturbed, carries, cotangents)

        return outs[: n + m], pullback

    def keeping(self, steps: Sequence[Array], by: Sequence[bool]) -> Scan:
        """The loop that keeps what it carried; ``steps``: examples of what a step takes."""

        def kept_step(flat: Sequence[Array]) -> list[Array]:
            outs = derive.known(self.body, flat, by, self.name, linear=False) if by else self.body(flat)
            return [*outs, *self.split(flat)[1]]

        keeping = Scan(self.body, self.n_consts, self.n_carry, self.length, self.reverse)
        keeping.more_from, keeping.lanes = len(self.body.kinds), lanes_of_keeping(self, steps, by)
        return self._derived(("keep", tuple(by)), kept_step, keeping, steps)

    def constants(self, perturbed: Sequence[bool]) -> Sequence[int]:
        """What no step moves."""
        return unmoved(self.body.carried(perturbed, self.n_consts, self.n_carry)[1])

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """Where the body holds what only has a transpose: scan that the other way, and forward what it depends on.

        At the results that depend on the perturbed arguments nobody looks.
        """
        n, m, likes = self.n_carry, len(self.body.kinds) - self.n_carry, self.body.stand_ins()
        if TRANSPOSED not in self.body.graph.holds:
            return self.vjp(args, perturbed)
        of_body, linear = self.body.carried(perturbed, self.n_consts, n)

        def known_step(flat: Sequence[Array]) -> list[Array]:
            found, carry = derive.known(self.body, flat, of_body, self.name), self.split(flat)[1]
            still = [*carry, *(derive.zeros_of(o) for o in likes[n:])]
            return [*(x if moves else y for x, y, moves in zip(still, found, linear, strict=True)), *carry]

        keeping = Scan(self.body, self.n_consts, n, self.length, self.reverse)
        keeping = self._derived(("known", tuple(linear)), known_step, keeping, self.one_step(args))
        keeping.more_from = n + m
        outs = apply(keeping, args)

        def gradients(flat: Sequence[Array], cotangents: Sequence[Any]) -> list[Array]:
            flat = flat[: len(of_body)]
            cts = [c if moves else None for c, moves in zip(cotangents, linear, strict=True)]
            found = iter(derive.reverse(self.body, flat, of_body, cts, self.name, linear=True))
            chosen = zip(flat, of_body, self._chosen(args, perturbed), strict=True)
            return [next(found) if moves else derive.zeros_like(x) for x, moves, c in chosen if c]

        return outs[: n + m], lambda cts: self._pull(args, perturbed, outs[n + m :], cts, gradients)

    def _chosen(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> list[bool]:
        """By which arguments the body's pullback goes back: where a carry is floating it may depend on any."""
        by_consts, _, by_rows = self.split(perturbed)
        return [*by_consts, *derive.differentiable(self.split(primals)[1]), *by_rows]

    def _halves(self, policy: Any, primals: Sequence[Array], perturbed: Sequence[bool]) -> Halves:
        """The body cut by a policy, once for each."""
        given = derive.differentiable(self.body.stand_ins())
        chosen = self._chosen(primals, perturbed)
        again = IN_FORCE.policy is not None  # then the carries are made again
        key = derive.keyed("halves", policy, tuple(chosen), again)
        if key not in self._made or not self._made[key].forward.usable() or not self._made[key].backward.usable():
            self._made[key] = halves_of(self.body, policy, self.one_step(primals), chosen, given, self.name, again)
        return self._made[key]

    def _vjp_keeping(self, halves: Halves, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """Scan forward keeping what the policy says.

        Where the policy is that of a function around the loop, the carries are not to be kept: before the backward
        pass another scan makes them of what was kept.
        """
        n, m, rows = self.n_carry, halves.results, len(primals) - self.n_consts - self.n_carry

        def scan_of(step: Callable[..., Any], args: Sequence[Array]) -> tuple[Scan, list[Array]]:
            made = Scan(self.body, self.n_consts, n, self.length, self.reverse)
            made.body = derived(lambda flat: [*step(flat), *self.split(flat)[1]], made.one_step(args), self.name)
            return made.pruned(args)

        if IN_FORCE.policy is None:
            outs = apply(*scan_of(lambda flat: halves.forward(flat), primals))
            kept, carries = outs[m : m + halves.kept], outs[m + halves.kept :]
        else:
            first = Scan(halves.forward, self.n_consts, n, self.length, self.reverse)
            first.kept_from = m
            kept = apply(first, primals)[m:]
            second, args = scan_of(halves.again(), [*primals, *kept])
            second.again_of = first
            outs = apply(second, args)
            carries = outs[m:]

        def gradients(flat: Sequence[Array], cotangents: Sequence[Any]) -> list[Array]:
            cts = derive.given(cotangents, self.body.stand_ins())
            args = flat[: self.n_consts + n + rows]
            return halves.backward([*(args[k] for k in halves.read), *flat[len(args) :], *cts])

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            return self._pull([*primals, *kept], perturbed, carries, cotangents, gradients)

        return outs[:m], pullback

    def _pull(
        self,
        primals: Sequence[Array],
        perturbed: Sequence[bool],
        carries: Sequence[Array],
        cotangents: Sequence[Any],
        gradients: Callable[[Sequence[Array], Sequence[Any]], Sequence[Array]] | None = None,
    ) -> list[Any]:
        """Scan the body's pullback, or what else gives its gradients from the arguments of a step and cotangents."""
        consts, carry, rows = self.split(primals)
        by_consts, _, by_rows = self.split(perturbed)
        floating, n, refs = derive.differentiable(carry), self.n_carry, self._touched
        ct_carry = [
            derive.zeros_like(x) if f and c is None else c if f else None
            for x, c, f in zip(carry, cotangents[:n], floating, strict=True)
        ]
        ct_rows = list(cotangents[n:])
        has_row = [c is not None for c in ct_rows]
        sums = [derive.zeros_like(x) for x in derive.chosen_of(consts, by_consts)]
        chosen = self._chosen(primals, perturbed)
        start = [*sums, *derive.chosen_of(ct_carry, floating)]
        while True:
            before, rows_before = [r.value() for r in refs.carried], [rows_of(r).value() for r in refs.rows]
            args = [*consts, *start, *before, *carries, *rows, *derive.chosen_of(ct_rows, has_row), *rows_before]
            back = Scan(self.body, len(consts), len(start) + len(before), self.length, not self.reverse)
            try:
                back = self.backward(back.one_step(args), chosen, has_row, gradients)
                break
            except Touched as touched:  # by a backward rule
                refs.add(touched)
        outs = apply(*back.pruned(args))
        end, last_row = len(outs) - len(rows_before), len(start) + len(before)
        write_back(refs.carried, before, outs[len(start) : last_row])
        write_back([rows_of(r) for r in refs.rows], rows_before, outs[end:])
        outs = [*outs[: len(start)], *outs[last_row:end]]
        a, b = len(sums), len(start)
        return [
            *derive.filled(outs[:a], by_consts),
            *derive.filled(outs[a:b], floating),
            *derive.filled(outs[b:], by_rows),
        ]

    def backward(
        self,
        steps: Sequence[Array],
        chosen: Sequence[bool],
        has_row: Sequence[bool],
        gradients: Callable[[Sequence[Array], Sequence[Any]], Sequence[Array]] | None = None,
    ) -> Scan:
        """The loop back, by examples of what a step takes.

        That is constants; their cotangents so far and those of the carry; rows: what was carried, what was given,
        cotangents of results.
        """
        by_consts, floating, _ = self.split(chosen)
        n, a, b, refs = self.n_carry, sum(by_consts), sum(by_consts) + sum(floating), self._touched
        rows = len(steps) - self.n_consts - b - len(refs.carried) - n - sum(has_row) - len(refs.rows)

        def step(flat: Sequence[Array]) -> list[Array]:
            c, running, x = back.split(flat)
            total, ct = running[:a], derive.filled(running[a:b], floating)
            k, x, more = x[:n], x[n : n + rows], x[n + rows :]
            ct_y, inside = derive.filled(more[: sum(has_row)], has_row), more[sum(has_row) :]
            with holding(refs.carried + refs.rows, [*running[b:], *inside]) as last:
                if gradients is None:
                    grads = derive.reverse(self.body, [*c, *k, *x], chosen, [*ct, *ct_y], self.name)
                else:
                    grads = gradients([*c, *k, *x], [*ct, *ct_y])
                after = last()
            given = [*c, *k, *x][: len(chosen)]  # without what the forward pass kept
            for g, arg in zip(grads, derive.chosen_of(given, chosen), strict=True):
                if g.dtype != arg.dtype:  # of a custom_vjp rule; JAX's refusal
                    raise TypeError(
                        "while_loop body function carry input and carry output must have equal types, but they differ: "
                        f"{arg.aval.str_short()} has a cotangent of type {g.aval.str_short()}"
                    )
            split = len(refs.carried)
            added = [Array(unwrap(s) + unwrap(g)) for s, g in zip(total, grads[:a], strict=True)]
            return [*added, *grads[a:b], *after[:split], *grads[b:], *after[split:]]

        back = Scan(self.body, self.n_consts, b + len(refs.carried), self.length, not self.reverse)
        if gradients is not None:
            back.body = derived(step, steps, self.name)
            return back
        if not refs.carried and not refs.rows:
            back.lanes = lanes_of_backward(self, steps, chosen, has_row)
        key = ("pull", tuple(chosen), tuple(has_row), len(refs.carried), len(refs.rows))
        return self._derived(key, step, back, steps)

    def pruned(self, args: Sequence[Array]) -> tuple[Scan, list[Array]]:
        """The same without the constants and rows that the body does not read, such as carries of a linear step."""
        if "pruned" not in self._made:
            n, m = self.n_consts, self.n_consts + self.n_carry
            kept = [n <= k < m or read for k, read in enumerate(self.body.graph.inputs_read())]
            self._made["pruned"] = self if all(kept) else self.reading(kept), kept
        op, kept = self._made["pruned"]
        return op, derive.chosen_of(args, kept)

    def reading(self, kept: Sequence[bool]) -> Scan:
        """The scan that takes some of the arguments, by a body that reads no others."""
        graph = self.body.graph
        step = graph.rearranged(derive.chosen_of(graph.inputs, kept), graph.outputs)
        body = GraphFunction(step, self.body.kinds, self.body.closed)
        made = Scan(body, sum(kept[: self.n_consts]), self.n_carry, self.length, self.reverse)
        made.unroll, made.lanes = self.unroll, lanes_of_reading(self.lanes, kept)
        return made

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """Scan the body over all lanes; rows get their lanes behind the axis that is scanned."""
        consts, carry, rows = self.split(args)
        m_consts, m_carry, m_rows = self.split(mapped)
        rows = [_swapped(x) if m else x for x, m in zip(rows, m_rows, strict=True)]
        n = self.n_carry
        while True:  # until every carry that a step gives lanes has lanes from the start
            flags = [*m_consts, *m_carry, *m_rows]
            wanted = [*m_carry, *[False] * (len(self.body.kinds) - n)]
            had = self.split(mapped)[1]
            carry = [spread(x, h, m, frame) for x, h, m in zip(carry, had, m_carry, strict=True)]
            whole = [*consts, *carry, *rows]
            inner, found = self._over_lanes(frame, whole, flags, wanted)
            if found[:n] == list(m_carry):
                break
            m_carry, carry = found[:n], self.split(args)[1]
        outs = apply(inner, whole)
        return [_swapped(o) if f and k >= n else o for k, (o, f) in enumerate(zip(outs, found, strict=True))], found

    def _over_lanes(
        self, frame: Frame, args: Sequence[Array], flags: Sequence[bool], wanted: Sequence[bool]
    ) -> tuple[Scan, list[bool]]:
        """The scan of the body over lanes, and which of its results have lanes."""
        key = ("vmap", tuple(flags), frame.axis_size, frame.axis_name)
        if key not in self._made or not self._made[key][0].body.usable():
            self._made[key] = self.with_lanes(frame, self.one_step(args), flags, wanted)
        return self._made[key]

    def with_lanes(
        self, frame: Frame, steps: Sequence[Array], flags: Sequence[bool], wanted: Sequence[bool]
    ) -> tuple[Scan, list[bool]]:
        """The same, made of examples of what a step takes."""
        found: list[bool] = []

        def step(flat: Sequence[Array]) -> list[Array]:
            outs, found[:] = derive.lanes(self.body, flat, flags, wanted, frame, self.name)
            return outs

        inner = Scan(self.body, self.n_consts, self.n_carry, self.length, self.reverse)
        inner.unroll = self.unroll
        inner.body = derived(step, steps, self.name)
        if derive.apart(frame, inner.body):
            lane = Scan(self.body, self.n_consts, self.n_carry, self.length, self.reverse)  # not self, which holds inner
            inner.lanes = lanes_of_vmap(lane, frame.axis_size, steps, flags, wanted, found)
        return inner, found

    def _derived(self, key: Any, step: Callable[..., Any], inner: Scan, steps: Sequence[Array]) -> Scan:
        """``inner`` with ``step`` for its body, of examples of what it takes; or the one that was made before."""
        key = derive.keyed(*key)
        made = self._made.get(key)
        if made is None or not made.body.usable():
            inner.body, inner.unroll = derived(step, steps, self.name), self.unroll
            made = self._made[key] = inner
        return made


def _swapped(x: Array) -> Array:
    return like(x, unwrap(x).transpose(0, 1))


# The public functions


@api_boundary
def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    _split_transpose: bool = False,
) -> Any:
    """A loop over the leading axis of ``xs`` that carries a value along.

        carry, ys = init, []
        for x in xs:
            carry, y = f(carry, x)
            ys.append(y)
        return carry, stack(ys)

    Args:
        f: takes carry and x, gives the next carry, of the same tree and types, and y; any trees.
        init: the first carry.
        xs: tree of arrays of equal leading axis, or None.
        length: number of steps; needed where ``xs`` has no arrays.
        reverse: from the last x to the first; ys are in the order of xs.
        unroll: how many steps a jaxpr says are one; loops are written out where it pays.

    Returns:
        The last carry, and the stacked ys.
    """
    del _split_transpose
    if not callable(f):
        raise TypeError("lax.scan: f argument should be a callable.")
    if any(is_ref(x) for x in tree_flatten(xs)[0]):
        return over_rows(scan, f, init, xs, length, reverse, unroll)
    if hi_values.has_hi((init, xs)):
        return hi_values.over_rows(lambda f, init, xs: scan(f, init, xs, length, reverse, unroll), f, init, xs)
    refuse_carried(f, "scan", init, "result[0]")
    given = tree_flatten(init)[0]
    carry, carry_tree = leaf_arrays(init)
    rows, rows_tree = _rows(xs)
    length = _length(rows, length)
    if config.disable_jit.value:
        return _in_python(f, init, rows, rows_tree, length, reverse)
    in_tree = tree_structure((tree_unflatten(carry_tree, carry), tree_unflatten(rows_tree, rows)))
    steps = [example(x, x.shape[1:]) for x in rows]

    def traced() -> Body:
        return make_body(f, in_tree, [*(example(c) for c in carry), *steps], "scan", refs=True)

    body = traced()
    ((out_tree, _), n) = _pair(body), len(carry)
    if out_tree.num_leaves != n:
        check_carry("scan body", f, carry_tree, [c.aval for c in carry], out_tree, body.avals[: out_tree.num_leaves])
    before = carry
    carry, changed = promoted(carry, body.avals[:n])
    if changed:
        given = [g if c.dtype == b.dtype else c for g, c, b in zip(given, carry, before, strict=True)]
        body = traced()
        out_tree, _ = _pair(body)
    check_carry("scan body", f, carry_tree, [c.aval for c in carry], out_tree, body.avals[:n])
    check_varying("scan body", f, carry_tree, carry, body, [*carry, *rows])
    if body.key_uses is not None:
        key_uses.check_loop(body.key_uses, n, "scan body")
        body.key_uses.spend([*carry, *rows], body.closed, "scan")
    unroll = _unrolled(unroll, length)
    key = (length, bool(reverse), unroll)
    made = body.made.get(key)
    if made is None:
        parts = Parts(body, carry, rows)
        loop = Scan(parts.step, parts.n_consts, parts.n_carry, length, bool(reverse))
        loop.unroll, loop.ref_form = unroll, parts.form
        made = body.made[key] = loop, parts
    loop, parts = made
    with NotingCall(() if body.refs is None else body.refs.refs):
        outs = apply(loop, parts.arguments(body.closed, carry, rows, body.refs))
        return tree_unflatten(body.out_tree, parts.results(outs, given, rows, body.refs))


def _pair(body: Body) -> list[Any]:
    """The trees of the carry and of y that a body returned."""
    children = treedef_children(body.out_tree)
    if len(children) != 2:
        shown = tree_unflatten(body.out_tree, body.avals)
        raise TypeError(f"scan body output must be a pair, got {shown}.")
    return children


def _rows(xs: Any) -> tuple[list[Array], Any]:
    leaves, tree = tree_flatten(xs)
    for x in leaves:
        refuse_own_arrays(x)
    arrays = leaf_arrays(xs)[0]
    bare = [str(x) for x in leaves if not hasattr(x, "shape")]
    if bare:
        raise ValueError(f"scan got value with no leading axis to scan over: {', '.join(bare)}.")
    for x in leaves:
        x.shape[0]  # IndexError for what has no axis, as in JAX
    for split in signature(arrays):
        if split is not None and split.spec[0] is not None:
            raise ValueError(f"0th dimension of all xs should be replicated. Got {split.spec}")
    return arrays, tree


def _length(rows: Sequence[Array], length: Any) -> int:
    sizes = [x.shape[0] for x in rows]
    if length is not None:
        if isinstance(length, Array) and is_traced(length):
            raise errors.ConcretizationTypeError(
                length,
                "The `length` argument to `scan` expects a concrete `int` value. For scan-like iteration with a "
                "dynamic length, use `while_loop` or `fori_loop`.",
            )
        length = int(length)
        if any(n != length for n in sizes):
            raise ValueError(f"scan got `length` argument of {length} which disagrees with leading axis sizes {sizes}.")
        return length
    if len(set(sizes)) > 1:
        raise ValueError(f"scan got values with different leading axis sizes: {', '.join(str(n) for n in sizes)}.")
    if not sizes:
        raise ValueError("scan got no values to scan over and `length` not provided.")
    return sizes[0]


def _unrolled(unroll: Any, length: int) -> int:
    """How many steps go into one, as a jaxpr shows it."""
    context = "The `unroll` argument to `scan` expects a concrete `int` or `bool` value."
    known = concrete_or_error(None, unroll, context)
    if isinstance(known, bool):
        return max(length, 1) if known else 1
    if known < 0:
        raise ValueError("`unroll` must be a `bool` or a non-negative `int`.")
    return int(known)


def _in_python(f: Any, carry: Any, rows: Sequence[Array], rows_tree: Any, length: int, reverse: bool) -> Any:
    """The loop under `jax.disable_jit`."""
    if length == 0:
        raise ValueError("zero-length scan is not supported in disable_jit() mode because the output type is unknown.")
    ys = []
    order = range(length)
    for i in reversed(order) if reverse else order:
        x = tree_unflatten(rows_tree, [index_in_dim(r, i, keepdims=False) for r in rows])
        carry, y = f(carry, x)
        ys.append(y)
    if reverse:
        ys.reverse()

    def stack(*column: Any) -> Array:
        arrays = leaf_arrays(list(column))[0]
        return like(arrays[0], torch.stack([unwrap(a) for a in arrays]))

    return carry, tree_map(stack, *ys)


@api_boundary
def map(f: Callable[..., Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """``f`` of each element along the leading axis of ``xs``, stacked: a scan that carries nothing.

    Args:
        f: any function.
        xs: tree of arrays of equal leading axis.
        batch_size: how many elements a step takes, by vmap; 0 takes all at once.
    """
    rows, tree = tree_flatten(xs)
    if batch_size is None or not rows:
        return scan(lambda _, x: ((), f(x)), (), xs)[1]
    size = rows[0].shape[0]
    steps = 0 if batch_size == 0 else size // batch_size
    taken = steps * batch_size
    over = vmap(f)
    if not steps:
        return over(tree_unflatten(tree, rows))
    batches = [x[:taken].reshape(steps, batch_size, *x.shape[1:]) for x in rows]
    _, ys = scan(lambda _, x: ((), over(x)), (), tree_unflatten(tree, batches))
    ys = tree_map(lambda y: like(y, unwrap(y).flatten(0, 1)), ys)
    if taken == size:
        return ys
    rest = over(tree_unflatten(tree, [x[taken:] for x in rows]))
    return tree_map(lambda a, b: like(a, torch.cat([unwrap(a), unwrap(b)])), ys, rest)
