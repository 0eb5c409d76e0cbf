"""names: the name of the JAX primitive that an aten op comes closest to, for messages about a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.graph import op_name

if TYPE_CHECKING:
    from jaxlike._src.graph.graph import Node

_NAMES: dict[str, str] = {
    "add": "add", "sub": "sub", "mul": "mul", "div": "div", "neg": "neg", "abs": "abs", "sgn": "sign",
    "sign": "sign", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan",
    "atan2": "atan2", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh",
    "atanh": "atanh", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log1p": "log1p",
    "sqrt": "sqrt", "rsqrt": "rsqrt", "sigmoid": "logistic", "pow": "pow", "maximum": "max", "minimum": "min",
    "floor": "floor", "ceil": "ceil", "round": "round", "remainder": "rem", "fmod": "rem", "eq": "eq", "ne": "ne",
    "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "bitwise_and": "and", "bitwise_or": "or",
    "bitwise_xor": "xor", "bitwise_not": "not", "logical_and": "and", "logical_or": "or", "logical_not": "not",
    "where": "select_n", "sum": "reduce_sum", "prod": "reduce_prod", "amax": "reduce_max", "amin": "reduce_min",
    "any": "reduce_or", "all": "reduce_and", "argmax": "argmax", "argmin": "argmin", "cumsum": "cumsum",
    "cumprod": "cumprod", "view": "reshape", "_unsafe_view": "reshape", "reshape": "reshape",
    "expand": "broadcast_in_dim", "unsqueeze": "broadcast_in_dim", "squeeze": "squeeze", "permute": "transpose",
    "transpose": "transpose", "t": "transpose", "cat": "concatenate", "slice": "slice", "flip": "rev",
    "_to_copy": "convert_element_type", "mm": "dot_general", "bmm": "dot_general", "dot": "dot_general",
    "mv": "dot_general", "sort": "sort", "gather": "gather", "index": "gather", "index_select": "gather",
    "index_put": "scatter", "scatter": "scatter", "scatter_add": "scatter-add", "clone": "copy",
    "full": "broadcast_in_dim", "zeros": "broadcast_in_dim", "ones": "broadcast_in_dim", "arange": "iota",
    "linalg_cholesky_ex": "cholesky", "linalg_eigh": "eigh", "_linalg_eigh": "eigh", "_linalg_svd": "svd",
    "linalg_qr": "qr", "erf": "erf", "erfc": "erfc", "erfinv": "erf_inv", "lgamma": "lgamma", "digamma": "digamma",
    "isfinite": "is_finite", "real": "real", "imag": "imag", "_conj_physical": "conj", "complex": "complex",
    "constant_pad_nd": "pad", "convolution": "conv_general_dilated",
}  # fmt: skip


def primitive_name(node: Node) -> str:
    """JAX's name of what a node applies."""
    short = op_name(node)
    return _NAMES.get(short, short)


def primitive_of(op: Any) -> str:
    """JAX's name of what an aten op does."""
    short = str(op._schema.name).removeprefix("aten::")
    return _NAMES.get(short, short)
