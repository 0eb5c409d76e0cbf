"""complexes: complex numbers: a struct of two floats in C++, their operations, and their halves.

Functions such as the exponential are those of the C library, as torch's are. A program says what is real and imaginary
by looking at complex numbers as pairs of real ones, taking one, or adding pairs: as long as nothing else is done with
pairs they are `Halves`, which stay elements of the loop that is being written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.fused.program import Program, lowers, result
from jaxlike._src.graph.fused.values import HALF, Cells, Halves, Ineligible, Memory, Uniform, Value, c_type

if TYPE_CHECKING:
    from jaxlike._src.graph.graph import Node

LIBRARY = ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh",
           "atanh")  # fmt: skip
UNARY = {
    "neg": "-{0}",
    "reciprocal": "({T})1 / {0}",
    "square": "{0} * {0}",
    "sgn": "sgn_of({0})",
    "expm1": "cexpm1_of({0})",
    "log1p": "clog1p_of({0})",
    "_conj_physical": "conj_of({0})",
    "conj_physical": "conj_of({0})",
    **{name: f"c{name}_of({{0}})" for name in LIBRARY},
}
BINARY = {"add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "pow": "cpow_of({0}, {1})"}

# Halves are copied one by one and chosen without branches, or the compiler makes no vectors of them.
_STRUCT = r"""
template <class T> struct Complex {
  T re, im;
  Complex() = default;
  member Complex(const Complex& z) : re(z.re), im(z.im) {}
  member Complex& operator=(const Complex& z) { re = z.re; im = z.im; return *this; }
  member Complex(T a, T b = 0) : re(a), im(b) {}
  template <class S> member explicit Complex(const Complex<S>& z) : re((T)z.re), im((T)z.im) {}
};
typedef Complex<float> complex64;
typedef Complex<double> complex128;
template <class T> in Complex<T> operator-(Complex<T> a) { return Complex<T>(-a.re, -a.im); }
template <class T> in Complex<T> operator+(Complex<T> a, Complex<T> b) { return Complex<T>(a.re + b.re, a.im + b.im); }
template <class T> in Complex<T> operator-(Complex<T> a, Complex<T> b) { return Complex<T>(a.re - b.re, a.im - b.im); }
template <class T> in Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return Complex<T>(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}
template <class T> in Complex<T> operator/(Complex<T> a, Complex<T> b) {
  const bool wide = __builtin_fabs(b.re) >= __builtin_fabs(b.im);
  const T large = wide ? b.re : b.im, small = wide ? b.im : b.re;
  if (large == 0 && small == 0) return Complex<T>(a.re / __builtin_fabs(large), a.im / __builtin_fabs(small));
  const T ratio = small / large, scale = (T)1 / (large + small * ratio);
  return wide ? Complex<T>((a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale)
              : Complex<T>((a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale);
}
template <class T> in Complex<T>& operator+=(Complex<T>& a, Complex<T> b) { return a = a + b; }
template <class T> in bool operator==(Complex<T> a, Complex<T> b) { return a.re == b.re && a.im == b.im; }
template <class T> in bool operator!=(Complex<T> a, Complex<T> b) { return a.re != b.re || a.im != b.im; }
template <class T> in Complex<T> conj_of(Complex<T> a) { return Complex<T>(a.re, -a.im); }
template <class T> in Complex<T> one_of(bool first, Complex<T> a, Complex<T> b) {
  return Complex<T>(first ? a.re : b.re, first ? a.im : b.im);
}
"""
_OF_T = r"""
in T abs_of(Complex<T> a) {
  const T x = __builtin_fabsF(a.re), y = __builtin_fabsF(a.im), inf = __builtin_infF();
  const T more = x > y ? x : y, less = x > y ? y : x, most = less == inf ? less : more;
  const T ratio = most == inf ? (T)0 : most == 0 ? less : less / most;
  return most * __builtin_sqrtF((T)1 + ratio * ratio);
}
in T angle_of(Complex<T> a) { return atan2F(a.im, a.re); }
in Complex<T> cexpm1_of(Complex<T> a) {
  const T half = sinF(a.im / 2);
  return Complex<T>(expm1F(a.re) * cosF(a.im) - 2 * half * half, expF(a.re) * sinF(a.im));
}
in Complex<T> clog1p_of(Complex<T> a) {
  const T size = hypotF(1 + a.re, a.im), near = a.re * (2 + a.re) + a.im * a.im;
  return Complex<T>(size > (T)0.5 && size < 2 ? log1pF(near) / 2 : logF(size), atan2F(a.im, 1 + a.re));
}
in Complex<T> sgn_of(Complex<T> a) {
  const T size = abs_of(a);
  return size == 0 ? Complex<T>(0, 0) : Complex<T>(a.re / size, a.im / size);
}
"""


def helpers(text: str) -> str:
    """The C++ that a program with complex numbers needs before it."""
    lines = [_STRUCT, 'extern "C" {']
    used = [name for name in (*LIBRARY, "pow") if f"c{name}_of(" in text]
    kinds = (("float", "f"), ("double", ""))
    for kind, f in kinds:
        z = f"__complex__ {kind}"
        lines += [f"{z} c{name}{f}({f'{z}, {z}' if name == 'pow' else z}) noexcept;" for name in used]
    lines.append("}")
    for kind, f in kinds:
        lines.append(_OF_T.replace("T ", f"{kind} ").replace("<T>", f"<{kind}>").replace("(T)", f"({kind})").replace("F(", f"{f}("))
        if used:
            made = "__real__ {0} = {0}{0}.re; __imag__ {0} = {0}{0}.im;"
            for name in used:
                args = ("x", "y") if name == "pow" else ("x",)
                given = ", ".join(f"Complex<{kind}> {a}{a}" for a in args)
                sets = " ".join(f"__complex__ {kind} {a}; {made.format(a)}" for a in args)
                call = f"x = c{name}{f}({', '.join(args)});"
                back = f"return Complex<{kind}>(__real__ x, __imag__ x);"
                lines.append(f"in Complex<{kind}> c{name}_of({given}) {{ {sets} {call} {back} }}")
    return "\n".join(lines) + "\n"


def part(p: Program, value: Halves, number: int) -> Value:
    """What is real (0) or imaginary (1)."""
    text = ("{0}.re", "{0}.im")[number]
    return p.pointwise(value.whole.shape, value.dtype, text, [value.whole])


@lowers("view_as_real")
def _view_as_real(p: Program, node: Node, a: dict[str, Any]) -> Value:
    del p
    return Halves(a["self"], result(node).dtype)


@lowers("view_as_complex")
def _view_as_complex(p: Program, node: Node, a: dict[str, Any]) -> Value:
    x, dtype = a["self"], result(node).dtype
    if isinstance(x, Halves):
        return x.whole
    x = p.settled(x)
    if isinstance(x, Cells):
        pairs = zip(x.cells[::2], x.cells[1::2], strict=True)
        return Cells(x.shape[:-1], dtype, [p.define(dtype, f"{c_type(dtype)}({re}, {im})") for re, im in pairs])
    if isinstance(x, Uniform):
        return Uniform(x.shape[:-1], dtype, p.define(dtype, f"{c_type(dtype)}({x.cell}, {x.cell})"))
    odd = x.strides[-1] != 1 or any(s % 2 for s in x.strides[:-1]) or x.offset % 2 or x.moved
    m = p.memory(p.pointwise(x.shape, x.dtype, "{0}", [x]), contiguous=True) if odd else x
    strides = [s // 2 for s in m.strides[:-1]]
    return Memory(m.shape[:-1], dtype, m.seen_as(c_type(dtype)), strides, m.offset // 2)


@lowers("complex")
def _complex(p: Program, node: Node, a: dict[str, Any]) -> Value:
    out = result(node)
    return p.pointwise(out.shape, out.dtype, f"{c_type(out.dtype)}({{0}}, {{1}})", [a["real"], a["imag"]])


def kind_of_number(p: Program, node: Node, name: str, x: Value) -> Value:
    """Whether numbers are infinite, finite or NaN: one half, or both where they are finite."""
    f = "f" if HALF[x.dtype] == torch.float32 else ""
    one = {"isnan": "({x} != {x})", "isinf": "(__builtin_fabs{f}({x}) == __builtin_inf{f}())",
           "isfinite": "(__builtin_fabs{f}({x}) < __builtin_inf{f}())"}[name]  # fmt: skip
    both = (" & " if name == "isfinite" else " | ").join(one.format(x=f"{{0}}.{half}", f=f) for half in ("re", "im"))
    return p.pointwise(result(node).shape, torch.bool, both, [x])


@lowers("angle")
def _angle(p: Program, node: Node, a: dict[str, Any]) -> Value:
    return of_each(p, node, "angle_of({0})", a["self"])


def of_each(p: Program, node: Node, text: str, x: Value) -> Value:
    """A real number of each, by C++."""
    out = result(node)
    if not x.dtype.is_complex:
        raise Ineligible(f"{node.op} of {x.dtype}")
    return p.pointwise(out.shape, out.dtype, text, [x])
