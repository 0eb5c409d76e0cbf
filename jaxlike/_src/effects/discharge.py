"""discharge: run a graph with its checks made values.

The graph is walked node by node with an `Error` that every check may change. Loops and choices get graphs of their
own that carry the Error along. Checks of NaN and of divisors are added here, after each operation that JAX
checks, under the name of JAX's primitive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.effects.errors import (
    DivisionByZeroError,
    Error,
    ErrorEffect,
    Known,
    NaNError,
    OOBError,
)
from jaxlike._src.graph.graph import Call, Device, Var, op_name
from jaxlike._src.graph.names import primitive_name
from jaxlike._src.lax.cond import Cond
from jaxlike._src.lax.scan import Scan
from jaxlike._src.lax.while_loop import While
from jaxlike._src.transforms.checkpoint import Checkpoint
from jaxlike._src.transforms.custom import CustomJvp
from jaxlike._src.transforms.custom_vjp import CustomVjp
from jaxlike._src.transforms.derive import example
from jaxlike._src.transforms.structured import Applied, GraphFunction, apply, derived

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.effects.errors import ErrorCategory, Maker
    from jaxlike._src.graph.graph import Graph, Node

# JAX's primitives that it checks for NaN; an operation of torch that stands for none of JAX's is checked too.
_CHECKED = frozenset(
    "acos acosh add asin asinh atan2 atan atanh bessel_i0e bessel_i1e cbrt conv_general_dilated cos cosh cumlogsumexp "
    "cummax cummin cumprod cumsum digamma dot_general erf_inv erf erfc exp expm1 fft igamma igammac integer_pow lgamma "
    "log1p log logistic mul pad pow psum reduce_prod reduce_sum reduce_window regularized_incomplete_beta rem rsqrt "
    "sin sinh sqrt sub tan tanh div scatter scatter-add".split()
)
_MOVE = frozenset(
    "abs argmax argmin broadcast_in_dim ceil clamp clamp_max clamp_min concatenate conj convert_element_type copy cholesky "
    "eigh exp2 floor gather imag iota lift_fresh max min neg qr real reduce_max reduce_min reshape rev round select "
    "select_n sign slice sort squeeze svd transpose unbind split stack masked_fill diagonal as_strided lift detach "
    "select_scatter slice_scatter diagonal_scatter tril triu roll repeat scalar_tensor empty new_zeros new_ones "
    "new_full nan_to_num complex view_as_real view_as_complex _conj scatter_reduce linalg_inv_ex".split()
)


class Found:
    """An Error while a graph runs: for each kind of finding a flag, the number of the check, the values."""

    def __init__(self, enabled: frozenset[ErrorCategory], next_code: Callable[[], int], known: Known) -> None:
        self.enabled, self.next_code, self.known = enabled, next_code, known
        self.parts: dict[ErrorEffect, list[Array]] = {}

    def like(self, effects: Sequence[ErrorEffect] = (), leaves: Sequence[Array] = ()) -> Found:
        """Another one for the same program, with these parts."""
        made, rest = Found(self.enabled, self.next_code, self.known), iter(leaves)
        for effect in effects:
            made.parts[effect] = [next(rest) for _ in range(2 + len(effect.shape_dtypes))]
        return made

    def add(self, effect: ErrorEffect, parts: Sequence[Array]) -> None:
        """Note a check; what was found before stays."""
        before = self.parts.get(effect)
        if before is None:
            self.parts[effect] = [Array(unwrap(parts[0])), Array(unwrap(parts[1]), True), *parts[2:]]
            return
        failed = unwrap(before[0])
        kept = [torch.where(failed, unwrap(a), unwrap(b)) for a, b in zip(before[1:], parts[1:], strict=True)]
        self.parts[effect] = [Array(torch.logical_or(failed, unwrap(parts[0]))), Array(kept[0], True), *map(Array, kept[1:])]

    def note(self, failed: Tensor, error_type: ErrorCategory, make: Maker) -> None:
        """Note a check without values."""
        code = self.next_code()
        self.known[code] = make
        self.add(ErrorEffect(error_type, ()), [Array(failed), _number(code)])

    def leaves(self, effects: Sequence[ErrorEffect]) -> list[Array]:
        """The parts of these kinds of finding, in order; placeholders where nothing was checked."""
        return [x for e in effects for x in (self.parts[e] if e in self.parts else _placeholder(e))]

    def error(self) -> Error:
        """As the user gets it."""
        pred, code, payload = {}, {}, {}
        for effect, (failed, number, *values) in self.parts.items():
            pred[effect], code[effect], payload[effect] = failed, number, values
        return Error(pred, code, self.known, payload)


def _number(code: int) -> Array:
    return Array(torch.full((), code, dtype=torch.int32, device=default_torch_device()), True)


def _placeholder(effect: ErrorEffect) -> list[Array]:
    device = default_torch_device()
    values = [
        Array(torch.ones(shape, dtype=dtypes.to_torch(np.dtype(dtype)), device=device))
        for shape, dtype in effect.shape_dtypes
    ]
    return [Array(torch.zeros((), dtype=torch.bool, device=device)), _number(-1), *values]


def discharged(
    graph: Graph, kinds: Sequence[Any], enabled: frozenset[ErrorCategory], next_code: Callable[[], int]
) -> tuple[Error, list[Array]]:
    """Run a graph without inputs.

    Args:
        graph: the graph.
        kinds: class and tag of each result.
        enabled: which checks count.
        next_code: gives a new number for a check.

    Returns:
        The Error, and the results.
    """
    found = Found(enabled, next_code, Known())
    outs = _walk(graph, found, [])
    return found.error(), [kind(t, tag) for (kind, tag), t in zip(kinds, outs, strict=True)]


def _run(body: GraphFunction, found: Found, args: Sequence[Array]) -> list[Array]:
    """Run a function with its checks made values."""
    outs = _walk(body.graph, found, [unwrap(a) for a in (*args, *body.closed)])
    return [kind(t, tag) for (kind, tag), t in zip(body.kinds, outs, strict=True)]


def _walk(graph: Graph, found: Found, tensors: Sequence[Tensor]) -> list[Tensor]:
    # With what nothing uses: what a derivative is taken of is looked at too.
    nodes, constants = graph.written
    known: dict[Var, Tensor] = {v: c.tensor for v, c in constants.items()}
    given = list(tensors)
    if len(given) == len(graph.inputs):
        given += [unwrap(x) for x in graph.lifted]
    known.update(zip((*graph.inputs, *graph.lifted_vars), given, strict=True))

    def value(x: Any) -> Any:
        if isinstance(x, Var):
            return known[x]
        if isinstance(x, list | tuple):
            return type(x)(map(value, x))
        return default_torch_device() if isinstance(x, Device) else x

    made_by = {o: n for n in nodes for o in n.outs if o is not None}
    for node in nodes:
        if not all(v in known for v in node.reads()):
            continue  # nothing uses it, nor the value from outside that it reads
        args = [value(a) for a in node.args]
        if isinstance(node.op, Applied):
            arrays = [kind(t, tag) for (kind, tag), t in zip(node.op.kinds, args, strict=True)]
            outs: Any = [unwrap(o) for o in _applied(node.op, found, arrays)]
        elif isinstance(node.op, Call):
            outs = node.op(*args)
        else:
            out = node.op(*args, **{k: value(v) for k, v in node.kwargs.items()})
            outs = [out] if node.single else out
            if op_name(node) in _DIVIDE and isinstance(node.args[1], Var):
                args[1] = known[_given_divisor(node.args[1], made_by)]
            _look_at(node, found, args, outs)
        known.update((v, t) for v, t in zip(node.outs, outs, strict=True) if v is not None)
    return [known[v] for v in graph.outputs]


# Checks of torch's operations


def _look_at(node: Node, found: Found, args: Sequence[Any], outs: Sequence[Any]) -> None:
    name = primitive_name(node)
    short = op_name(node)
    if DivisionByZeroError in found.enabled and (divisor := _divisor(short, args)) is not None:
        found.note(torch.eq(divisor, 0).any(), DivisionByZeroError, lambda _: DivisionByZeroError())
    if NaNError not in found.enabled or (name not in _CHECKED and name in _MOVE):
        return
    inexact = [o for o in outs if isinstance(o, torch.Tensor) and (o.is_floating_point() or o.is_complex())]
    if inexact and (name in _CHECKED or name == short):
        flags = [torch.isnan(o).any() for o in inexact]
        failed = flags[0] if len(flags) == 1 else torch.stack(flags).any()
        found.note(failed, NaNError, lambda _: NaNError(name))


_DIVIDE = ("div", "true_divide", "floor_divide")


def _given_divisor(var: Var, made_by: dict[Var, Node]) -> Var:
    """The divisor that the user gave: torch cannot divide integers by 0, so kernels choose another number there."""
    while not var.dtype.is_floating_point and var in made_by and op_name(made_by[var]) == "where":
        var = made_by[var].args[2]
    return var


def _divisor(short: str, args: Sequence[Any]) -> Tensor | None:
    if short in _DIVIDE:
        x = args[1]
        return x if isinstance(x, torch.Tensor) else torch.full((), x, device=default_torch_device())
    return None


# Checks inside of operations that have graphs


def _applied(call: Applied, found: Found, args: Sequence[Array]) -> list[Array]:
    op = call.op
    if op.name == "check":
        return _check(op, found, args)
    rule = _RULES.get(type(op))
    if rule is not None:
        return rule(op, found, args)
    if call.graph is not None and not call.graph.lifted:
        outs = _walk(call.graph, found, [unwrap(a) for a in args])
        like = apply_kinds(op, args)
        return [type(o)(t, o._tag) for o, t in zip(like, outs, strict=True)]
    return apply(op, args)


def apply_kinds(op: Any, args: Sequence[Array]) -> list[Array]:
    """Arrays without values of the kinds of an operation's results."""
    return op.recorded([example(a) for a in args])[3]


