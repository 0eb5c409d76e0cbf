"""kernel: a graph as a function of tensors: its C++, and how it is called.

The function takes addresses: of arguments, constants, results, and scratch memory. A result that is a view
of another is given as such; one that is an argument is that argument.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from jaxlike._src import torch_private
from jaxlike._src.graph.fused import control, decompose, indexing, order, products, reductions, shapes, systems
from jaxlike._src.graph.fused.build import load
from jaxlike._src.graph.fused.prelude import prelude
from jaxlike._src.graph.fused.program import Program, TooLong
from jaxlike._src.graph.fused.values import Ineligible, Memory, c_type
from jaxlike._src.graph.graph import Call, vars_in
from jaxlike._src.graph.metadata import contiguous

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from jaxlike._src.graph.graph import Graph, Var

TABLES = (control, decompose, indexing, order, products, reductions, shapes, systems)  # imported for what they register
MOST_ARGUMENTS = 500  # with constants and results; ctypes takes about a thousand
MOST_BYTES = 1 << 26  # of arguments and results


class Result(NamedTuple):
    """A result: an argument, or a view of memory that was made for it."""

    argument: int | None
    made: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


class Source(NamedTuple):
    """The C++ of a graph, and what it takes and gives."""

    text: str
    arguments: list[Var]
    constants: list[Tensor]
    made: list[tuple[int, torch.dtype]]  # elements of each result's memory
    results: list[Result]
    scratch: int
    level: str  # of optimization

    @property
    def seconds(self) -> float:
        """What building it is expected to take."""
        return 0.15 + 5e-4 * self.text.count("\n")


def source_of(graph: Graph) -> Source:
    """The C++ of a graph of inputs followed by lifted values."""
    with torch_private.outside_of_everything():
        try:
            return _written(graph, Program(), "-O3")
        except TooLong:  # loops over arrays are shorter than numbers by name; many of them are much to optimize
            return _written(graph, Program(few=1), "-O1")


def _written(graph: Graph, p: Program, level: str) -> Source:
    inputs = [*graph.inputs, *graph.lifted_vars]
    values = [Memory(v.shape, v.dtype, f"a{k}") for k, v in enumerate(inputs)]
    graph = graph.rearranged(inputs, graph.outputs) if graph.lifted else graph
    if sum(math.prod(v.shape) * v.dtype.itemsize for v in (*inputs, *graph.outputs)) > MOST_BYTES:
        raise Ineligible("large arguments or results")
    made: list[tuple[int, torch.dtype]] = []

    def result(shape: Sequence[int], dtype: torch.dtype) -> Memory:
        made.append((max(math.prod(shape), 1), dtype))
        return Memory(shape, dtype, f"r{len(made) - 1}")

    for var in _roots(graph):
        p.destinations[var] = result(var.shape, var.dtype)
    outs = p.graph(graph, values)
    given = {f"a{k}": k for k in range(len(inputs))}
    results: list[Result] = []
    places = {f"r{k}": k for k in range(len(made))}
    for value in outs:
        settled = p.settled(value)
        if isinstance(settled, Memory) and settled.base in places and not settled.moved:
            results.append(Result(None, places[settled.base], settled.shape, settled.strides, settled.offset))
        elif isinstance(settled, Memory) and settled.base in given and _is_whole(settled, inputs[given[settled.base]]):
            results.append(Result(given[settled.base], 0, settled.shape, settled.strides, 0))
        else:
            target = result(settled.shape, settled.dtype)
            p.copy(target, settled, stays=True)
            results.append(Result(None, len(made) - 1, target.shape, target.strides, 0))
    p.flush()
    names = [
        *((f"a{k}", v.dtype, "const ") for k, v in enumerate(inputs)),
        *((f"k{k}", t.dtype, "const ") for k, t in enumerate(p.constants)),
        *((f"r{k}", dtype, "") for k, (_, dtype) in enumerate(made)),
    ]
    if len(names) > MOST_ARGUMENTS:
        raise Ineligible("many arguments")
    heads = [
        f"  {const}{c_type(dtype)}* __restrict const {name} = ({c_type(dtype)}*)p{k};"
        for k, (name, dtype, const) in enumerate(names)
    ]
    heads.append(f"  char* __restrict const scratch = (char*)p{len(names)};")
    parameters = ", ".join(f"void* p{k}" for k in range(len(names) + 1))
    body = "\n".join(p.lines)
    text = f'{prelude(body)}\nextern "C" void run({parameters}) {{\n' + "\n".join(heads) + f"\n{body}\n}}\n"
    return Source(text, inputs, [t.contiguous() for t in p.constants], made, results, p.scratch, level)


def _is_whole(value: Memory, argument: Var) -> bool:
    return value.shape == tuple(argument.shape) and value.is_contiguous and not value.offset and not value.moved


def _roots(graph: Graph) -> list[Var]:
    """The values that results are, or are views of, which may be computed where the result is wanted."""
    made_by = {o: n for n in graph.nodes for o in n.outs if o is not None}
    found: list[Var] = []
    for out in graph.outputs:
        var, size = out, math.prod(out.shape)
        while var in made_by and not isinstance(made_by[var].op, Call) and _is_view(made_by[var]):
            var = next(vars_in(made_by[var].args))
        if var in made_by and var not in found and 16 < math.prod(var.shape) <= 4 * size:
            found.append(var)
    return found


def _is_view(node: Any) -> bool:
    schema = node.op._schema
    return bool(schema.returns) and schema.returns[0].alias_info is not None and node.outs[0] is not None


class Kernel:
    """A built program as a function of a list of tensors."""

    def __init__(self, source: Source, path: Path) -> None:
        count = len(source.arguments) + len(source.constants) + len(source.made) + 1
        self._run = load(path, count)
        self._constants = source.constants  # which stay where they are
        self._kept = [t.data_ptr() for t in source.constants]
        self._scratch = source.scratch
        self._results = source.results
        whole = {r.made: r for r in source.results if r.argument is None and _is_all(r, source.made[r.made][0])}
        self._made = [(whole[k].shape if k in whole else (n,), dtype) for k, (n, dtype) in enumerate(source.made)]
        # What each result is: an argument, all of what was made for it, or a view of that.
        self._as_made = [r.argument is None and r is whole.get(r.made) for r in source.results]
        self._in_order = all(self._as_made) and [r.made for r in source.results] == list(range(len(source.made)))

    def __call__(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """The results."""
        given = [t if t.is_contiguous() and not t.is_neg() else t.resolve_neg().contiguous() for t in tensors]
        made = [torch.empty(shape, dtype=dtype) for shape, dtype in self._made]
        where = [t.data_ptr() for t in given]
        where += self._kept
        where += [t.data_ptr() for t in made]
        scratch = torch.empty(self._scratch + 64, dtype=torch.uint8) if self._scratch else None
        where.append(0 if scratch is None else -(-scratch.data_ptr() // 64) * 64)
        self._run(*where)
        if self._in_order:
            return made
        return [
            tensors[r.argument]
            if r.argument is not None
            else made[r.made]
            if as_made
            else made[r.made].as_strided(r.shape, r.strides, r.offset)
            for r, as_made in zip(self._results, self._as_made, strict=True)
        ]


def _is_all(result: Result, size: int) -> bool:
    usual = contiguous(result.shape) == result.strides
    return usual and not result.offset and math.prod(result.shape) == size
