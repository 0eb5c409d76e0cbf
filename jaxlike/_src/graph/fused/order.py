"""order: sorting, and places in what is sorted. NaN is larger than every number, as in torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.fused.program import Program, lowers, result
from jaxlike._src.graph.fused.values import Ineligible, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Node

LONGEST_OF_A_THREAD = 256  # rows that one thread of a team sorts
HELPERS = r"""
template <class T> in bool precedes(T a, T b, bool down) {
  return down ? (a > b || (a != a && b == b)) : (a < b || (a == a && b != b));
}
template <class T>
own void sort_row(const T* x, T* values, long long* order, long long* spare, const long n, const bool down) {
  long long *from = order, *to = spare;
  for (long i = 0; i < n; ++i) from[i] = i;
  for (long width = 1; width < n; width *= 2) {
    for (long a = 0; a < n; a += 2 * width) {
      const long middle = a + width < n ? a + width : n, end = a + 2 * width < n ? a + 2 * width : n;
      long i = a, j = middle;
      for (long k = a; k < end; ++k)
        to[k] = (i < middle && (j >= end || !precedes(x[from[j]], x[from[i]], down))) ? from[i++] : from[j++];
    }
    long long* t = from; from = to; to = t;
  }
  for (long i = 0; i < n; ++i) order[i] = from[i];
  for (long i = 0; i < n; ++i) values[i] = x[order[i]];
}
template <class T> own long long place_of(const T* sorted, const long n, const T x, const bool right) {
  long start = 0, left = n;
  while (left > 0) {  // without branches, which nobody can foretell
    const long half = left / 2;
    const bool beyond = right ? !(sorted[start + half] > x) : !(sorted[start + half] >= x);
    start = beyond ? start + half + 1 : start;
    left = beyond ? left - half - 1 : half;
  }
  return start;
}
"""


def _sorted(p: Program, x: Value, axis: int, down: bool) -> list[Value]:
    if not x.shape or not x.numel:
        raise Ineligible("sorting one number")
    axis %= len(x.shape)
    last = p.memory(p.view(x, lambda t: t.movedim(axis, -1))[0], contiguous=True)
    n = last.shape[-1]
    if p.team is not None and n > LONGEST_OF_A_THREAD:
        raise Ineligible("sorting many numbers")
    values, order = p.array(last.shape, x.dtype), p.array(last.shape, torch.int64)
    spare = p.array(last.shape[-1:] if p.team is None else last.shape, torch.int64)
    rows = ", ".join(f"&{m.address(f'r * {n}')}" for m in (last, values, order))
    own = spare.address() if p.team is None else spare.address(f"r * {n}")
    body = [f"sort_row({rows}, &{own}, {n}, {'true' if down else 'false'});"]
    p.each(["r"], [last.numel // n], body, values, order, spare, ordered=True)
    return [p.view(p.named(m), lambda t: t.movedim(-1, axis))[0] for m in (values, order)]


@lowers("sort")
def _sort(p: Program, node: Node, a: dict[str, Any]) -> Sequence[Value]:
    return _sorted(p, a["self"], a["dim"], bool(a.get("descending")))


@lowers("argsort")
def _argsort(p: Program, node: Node, a: dict[str, Any]) -> Value:
    return _sorted(p, a["self"], a["dim"], bool(a.get("descending")))[1]


@lowers("topk")
def _topk(p: Program, node: Node, a: dict[str, Any]) -> Sequence[Value]:
    axis, k = a.get("dim", -1), a["k"]
    down = bool(a.get("largest", True))
    return [p.view(x, lambda t: t.narrow(axis, 0, k))[0] for x in _sorted(p, a["self"], axis, down)]


@lowers("searchsorted", "bucketize")
def _searchsorted(p: Program, node: Node, a: dict[str, Any]) -> Value:
    ordered, x, out = a["sorted_sequence"] if "sorted_sequence" in a else a["boundaries"], a["self"], result(node)
    if a.get("sorter") is not None or not isinstance(x, Value) or x.dtype != ordered.dtype:
        raise Ineligible("a search with a sorter")
    rows, n = math.prod(ordered.shape[:-1]), ordered.shape[-1]
    if len(ordered.shape) > 1 and ordered.shape[:-1] != x.shape[:-1]:
        raise Ineligible("a search in other rows")
    table, wanted = p.memory(ordered, contiguous=True), p.memory(x, contiguous=True)
    made, each = p.array(out.shape, out.dtype), x.numel // rows
    right = bool(a.get("right")) or a.get("side") == "right"
    place = f"r * {each} + i"
    found = f"place_of(&{table.address(f'r * {n}')}, {n}, {wanted.address(place)}, {'true' if right else 'false'})"
    p.each(["r", "i"], [rows, each], [f"{made.address(place)} = {found};"], made, ordered=True)
    return p.named(made)