def _check(op: Any, found: Found, args: Sequence[Array]) -> list[Array]:
    error = op.error(args)
    for effect, failed in error._pred.items():
        if effect.error_type in found.enabled:
            code, known = error._code[effect], error._metadata
            if effect.error_type is OOBError and len(known) == 1:  # found here, as those of values: it has its turn
                (make,) = known.values()
                number = found.next_code()
                code, known = _number(number), {number: make}
            found.add(effect, [asarray(p) for p in (failed, code, *error._payload[effect])])
            found.known.update(known)
    return []


def _kinds_of_findings(bodies: Sequence[tuple[GraphFunction, Sequence[Array]]], found: Found) -> list[ErrorEffect]:
    """All that was checked so far, and all that these functions check."""
    effects = set(found.parts)
    for body, args in bodies:

        def look(flat: Sequence[Array], body: GraphFunction = body) -> list[Array]:
            inside = found.like()
            outs = _run(body, inside, flat)
            effects.update(inside.parts)
            return outs

        derived(look, [example(a) for a in args], "checkify")
    return sorted(effects)


def _with_findings(body: GraphFunction, found: Found, effects: Sequence[ErrorEffect]) -> Callable[..., list[Array]]:
    """The function of findings and arguments that gives findings and results."""
    count = sum(2 + len(e.shape_dtypes) for e in effects)

    def run(flat: Sequence[Array]) -> list[Array]:
        inside = found.like(effects, flat[:count])
        outs = _run(body, inside, flat[count:])
        return [*inside.leaves(effects), *outs]

    return run


