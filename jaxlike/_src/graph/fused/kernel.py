"""kernel: a graph as a function of tensors: its C++, and how it is called.

The function takes addresses: of arguments, constants, results, and scratch memory. A result that is a view
of another is given as such; one that is an argument is that argument.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from jaxlike._src import torch_private
from jaxlike._src.graph.fused import (
    build,
    complexes,
    control,
    decompose,
    gpu,
    indexing,
    order,
    products,
    reductions,
    shapes,
    systems,
    windows,
)
from jaxlike._src.graph.fused.prelude import prelude
from jaxlike._src.graph.fused.program import Program, TooLong
from jaxlike._src.graph.fused.team import Team
from jaxlike._src.graph.fused.values import Ineligible, Memory, c_type
from jaxlike._src.graph.graph import Call, vars_in
from jaxlike._src.graph.metadata import contiguous

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from jaxlike._src.graph.graph import Graph, Var

# Imported for what they register.
TABLES = (complexes, control, decompose, indexing, order, products, reductions, shapes, systems, windows)
CPU = torch.device("cpu")
MOST_ARGUMENTS = 500  # with constants and results; ctypes takes about a thousand
MOST_BYTES = 1 << 26  # of arguments and results: beyond, operations are long
MOST_BYTES_OF_A_TEAM = 1 << 30  # whose places are numbers of 32 bits


class Result(NamedTuple):
    """A result: an argument, or a view of memory that was made for it."""

    argument: int | None
    made: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


class Source(NamedTuple):
    """The C++ of a graph, and what it takes and gives; ``team``: the threads that it is for, if it is not one."""

    text: str
    arguments: list[Var]
    constants: list[Tensor]
    made: list[tuple[int, torch.dtype]]  # elements of each result's memory
    results: list[Result]
    scratch: int
    level: str  # of optimization
    team: Team | None
    device: torch.device

    @property
    def addresses(self) -> int:
        """How many addresses it takes."""
        return len(self.arguments) + len(self.constants) + len(self.made) + 1

    def path(self) -> Path:
        """Where what is built of it is, or will be."""
        return (build if self.team is None else gpu).path_of(self.text, self.level)

    def build(self) -> None:
        """Build it."""
        (build if self.team is None else gpu).build(self.text, self.level)

    @property
    def seconds(self) -> float:
        """What building it is expected to take."""
        return 0.15 + 5e-4 * self.text.count("\n")


def source_of(graph: Graph, device: torch.device = CPU, shared: int | None = None) -> Source:
    """The C++ of a graph of inputs followed by lifted values.

    Args:
        graph: it.
        device: where tensors are.
        shared: bytes that the threads of a block of a GPU may share, where it is for those.
    """
    with torch_private.outside_of_everything():
        try:
            return _written(graph, Program(team=None if shared is None else Team(shared)), "-O3", device)
        except TooLong:  # loops over arrays are shorter than numbers by name; many of them are much to optimize
            return _written(graph, Program(1, None if shared is None else Team(shared)), "-O1", device)


def _written(graph: Graph, p: Program, level: str, device: torch.device) -> Source:
    inputs = [*graph.inputs, *graph.lifted_vars]
    values = [Memory(v.shape, v.dtype, f"a{k}") for k, v in enumerate(inputs)]
    graph = graph.rearranged(inputs, graph.outputs) if graph.lifted else graph
    most = MOST_BYTES if p.team is None else MOST_BYTES_OF_A_TEAM
    if sum(math.prod(v.shape) * v.dtype.itemsize for v in (*inputs, *graph.outputs)) > most:
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
    # What other threads write is not ours alone.
    alone = {"const ": "__restrict ", "": "__restrict " if p.team is None else ""}
    heads = [
        f"  {const}{c_type(dtype)}* {alone[const]}const {name} = ({c_type(dtype)}*)p{k};"
        for k, (name, dtype, const) in enumerate(names)
    ]
    heads.append(f"  char* {alone['']}const scratch = (char*)p{len(names)};")
    parameters = ", ".join(f"void* p{k}" for k in range(len(names) + 1))
    body, threads = p.text(), None if p.team is None else p.team.threads
    kind = "void" if threads is None else f"__global__ void __launch_bounds__({threads})"
    body = "\n".join([*heads, body])
    text = f'{prelude(body, threads)}\nextern "C" {kind} run({parameters}) {{\n{body}\n}}\n'
    constants = [t.to(device).contiguous() for t in p.constants]
    return Source(text, inputs, constants, made, results, p.scratch, level, p.team, device)


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

    def __init__(self, source: Source, run: Callable[..., None]) -> None:
        self._run = run  # of addresses
        self._constants = source.constants  # which stay where they are
        self._kept = [t.data_ptr() for t in source.constants]
        self._scratch = source.scratch
        self._takes_complex = any(v.dtype.is_complex for v in source.arguments)
        self._results = source.results
        whole = {r.made: r for r in source.results if r.argument is None and _is_all(r, source.made[r.made][0])}
        shapes = [whole[k].shape if k in whole else (n,) for k, (n, _) in enumerate(source.made)]
        self._made = [(shape, contiguous(shape), dtype) for shape, (_, dtype) in zip(shapes, source.made, strict=True)]
        self._empty = torch_private.empty_strided_on(source.device)
        # What each result is: an argument, all of what was made for it, or a view of that.
        self._as_made = [r.argument is None and r is whole.get(r.made) for r in source.results]
        self._in_order = all(self._as_made) and [r.made for r in source.results] == list(range(len(source.made)))

    @staticmethod
    def built(source: Source, path: Path) -> Kernel:
        """The kernel of a source that was built."""
        if source.team is None:
            return Kernel(source, build.load(path, source.addresses))
        return Kernel(source, gpu.load(path, source.team, source.addresses))

    def __call__(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """The results."""
        given, empty = tensors, self._empty
        for t in tensors:
            if not t.is_contiguous() or t.is_neg():
                given = [t.resolve_neg().contiguous() for t in tensors]
                break
        if self._takes_complex:
            given = [t.resolve_conj() for t in given]
        made = [empty(shape, strides, dtype) for shape, strides, dtype in self._made]
        where = [t.data_ptr() for t in given]
        where += self._kept
        where += [t.data_ptr() for t in made]
        if self._scratch:
            scratch = empty((self._scratch + 64,), (1,), torch.uint8)
            where.append(-(-scratch.data_ptr() // 64) * 64)
            self._run(*where)
        else:
            self._run(*where, 0)
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
