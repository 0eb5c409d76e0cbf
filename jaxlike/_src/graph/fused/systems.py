"""systems: factors of small matrices and what is solved with them, as loops over rows and columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.fused.program import Program, lowers
from jaxlike._src.graph.fused.values import Ineligible, Memory, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.graph import Node

LARGEST = 64  # rows: beyond, a library is faster

# ``w`` is who works: one thread, or all of a team, each with a share of the rows or columns.
HELPERS = r"""
template <class T> in T size_of(T x) { return x < 0 ? -x : x; }
template <class W, class T> own void factor_lu(W w, T* a, int* pivots, int* info, const int n) {
  int broken = 0;
  for (int k = 0; k < n; ++k) {
    int best = k;
    for (int i = k + 1; i < n; ++i)
      if (size_of(a[i * n + k]) > size_of(a[best * n + k])) best = i;
    w.wait_for_others();
    if (w.at() == 0) pivots[k] = best + 1;
    if (best != k)
      for (int j = w.at(); j < n; j += w.count()) {
        T t = a[k * n + j]; a[k * n + j] = a[best * n + j]; a[best * n + j] = t;
      }
    w.wait_for_others();
    if (a[k * n + k] == 0) { if (!broken) broken = k + 1; continue; }
    const T scale = 1 / a[k * n + k];
    for (int i = k + 1 + w.at(); i < n; i += w.count()) {
      const T f = a[i * n + k] *= scale;
      for (int j = k + 1; j < n; ++j) a[i * n + j] -= f * a[k * n + j];
    }
    w.wait_for_others();
  }
  if (w.at() == 0) *info = broken;
}
template <class W, class T> own void factor_cholesky(W w, T* a, int* info, const int n, const bool upper) {
  int broken = 0;
  for (int j = 0; j < n; ++j) {
    T d = a[j * n + j];
    for (int k = 0; k < j; ++k) d -= a[j * n + k] * a[j * n + k];
    if (!(d > 0) && !broken) broken = j + 1;
    d = __builtin_sqrt(d);
    w.wait_for_others();
    if (w.at() == 0) a[j * n + j] = d;
    for (int i = j + 1 + w.at(); i < n; i += w.count()) {
      T s = a[i * n + j];
      for (int k = 0; k < j; ++k) s -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = s / d;
    }
    w.wait_for_others();
  }
  for (int i = w.at(); i < n; i += w.count())
    for (int j = i + 1; j < n; ++j) {
      if (upper) a[i * n + j] = a[j * n + i], a[j * n + i] = 0;
      else a[i * n + j] = 0;
    }
  if (w.at() == 0) *info = broken;
}
template <class W, class T>
own void swap_rows(W w, T* b, const int* pivots, const int n, const int m, const bool back) {
  for (int q = 0; q < n; ++q) {
    const int k = back ? n - 1 - q : q;
    int r = pivots[k] - 1;
    r = r < 0 ? 0 : r >= n ? n - 1 : r;
    if (r != k)
      for (int j = w.at(); j < m; j += w.count()) { T t = b[k * m + j]; b[k * m + j] = b[r * m + j]; b[r * m + j] = t; }
  }
}
template <class W, class T>
in void solve_triangle(W w, const T* a, T* b, const int n, const int m, const bool upper, const bool turned,
                       const bool unit) {
  for (int q = 0; q < n; ++q) {
    const int i = upper ? n - 1 - q : q;
    for (int k = upper ? i + 1 : 0; k < (upper ? n : i); ++k) {
      const T f = turned ? a[k * n + i] : a[i * n + k];
      for (int j = w.at(); j < m; j += w.count()) b[i * m + j] -= f * b[k * m + j];
    }
    if (!unit) {
      const T d = a[i * n + i];
      for (int j = w.at(); j < m; j += w.count()) b[i * m + j] /= d;
    }
  }
}
"""


def _own(p: Program, x: Value) -> Memory:
    """A copy to work in."""
    made = p.array(x.shape, x.dtype)
    p.copy(made, x)
    p.flush()
    return made


def _each(
    p: Program, shape: Sequence[int], memories: Sequence[Memory], writes: Sequence[Memory], lines: Callable[..., list[str]]
) -> None:
    """Lines for every matrix, for as many axes in front: of who works, and of pointers to one of each."""
    count = math.prod(shape)
    if count == 1:
        worker = "Alone()" if p.team is None else "Whole()"
        if p.team is not None:
            p.team.widest = max(p.team.widest, memories[0].numel)
        p.unit(["{", *lines(worker, *(m.pointer() for m in memories)), "}"], *writes)
        return
    pointers = [f"(&{m.address(f'g * {m.numel // count}')})" for m in memories]
    p.each(["g"], [count], lines("Alone()", *pointers), *writes, ordered=True)


def _check(x: Value) -> None:
    if not x.dtype.is_floating_point or not x.numel or x.shape[-2] > LARGEST:
        raise Ineligible("a large matrix")


@lowers("linalg_lu_factor_ex")
def _lu_factor(p: Program, node: Node, a: dict[str, Any]) -> list[Value]:
    x = a["A"]
    _check(x)
    if not a.get("pivot", True) or x.shape[-1] != x.shape[-2]:
        raise Ineligible("LU of another form")
    made = _own(p, x)
    pivots, info = p.array(x.shape[:-1], torch.int32), p.array(x.shape[:-2], torch.int32)
    all_made = [made, pivots, info]
    _each(p, x.shape[:-2], all_made, all_made, lambda *one: [f"factor_lu({', '.join(one)}, {x.shape[-1]});"])
    return [p.named(made), p.named(pivots), p.named(info)]


@lowers("linalg_lu_solve")
def _lu_solve(p: Program, node: Node, a: dict[str, Any]) -> Value:
    lu, pivots, b = a["LU"], a["pivots"], a["B"]
    _check(lu)
    shape, (n, m) = lu.shape[:-2], b.shape[-2:]
    if not a.get("left", True) or b.shape[:-2] != shape:
        raise Ineligible("a system of another form")
    factors, rows, made = p.memory(lu, contiguous=True), p.memory(pivots, contiguous=True), _own(p, b)
    adjoint = bool(a.get("adjoint"))

    def lines(w: str, f: str, r: str, x: str) -> list[str]:
        swaps = f"swap_rows({w}, {x}, {r}, {n}, {m}, {'true' if adjoint else 'false'});"
        ways = ["false, true, false", "true, true, true"] if adjoint else ["false, false, true", "true, false, false"]
        solves = [f"solve_triangle({w}, {f}, {x}, {n}, {m}, {way});" for way in ways]
        return [*solves, swaps] if adjoint else [swaps, *solves]

    _each(p, shape, [factors, rows, made], [made], lines)
    return p.named(made)


@lowers("linalg_cholesky_ex")
def _cholesky(p: Program, node: Node, a: dict[str, Any]) -> list[Value]:
    x = a["self"]
    _check(x)
    if x.shape[-1] != x.shape[-2]:
        raise Ineligible("a matrix that is not square")
    made, info = _own(p, x), p.array(x.shape[:-2], torch.int32)
    rest = f"{x.shape[-1]}, {'true' if a.get('upper') else 'false'}"
    _each(p, x.shape[:-2], [made, info], [made, info], lambda *one: [f"factor_cholesky({', '.join(one)}, {rest});"])
    return [p.named(made), p.named(info)]


@lowers("linalg_solve_triangular")
def _triangular(p: Program, node: Node, a: dict[str, Any]) -> Value:
    x, b, upper, left = a["self"], a["B"], a["upper"], a.get("left", True)
    _check(x)
    if not left:  # the transposed system
        (b,) = p.view(b, lambda t: t.mT)
        upper = not upper
    full, (n, m) = [*torch.broadcast_shapes(x.shape[:-2], b.shape[:-2])], b.shape[-2:]
    x, b = p.expanded(x, [*full, n, n]), p.expanded(b, [*full, n, m])
    matrix, made = p.memory(x, contiguous=True), _own(p, b)
    flags = ", ".join("true" if v else "false" for v in [upper, not left, a.get("unitriangular", False)])
    _each(p, full, [matrix, made], [made], lambda *one: [f"solve_triangle({', '.join(one)}, {n}, {m}, {flags});"])
    return p.named(made if left else p.view(made, lambda t: t.mT)[0])