def _settle(found: Found, effects: Sequence[ErrorEffect], outs: Sequence[Array]) -> list[Array]:
    """Take the findings from the front of the results."""
    count = sum(2 + len(e.shape_dtypes) for e in effects)
    found.parts = found.like(effects, outs[:count]).parts
    return list(outs[count:])


def _scan(op: Scan, found: Found, args: Sequence[Array]) -> list[Array]:
    effects = _kinds_of_findings([(op.body, op.one_step(args))], found)
    consts, carry, rows = op.split(args)
    start = found.leaves(effects)
    whole = [*consts, *start, *carry, *rows]
    inner = Scan(op.body, len(consts), len(start) + len(carry), op.length, op.reverse)
    run = _with_findings(op.body, found, effects)

    def step(flat: Sequence[Array]) -> list[Array]:
        c, k, x = inner.split(flat)
        return run([*k[: len(start)], *c, *k[len(start) :], *x])

    inner.body = derived(step, inner.one_step(whole), op.name)
    return _settle(found, effects, apply(inner, whole))


def _while(op: While, found: Found, args: Sequence[Array]) -> list[Array]:
    if op.lanes_disagree:
        raise ValueError(
            "Checkify does not support batched while-loops (checkify-of-vmap-of-while). \nHint: if possible, move the "
            "vmap to the outer level to get vmap-of-checkify-of-while."
        )
    of_cond, of_body, carry = op.split(args)
    _run(op.cond, found, [*of_cond, *carry])  # it may fail before the first step
    effects = _kinds_of_findings([(op.cond, [*of_cond, *carry]), (op.body, [*of_body, *carry])], found)
    start = found.leaves(effects)
    count, n = len(start), len(of_cond)
    run_body, run_cond = (_with_findings(f, found, effects) for f in (op.body, op.cond))

    def step(flat: Sequence[Array]) -> list[Array]:
        c, b, findings, k = flat[:n], flat[n : n + len(of_body)], flat[-count - len(carry) : -len(carry)], flat[-len(carry) :]
        outs = run_body([*findings, *b, *k])
        asked = run_cond([*outs[:count], *c, *outs[count:]])
        return [*asked[:count], *outs[count:]]

    def goes_on(flat: Sequence[Array]) -> list[Array]:
        return op.cond([*flat[:n], *flat[n + count :]])

    examples = [example(a) for a in (*of_cond, *of_body, *start, *carry)]
    inner = While(op.cond, op.body, n, n + len(of_body))
    inner.cond = derived(lambda flat: _quiet(goes_on, flat), [*examples[:n], *examples[n + len(of_body) :]], op.name)
    inner.body = derived(step, examples, op.name)
    return _settle(found, effects, apply(inner, [*of_cond, *of_cond, *of_body, *start, *carry]))


