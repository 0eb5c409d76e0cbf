"""native: threefry streams on a CPU as one C++ function, where so much is drawn that building it pays.

numpy hashes in a hundred passes over pieces of the cache; here a counter is hashed in vector registers and becomes a
word, a float in [0, 1) or a sample of a standard distribution at once, on every core. The bits are numpy's. The function is built beside the
program once drawing without it has taken as long as the build, or found where an earlier process left it.
"""

from __future__ import annotations

import ctypes
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from jaxlike._src import special
from jaxlike._src.graph.fused.build import BuildError, build, compiler, path_of
from jaxlike._src.graph.fused.tier import Build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

PAIR, FLIPPED_PAIR, XOR, UNIT, NORMAL, EXPONENTIAL, LAPLACE, LOGISTIC, GUMBEL = range(9)
STANDARD: Final = {
    "normal": NORMAL, "exponential": EXPONENTIAL, "laplace": LAPLACE, "logistic": LOGISTIC, "gumbel": GUMBEL
}  # fmt: skip
_SECONDS: Final = (8e-9, 8e-9, 8e-9, 9e-9, 6e-8, 3e-8, 3e-8, 5e-8, 5e-8)  # what numpy and torch take for each
_LOOK_SECONDS, _BUILD_SECONDS, _WAIT_SECONDS = 0.02, 0.3, 1.0
_FEW_SECONDS: Final = 25e-6  # of a draw of some numbers in Python
_SHARE: Final = 1 << 16  # counters of one thread at least

