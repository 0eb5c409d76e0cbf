"""work: how many numbers a graph computes, to tell what is worth a kernel, or several threads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jaxlike._src.graph.control import CondForm, ScanForm, WhileForm
from jaxlike._src.graph.graph import Call, op_name, vars_in

if TYPE_CHECKING:
    from jaxlike._src.graph.graph import Graph, Node

GUESSED_STEPS = 16  # of a loop whose end is not known
PRODUCTS = frozenset(
    ("mm", "bmm", "mv", "dot", "addmm", "addmv", "baddbmm", "linalg_lu_factor_ex", "linalg_cholesky_ex",
     "linalg_lu_solve", "linalg_solve_triangular")
)  # fmt: skip


def of_loop(form: ScanForm | WhileForm) -> float:
    """How many numbers a loop computes."""
    if isinstance(form, ScanForm):
        return form.length * of_graph(form.body.graph)
    return GUESSED_STEPS * (of_graph(form.cond.graph) + of_graph(form.body.graph))


def of_graph(graph: Graph) -> float:
    """How many numbers a graph computes, multiplications of matrices counted one by one."""
    return sum(sum(_of_node(node)) for node in graph.nodes)


def is_within(graph: Graph, made: float, multiplied: float, whole: float) -> bool:
    """Whether no operation of a graph makes or multiplies more numbers than these, nor all of them together."""
    numbers = [_of_node(node) for node in graph.nodes]
    return all(a <= made and b <= multiplied for a, b in numbers) and sum(map(sum, numbers)) <= whole


def _of_node(node: Node) -> tuple[float, float]:
    """Numbers that are made, and multiplications beside them."""
    made = sum(math.prod(v.shape) for v in node.outs if v is not None)
    if not isinstance(node.op, Call):
        name, given = op_name(node), [v.shape for v in vars_in(node.args) if v.shape]
        if name.startswith("convolution"):  # of what is made or comes back, with a window
            return made, math.prod(given[0]) * max(math.prod(shape[1:]) for shape in given[1:])
        return made, made * max(shape[-1] for shape in given) if name in PRODUCTS else 0
    form = node.op.control
    if isinstance(form, CondForm):
        return made, max(of_graph(branch.graph) for branch in form.branches)
    if form is not None:
        return made, of_loop(form)
    return made, 0 if node.op.graph is None else of_graph(node.op.graph)


def has_loops(graph: Graph) -> bool:
    """Whether there is a loop among its nodes, or in what they call."""
    for node in graph.nodes:
        if isinstance(node.op, Call):
            form = node.op.control
            if form is not None and not isinstance(form, CondForm):
                return True
            if form is None and node.op.runs_graph and node.op.graph is not None and has_loops(node.op.graph):
                return True
    return False