def _quiet(fun: Callable[..., list[Array]], flat: Sequence[Array]) -> list[Array]:
    from jaxlike._src.graph.effects import silenced

    with silenced():
        return fun(flat)


def _cond(op: Cond, found: Found, args: Sequence[Array]) -> list[Array]:
    index, *operands = args
    effects = _kinds_of_findings([(b, operands) for b in op.branches], found)
    whole = [*found.leaves(effects), *operands]
    examples = [example(a) for a in whole]
    inner = Cond([derived(_with_findings(b, found, effects), examples, op.name) for b in op.branches])
    return _settle(found, effects, apply(inner, [index, *whole]))


def _custom_jvp(op: CustomJvp, found: Found, args: Sequence[Array]) -> list[Array]:
    if not isinstance(op._fun, GraphFunction):
        return apply(op, args)
    effects = _kinds_of_findings([(op._fun, args)], found)
    start = found.leaves(effects)
    count = len(start)

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
        outs, moved = op._rule(primals[count:], tangents[count:])
        return [*primals[:count], *outs], [*[None] * count, *moved]

    fun = derived(_with_findings(op._fun, found, effects), [example(a) for a in (*start, *args)], op.name)
    return _settle(found, effects, apply(CustomJvp(fun, rule, op._shown), [*start, *args]))


def _custom_vjp(op: CustomVjp, found: Found, args: Sequence[Array]) -> list[Array]:
    if not isinstance(op._fun, GraphFunction):
        return apply(op, args)
    effects = _kinds_of_findings([(op._fun, args)], found)
    start = found.leaves(effects)
    count = len(start)

    def fwd(primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        outs, residuals = op._fwd(primals[count:], perturbed[count:])
        return [*primals[:count], *outs], residuals

    def bwd(residuals: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        return [*[None] * count, *op._bwd(residuals, cotangents[count:])]

    fun = derived(_with_findings(op._fun, found, effects), [example(a) for a in (*start, *args)], op.name)
    return _settle(found, effects, apply(CustomVjp(fun, fwd, bwd, op._shown), [*start, *args]))


def _checkpoint(op: Checkpoint, found: Found, args: Sequence[Array]) -> list[Array]:
    effects = _kinds_of_findings([(op.body, args)], found)
    whole = [*found.leaves(effects), *args]
    body = derived(_with_findings(op.body, found, effects), [example(a) for a in whole], op.name)
    return _settle(found, effects, apply(Checkpoint(body, op.policy, op.prevent_cse, op.differentiated), whole))


_RULES: dict[type, Callable[[Any, Found, Sequence[Array]], list[Array]]] = {
    Scan: _scan,
    While: _while,
    Cond: _cond,
    CustomJvp: _custom_jvp,
    CustomVjp: _custom_vjp,
    Checkpoint: _checkpoint,
}
