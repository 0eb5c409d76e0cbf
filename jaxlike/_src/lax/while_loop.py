"""while_loop: a loop that goes on while a condition holds; fori_loop, which counts.

Condition and body are traced once and the loop is one `Structured` operation: forward mode loops over the body's
jvp; where lanes of a vmap disagree the loop goes on while any lane does, and lanes that are done keep
their values. There is no reverse mode, except for what the loop only hands through.
"""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import config, dtypes, errors, key_uses, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, concrete_tensor, is_traced, unwrap
from jaxlike._src.frames import Frame
from jaxlike._src.graph.control import Lanes, WhileForm
from jaxlike._src.graph.effects import IOEffect, OrderedIOEffect, control_flow_allowed_effects
from jaxlike._src.graph.ref_calls import NotingCall, RefForm, Slot, given
from jaxlike._src.graph.ref_events import unnoted
from jaxlike._src.lax.body import (
    Body,
    check_carry,
    check_varying,
    example,
    leaf_arrays,
    location_of,
    make_body,
    promoted,
)
from jaxlike._src.lax.loop import Runner
from jaxlike._src.lax.scan import scan
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms import derive, hi_values
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.linear_check import NO_REVERSE_OF_WHILE
from jaxlike._src.transforms.ref_state import put_last, refs_of, refuse_carried
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply, derived, spread, stand_in, unmoved
from jaxlike._src.transforms.untransposed import untransposed
from jaxlike._src.tree import tree_flatten, tree_map, tree_structure, tree_unflatten, treedef_is_leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.graph.graph import Graph
    from jaxlike._src.transforms.ref_state import RefState


LOOKS = 64  # so many steps are between looks at whether the rest should run as a kernel


