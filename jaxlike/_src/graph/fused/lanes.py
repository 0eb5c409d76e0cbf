"""lanes: loops that a vmap made, in parts of some lanes each, which threads share.

No lane knows of another: some of them are a loop for themselves, written once as a function of the first lane. A part
is small enough to stay close to a core, and there are as many as threads at least. Starting a thread takes some tens
of microseconds, so that short loops are left in one piece.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.control import ScanForm, WhileForm
from jaxlike._src.graph.fused import work
from jaxlike._src.graph.fused.values import Memory, Value, c_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.control import Lanes
    from jaxlike._src.graph.fused.program import Program, Wanted
    from jaxlike._src.graph.graph import Var

MOST_THREADS = 16
LEAST_WORK = 1_000_000  # numbers computed, of a loop that is worth starting threads for
CLOSE = 1 << 13  # numbers that the lanes of a part carry, to stay in a core's own memory
MOST_ADDED = 1 << 20  # numbers that are added up after the parts

HELPERS = r"""
extern "C" int pthread_create(unsigned long*, const void*, void* (*)(void*), void*);
extern "C" int pthread_join(unsigned long, void**);
template <class F> struct Share { const F* part; long first, every, parts, size, last; char* scratch; };
template <class F> own void* take_share(void* given) {
  const Share<F> share = *(const Share<F>*)given;
  const F part = *share.part;
  for (long k = share.first; k < share.parts; k += share.every)
    part(k * share.size < share.last ? k * share.size : share.last, share.scratch);
  return 0;
}
template <long THREADS, class F>
own void in_parts(const F& part, long parts, long size, long last, char* scratch, long bytes) {
  Share<F> shares[THREADS];
  unsigned long threads[THREADS];
  bool runs[THREADS];
  for (long k = 0; k < THREADS; ++k) shares[k] = {&part, k, THREADS, parts, size, last, scratch + k * bytes};
  for (long k = 1; k < THREADS; ++k) runs[k] = !pthread_create(&threads[k], 0, take_share<F>, &shares[k]);
  take_share<F>(&shares[0]);
  for (long k = 1; k < THREADS; ++k) if (runs[k]) pthread_join(threads[k], 0); else take_share<F>(&shares[k]);
}
"""


def in_parts(
    p: Program,
    form: ScanForm | WhileForm,
    args: Sequence[Value],
    outs: Sequence[Wanted],
    write: Callable[[Program, Any, Sequence[Value], Sequence[Wanted]], list[Value]],
) -> list[Value] | None:
    """Write a loop as parts that threads take, by what writes a loop; its results, or None where that does not pay."""
    lanes = form.lanes
    if lanes is None or p.team is not None or p.is_part or not lanes.size or work.of_loop(form) < LEAST_WORK:
        return None
    carries, types = len(_carried(form)), _results(form)
    size = _size_of_parts(form, lanes)
    parts = -(-lanes.size // size)
    sums = [lanes.once is not None and not has for has in lanes.results]
    added = sum(parts * math.prod(shape) for (shape, _), is_sum in zip(types, sums, strict=True) if is_sum)
    if parts == 1 or added > MOST_ADDED:
        return None
    fewer = lanes.of(size).control()
    rows = len(args) if isinstance(form, WhileForm) else form.n_consts + form.n_carry
    given = [_settled(p, x, has) for x, has in zip(args, lanes.args, strict=True)]
    results = [p.place(out, shape, dtype) for out, (shape, dtype) in zip(outs, types, strict=True)]
    wanted = [
        p.array((parts, *m.shape), m.dtype) if is_sum else m for m, is_sum in zip(results, sums, strict=True)
    ]  # fmt: skip
    p.flush()
    given = [_with_pointer(p, x) if isinstance(x, Memory) else x for x in given]
    targets = [_with_pointer(p, m) for m in wanted]
    part, first, before = p.name("part"), p.name("n"), p.scratch
    p.line(f"const auto {part} = [=](const long {first}, char* const __restrict scratch)"
           " __attribute__((always_inline)) {")  # fmt: skip
    p.is_part, p.scratch = True, 0
    taken = [
        _taken(p, x, int(k >= rows), first, size) if has and isinstance(x, Memory) else x
        for k, (x, has) in enumerate(zip(given, lanes.args, strict=True))
    ]
    if lanes.once is not None:
        taken = [
            p.pointwise(x.shape, x.dtype, f"({first} == 0 ? {{0}} : 0)", [x]) if once else x
            for x, once in zip(taken, lanes.once, strict=True)
        ]
    places = [
        _taken(p, target, int(k >= carries), first, size) if has else _row_of(target, f"{first} / {size}") if s else target
        for k, (target, has, s) in enumerate(zip(targets, lanes.results, sums, strict=True))
    ]
    # Rows are written where they are wanted, those without lanes by every part. What is carried is close by until the
    # end, since the lanes of two parts may overlap.
    made = write(p, fewer, taken, [None] * carries + places[carries:])
    for value, place in zip(made, places[:carries], strict=False):
        p.copy(place, value, stays=True)
    p.flush()
    p.line("};")
    used, bytes_of_one = min(threads(), parts), p.scratch
    p.is_part, p.scratch = False, before + used * bytes_of_one
    last = lanes.size - size
    p.line(f"in_parts<{used}>({part}, {parts}, {size}, {last}, scratch + {before}, {bytes_of_one});")
    for target, partial, is_sum in zip(results, targets, sums, strict=True):
        if is_sum and target.numel:
            add = f"sum += {_row_of(partial, 'k').address('i')};"
            body = [f"{c_type(target.dtype)} sum = 0;", f"for (long k = 0; k < {parts}; ++k) {add}"]
            p.each(["i"], [target.numel], [*body, f"{target.address('i')} = sum;"], target)
    return [*results]


def threads() -> int:
    """How many threads a loop may use."""
    return min(torch.get_num_threads(), MOST_THREADS)


def _size_of_parts(form: ScanForm | WhileForm, lanes: Lanes) -> int:
    """How many lanes a part has; parts do not overlap where results are sums over them."""
    close = CLOSE * lanes.size // max(sum(math.prod(v.shape) for v in _carried(form)), 1)
    size = min(-(-lanes.size // threads()), max(close, 1))
    if lanes.once is None:
        return size
    return next((n for n in range(size, size // 4, -1) if lanes.size % n == 0), lanes.size)


def _carried(form: ScanForm | WhileForm) -> Sequence[Var]:
    if isinstance(form, ScanForm):
        return form.body.graph.outputs[: form.n_carry]
    return form.body.graph.outputs


def _results(form: ScanForm | WhileForm) -> list[tuple[tuple[int, ...], torch.dtype]]:
    carried = len(_carried(form))
    rows = form.body.graph.outputs[carried:]
    length = form.length if isinstance(form, ScanForm) else 0
    return [(tuple(v.shape), v.dtype) for v in _carried(form)] + [((length, *v.shape), v.dtype) for v in rows]


def _settled(p: Program, value: Value, has: bool) -> Value:
    """What is outside of the parts: memory where it has lanes, else names that do not change."""
    value = p.named(value)
    return p.memory(value) if has else value


def _with_pointer(p: Program, value: Memory) -> Memory:
    """The same memory by the name of a pointer, which a part gets a copy of."""
    base = p.name("v")
    p.line(f"auto* const {base} = &{value.base}[0];")
    return Memory(value.shape, value.dtype, base, value.strides, value.offset, value.moved)


def _row_of(m: Memory, at: str) -> Memory:
    return Memory(m.shape[1:], m.dtype, m.base, m.strides[1:], m.offset, f"({at}) * {m.strides[0]}")


def _taken(p: Program, value: Memory, axis: int, first: str, size: int) -> Memory:
    """The lanes of a part."""
    stride = value.strides[axis]
    (some,) = p.view(value, lambda t: t.narrow(axis, 0, size))
    assert isinstance(some, Memory)
    some.moved = f"{some.moved} + {first} * {stride}" if some.moved else f"{first} * {stride}"
    return some
