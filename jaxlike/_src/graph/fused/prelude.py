"""prelude: the C++ that every program starts with. It includes no header: reading those takes longer than the rest.

A program of a team starts with `team.PRELUDE` instead of what names the functions of the C library.
"""

from __future__ import annotations

import platform
import re

from jaxlike._src.graph.fused import complexes, lanes, order, systems, team
from jaxlike._src.graph.fused.pointwise import LIBRARY, LIBRARY_OF_TWO

ONE_THREAD = r"""
#define in static inline __attribute__((always_inline))
#define own static
#define member inline __attribute__((always_inline))
"""
HELPERS = r"""
struct Alone {
  member int at() const { return 0; }
  member int count() const { return 1; }
  member void wait_for_others() const {}
};
template <class T> in T largest(T a, T b) { return (a > b || a != a) ? a : b; }
template <class T> in T smallest(T a, T b) { return (a < b || a != a) ? a : b; }
in long pick(long i, long n) { i = i < 0 ? i + n : i; return i < 0 ? 0 : i >= n ? n - 1 : i; }
template <class T> in T left(T a, T b) {
  const int n = sizeof(T) * 8;
  return (b < 0 || (long long)b >= n) ? (T)0 : (T)((unsigned long long)a << b);
}
template <class T> in T right(T a, T b) {
  const int n = sizeof(T) * 8;
  return (b < 0 || (long long)b >= n) ? (T)(a < 0 ? -1 : 0) : (T)(a >> b);
}
template <class T> in T quotient_of(T a, T b) { return b == 0 ? (T)-1 : (b == (T)-1 && (T)-1 < 0) ? (T)-a : (T)(a / b); }
template <class T> in T rest_of(T a, T b) { return b == 0 ? a : (b == (T)-1 && (T)-1 < 0) ? (T)0 : (T)(a % b); }
template <class T> in T floor_of(T a, T b) {
  T q = quotient_of(a, b);
  return (b != 0 && rest_of(a, b) != 0 && ((a < 0) != (b < 0))) ? (T)(q - 1) : q;
}
template <class T> in T remainder_of(T a, T b) {
  T r = rest_of(a, b);
  return (r != 0 && ((r < 0) != (b < 0))) ? (T)(r + b) : r;
}
template <class T> in T power_of(T a, T b) {
  if (b < 0) return a == 1 ? (T)1 : a == (T)-1 ? (b % 2 ? (T)-1 : (T)1) : (T)0;
  T r = 1;
  for (; b; b >>= 1, a = (T)(a * a)) if (b & 1) r = (T)(r * a);
  return r;
}
"""
FLOATING = r"""
in T remainder_of(T a, T b) { T r = fmodF(a, b); return (r != 0 && ((r < 0) != (b < 0))) ? r + b : r; }
in T quotient_of(T a, T b) { return __builtin_truncF(a / b); }
in T floor_of(T a, T b) {
  if (b == 0) return a / b;
  T r = fmodF(a, b), q = (a - r) / b;
  if (r != 0 && ((b < 0) != (r < 0))) q -= 1;
  if (q == 0) return __builtin_copysignF((T)0, a / b);
  T whole = __builtin_floorF(q);
  return q - whole > (T)0.5 ? whole + 1 : whole;
}
#ifdef __FMA__
in T fused(T a, T b, T c) { return __builtin_fmaF(a, b, c); }
#else
in T fused(T a, T b, T c) { return a * b + c; }
#endif
"""
# Helpers that few programs need, and what they are called.
_SOME = {
    systems.HELPERS: ("factor_lu(", "factor_cholesky(", "swap_rows(", "solve_triangle("),
    order.HELPERS: ("sort_row(", "place_of("),
    lanes.HELPERS: ("in_parts<",),
}
# Functions that glibc has for vectors on x86-64, by the version that brought them.
_VECTOR = {
    (2, 22): ("sin", "cos", "exp", "log", "pow"),
    (2, 35): ("tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp2", "expm1", "log2",
              "log10", "log1p", "erf", "erfc", "atan2", "hypot"),
}  # fmt: skip


def has_vector_functions() -> bool:
    """Whether there is a library of functions of vectors to link with."""
    return platform.machine() == "x86_64" and _glibc() >= min(_VECTOR)


def _glibc() -> tuple[int, ...]:
    name, version = platform.libc_ver()
    numbers = re.findall(r"\d+", version)
    return tuple(map(int, numbers[:2])) if name == "glibc" and len(numbers) >= 2 else (0, 0)


def prelude(text: str, threads: int | None = None) -> str:
    """What the C++ of a program needs before it; ``threads``: of its team, if it has one."""
    more = [h for h, names in _SOME.items() if any(n in text for n in names)]
    if "complex64" in text or "complex128" in text:
        more.append(complexes.helpers(text))
    called = "".join([text, *more])
    first = f"#define TEAM {threads}\n{team.PRELUDE}" if threads is not None else ONE_THREAD + library(called)
    floats = [
        FLOATING.replace("T ", f"{k} ").replace("(T)", f"({k})").replace("F(", f"{f}(")
        for k, f in (("float", "f"), ("double", ""))
    ]
    return first + HELPERS + "".join(floats) + "".join(more)


def library(text: str) -> str:
    """Functions of the C library, and which of them are there for vectors."""
    version = _glibc() if has_vector_functions() else (0, 0)
    vector = {f for since, names in _VECTOR.items() if version >= since for f in names}
    lines = ['extern "C" {']
    for ending, kind in (("f", "float"), ("", "double")):
        for name in (*LIBRARY, *LIBRARY_OF_TWO):
            if f"{name}{ending}(" in text or name == "fmod":
                simd = '__attribute__((simd("notinbranch"))) ' if name in vector else ""
                args = f"{kind}, {kind}" if name in LIBRARY_OF_TWO else kind
                lines.append(f"{simd}{kind} {name}{ending}({args}) noexcept;")
    lines.append("}")
    return "\n".join(lines)
