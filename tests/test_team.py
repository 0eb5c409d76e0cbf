"""Programs for the threads of a GPU's block: where threads wait, and what they give, on the CPU one by one or on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.graph.fused import gpu
from jaxlike._src.graph.fused.build import compiler
from jaxlike._src.graph.fused.kernel import Kernel, Source, source_of
from jaxlike._src.graph.fused.program import Program
from jaxlike._src.graph.fused.team import Team, Unit, dealt, with_waits
from jaxlike._src.graph.fused.values import Ineligible
from jaxlike._src.graph.trace import trace
from tests import test_fused
from tests.team_emulation import SHARED, emulated

Run = Callable[[Sequence[Tensor]], Sequence[Tensor]]


def written(*arrays: str) -> frozenset[str]:
    """The arrays that a unit writes."""
    return frozenset(arrays)


WRITE, READ, OTHER = Unit(["b1[me] = 1;"], written("b1")), "const float t1 = b1[3];", Unit(["b2[me] = 1;"], written("b2"))
PLACES: dict[str, tuple[list[str | Unit], list[str]]] = {
    "read after write": ([WRITE, READ], ["b1[me] = 1;", "wait();", "const float t1 = b1[3];"]),
    "write after read": ([READ, WRITE], ["const float t1 = b1[3];", "wait();", "b1[me] = 1;"]),
    "write after write": ([WRITE, WRITE], ["b1[me] = 1;", "wait();", "b1[me] = 1;"]),
    "another array": ([WRITE, OTHER], ["b1[me] = 1;", "b2[me] = 1;"]),
    "arguments": ([Unit(["b1[me] = a1[me] + k1[me];"], written("b1")), "const int t2 = a1[0];"],
                  ["b1[me] = a1[me] + k1[me];", "const int t2 = a1[0];"]),
    "one wait is enough": ([WRITE, OTHER, READ, "const float t2 = b2[3];"],
                           ["b1[me] = 1;", "b2[me] = 1;", "wait();", "const float t1 = b1[3];", "const float t2 = b2[3];"]),
    "from a step to the next": (["for (long n1 = 0; n1 < 3; ++n1) {", READ, WRITE, "}"],
                                ["for (long n1 = 0; n1 < 3; ++n1) {", "wait();", READ, "wait();", "b1[me] = 1;", "}"]),
    "rows that nobody reads": (["for (long n1 = 0; n1 < 3; ++n1) {", "c1 = c1 + 1;", Unit(["if (me == 0) {", "r0[n1] = c1;", "}"],
                                written("r0")), "}"],
                               ["for (long n1 = 0; n1 < 3; ++n1) {", "c1 = c1 + 1;", "wait();", "if (me == 0) {", "r0[n1] = c1;",
                                "}", "}"]),
    "after a loop that is left": (["for (;;) {", WRITE, "if (!(c1)) break;", OTHER, "}", "const float t2 = b2[3];"],
                                  ["for (;;) {", "wait();", "b1[me] = 1;", "if (!(c1)) break;", "b2[me] = 1;", "}", "wait();",
                                   "const float t2 = b2[3];"]),
    "in one branch": (["if (c1 == 0) {", WRITE, "}", "else", "{", OTHER, "}", READ],
                      ["if (c1 == 0) {", "b1[me] = 1;", "}", "else", "{", "b2[me] = 1;", "}", "wait();", READ]),
    "in no branch": (["if (c1 == 0) {", OTHER, "}", READ], ["if (c1 == 0) {", "b2[me] = 1;", "}", READ]),
    "as another type": ([WRITE, "const int t2 = ((int*)b1)[3];"], ["b1[me] = 1;", "wait();", "const int t2 = ((int*)b1)[3];"]),
    "a unit that waits": ([WRITE, Unit(["s1 = together(s1, f);"], waits=True), READ],
                          ["b1[me] = 1;", "s1 = together(s1, f);", READ]),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_threads_wait_where_they_must_and_not_elsewhere(name: str) -> None:
    lines, expected = PLACES[name]
    assert with_waits(lines) == expected


def test_elements_are_dealt_out() -> None:
    lines = dealt(["i0", "i1"], [3, 5], ["x"])
    assert lines == ["for (int all = me; all < 15; all += TEAM) {", "  const int i0 = (all) / 5;",
                     "  const int i1 = all % 5;", "x", "}"]  # fmt: skip
    assert dealt(["i0"], [7], ["x"])[0] == "for (int i0 = me; i0 < 7; i0 += TEAM) {"


def test_what_does_not_fit_into_shared_memory_is_elsewhere() -> None:
    team = Team(100)
    assert [team.share(n) for n in (40, 52, 52, 8)] == [0, 48, None, None] and team.shared == 112
    p = Program(team=Team(100))
    p.array((10,), torch.float32)
    p.array((10, 10), torch.float32)
    assert p.text().split("\n")[1].endswith("(scratch + 0);") and p.scratch == 448
    with pytest.raises(Ineligible, match="large values"):
        p.array((1 << 18,), torch.float32)


def on_the_cpu(source: Source, folder: Path) -> Run:
    """Both orders of the threads give the same."""
    run = emulated(source, folder)

    def once(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        first, last = run(tensors)
        for a, b in zip(first, last, strict=True):
            torch.testing.assert_close(a, b, equal_nan=True)
        return first

    return once


def on_the_gpu(source: Source, folder: Path) -> Run:
    """The kernel itself."""
    del folder
    source.build()
    kernel = Kernel.built(source, source.path())
    known: dict[int, Tensor] = {}

    def run(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        there = [t.cuda() for t in tensors]
        known.update({id(t): own for t, own in zip(there, tensors, strict=True)})
        return [known.get(id(t), t.cpu()) for t in kernel(there)]

    return run


CPU, CUDA = torch.device("cpu"), torch.device("cuda")
TARGETS = [
    pytest.param((on_the_cpu, CPU), id="cpu", marks=pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")),
    pytest.param((on_the_gpu, CUDA), id="gpu", marks=pytest.mark.gpu),
]
PROGRAMS: dict[str, Callable[[], None]] = {
    "functions of floats": lambda: test_fused.test_functions_of_floats("many", torch.float32),
    "functions of integers": lambda: test_fused.test_functions_of_integers("many", torch.int32),
    "reductions": lambda: test_fused.test_reductions((6, 5, 7)),
    "long reductions": lambda: test_fused.test_reductions((3, 400)),
    "moving elements": test_fused.test_moving_elements,
    "words": test_fused.test_words_of_wide_integers,
    "products": lambda: test_fused.test_products(17),
    "systems": lambda: test_fused.test_systems(5, torch.float64),
    "singular matrices": test_fused.test_singular_matrices,
    "computed places": test_fused.test_computed_places,
    "order": lambda: test_fused.test_order((9, 20)),
    "results that are arguments": test_fused.test_results_that_are_arguments_or_shared,
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(
    name: str, target: tuple[Callable[[Source, Path], Run], torch.device], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, device = target

    def kernel_of(fun: Callable[..., Any], tensors: Sequence[Tensor]) -> Run:
        made = trace(lambda xs: [Array(t) for t in fun(*map(unwrap, xs))], [Array(t) for t in tensors], "fun")
        return runner(source_of(made[0], device, gpu.shared() if device.type == "cuda" else SHARED), tmp_path)

    monkeypatch.setattr(test_fused, "kernel_of", kernel_of)
    PROGRAMS[name]()
