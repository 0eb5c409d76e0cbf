"""team_emulation: a program for the threads of a GPU's block, run by the CPU: one thread after the other, up to each wait.

Each thread is a context of its own (ucontext); a wait hands over to the next. A wait that is missing shows: threads run
first to last, then last to first, and something is then read before it is written, in one of the two.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from torch import Tensor

from jaxlike._src.graph.fused import prelude, team
from jaxlike._src.graph.fused.kernel import Kernel, Source
from tests.compiled import library

THREADS = 7  # not a divisor of what is dealt out
SHARED = 1 << 17  # bytes
PRELUDE = r"""
#include <ucontext.h>
#define TEAM THREADS_
#define __global__
#define __launch_bounds__(n)
static int me, stopped[TEAM], backwards;
static ucontext_t whole, each[TEAM];
static char stacks[TEAM][1 << 18];
alignas(64) static char fast[SHARED_];
static void wait() { swapcontext(&each[me], &whole); }
struct Whole {
  member int at() const { return me; }
  member int count() const { return TEAM; }
  member void wait_for_others() const { wait(); }
};
template <class T, class F> static T together(T x, F f) {
  static T part[TEAM];
  part[me] = x;
  wait();
  x = part[0];
  for (int k = 1; k < TEAM; ++k) x = f(x, part[k]);
  wait();
  return x;
}
template <class T> static void add_to(T& x, T v) { x += v; }
"""
ENTRY = r"""
static void one_thread() { run(GIVEN_); stopped[me] = 1; }
extern "C" void run_all(int back, PARAMETERS_) {
  KEEP_
  for (int k = 0; k < TEAM; ++k) {
    stopped[k] = 0;
    getcontext(&each[k]);
    each[k].uc_stack.ss_sp = stacks[k];
    each[k].uc_stack.ss_size = sizeof(stacks[k]);
    each[k].uc_link = &whole;
    makecontext(&each[k], one_thread, 0);
  }
  for (int going = 1; going;) {
    going = 0;
    for (int k = 0; k < TEAM; ++k) {
      me = back ? TEAM - 1 - k : k;
      if (!stopped[me]) swapcontext(&whole, &each[me]), going = 1;
    }
  }
}
"""


def emulated(source: Source, folder: Path) -> Callable[[Sequence[Tensor]], list[Sequence[Tensor]]]:
    """A team's program as a function of tensors on the CPU: what it gives in either order."""
    assert source.team is not None
    count = source.addresses
    given = source.text.removeprefix(f"#define TEAM {source.team.threads}\n{team.PRELUDE}")
    assert given != source.text
    names = [f"p{k}" for k in range(count)]
    entry = ENTRY.replace("PARAMETERS_", ", ".join(f"void* {n}" for n in names))
    entry = entry.replace("KEEP_", " ".join(f"g{n} = {n};" for n in names))
    entry = entry.replace("GIVEN_", ", ".join(f"g{n}" for n in names))
    kept = "\n".join(f"static void* g{n};" for n in names)
    own = prelude.ONE_THREAD + prelude.library(given) + PRELUDE.replace("THREADS_", str(THREADS)).replace("SHARED_", str(SHARED))
    flags = ["-O0", "-std=gnu++17", "-ffp-contract=off", "-fwrapv", "-fno-strict-aliasing", "-march=native"]
    run = library(own + given + kept + entry, folder, *flags).run_all
    run.restype, run.argtypes = None, [ctypes.c_int, *[ctypes.c_void_p] * count]

    def both(tensors: Sequence[Tensor]) -> list[Sequence[Tensor]]:
        return [Kernel(source, functools.partial(run, back))(tensors) for back in (0, 1)]

    return both
