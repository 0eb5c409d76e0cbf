"""team: what a program is for the threads of one block of a GPU: who does what, and where they wait for each other.

Every thread computes the numbers that have names; arrays are shared. A loop over elements is dealt out (`Unit`), what
is written once is written by the first thread. Where a thread would read what another may not have written yet, or
write what another may still read, all wait: `with_waits` follows the text through its loops and branches to find those
places, and an array that nobody has touched since the last wait needs none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_THREADS = 512
MOST_ELEMENTS = 1 << 17  # of one value: beyond, operations one by one use more of the device than a block is
_ARRAY = re.compile(r"\b([br]\d+)\)?\[")  # arguments and constants are not written


class Unit(NamedTuple):
    """Lines that belong together; ``writes``: the arrays that they write; ``waits``: all threads wait within."""

    lines: Sequence[str]
    writes: frozenset[str] = frozenset()
    waits: bool = False


class Team:
    """What a program asks of its threads: how many (``widest`` loop), how many bytes they share."""

    def __init__(self, most_shared: int) -> None:
        self.most_shared = most_shared
        self.widest = self.shared = 0

    @property
    def threads(self) -> int:
        """How many there are to be."""
        return min(max(-(-self.widest // 32) * 32, 32), MOST_THREADS)

    def share(self, size: int) -> int | None:
        """The place of so many bytes in what the threads share; None where there are not so many left."""
        place = self.shared
        if place + size > self.most_shared:
            return None
        self.shared += -(-size // 16) * 16
        return place


def dealt(indices: Sequence[str], sizes: Sequence[int], body: Sequence[str]) -> list[str]:
    """A loop over all indices of which each thread takes a part."""
    total = 1
    for size in sizes:
        total *= size
    if len(sizes) == 1:
        return [f"for (int {indices[0]} = me; {indices[0]} < {total}; {indices[0]} += TEAM) {{", *body, "}"]
    lines, below = [f"for (int all = me; all < {total}; all += TEAM) {{"], total
    for index, size in zip(indices, sizes, strict=True):
        whole, below = below, below // size
        rest = f"all % {whole}" if whole != total else "all"
        lines.append(f"  const int {index} = {f'({rest}) / {below}' if below > 1 else rest};")
    return [*lines, *body, "}"]


class _Touched(NamedTuple):
    """Arrays that were read and written since all threads last waited."""

    read: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()

    def __or__(self, other: _Touched) -> _Touched:
        return _Touched(self.read | other.read, self.written | other.written)


class _Block:
    """A loop or a branch: its first line, what is in it."""

    def __init__(self, head: str) -> None:
        self.head = head
        self.items: list[Unit | _Block] = []


def with_waits(lines: Sequence[str | Unit]) -> list[str]:
    """The text of a program's lines, with the waits that it needs."""
    return [*_Placed().text(_nested(lines))]


def _nested(lines: Sequence[str | Unit]) -> _Block:
    stack = [_Block("")]
    for line in lines:
        if isinstance(line, Unit):
            stack[-1].items.append(line._replace())  # one that is known by where it is
            continue
        text = line.strip()
        if text.startswith("}"):
            stack.pop()
        elif text.endswith("{"):
            block = _Block(text)
            stack[-1].items.append(block)
            stack.append(block)
        else:
            stack[-1].items.append(Unit([text]))
    return stack[0]