# The block of a counter ``first + i`` under the key (k0, k1), as x0 and x1; k2 is of both.
HASH: Final = r"""
#define TURN(r) x0 += x1; x1 = (x1 << r) | (x1 >> (32 - r)); x1 ^= x0;
#define EVEN TURN(13) TURN(15) TURN(26) TURN(6)
#define ODD TURN(17) TURN(29) TURN(16) TURN(24)
#define HASH(i) \
  uint64_t count = (uint64_t)first + (uint64_t)(i); \
  uint32_t x0 = (uint32_t)(count >> 32) + k0, x1 = (uint32_t)count + k1; \
  EVEN x0 += k1; x1 += k2 + 1; ODD x0 += k2; x1 += k0 + 2; EVEN x0 += k0; x1 += k1 + 3; \
  ODD x0 += k1; x1 += k2 + 4; EVEN x0 += k2; x1 += k0 + 5;
"""
_TEXT: Final = r"""
#include <cstdint>
#include <cstring>
#include <cmath>
typedef float f;
static inline f fma_(f a, f b, f c) { return __builtin_fmaf(a, b, c); }
static inline f as_float(uint32_t b) { f x; std::memcpy(&x, &b, 4); return x; }
static inline uint32_t as_bits(f x) { uint32_t b; std::memcpy(&b, &x, 4); return b; }
@HASH@
static inline f log_inside(f x) {
  uint32_t bits = as_bits(x);
  f exponent = (f)((int32_t)(bits >> 23) - 126), mantissa = as_float((bits & 0x007FFFFFu) | 0x3F000000u);
  f low = mantissa < @SQRT_HALF@ ? 1.0f : 0.0f;
  exponent = exponent - low;
  f r = (mantissa - 1.0f) + low * mantissa, square = r * r, cube = square * r, p, q, s;
  @CHAINS@
  f series = fma_(fma_(p, cube, q), cube, s), correction = fma_(series, cube, exponent * @LN2_LOW@);
  return fma_(exponent, @LN2_HIGH@, fma_(square, -0.5f, r) + correction);
}
static inline f log1p_near(f x) {
  f square = x * x, p, q;
  @NEAR@
  return x + fma_(square, -0.5f, (x * square) * (p / q));
}
static inline f normal(uint32_t word) {
  f unit = (f)(int32_t)(word >> 9) * 1.1920928955078125e-07f;
  f u = 2.0f * unit + @LOWEST@, v, near, beyond, root, z, centre, tail;
  u = u < @LOWEST@ ? @LOWEST@ : u;
  v = u * -u;
  near = log1p_near(v);
  beyond = log_inside(v + 1.0f);
  f log_term = v > -@LOG1P_LIMIT@ ? near : beyond;
  root = __builtin_sqrtf(-log_term) - 3.0f;
  bool inner = log_term > -5.0f;
  z = inner ? -2.5f - log_term : root;
  @ERF_INV@
  return (u * (inner ? centre : tail)) * @ROOT_2@;
}
static inline f log_of(f x) {
  f total = log_inside(x < @TINY@ ? @TINY@ : x);
  return x >= @TINY@ ? total : -__builtin_inff();
}
static inline f log1p_of(f x) {
  f near = log1p_near(x), beyond = log_of(x + 1.0f);
  return __builtin_fabsf(x) < @LOG1P_LIMIT@ ? near : beyond;
}
static inline f above(f unit, f low) {
  f x = fma_(unit, 1.0f - low, low);
  return x < low ? low : x;
}
static inline f exponential(f unit) { return -log1p_of(-unit); }
static inline f laplace(f unit) {
  f u = above(unit, @LOWEST@);
  return (f)((u > 0.0f) - (u < 0.0f)) * log1p_of(-__builtin_fabsf(u));
}
static inline f logistic(f unit) {
  f u = above(unit, @TINY@);
  return log_of(u) - log1p_of(-u);
}
static inline f gumbel(f unit) { return -log_of(-log_of(above(unit, @TINY@))); }
#define OF_UNIT(name) \
  for (int64_t i = 0; i < n; i++) { HASH(i) floats[i] = name((f)(int32_t)((x0 ^ x1) >> 9) * 1.1920928955078125e-07f); }
static void of_key(int way, uint32_t k0, uint32_t k1, int64_t first, int64_t n, void* out) {
  uint32_t k2 = k0 ^ k1 ^ 0x1BD11BDAu;
  uint32_t* words = (uint32_t*)out;
  f* floats = (f*)out;
  if (way == 0) for (int64_t i = 0; i < n; i++) { HASH(i) words[2 * i] = x0; words[2 * i + 1] = x1; }
  else if (way == 1) for (int64_t i = 0; i < n; i++) { HASH(i) words[2 * i] = x1; words[2 * i + 1] = x0; }
  else if (way == 2) for (int64_t i = 0; i < n; i++) { HASH(i) words[i] = x0 ^ x1; }
  else if (way == 3)
    for (int64_t i = 0; i < n; i++) { HASH(i) floats[i] = (f)(int32_t)((x0 ^ x1) >> 9) * 1.1920928955078125e-07f; }
  else if (way == 4) for (int64_t i = 0; i < n; i++) { HASH(i) floats[i] = normal(x0 ^ x1); }
  else if (way == 5) OF_UNIT(exponential)
  else if (way == 6) OF_UNIT(laplace)
  else if (way == 7) OF_UNIT(logistic)
  else OF_UNIT(gumbel)
}
extern "C" void run(int way, const uint32_t* keys, int64_t size, int64_t start, int64_t stop, char* out) {
  int64_t step = way < 2 ? 8 : 4;
  while (start < stop) {
    int64_t row = start / size, first = start - row * size, end = (row + 1) * size;
    int64_t n = (end < stop ? end : stop) - start;
    of_key(way, keys[2 * row], keys[2 * row + 1], first, n, out + step * start);
    start += n;
  }
}
"""


def number(value: float) -> str:
    """A float of 32 bits as C++."""
    return f"{np.float32(value)!s}f" if "." in str(np.float32(value)) or "e" in str(np.float32(value)) else f"{value}.0f"


