"""products: products of matrices and vectors: written out where few numbers meet, else loops with vectors innermost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.fused.pointwise import written
from jaxlike._src.graph.fused.program import Program, lowers, result
from jaxlike._src.graph.fused.values import Cells, Ineligible, Memory, Value, c_type
from jaxlike._src.graph.graph import op_name

if TYPE_CHECKING:
    from jaxlike._src.graph.graph import Node

WRITTEN_OUT = 64  # multiplications
MOST = 1 << 18  # multiplications of one product: beyond, a library's product is faster


def product(p: Program, a: Value, b: Value, out: Any) -> Value:
    """``[batch, m, k] @ [batch, k, n]``, of shape ``out.shape`` after all."""
    batch, m, k = a.shape
    n = b.shape[2]
    if a.dtype != b.dtype or batch * m * n * k > MOST or not k * m * n * batch:
        raise Ineligible("a large product")
    fused = "fused({0}, {1}, {2})" if a.dtype.is_floating_point else f"({c_type(a.dtype)})({{0}} * {{1}} + {{2}})"
    if batch * m * n <= p.few and batch * m * n * k <= WRITTEN_OUT:
        x, y, cells = p.cells(a), p.cells(b), []
        for g in range(batch):
            for i in range(m):
                for j in range(n):
                    row = [(x[(g * m + i) * k + q], y[(g * k + q) * n + j]) for q in range(k)]
                    total = p.define(a.dtype, f"{row[0][0]} * {row[0][1]}")
                    for u, v in row[1:]:
                        total = p.define(a.dtype, fused.format(u, v, total))
                    cells.append(total)
        return Cells(out.shape, a.dtype, cells)
    x, y = p.memory(a), p.memory(b)
    made = p.place(out, out.shape, a.dtype)
    _loops(p, x, y, Memory((batch, m, n), a.dtype, made.base, None, made.offset, made.moved), fused)
    return p.named(made)


def _loops(p: Program, x: Memory, y: Memory, z: Memory, fused: str) -> None:
    batch, m, k = x.shape
    n, kind = y.shape[2], c_type(x.dtype)

    def at(memory: Memory, *index: str) -> str:
        return memory.address(*(f"{i} * {s}" for i, s in zip(index, memory.strides, strict=True) if i))

    if p.team is not None:
        each = [f"{kind} sum = 0;", f"for (int l = 0; l < {k}; ++l)",
                f"sum = {fused.format(at(x, 'g', 'i', 'l'), at(y, 'g', 'l', 'j'), 'sum')};",
                f"{at(z, 'g', 'i', 'j')} = sum;"]  # fmt: skip
        p.each(["g", "i", "j"], [batch, m, n], each, z)
        return
    p.line(f"for (long g = 0; g < {batch}; ++g) {{" if batch > 1 else "{")
    g = "g" if batch > 1 else ""
    if n == 1 and x.strides[1] == 1 and x.strides[2] != 1:  # a transposed matrix with a vector: by columns
        p.line(f"alignas(64) {kind} sum[{m}] = {{}};")
        p.line(f"for (long l = 0; l < {k}; ++l) {{ const {kind} u = {at(y, g, 'l', '')};")
        p.line(f"for (long i = 0; i < {m}; ++i) sum[i] = {fused.format('u', at(x, g, 'i', 'l'), 'sum[i]')}; }}")
        p.line(f"for (long i = 0; i < {m}; ++i) {at(z, g, 'i', '')} = sum[i];")
    elif n > 1 and (y.strides[2] == 1 or k == 1):
        p.line(f"for (long i = 0; i < {m}; ++i) {{")
        p.line(f"alignas(64) {kind} sum[{n}] = {{}};")
        p.line(f"for (long l = 0; l < {k}; ++l) {{ const {kind} u = {at(x, g, 'i', 'l')};")
        p.line(f"for (long j = 0; j < {n}; ++j) sum[j] = {fused.format('u', at(y, g, 'l', 'j'), 'sum[j]')}; }}")
        p.line(f"for (long j = 0; j < {n}; ++j) {at(z, g, 'i', 'j')} = sum[j];")
        p.line("}")
    else:
        p.line(f"for (long i = 0; i < {m}; ++i) for (long j = 0; j < {n}; ++j) {{")
        p.line(f"{kind} sum = 0;")
        if not x.dtype.is_complex:
            p.line('_Pragma("omp simd reduction(+:sum)")')
        p.line(f"for (long l = 0; l < {k}; ++l) sum += {at(x, g, 'i', 'l')} * {at(y, g, 'l', 'j')};")
        p.line(f"{at(z, g, 'i', 'j')} = sum;")
        p.line("}")
    p.line("}")


def _of(p: Program, a: Value, b: Value, out: Any) -> Value:
    """A product of two operands of any of the usual ranks."""
    if len(a.shape) == 3:
        return product(p, a, b, out)
    k = a.shape[-1]
    x = p.view(a, lambda t: t.unsqueeze(0) if len(a.shape) == 2 else t.view(1, 1, k))[0]
    y = p.view(b, lambda t: t.unsqueeze(0) if len(b.shape) == 2 else t.view(1, k, 1))[0]
    return product(p, x, y, out)


@lowers("mm", "bmm", "mv", "dot", "vdot")
def _product(p: Program, node: Node, a: dict[str, Any]) -> Value:
    x, y = [v for v in a.values() if isinstance(v, Value)]
    if x.dtype.is_complex and op_name(node) == "vdot":
        raise Ineligible("vdot of complex numbers")
    return _of(p, x, y, result(node))


@lowers("addmm", "addmv", "baddbmm")
def _added(p: Program, node: Node, a: dict[str, Any]) -> Value:
    out = result(node)
    if a.get("beta", 1) != 1 or a.get("alpha", 1) != 1:
        raise Ineligible(f"{node.op} with factors")
    bias, x, y = [v for v in a.values() if isinstance(v, Value)]
    made = _of(p, x, y, out.renamed(-1))
    return written(p, out.shape, out.dtype, "{0} + {1}", [bias, made], out.dtype)