class _Placed:
    """Where threads wait: the places are found by following the text until they do not change."""

    def __init__(self) -> None:
        self._before: set[int] = set()  # items that are waited before

    def text(self, whole: _Block) -> Iterator[str]:
        """The lines."""
        self._follow(whole, _Touched(), [])
        return self._lines(whole)

    def _arrays(self, text: str) -> frozenset[str]:
        return frozenset(_ARRAY.findall(text))

    def _follow(self, block: _Block, at: _Touched, left: list[_Touched]) -> _Touched:
        """What is touched at the end of a block, from what was at its start; ``left``: where a loop is left early."""
        start, ends, follows_else = at, _Touched(), False
        for item in block.items:
            if isinstance(item, _Block):
                if item.head.startswith("for"):
                    at = self._loop(item, at)
                    continue
                if not follows_else:
                    at = self._met(item, item.head, frozenset(), at)
                    start, ends = at, _Touched()
                end = self._follow(item, start, left)
                ends, follows_else = ends | end, False
                # A branch without another beside it may be left out.
                at = ends | start if item.head.startswith("if") else ends
            elif item.lines[0] == "else":
                follows_else = True
            else:
                at = self._met(item, " ".join(item.lines), item.writes, at)
                if item.waits:
                    at = _Touched(frozenset(), item.writes)
                if item.lines[0].endswith("break;"):
                    left.append(at)
        return at

    def _loop(self, block: _Block, at: _Touched) -> _Touched:
        while True:
            left: list[_Touched] = []
            end = self._follow(block, at, left)
            again = at | end
            if again == at:
                for early in left:
                    at |= early
                return at
            at = again

    def _met(self, item: object, text: str, writes: frozenset[str], at: _Touched) -> _Touched:
        reads = self._arrays(text)
        if reads & at.written or writes & (at.read | at.written) or id(item) in self._before:
            self._before.add(id(item))
            at = _Touched()
        return _Touched(at.read | reads, at.written | writes)

    def _lines(self, block: _Block) -> Iterator[str]:
        for item in block.items:
            if id(item) in self._before:
                yield "wait();"
            if isinstance(item, _Block):
                yield item.head
                yield from self._lines(item)
                yield "}"
            else:
                yield from item.lines


_MATH = ("fabs", "sqrt", "floor", "ceil", "trunc", "rint", "fma", "fmax", "fmin", "copysign")
PRELUDE = "".join(f"#define __builtin_{f}{end} {f}{end}\n" for f in _MATH for end in ("", "f")) + r"""
#define me ((int)threadIdx.x)
#define wait() __syncthreads()
#define in static __device__ __forceinline__
#define own static __device__
#define member __device__ __forceinline__
#define __FMA__
#define __builtin_nanf(x) __int_as_float(0x7fc00000)
#define __builtin_nan(x) __longlong_as_double(0x7ff8000000000000LL)
#define __builtin_inff() __int_as_float(0x7f800000)
#define __builtin_inf() __longlong_as_double(0x7ff0000000000000LL)
#define __builtin_signbit(x) signbit(x)
extern __shared__ __align__(16) char fast[];
struct Whole {
  member int at() const { return me; }
  member int count() const { return TEAM; }
  member void wait_for_others() const { wait(); }
};
template <class T> struct carried { typedef T type; };
template <> struct carried<bool> { typedef int type; };
template <> struct carried<signed char> { typedef int type; };
template <> struct carried<unsigned char> { typedef int type; };
template <> struct carried<short> { typedef int type; };
template <> struct carried<unsigned short> { typedef int type; };
template <class T, class F> in T together(T x, F f) {
  typedef typename carried<T>::type wide;
  __shared__ T part[TEAM / 32];
  for (int k = 16; k; k >>= 1) x = f(x, (T)__shfl_xor_sync(0xffffffffu, (wide)x, k));
  if (TEAM == 32) return x;
  if (!(me & 31)) part[me >> 5] = x;
  wait();
  x = part[0];
  for (int k = 1; k < TEAM / 32; ++k) x = f(x, part[k]);
  wait();
  return x;
}
in void add_to(float& x, float v) { atomicAdd(&x, v); }
in void add_to(double& x, double v) { atomicAdd(&x, v); }
in void add_to(int& x, int v) { atomicAdd(&x, v); }
in void add_to(unsigned int& x, unsigned int v) { atomicAdd(&x, v); }
in void add_to(unsigned long long& x, unsigned long long v) { atomicAdd(&x, v); }
in void add_to(long long& x, long long v) { atomicAdd((unsigned long long*)&x, (unsigned long long)v); }
"""