def horner(name: str, x: str, coefficients: Sequence[float]) -> str:
    """C++ for `special.horner`."""
    first, second, *rest = map(number, coefficients)
    lines = [f"{name} = {x} + {second};" if coefficients[0] == 1.0 else f"{name} = fma_({x}, {first}, {second});"]
    return " ".join([*lines, *(f"{name} = fma_({name}, {x}, {c});" for c in rest)])


@functools.cache
def _source() -> str:
    filled = {
        "HASH": HASH,
        "SQRT_HALF": number(special.SQRT_HALF),
        "LN2_LOW": number(special.LN2_LOW),
        "LN2_HIGH": number(special.LN2_HIGH),
        "LOG1P_LIMIT": number(special.LOG1P_LIMIT),
        "LOWEST": "(-0.99999994f)",
        "TINY": number(special.TINY),
        "ROOT_2": number(2.0**0.5),
        "CHAINS": " ".join(horner(n, "r", c) for n, c in zip("pqs", special.LOG_CHAINS, strict=True)),
        "NEAR": horner("p", "x", special.LOG1P_P) + " " + horner("q", "x", special.LOG1P_Q),
        "ERF_INV": " ".join(
            horner(n, "z", c) for n, c in zip(("centre", "tail"), special.ERF_INV_32, strict=True)
        ),
    }
    text = _TEXT
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    return text


class _Stream:
    """The function, and how far it is."""

    def __init__(self) -> None:
        self.spent = 0.0
        self.refused = False
        self._run: Any = None
        self._path: Path | None = None
        self._build: Build | None = None

    def function(self, seconds: float) -> Any:
        """The function if it is there; ``seconds``: what drawing without it will take."""
        if self._run is None and not self.refused:
            self.spent += seconds
            if self.spent > _LOOK_SECONDS:
                self._advance(seconds)
        return self._run

    def make_now(self) -> bool:
        """Build the function and wait for it; whether there is one."""
        self.spent = _BUILD_SECONDS
        return self.function(2 * _WAIT_SECONDS) is not None

    def _advance(self, seconds: float) -> None:
        if compiler() is None:
            self.refused = True
            return
        try:
            if self._path is None:
                self._path = path_of(_source())
            if not self._path.exists():
                if self._build is None:
                    if self.spent < _BUILD_SECONDS:
                        return
                    self._build = Build(functools.partial(build, _source()))
                if seconds > _WAIT_SECONDS:
                    self._build.wait()
                if not self._build.is_done():
                    return
            self._run = ctypes.CDLL(str(self._path)).run
            self._run.argtypes = [ctypes.c_int, ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p]
            self._run.restype = None
        except (BuildError, OSError):
            self.refused = True


STREAM: Final = _Stream()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="jaxlike draws")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not live on in a child


def few(way: int, key: Tensor, size: int) -> Tensor | None:
    """float32 numbers that ``way`` makes of one key, held by a 0-d int64 tensor; None: not by this function."""
    run = STREAM.function(_FEW_SECONDS)
    if run is None:
        return None
    out = torch.empty(size)
    run(way, key.data_ptr(), size, 0, size, out.data_ptr())
    return out


def drawn(way: int, keys: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any] | None:
    """Of counters 0..size-1 under each of ``keys`` (uint32 [n, 2]) what ``way`` says, flat; None: not by this function.

    The elements are uint64 for pairs of words, uint32 for xored ones, float32.
    """
    total = len(keys) * size
    run = STREAM.function(total * _SECONDS[way])
    if run is None or not total:
        return None
    keys = np.ascontiguousarray(keys)
    out = np.empty(total, np.uint64 if way in (PAIR, FLIPPED_PAIR) else np.uint32 if way == XOR else np.float32)
    parts = min(torch.get_num_threads(), total // _SHARE) or 1
    edges = [total * k // parts for k in range(parts + 1)]

    def draw(part: int) -> None:
        run(way, keys.ctypes.data, size, edges[part], edges[part + 1], out.ctypes.data)

    if parts == 1:
        draw(0)
    else:
        list(_pool().map(draw, range(parts)))
    return out
