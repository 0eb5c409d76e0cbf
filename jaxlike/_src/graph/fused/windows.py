"""windows: small convolutions and their derivatives: for each tap of the window a loop over where it meets the input.

The taps are written out, so that where a loop begins and ends is known when the program is written, and its innermost
axis has no branches. Large ones are a library's.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.fused.program import Program, lowers, result
from jaxlike._src.graph.fused.values import Ineligible, Memory, Value, c_type, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.graph import Node

MOST = 1 << 18  # multiplications
MOST_TAPS = 32


class _Window:
    """What a convolution is of: shapes ``[batch, channels, ...]``, ``[channels out, channels of a group, ...]``."""

    def __init__(self, p: Program, x: Value, w: Value, out: Sequence[int], a: dict[str, Any]) -> None:
        rank = len(w.shape) - 2
        self.x, self.w, self.out, self.p = x, w, tuple(out), p
        self.strides, self.padding, self.dilation = (
            [*v, *[v[-1]] * (rank - len(v))] for v in (a["stride"], a["padding"], a["dilation"])
        )
        self.groups, self.taps = a["groups"], w.shape[2:]
        count = math.prod(out) * math.prod(w.shape[1:])
        fits = len(x.shape) == len(w.shape) == len(out) and x.dtype == w.dtype and x.dtype.is_floating_point
        if p.team is not None or a["transposed"] or not fits or not 0 < count <= MOST or not x.numel:
            raise Ineligible("a large convolution, or one of another form")
        if math.prod(self.taps) > MOST_TAPS:
            raise Ineligible("a convolution with many taps")

    def write(self, each: Callable[[str, str], str], of_tap: Callable[[str], tuple[str, str]]) -> None:
        """For every tap lines before and after, and in between ``each``, of places in the result and in the input.

        What is added up after is ``t``.

        Indices are ``n`` (of the batch), ``o`` and ``i`` (channels out, and in of a group).
        """
        p, axes = self.p, range(len(self.taps))
        p.line(f"for (long n = 0; n < {self.out[0]}; ++n) for (long o = 0; o < {self.out[1]}; ++o)")
        p.line(f"for (long i = 0; i < {self.w.shape[1]}; ++i) {{")
        p.line(f"const long c = o / {self.out[1] // self.groups} * {self.w.shape[1]} + i;")
        for tap in itertools.product(*map(range, self.taps)):
            moved = [k * d - pad for k, d, pad in zip(tap, self.dilation, self.padding, strict=True)]
            first = [max(0, -(m // s)) for m, s in zip(moved, self.strides, strict=True)]
            ends = zip(self.x.shape[2:], moved, self.strides, self.out[2:], strict=True)
            last = [min(n, (size - 1 - m) // s + 1) for size, m, s, n in ends]
            if any(a >= b for a, b in zip(first, last, strict=True)):
                continue
            before, after = of_tap("".join(f", {k}" for k in tap))
            p.line("{")
            p.line(before)
            for k in axes:
                if k == len(self.taps) - 1:
                    p.line('_Pragma("omp simd reduction(+:t)")' if after else '_Pragma("GCC ivdep")')
                p.line(f"for (long y{k} = {first[k]}; y{k} < {last[k]}; ++y{k})")
            places = [f"y{k} * {self.strides[k]} + {moved[k]}" for k in axes]
            p.line(each(", ".join(["n", "o", *(f"y{k}" for k in axes)]), ", ".join(["n", "c", *places])))
            if after:
                p.line(after)
            p.line("}")
        p.line("}")


def _at(memory: Memory, indices: str) -> str:
    """C++ for an element, by indices with commas between."""
    pairs = zip(indices.split(", "), memory.strides, strict=True)
    return memory.address(*(f"({index}) * {stride}" for index, stride in pairs if stride))


def _filled(p: Program, made: Memory, cell: str) -> None:
    p.line(f"for (long y = 0; y < {made.numel}; ++y) {made.address('y')} = {cell};")


@lowers("convolution", "_convolution")
def _convolution(p: Program, node: Node, a: dict[str, Any]) -> Value:
    out = result(node)
    window = _Window(p, a["input"], a["weight"], out.shape, a)
    x, w, bias = p.memory(a["input"], contiguous=True), p.memory(a["weight"]), a.get("bias")
    start = literal(0, out.dtype) if bias is None else p.memory(bias)
    p.flush()
    made, kind = p.place(out, out.shape, out.dtype), c_type(out.dtype)
    if isinstance(start, str):
        _filled(p, made, start)
    else:
        plane = math.prod(out.shape[2:])
        place = start.address(f"y / {plane} % {out.shape[1]} * {start.strides[0]}")
        _filled(p, made, place)
    window.write(
        lambda place, of_x: f"{_at(made, place)} += t * {_at(x, of_x)};",
        lambda tap: (f"const {kind} t = {_at(w, f'o, i{tap}')};", ""),
    )
    return p.named(made)


@lowers("convolution_backward")
def _convolution_backward(p: Program, node: Node, a: dict[str, Any]) -> list[Value]:
    window = _Window(p, a["input"], a["weight"], a["grad_output"].shape, a)
    g, x = p.memory(a["grad_output"], contiguous=True), p.memory(a["input"], contiguous=True)
    w = p.memory(a["weight"])
    p.flush()
    kind, zero, wanted = c_type(g.dtype), literal(0, g.dtype), a["output_mask"]
    made: list[Value] = [g, g, g]  # what is not wanted has no variable
    if wanted[0]:
        of_x = made[0] = p.array(x.shape, x.dtype)
        _filled(p, of_x, zero)
        window.write(
            lambda place, at: f"{_at(of_x, at)} += t * {_at(g, place)};",
            lambda tap: (f"const {kind} t = {_at(w, f'o, i{tap}')};", ""),
        )
    if wanted[1]:
        of_w = made[1] = p.array(w.shape, w.dtype)
        _filled(p, of_w, zero)
        window.write(
            lambda place, at: f"t += {_at(g, place)} * {_at(x, at)};",
            lambda tap: (f"{kind} t = 0;", f"{_at(of_w, f'o, i{tap}')} += t;"),
        )
    if wanted[2]:
        of_bias = made[2] = p.array(g.shape[1:2], g.dtype)
        _filled(p, of_bias, zero)
        loops = "".join(f"for (long y{k} = 0; y{k} < {n}; ++y{k}) " for k, n in enumerate(g.shape))
        place = ", ".join(f"y{k}" for k in range(len(g.shape)))
        p.line(f"{loops}{of_bias.address('y1')} += {_at(g, place)};")
    return [p.named(m) for m in made]
