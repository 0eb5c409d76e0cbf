"""costs: how many operations a program does, counted on its jaxpr as XLA counts them on its own form of it.

An element of a result costs one operation, where it is computed and not moved; a product costs two for each
multiplication and addition, a sum one for each element that it takes away. Transcendental functions are counted apart.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.jaxpr import Var, jaxprs_in_params

if TYPE_CHECKING:
    from jaxlike._src.graph.jaxpr import Jaxpr, JaxprEqn

_MOVED = frozenset(
    "bitcast_convert_type broadcast_in_dim concatenate copy copy_p device_put dynamic_slice dynamic_update_slice empty "
    "expand_dims gather iota optimization_barrier pad pvary random_unwrap random_wrap real imag reshape rev "
    "sharding_constraint slice split squeeze stop_gradient transpose".split()
)
_TRANSCENDENTAL = frozenset(
    "atan2 cbrt cos erf exp exp2 expm1 log log1p logistic pow rsqrt sin sqrt tan tanh".split()
)  # fmt: skip


def operations_of(jaxpr: Jaxpr) -> dict[str, int]:
    """The counts by name: "flops", "transcendentals"; bytes that equations read and write: "bytes accessed"."""
    found: Counter[str] = Counter()
    for eqn in jaxpr.eqns:
        inner = [operations_of(j) for j in jaxprs_in_params(eqn.params)]
        if inner:  # a loop's body counts once; of branches one runs
            for part in [max(inner, key=lambda part: part.get("flops", 0))] if eqn.primitive.name == "cond" else inner:
                found.update(part)
            continue
        made = sum(_numel(v.aval) for v in eqn.outvars)
        name = eqn.primitive.name
        if name in _TRANSCENDENTAL:
            found["transcendentals"] += made
        elif name not in _MOVED:
            found["flops"] += _operations(eqn, made)
        found["bytes accessed"] += sum(_bytes(v.aval) for v in (*eqn.invars, *eqn.outvars) if isinstance(v, Var))
    return dict(found)


def _operations(eqn: JaxprEqn, made: int) -> int:
    name, params = eqn.primitive.name, eqn.params
    first: Any = eqn.invars[0].aval if eqn.invars else None
    if name == "dot_general":
        return 2 * made * math.prod(first.shape[k] for k in params["dimension_numbers"][0][0])
    if name == "conv_general_dilated":
        kernel: Any = eqn.invars[1].aval
        return 2 * made * _numel(kernel) // max(kernel.shape[params["dimension_numbers"].rhs_spec[0]], 1)
    return _numel(first) - made if name.startswith("reduce_") and name != "reduce_precision" else made


def _numel(aval: Any) -> int:
    return math.prod(getattr(aval, "shape", ()))


def _bytes(aval: Any) -> int:
    return _numel(aval) * getattr(getattr(aval, "dtype", None), "itemsize", 0)