class While(Structured):
    """A while loop on flat arguments: constants of the condition, constants of the body, carry; results: carry."""

    name = "while"
    allows = control_flow_allowed_effects
    is_executed = True
    lanes_disagree = False  # whether lanes of a vmap may take different numbers of steps
    lanes: Lanes | None = None

    def __init__(self, cond: GraphFunction, body: GraphFunction, n_cond: int, n_body: int) -> None:
        self.cond, self.body, self.n_cond, self.n_body = cond, body, n_cond, n_body
        self._runner: Runner | None = None
        self._made: dict[Any, Any] = {}  # conditions and bodies derived from these

    def split(self, flat: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Constants of the condition, constants of the body, carry."""
        a, b = self.n_cond, self.n_cond + self.n_body
        return list(flat[:a]), list(flat[a:b]), list(flat[b:])

    def varying(self, axes: Sequence[frozenset[Any]]) -> list[frozenset[Any]]:
        """What is carried takes over the axes of what it becomes, and of the condition."""
        of_cond, of_body, carry = self.split(axes)
        while True:
            (stops,) = self.cond.varying([*of_cond, *carry])
            outs = self.body.varying([*of_body, *carry])
            grown = [a | b | stops for a, b in zip(carry, outs, strict=True)]
            if grown == carry:
                return carry
            carry = grown

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The loop itself."""
        if self._runner is None:
            self._runner = Runner(self, len(self.cond.graph.nodes) + len(self.body.graph.nodes))
        outs = self._runner(args, 0, self._step_by_step)
        return [kind(t, tag) for (kind, tag), t in zip(self.body.kinds, outs, strict=True)]

    def _step_by_step(self, args: list[Tensor]) -> Sequence[Tensor]:
        of_cond, of_body, carry = self.split(args)
        cond, body = self.cond.stepper(), self.body.stepper()
        assert self._runner is not None
        meanwhile, start, steps = self._runner.meanwhile, time.perf_counter(), 0
        while bool(cond(*of_cond, *carry)[0]):
            carry = body(*of_body, *carry)
            steps += 1
            if steps % LOOKS == 0 and (kernel := meanwhile()) is not None:
                return kernel([*of_cond, *of_body, *carry])
        if steps:
            self.body.stepped(time.perf_counter() - start, [*of_body, *carry])
        return [t.contiguous() for t in carry]

    def control(self) -> WhileForm:
        """For a generator of loops."""
        return WhileForm(self.cond.part(), self.body.part(), self.n_cond, self.n_body, self.lanes)

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node; how often it goes round is known at replay, so a compiler gets nothing."""
        del args
        like = [type(o)(stand_in(o._t), o._tag) for o in self.body.stand_ins()]
        return self, lambda: None, [], like

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {
            "cond_nconsts": self.n_cond,
            "cond_jaxpr": self.cond.graph,
            "body_nconsts": self.n_body,
            "body_jaxpr": self.body.graph,
        }

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """Loop over the body's jvp; the condition looks at values alone."""
        of_cond, of_body, carry = self.split(primals)
        _, t_body, t_carry = self.split(tangents)
        moving = self.body.carried([t is not None for t in (*t_body, *t_carry)], self.n_body, len(carry))[1]
        floating = [f and m for f, m in zip(derive.differentiable(carry), moving, strict=True)]
        t_carry = [
            derive.zeros_like(x) if f and t is None else t for x, t, f in zip(carry, t_carry, floating, strict=True)
        ]
        moved, n = [t is not None for t in (*t_body, *t_carry)], len(carry)
        d_body, d_carry = ([t for t in part if t is not None] for part in (t_body, t_carry))

        def step(flat: Sequence[Array]) -> list[Array]:
            _, c, k = inner.split([*of_cond, *flat])
            values = [*c[: len(of_body)], *k[:n]]
            dots = derive.filled([*c[len(of_body) :], *k[n:]], moved)
            outs, ts = derive.forward(self.body, values, dots, self.name)
            return [*outs, *derive.chosen_of(ts, floating)]

        def condition(flat: Sequence[Array]) -> list[Array]:
            return self.cond(flat[: self.n_cond + n])

        args = [*of_cond, *of_body, *d_body, *carry, *d_carry]
        inner = While(self.cond, self.body, self.n_cond, self.n_body + len(d_body))
        inner.cond, inner.body = self._derived(("jvp", tuple(moved)), condition, step, inner, args)
        outs = apply(inner, args)
        return outs[:n], derive.filled(outs[n:], floating)

    def constants(self, perturbed: Sequence[bool]) -> Sequence[int]:
        """What no step moves."""
        _, of_body, carry = self.split(perturbed)
        return unmoved(self.body.carried([*of_body, *carry], self.n_body, len(carry))[1])

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """Results; cotangents are refused."""
        return apply(self, primals), self.pullback(primals, perturbed)

    def pullback(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """As of `vjp`: it needs no values of results."""
        return untransposed(self, primals, perturbed, NO_REVERSE_OF_WHILE)

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """Loop over all lanes, while any goes on if they may disagree."""
        m_cond, m_body, had = self.split(mapped)
        of_cond, of_body, carry = self.split(args)
        effects = self.cond.graph.effects | self.body.graph.effects
        if any(isinstance(e, OrderedIOEffect) for e in effects):
            raise Exception("Ordered IO effects not supported in vmap.")
        m_carry, disagree = self._lanes(args, mapped, frame)
        if disagree and any(isinstance(e, IOEffect) for e in effects):
            raise Exception("Unordered IO effects not supported in while_loop with batched predicate")
        shared = of_cond if disagree else []  # the body then asks the condition too
        carry = [spread(x, h, m, frame) for x, h, m in zip(carry, had, m_carry, strict=True)]
        whole = [*of_cond, *shared, *of_body, *carry]
        key = ("vmap", tuple(m_cond), tuple(m_body), tuple(m_carry), disagree, frame.axis_size, frame.axis_name)
        inner = self._made.get(key)
        if inner is None or not (inner.cond.usable() and inner.body.usable()):
            flags = m_cond, m_body, m_carry
            inner = self._made[key] = self._with_lanes(frame, [example(x) for x in whole], flags, disagree)
        return apply(inner, whole), m_carry

    def _with_lanes(
        self, frame: Frame, whole: Sequence[Array], flags: tuple[list[bool], list[bool], list[bool]], disagree: bool
    ) -> While:
        """The loop over all lanes, of which each goes on for itself if they disagree."""
        m_cond, m_body, m_carry = flags
        shared = self.n_cond if disagree else 0

        def go_on(flat: Sequence[Array]) -> Tensor:
            (pred,), _ = derive.lanes(self.cond, flat, [*m_cond, *m_carry], None, frame, self.name)
            return unwrap(pred)

        def condition(flat: Sequence[Array]) -> list[Array]:
            pred = go_on(flat)
            return [Array(pred.any() if disagree else pred)]

        def step(flat: Sequence[Array]) -> list[Array]:
            outs, _ = derive.lanes(self.body, flat[shared:], [*m_body, *m_carry], m_carry, frame, self.name)
            if not disagree:
                return outs
            old = flat[shared + self.n_body :]
            going = go_on([*flat[:shared], *old])
            return [chosen(going, new, before) for new, before in zip(outs, old, strict=True)]

        inner = While(self.cond, self.body, self.n_cond, shared + self.n_body)
        examples_of_cond, examples_of_body, carry = inner.split(whole)
        inner.cond = derived(condition, [*examples_of_cond, *carry], self.name)
        inner.body = derived(step, [*examples_of_body, *carry], self.name)
        inner.lanes_disagree = disagree
        has = [*m_cond, *m_cond[:shared], *m_body, *m_carry]
        lane = While(self.cond, self.body, self.n_cond, self.n_body)  # not self, which holds inner

        def of(count: int) -> While:
            fewer = derive.of_lanes(whole, has, count)
            return lane._with_lanes(Frame("vmap", axis_size=count), fewer, flags, disagree)

        if derive.apart(frame, inner.cond, inner.body):
            inner.lanes = Lanes(frame.axis_size, has, m_carry, of)
        return inner

    def _lanes(self, args: Sequence[Array], mapped: Sequence[bool], frame: Frame) -> tuple[list[bool], bool]:
        """Which carries have lanes in the end, and whether the condition has."""
        m_cond, m_body, m_carry = self.split(mapped)
        of_cond, of_body, carry = self.split(args)
        had = m_carry
        while True:
            now = [spread(x, h, m, frame) for x, h, m in zip(carry, had, m_carry, strict=True)]
            found = derive.found_lanes(self.body, [*of_body, *now], [*m_body, *m_carry], frame, self.name)
            (disagree,) = derive.found_lanes(self.cond, [*of_cond, *now], [*m_cond, *m_carry], frame, self.name)
            grown = [a or b or disagree for a, b in zip(m_carry, found, strict=True)]
            if grown == m_carry:
                return m_carry, disagree
            m_carry = grown

    def _derived(self, key: Any, condition: Any, step: Any, inner: While, args: Sequence[Array]) -> Any:
        made = self._made.get(key)
        if made is None or not all(f.usable() for f in made):
            of_cond, of_body, carry = inner.split([example(a) for a in args])
            made = derived(condition, [*of_cond, *carry], self.name), derived(step, [*of_body, *carry], self.name)
            self._made[key] = made
        return made


def chosen(going: Tensor, new: Array, old: Array) -> Array:
    """The new value in lanes that go on, the old one in the others; lanes are along axis 0."""
    a, b = unwrap(new), unwrap(old)
    return type(new)(unsigned.where(going.reshape([-1, *[1] * (a.dim() - 1)]), a, b), new._tag)


# The public functions


@api_boundary
def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any:
    """Repeat ``body_fun`` while ``cond_fun`` holds.

        val = init_val
        while cond_fun(val):
            val = body_fun(val)
        return val

    Args:
        cond_fun: takes the value, gives a bool scalar.
        body_fun: takes the value, gives the next one, of the same tree and types.
        init_val: tree of arrays.
    """
    if not (callable(body_fun) and callable(cond_fun)):
        raise TypeError("lax.while_loop: body_fun and cond_fun arguments should be callable.")
    if config.disable_jit.value:
        try:
            val = tree_map(asarray, init_val)
            while cond_fun(val):
                val = tree_map(asarray, body_fun(val))
            return val
        except errors.ConcretizationTypeError:  # lanes of a vmap: the traced form below
            pass
    if hi_values.has_hi(init_val):
        init_val = hi_values.lowered_values(init_val, "a loop that carries")
        return hi_values.raised(while_loop(hi_values.of_arrays(cond_fun), hi_values.of_arrays(body_fun), init_val))
    refuse_carried(body_fun, "while_body", init_val)
    init = tree_flatten(init_val)[0]
    carry, tree = leaf_arrays(init_val)
    in_tree = tree_structure((tree_unflatten(tree, carry),))
    cond, body = _bodies(cond_fun, body_fun, in_tree, carry)
    if len(body.avals) != len(carry):
        check_carry("while_loop body", body_fun, tree, [c.aval for c in carry], body.out_tree, body.avals)
    before = carry
    carry, changed = promoted(carry, body.avals)
    if changed:
        init = [g if c.dtype == b.dtype else c for g, c, b in zip(init, carry, before, strict=True)]
        cond, body = _bodies(cond_fun, body_fun, in_tree, carry)
    check_carry("while_loop body", body_fun, tree, [c.aval for c in carry], body.out_tree, body.avals)
    check_varying("while_loop body", body_fun, tree, carry, body, carry)
    n, traced, refs = len(carry), (cond, body), refs_of([cond, body])
    if refs:
        with unnoted():
            held = [ref.value() for ref in refs]
        cond, body = cond.with_refs(refs, held), _after(cond, body, refs, [*carry, *held])
        init, carry = [*init, *held], [*carry, *held]
    loop = body.made.get(cond)
    if loop is None:
        loop = body.made[cond] = _Loop(cond, body, carry)
        if refs and traced[0].refs is None:
            loop.op.ref_form = loop.ref_form(traced[0].run.graph, traced[1].run.graph, n)
    with NotingCall(refs):
        outs = loop(cond.closed, body.closed, init, carry)
        put_last(refs, outs[n:], traced)
    return tree_unflatten(body.out_tree, outs[:n])


def _after(cond: Body, body: Body, refs: Sequence[RefState], carry: Sequence[Array]) -> Body:
    """The body as a function of what refs hold as well, after what the condition writes to them."""
    body, n = body.with_refs(refs, held := carry[len(carry) - len(refs) :]), len(carry) - len(refs)
    if cond.refs is None or not cond.refs.written:
        return body
    first = cond.with_refs(refs, held)

    def both(flat: Sequence[Array]) -> list[Array]:
        return body.run([*flat[:n], *first.run([*flat, *first.closed])[1:], *body.closed])

    made = derived(both, [example(x) for x in carry], "while")
    return Body(GraphFunction(made.graph, made.kinds), list(made.closed), body.out_tree, body.avals)


class _Loop:
    """Condition and body made into a `While`. A carry that stays as it is, and is not looked at, is a constant."""

    def __init__(self, cond: Body, body: Body, carry: Sequence[Array]) -> None:
        conditions, steps, kinds = cond.run.graph, body.run.graph, body.run.kinds
        looked_at = conditions.dependencies(conditions.outputs[0])
        self.stays = [
            out is v and c not in looked_at and kind == (type(x), x._tag)
            for out, v, c, kind, x in zip(steps.outputs, steps.inputs, conditions.inputs, kinds, carry, strict=True)
        ]
        constants = [v for v, s in zip(steps.inputs, self.stays, strict=True) if s]
        moving = [k for k, s in enumerate(self.stays) if not s]
        pred = conditions.rearranged(
            [*conditions.lifted_vars, *(conditions.inputs[k] for k in moving)], conditions.outputs[:1]
        )
        step = steps.rearranged(
            [*constants, *steps.lifted_vars, *(steps.inputs[k] for k in moving)], [steps.outputs[k] for k in moving]
        )
        self.op = While(
            GraphFunction(pred, cond.run.kinds[:1]),
            GraphFunction(step, [kinds[k] for k in moving]),
            len(conditions.lifted_vars),
            len(steps.lifted_vars) + len(constants),
        )

    def ref_form(self, conditions: Graph, steps: Graph, n: int) -> RefForm:
        """The loop of refs, which the body closes over and has for constants; ``n`` values are carried beside them."""
        n_cond, stays = len(conditions.lifted_vars), self.stays
        moving = [k for k, s in enumerate(stays) if not s]
        ranked = [steps.inputs[k] for k, s in enumerate(stays) if s], [steps.inputs[k] for k in moving]
        place = {v: n_cond + k for k, v in enumerate([*ranked[0], *steps.lifted_vars, *ranked[1]])}
        closed = sorted([*steps.lifted_vars, *steps.inputs[n:]], key=lambda v: v.index)  # as the body came upon them
        carried = [k for k in moving if k < n]
        inputs = [*ranked[0][: stays[:n].count(True)], *closed, *(steps.inputs[k] for k in carried)]
        shown = given(steps, inputs, [steps.outputs[k] for k in carried])
        pred = conditions.rearranged(
            [*conditions.lifted_vars, *(conditions.inputs[k] for k in carried)], conditions.outputs
        )
        slots = [Slot(place[steps.inputs[k]], moving.index(k) if k in moving else None) for k in range(n, len(stays))]
        order = [*range(n_cond), *(place[v] for v in inputs)]
        params = {"cond_jaxpr": pred, "body_jaxpr": shown, "body_nconsts": len(inputs) - len(carried)}
        return RefForm(slots, order, params, [shown])

    def __call__(
        self, of_cond: Sequence[Array], of_body: Sequence[Array], init: Sequence[Any], carry: Sequence[Array]
    ) -> list[Any]:
        """The results; a carry that stays is what was given."""
        constants = [x for x, s in zip(carry, self.stays, strict=True) if s]
        moving = [x for x, s in zip(carry, self.stays, strict=True) if not s]
        outs = iter(apply(self.op, [*of_cond, *constants, *of_body, *moving]))
        return [x if s else next(outs) for x, s in zip(init, self.stays, strict=True)]


def _bodies(cond_fun: Any, body_fun: Any, in_tree: Any, carry: Sequence[Array]) -> tuple[Body, Body]:
    examples = [example(c) for c in carry]
    cond = make_body(cond_fun, in_tree, examples, "while_cond", refs=True)
    body = make_body(body_fun, in_tree, examples, "while_body", refs=True)
    if cond.key_uses is not None or body.key_uses is not None:
        key_uses.check_while(cond.key_uses, body.key_uses, len(carry))
        for made in (cond, body):
            if made.key_uses is not None:
                made.key_uses.spend(carry, made.closed, "while")
    if not treedef_is_leaf(cond.out_tree) or len(cond.avals) != 1:
        raise TypeError(f"cond_fun must return a boolean scalar, but got pytree {cond.out_tree}.")
    (aval,) = cond.avals
    if aval.shape or aval.dtype != np.bool_:
        raise TypeError(f"cond_fun must return a boolean scalar, but got output type(s) {cond.avals}.")
    return cond, body


@api_boundary
def fori_loop(
    lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any, *, unroll: int | bool | None = None
) -> Any:
    """Repeat ``body_fun`` for each number of a range.

        val = init_val
        for i in range(lower, upper):
            val = body_fun(i, val)
        return val

    Args:
        lower: first number.
        upper: one more than the last number. Where both are known this is a `scan`, else a `while_loop`.
        body_fun: takes the number and the value, gives the next value, of the same tree and types.
        init_val: tree of arrays.
        unroll: accepted where the numbers are known.
    """
    if not callable(body_fun):
        raise TypeError("lax.fori_loop: body_fun argument should be callable.")
    first, last = asarray(lower), asarray(upper)
    dtype = _counter_dtype(first, last)
    start, stop = _known_int(lower), _known_int(upper)
    if start is not None and stop is not None:
        length = max(stop - start, 0)
        if config.disable_jit.value and length == 0:
            return init_val
        step = _shared(_for_scan, body_fun, init_val)
        (_, result), _ = scan(step, (start, init_val), None, length=length, unroll=False if unroll is None else unroll)
        return result
    if unroll is not None and unroll is not False and unroll != 1:
        raise ValueError("Can only use `unroll` in `fori_loop` if the loop bounds are statically known.")
    first, last = (x if x.dtype == dtype else astype(x, dtype) for x in (first, last))
    return while_loop(_not_at_end, _shared(_for_while, body_fun, init_val), (first, last, init_val))[2]


def _not_at_end(loop_carry: Any) -> Any:
    i, end, _ = loop_carry
    return i < end


def _for_while(body_fun: Callable[[], Any]) -> Callable[..., Any]:
    def step(loop_carry: Any) -> Any:
        i, end, val = loop_carry
        return i + 1, end, body_fun()(i, val)

    return step


def _for_scan(body_fun: Callable[[], Any]) -> Callable[..., Any]:
    def step(loop_carry: Any, _: None) -> Any:
        i, val = loop_carry
        return (i + 1, body_fun()(i, val)), None

    return step


_steps: weakref.WeakKeyDictionary[Any, dict[Any, Any]] = weakref.WeakKeyDictionary()


def _shared(make: Callable[[Any], Any], body_fun: Any, init_val: Any) -> Any:
    """The same function for the same body, so that it is traced once; it does not keep the body alive."""
    try:
        made = _steps.setdefault(body_fun, {})
        if make not in made:
            step = made[make] = make(weakref.ref(body_fun))
            step.described = "fori_loop", location_of(body_fun), *_names(make, body_fun, init_val)
        return made[make]
    except TypeError:  # not hashable, or cannot be referred to weakly
        return make(lambda: body_fun)


def _names(make: Callable[[Any], Any], body_fun: Any, init_val: Any) -> list[str]:
    """How messages call what the loop carries: as the body calls it."""
    counter, *rest = leaf_names(body_fun, (0, init_val), {})
    return [counter, *rest] if make is _for_scan else [counter, "", *rest]


def _counter_dtype(lower: Array, upper: Array) -> Any:
    a, b = lower.dtype, upper.dtype
    if a == b:
        return a
    if dtypes.issubdtype(a, np.signedinteger) and dtypes.issubdtype(b, np.signedinteger):
        if lower.weak_type and not upper.weak_type:
            return b
        if upper.weak_type and not lower.weak_type:
            return a
    raise TypeError(f"lower and upper arguments to fori_loop must have equal types, got {a.name} and {b.name}")


def _known_int(x: Any) -> int | None:
    if isinstance(x, Array):
        if is_traced(x) and concrete_tensor(x) is None:
            return None
        value = concrete_tensor(x)
        return None if value is None or value.dim() else int(value.item())
    return None if np.ndim(x) else int(x)
