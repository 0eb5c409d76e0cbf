"""pointwise: elementwise operations as C++ expressions.

Operands are brought to the type that the operation computes in first, as torch does. Numbers that C++ leaves undefined
(shifts too far, division of integers by zero) are defined by the helpers of `prelude`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.fused import complexes
from jaxlike._src.graph.fused.program import LOWERINGS, Program, lowers, result
from jaxlike._src.graph.fused.values import Halves, Ineligible, Value, c_type, literal
from jaxlike._src.graph.graph import op_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Node

# Functions of the C library, of floating numbers; those of float end in f.
LIBRARY = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp",
            "exp2", "expm1", "log", "log2", "log10", "log1p", "erf", "erfc", "lgamma")  # fmt: skip
LIBRARY_OF_TWO = ("atan2", "hypot", "fmod", "pow", "nextafter")
_BUILTIN = ("sqrt", "floor", "ceil", "trunc")
# {T} is the type that is computed in, {f} the ending of functions of it.
_UNARY = {
    "neg": "-{0}",
    "reciprocal": "({T})1 / {0}",
    "rsqrt": "({T})1 / __builtin_sqrt{f}({0})",
    "sigmoid": "({T})1 / (({T})1 + exp{f}(-{0}))",
    "square": "{0} * {0}",
    "round": "__builtin_rint{f}({0})",
    **{name: f"{name}{{f}}({{0}})" for name in LIBRARY},
    **{name: f"__builtin_{name}{{f}}({{0}})" for name in _BUILTIN},
}
_INTEGER_UNARY = {
    "neg": "({T})(-{0})",
    "abs": "({T})({0} < 0 ? -{0} : {0})",
    "bitwise_not": "({T})(~{0})",
    "square": "({T})({0} * {0})",
    "floor": "{0}",
    "ceil": "{0}",
    "trunc": "{0}",
    "round": "{0}",
}
_BINARY = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "atan2": "atan2{f}({0}, {1})",
    "hypot": "hypot{f}({0}, {1})",
    "fmod": "fmod{f}({0}, {1})",
    "copysign": "__builtin_copysign{f}({0}, {1})",
    "maximum": "largest({0}, {1})",
    "minimum": "smallest({0}, {1})",
    "fmax": "__builtin_fmax{f}({0}, {1})",
    "fmin": "__builtin_fmin{f}({0}, {1})",
    "remainder": "remainder_of({0}, {1})",
    "pow": "pow{f}({0}, {1})",
    "nextafter": "nextafter{f}({0}, {1})",
}
_INTEGER_BINARY = {
    "add": "({T})({0} + {1})",
    "sub": "({T})({0} - {1})",
    "mul": "({T})({0} * {1})",
    "maximum": "({0} > {1} ? {0} : {1})",
    "minimum": "({0} < {1} ? {0} : {1})",
    "remainder": "remainder_of({0}, {1})",
    "fmod": "rest_of({0}, {1})",
    "bitwise_and": "({T})({0} & {1})",
    "bitwise_or": "({T})({0} | {1})",
    "bitwise_xor": "({T})({0} ^ {1})",
    "bitwise_left_shift": "left({0}, {1})",
    "bitwise_right_shift": "right({0}, {1})",
    "pow": "power_of({0}, {1})",
}
_COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_SHIFTS = {"__lshift__": "bitwise_left_shift", "__rshift__": "bitwise_right_shift", "__and__": "bitwise_and",
           "__or__": "bitwise_or", "__xor__": "bitwise_xor"}  # fmt: skip


def computing_type(operands: Sequence[Any]) -> torch.dtype:
    """The type that torch brings operands to."""
    given = [torch.empty((1,) * len(o.shape), dtype=o.dtype) if isinstance(o, Value) else o for o in operands]
    dtype = torch.result_type(given[0], given[1]) if len(given) > 1 else given[0].dtype
    for more in given[2:]:
        dtype = torch.result_type(torch.empty((1,), dtype=dtype), more)
    return dtype


def operand(x: Any, dtype: torch.dtype) -> tuple[Any, str]:
    """An operand and the C++ that brings its element to the type."""
    if not isinstance(x, Value):
        return literal(x, dtype), "{}"
    return x, "{}" if x.dtype == dtype else cast(x.dtype, dtype)


def cast(given: torch.dtype, dtype: torch.dtype) -> str:
    """C++ for a number as another type."""
    if dtype == torch.bool and given != torch.bool:
        return "({} != 0)"
    if given.is_complex and not dtype.is_complex:
        return f"(({c_type(dtype)}){{}}.re)"
    return f"(({c_type(dtype)}){{}})"


def apply(p: Program, node: Node, template: str, operands: Sequence[Any], dtype: torch.dtype) -> Value:
    """A value by a template of {0}, {1}, .. of the type ``dtype``, {T} and {f}."""
    out = result(node)
    return written(p, out.shape, out.dtype, template, operands, dtype)


def written(
    p: Program, shape: Sequence[int], out: torch.dtype, template: str, operands: Sequence[Any], dtype: torch.dtype
) -> Value:
    """The same for a given type of result."""
    pairs = [operand(x, dtype) for x in operands]
    f = "f" if dtype == torch.float32 else ""
    named = {"T": c_type(dtype), "f": f}
    places = [text.format(f"{{{k}}}") for k, (_, text) in enumerate(pairs)]
    text = template.format(*places, **named)
    return p.pointwise(shape, out, text, [x for x, _ in pairs])


def _unary(p: Program, node: Node, a: dict[str, Any]) -> Value:
    name, x, dtype = op_name(node), a["self"], result(node).dtype
    table = complexes.UNARY if dtype.is_complex else _UNARY if dtype.is_floating_point else _INTEGER_UNARY
    if name not in table or dtype == torch.bool or (name == "round" and a.get("decimals")):
        raise Ineligible(f"{name} of {dtype}")
    return apply(p, node, table[name], [x], dtype)


LOWERINGS.update(dict.fromkeys({*_UNARY, *complexes.UNARY, "bitwise_not"}, _unary))


def _binary(p: Program, node: Node, a: dict[str, Any]) -> Value:
    name, out = op_name(node), result(node)
    name = _SHIFTS.get(name, name)
    operands, dtype = [v for k, v in a.items() if k in ("self", "other", "exponent")], out.dtype
    alpha = a.get("alpha", 1)
    if name == "rsub":
        name, operands = "sub", operands[::-1]
    if name == "div" and a.get("rounding_mode"):
        return _rounded_division(p, node, operands, a["rounding_mode"])
    if name == "floor_divide":
        return _rounded_division(p, node, operands, "floor")
    if name in ("add", "sub") and alpha == 1 and all(isinstance(x, Halves) for x in operands):
        whole = p.pointwise(out.shape[:-1], operands[0].whole.dtype, _BINARY[name], [x.whole for x in operands])
        return Halves(whole, dtype)
    table = complexes.BINARY if dtype.is_complex else _BINARY if dtype.is_floating_point else _INTEGER_BINARY
    template = table.get(name)
    if dtype == torch.bool:
        template = {"bitwise_and": "{0} & {1}", "bitwise_or": "{0} | {1}", "bitwise_xor": "{0} != {1}",
                    "mul": "{0} & {1}", "add": "{0} | {1}", "maximum": "{0} | {1}", "minimum": "{0} & {1}"}.get(name)  # fmt: skip
    if template is None:
        raise Ineligible(f"{name} of {dtype}")
    if alpha != 1:
        template = template.replace("{1}", f"{literal(alpha, dtype)} * {{1}}")
    if name == "pow":
        template = _power(operands[1], dtype) or template
    return apply(p, node, template, operands, dtype)


def _power(exponent: Any, dtype: torch.dtype) -> str | None:
    """Powers that torch computes by multiplication."""
    if isinstance(exponent, Value) or not (dtype.is_floating_point or dtype.is_complex):
        return None
    if dtype.is_complex and exponent == 0.5:
        return complexes.UNARY["sqrt"]
    if -8 <= exponent < 0 and exponent == int(exponent):  # torch has these for -1 and -2; all are quicker than pow
        return "({T})1 / (" + " * ".join(["{0}"] * -int(exponent)) + ")"
    return {2: "{0} * {0}", 3: "{0} * {0} * {0}", 1: "{0}", 0.5: "__builtin_sqrt{f}({0})"}.get(exponent)


def _rounded_division(p: Program, node: Node, operands: list[Any], mode: str) -> Value:
    dtype = result(node).dtype
    if dtype == torch.bool:
        raise Ineligible("division of bool")
    return apply(p, node, {"floor": "floor_of({0}, {1})", "trunc": "quotient_of({0}, {1})"}[mode], operands, dtype)


LOWERINGS.update(dict.fromkeys({*_BINARY, *_INTEGER_BINARY, *_SHIFTS, "rsub", "floor_divide"} - {"pow"}, _binary))
LOWERINGS["pow"] = _binary


def _compare(p: Program, node: Node, a: dict[str, Any]) -> Value:
    name = op_name(node)
    operands = [a["self"], a["other"]]
    return apply(p, node, f"{{0}} {_COMPARE[name]} {{1}}", operands, computing_type(operands))


LOWERINGS.update(dict.fromkeys(_COMPARE, _compare))


@lowers("logical_and", "logical_or", "logical_xor", "logical_not")
def _logical(p: Program, node: Node, a: dict[str, Any]) -> Value:
    name = op_name(node).removeprefix("logical_")
    text = {"and": "{0} & {1}", "or": "{0} | {1}", "xor": "{0} != {1}", "not": "!{0}"}[name]
    return apply(p, node, text, list(a.values()), torch.bool)


@lowers("bitwise_not")
def _not(p: Program, node: Node, a: dict[str, Any]) -> Value:
    if a["self"].dtype == torch.bool:
        return apply(p, node, "!{0}", [a["self"]], torch.bool)
    return _unary(p, node, a)


@lowers("isnan", "isinf", "isfinite", "signbit")
def _kind_of_number(p: Program, node: Node, a: dict[str, Any]) -> Value:
    x, name = a["self"], op_name(node)
    if x.dtype.is_complex:
        return complexes.kind_of_number(p, node, name, x)
    if not x.dtype.is_floating_point:
        if name == "signbit":
            raise Ineligible("signbit of integers")
        return apply(p, node, "true" if name == "isfinite" else "false", [x], x.dtype)
    text = {"isnan": "{0} != {0}", "isinf": "__builtin_fabs{f}({0}) == __builtin_inf{f}()",
            "isfinite": "__builtin_fabs{f}({0}) < __builtin_inf{f}()", "signbit": "__builtin_signbit({0}) != 0"}[name]  # fmt: skip
    return apply(p, node, text, [x], x.dtype)


@lowers("abs")
def _abs(p: Program, node: Node, a: dict[str, Any]) -> Value:
    if a["self"].dtype.is_complex:
        return complexes.of_each(p, node, "abs_of({0})", a["self"])
    if not a["self"].dtype.is_floating_point:
        return _unary(p, node, a)
    return apply(p, node, "__builtin_fabs{f}({0})", [a["self"]], a["self"].dtype)


@lowers("sign", "sgn")
def _sign(p: Program, node: Node, a: dict[str, Any]) -> Value:
    dtype = a["self"].dtype
    if dtype.is_complex:
        return _unary(p, node, a)
    if dtype == torch.bool:
        return a["self"]
    text = "({T})(({T})({0} > 0) - ({T})({0} < 0))"
    return apply(p, node, text, [a["self"]], dtype)


@lowers("relu")
def _relu(p: Program, node: Node, a: dict[str, Any]) -> Value:
    return apply(p, node, "({0} < 0 ? ({T})0 : {0})", [a["self"]], a["self"].dtype)


@lowers("clamp", "clamp_min", "clamp_max")
def _clamp(p: Program, node: Node, a: dict[str, Any]) -> Value:
    dtype, x, text, operands = result(node).dtype, a["self"], "{0}", [a["self"]]
    if dtype == torch.bool:
        raise Ineligible("clamp of bool")
    for bound, function in (("min", "largest"), ("max", "smallest")):
        if a.get(bound) is not None:
            operands.append(a[bound])
            text = f"{function}({text}, {{{len(operands) - 1}}})"
    del x
    return apply(p, node, text, operands, dtype)


@lowers("where")
def _where(p: Program, node: Node, a: dict[str, Any]) -> Value:
    out = result(node)
    if "self" not in a:
        raise Ineligible("where of one argument")
    pairs = [operand(x, out.dtype) for x in (a["self"], a["other"])]
    one_of = "one_of({0}, {1}, {2})" if out.dtype.is_complex else "({0} ? {1} : {2})"
    text = one_of.format("{0}", pairs[0][1].format("{1}"), pairs[1][1].format("{2}"))
    return p.pointwise(out.shape, out.dtype, text, [a["condition"], pairs[0][0], pairs[1][0]])


@lowers("masked_fill")
def _masked_fill(p: Program, node: Node, a: dict[str, Any]) -> Value:
    return _where(p, node, {"condition": a["mask"], "self": a["value"], "other": a["self"]})


@lowers("_to_copy", "to")
def _to(p: Program, node: Node, a: dict[str, Any]) -> Value:
    out = result(node)
    if out.dtype == a["self"].dtype:
        return a["self"]
    return p.pointwise(out.shape, out.dtype, cast(a["self"].dtype, out.dtype).format("{0}"), [a["self"]])


@lowers("tanh_backward")
def _tanh_backward(p: Program, node: Node, a: dict[str, Any]) -> Value:
    return apply(p, node, "{0} * (({T})1 - {1} * {1})", [a["grad_output"], a["output"]], result(node).dtype)


@lowers("sigmoid_backward")
def _sigmoid_backward(p: Program, node: Node, a: dict[str, Any]) -> Value:
    return apply(p, node, "{0} * (({T})1 - {1}) * {1}", [a["grad_output"], a["output"]], result(node).dtype)


@lowers("threshold_backward")
def _threshold_backward(p: Program, node: Node, a: dict[str, Any]) -> Value:
    operands = [a["grad_output"], a["self"], a["threshold"]]
    return apply(p, node, "({1} <= {2} ? ({T})0 : {0})", operands, result(node).dtype)


@lowers("logaddexp")
def _logaddexp(p: Program, node: Node, a: dict[str, Any]) -> Value:
    text = (
        "({0} == {1} && __builtin_fabs{f}({0}) == __builtin_inf{f}() ? {0} : "
        "largest({0}, {1}) + log1p{f}(exp{f}(-__builtin_fabs{f}({0} - {1}))))"
    )
    return apply(p, node, text, [a["self"], a["other"]], result(node).dtype)


@lowers("addcmul", "addcdiv")
def _addc(p: Program, node: Node, a: dict[str, Any]) -> Value:
    sign = "*" if "mul" in node.op._schema.name else "/"
    operands = [a["self"], a["tensor1"], a["tensor2"], a.get("value", 1)]
    return apply(p, node, f"{{0}} + {{3}} * {{1}} {sign} {{2}}", operands, result(node).dtype)
