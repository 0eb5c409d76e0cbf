"""control: loops, branches and calls, written as those of C++.

What a loop carries lives in names that are assigned, or in arrays, at the end of each step: rows of results are written
first, then what a carry becomes is set aside where it may still be read, then the carries change.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.control import CondForm, Part, ScanForm, WhileForm
from jaxlike._src.graph.fused import lanes
from jaxlike._src.graph.fused.program import Program, Wanted, lowers
from jaxlike._src.graph.fused.values import Cells, Ineligible, Memory, Pending, Value, c_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Call, Node, Var


@lowers("call")
def _call(p: Program, node: Node, a: dict[str, Any]) -> Sequence[Value]:
    op: Call = node.op
    args = a["args"]
    if op.effects:
        raise Ineligible(f"{op.name}, which has effects")
    form = op.control
    if isinstance(form, ScanForm | WhileForm):
        write: Any = _scan if isinstance(form, ScanForm) else _while
        parted = lanes.in_parts(p, form, args, node.outs, write)
        return write(p, form, args, node.outs) if parted is None else parted
    if isinstance(form, CondForm):
        return _cond(p, form, args, node)
    graph = op.graph
    if graph is None:
        raise Ineligible(op.name)
    if graph.lifted:  # what it closed over are the last arguments
        graph = graph.rearranged([*graph.inputs, *graph.lifted_vars], graph.outputs)
    return p.graph(graph, args)


class _Carries:
    """What a loop carries; in the end, the variables ``outs``."""

    def __init__(
        self, p: Program, variables: Sequence[Var], start: Sequence[Value], outs: Sequence[Wanted]
    ) -> None:
        self.values: list[Cells | Memory] = []
        for var, value, out in zip(variables, start, outs, strict=True):
            if math.prod(var.shape) <= p.few:
                cells = p.cells(value)
                names = [p.name("c") for _ in cells]
                for name, cell in zip(names, cells, strict=True):
                    p.line(f"{c_type(var.dtype)} {name} = {cell};")
                self.values.append(Cells(var.shape, var.dtype, names))
            else:
                made = p.place(out, var.shape, var.dtype)
                p.copy(made, value)
                self.values.append(made)
        p.flush()

    def becomes(self, p: Program, new: Sequence[Value]) -> None:
        """The end of a step."""
        arrays = {v.array for v in self.values if isinstance(v, Memory)}
        later: list[tuple[str, str]] = []  # assignments of names
        copies: list[tuple[Memory, Value]] = []
        waiting: list[tuple[Memory, Pending]] = []
        for old, value in zip(self.values, new, strict=True):
            if isinstance(old, Cells):
                changed = [(o, c) for o, c in zip(old.cells, p.cells(value), strict=True) if o != c]
                later += [(o, p.define(old.dtype, c)) for o, c in changed]
            elif isinstance(value, Pending) and value.entry.memory is None:
                waiting.append((old, value))
            else:
                value = p.settled(value)
                if isinstance(value, Memory) and value.array in arrays:
                    if value.base == old.base and value.is_contiguous and not value.offset and not value.moved:
                        continue
                    made = p.array(value.shape, value.dtype)
                    p.copy(made, value)
                    value = made
                copies.append((old, value))
        taken: set[str] = set()
        for old, value in waiting:
            alone = old.array not in taken and value.entry.memory is None
            taken.add(old.array)
            if not (alone and p.store_in_place(old, value)):
                copies.append((old, value))
        p.flush()
        for old, value in copies:
            p.copy(old, p.settled(value))
            p.flush()
        for name, value in later:
            p.line(f"{name} = {value};")

    def after(self, p: Program) -> list[Value]:
        """The values after the loop, which do not change any more."""
        return [*self.values]


def _write(p: Program, part: Part, values: Sequence[Value]) -> list[Value]:
    return p.graph(part.graph, values, part.closed)


def _scan(p: Program, form: ScanForm, args: Sequence[Value], outs: Sequence[Wanted]) -> list[Value]:
    c, k = form.n_consts, form.n_consts + form.n_carry
    consts = [p.named(v) for v in args[:c]]
    variables = form.body.graph.inputs[c:k]
    rows = [p.memory(v) if form.length else v for v in args[k:]]
    p.flush()
    carries = _Carries(p, variables, args[c:k], outs[: form.n_carry])
    results: list[Memory] = []
    for var, out in zip(form.body.graph.outputs[form.n_carry :], outs[form.n_carry :], strict=True):
        results.append(p.place(out, (form.length, *var.shape), var.dtype))
    if form.length:
        step, at = p.name("n"), p.name("n")
        p.line(f"for (long {step} = 0; {step} < {form.length}; ++{step}) {{")
        p.line(f"const long {at} = {f'{form.length - 1} - {step}' if form.reverse else step};")
        values = [*consts, *carries.values, *(_row(v, at) for v in rows if isinstance(v, Memory))]
        new = _write(p, form.body, values)
        for target, row in zip(results, new[form.n_carry :], strict=True):
            p.copy(_row(target, at), row, stays=True)
        carries.becomes(p, new[: form.n_carry])
        p.line("}")
    return [*carries.after(p), *results]


def _row(m: Memory, at: str) -> Memory:
    moved = f"{m.moved} + {at} * {m.strides[0]}" if m.moved else f"{at} * {m.strides[0]}"
    return Memory(m.shape[1:], m.dtype, m.base, m.strides[1:], m.offset, moved)


def _while(p: Program, form: WhileForm, args: Sequence[Value], outs: Sequence[Wanted]) -> list[Value]:
    c, k = form.n_cond, form.n_cond + form.n_body
    of_cond, of_body = ([p.named(v) for v in part] for part in (args[:c], args[c:k]))
    p.flush()
    carries = _Carries(p, form.body.graph.inputs[form.n_body :], args[k:], outs)
    p.line("for (;;) {")
    (going,) = _write(p, form.cond, [*of_cond, *carries.values])
    p.line(f"if (!({p.cells(going)[0]})) break;")
    carries.becomes(p, _write(p, form.body, [*of_body, *carries.values]))
    p.line("}")
    return carries.after(p)


def _cond(p: Program, form: CondForm, args: Sequence[Value], node: Node) -> list[Value]:
    index, operands = p.cells(args[0])[0], [p.named(v) for v in args[1:]]
    p.flush()
    results: list[Cells | Memory] = []
    for out in node.outs:
        assert out is not None
        if math.prod(out.shape) <= p.few:
            names = [p.name("c") for _ in range(math.prod(out.shape))]
            for name in names:
                p.line(f"{c_type(out.dtype)} {name};")
            results.append(Cells(out.shape, out.dtype, names))
        else:
            results.append(p.place(out, out.shape, out.dtype))
    for number, branch in enumerate(form.branches):
        last = number == len(form.branches) - 1
        p.line("{" if last else f"if ({index} == {number}) {{")
        for target, value in zip(results, _write(p, branch, operands), strict=True):
            if isinstance(target, Cells):
                for name, cell in zip(target.cells, p.cells(value), strict=True):
                    p.line(f"{name} = {cell};")
            else:
                p.copy(target, value)
        p.flush()
        p.line("}")
        if not last:
            p.line("else")
    return [*results]
