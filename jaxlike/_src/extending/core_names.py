"""core_names: the names that `jax.core` still gives, with a warning, and what it says of those that it gave once."""

from __future__ import annotations

from typing import Any

from jaxlike._src.deprecations import module_getattr
from jaxlike._src.errors import InconclusiveDimensionOperation
from jaxlike._src.extending import context
from jaxlike._src.graph import jaxpr, jaxpr_text, primitive
from jaxlike._src.graph.effects import Effect
from jaxlike._src.graph.jaxpr_check import check_jaxpr

Effects = set[Effect]
OutputType = tuple[context.AbstractValue, ...]

_MOVED: dict[str, Any] = {
    **{n: getattr(primitive, n) for n in ("CallPrimitive", "no_effects")},
    **{
        n: getattr(jaxpr, n)
        for n in ("DebugInfo", "DropVar", "JaxprTypeError", "gensym", "jaxprs_in_params", "new_jaxpr_eqn")
    },
    **{
        n: getattr(context, n)
        for n in ("concrete_or_error", "find_top_trace", "get_opaque_trace_state", "primal_dtype_to_tangent_dtype",
                  "valid_jaxtype")
    },
    "check_jaxpr": check_jaxpr,
    "Effect": Effect,
    "Effects": Effects,
    "InconclusiveDimensionOperation": InconclusiveDimensionOperation,
}  # fmt: skip
_ENDING: dict[str, Any] = {
    **{n: getattr(jaxpr_text, n) for n in ("JaxprPpContext", "JaxprPpSettings")},
    **{
        n: getattr(context, n)
        for n in ("nonempty_axis_env_DO_NOT_USE", "unsafe_am_i_under_a_jit_DO_NOT_USE",
                  "unsafe_am_i_under_a_vmap_DO_NOT_USE", "unsafe_get_axis_names_DO_NOT_USE", "abstract_token",
                  "aval_mapping_handlers", "call", "concretization_function_error", "custom_typechecks", "is_concrete",
                  "is_constant_dim", "is_constant_shape", "literalable_types", "no_axis_name", "pytype_aval_mappings",
                  "trace_ctx")
    },
    "OutputType": OutputType,
}  # fmt: skip


def _place(name: str) -> str | None:
    if name in _ENDING:
        return None
    home = "jax.errors" if name in ("InconclusiveDimensionOperation", "JaxprTypeError") else "jax.extend.core"
    return f"{home}.{name}"


_GONE = "was deprecated in JAX v0.8.2 and removed in JAX v0.10.0"
_REMOVED = {
    "get_aval": f"jax.core.get_aval {_GONE}; use jax.typeof instead.",
    "traverse_jaxpr_params": f"jax.core.traverse_jaxpr_params {_GONE}.",
    **{
        n: f"jax.core.{n} {_GONE}. Use jax.extend.core.{n}."
        for n in ("mapped_aval", "unmapped_aval", "set_current_trace", "take_current_trace", "TraceTag", "call_impl",
                  "subjaxprs", "AbstractToken")
    },
}  # fmt: skip


def _table() -> dict[str, tuple[str, Any]]:
    out: dict[str, tuple[str, Any]] = {n: (said, None) for n, said in _REMOVED.items()}
    for name, value in {**_MOVED, **_ENDING}.items():
        place = _place(name)
        out[name] = f"jax.core.{name} is deprecated." + (f" Use {place}." if place else ""), value
    return out


__getattr__ = module_getattr("jax.core", _table())
