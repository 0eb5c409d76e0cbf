"""private_names: the names under `jax._src` and `jaxlib` that libraries use, and what of ours each stands for.

JAX's private modules are not ours, so most of `jax._src` is absent. Where a private module holds what a public one
publishes (`MIRRORS`), its names are the public ones; a few more have a meaning here and are listed one by one
(`NAMES`). What has none, such as a handle on XLA, is absent, and importing it says so, as JAX says of a removed name.
`compat/test_private_names.py` checks that JAX has each of these where this table says.
"""

from __future__ import annotations

import importlib
import types
from typing import Any

# Private module -> the public modules whose names it has, first come first served.
MIRRORS: dict[str, tuple[str, ...]] = {
    "jax._src": (),
    "jax._src.ad_checkpoint": ("jax.ad_checkpoint", "jax"),
    "jax._src.ad_util": (),
    "jax._src.api": ("jax",),
    "jax._src.api_util": ("jax.api_util",),
    "jax._src.array": ("jax",),
    "jax._src.basearray": ("jax",),
    "jax._src.callback": ("jax", "jax.experimental"),
    "jax._src.checkify": ("jax.experimental.checkify",),
    "jax._src.compiler": (),
    "jax._src.config": ("jax",),
    "jax._src.core": ("jax.extend.core", "jax.core"),
    "jax._src.custom_batching": ("jax.custom_batching",),
    "jax._src.custom_derivatives": ("jax.custom_derivatives", "jax"),
    "jax._src.debugging": ("jax.debug",),
    "jax._src.dispatch": (),
    "jax._src.distributed": ("jax.distributed",),
    "jax._src.dlpack": ("jax.dlpack",),
    "jax._src.dtypes": ("jax.dtypes",),
    "jax._src.errors": ("jax.errors",),
    "jax._src.flatten_util": ("jax.flatten_util",),
    "jax._src.hijax": ("jax.experimental.hijax",),
    "jax._src.interpreters": (),
    "jax._src.interpreters.ad": ("jax.interpreters.ad",),
    "jax._src.interpreters.batching": ("jax.interpreters.batching",),
    "jax._src.interpreters.mlir": ("jax.interpreters.mlir",),
    "jax._src.interpreters.partial_eval": ("jax.interpreters.partial_eval",),
    "jax._src.lax": (),
    "jax._src.lax.control_flow": ("jax.lax",),
    "jax._src.lax.lax": ("jax.lax",),
    "jax._src.lax.parallel": ("jax.lax",),
    "jax._src.lax.slicing": ("jax.lax",),
    "jax._src.lib": (),
    "jax._src.lib.xla_client": (),
    "jax._src.linear_util": ("jax.extend.linear_util",),
    "jax._src.layout": ("jax.experimental.layout",),
    "jax._src.mesh": ("jax.sharding",),
    "jax._src.monitoring": ("jax.monitoring",),
    "jax._src.named_sharding": ("jax.sharding",),
    "jax._src.nn": (),
    "jax._src.nn.functions": ("jax.nn",),
    "jax._src.nn.initializers": ("jax.nn.initializers",),
    "jax._src.numpy": (),
    "jax._src.numpy.lax_numpy": ("jax.numpy",),
    "jax._src.numpy.linalg": ("jax.numpy.linalg",),
    "jax._src.numpy.reductions": ("jax.numpy",),
    "jax._src.numpy.ufuncs": ("jax.numpy",),
    "jax._src.ops": (),
    "jax._src.ops.scatter": ("jax.ops",),
    "jax._src.partition_spec": ("jax.sharding",),
    "jax._src.pjit": ("jax",),
    "jax._src.profiler": ("jax.profiler",),
    "jax._src.public_test_util": ("jaxlike._src.testing.suite.closeness", "jax.test_util"),
    "jax._src.random": ("jax.random",),
    "jax._src.scipy": (),
    "jax._src.scipy.linalg": ("jax.scipy.linalg",),
    "jax._src.scipy.special": ("jax.scipy.special",),
    "jax._src.sharding": ("jax.sharding",),
    "jax._src.sharding_impls": ("jax.sharding",),
    "jax._src.source_info_util": ("jax.extend.source_info_util",),
    "jax._src.stages": ("jax.stages",),
    "jax._src.state": (),
    "jax._src.state.types": (),
    "jax._src.test_util": ("jaxlike._src.testing.suite",),
    "jax._src.test_loader": ("jaxlike._src.testing.suite.test_case",),
    "jax._src.test_warning_util": ("jaxlike._src.testing.suite.test_case",),
    "jax._src.traceback_util": (),
    "jax._src.tree_util": ("jax.tree_util",),
    "jax._src.typing": ("jax.typing", "jax"),
    "jax._src.xla_bridge": ("jax.extend.backend", "jax"),
}

# Private module -> name -> where it is: "module:name"; with "()" at the end it is what a call of that gives.
NAMES: dict[str, dict[str, str]] = {
    "jax._src.ad_checkpoint": {"saved_residuals": "jaxlike._src.transforms.residuals:saved_residuals"},
    "jax._src.ad_util": {
        "Zero": "jaxlike.interpreters.ad:Zero",
        "add_jaxvals": "jaxlike.interpreters.ad:add_jaxvals",
        "instantiate": "jaxlike.interpreters.ad:instantiate_zeros",
        "stop_gradient_p": "jaxlike._src.lax.primitive_names:stop_gradient_p",
        "zeros_like_aval": "jaxlike.interpreters.ad:zeros_like_aval",
    },
    "jax._src.array": {"ArrayImpl": "jaxlike._src.array:Array"},  # a concrete array and a traced one are one class
    "jax._src.checkify": {"JaxException": "jaxlike._src.effects.errors:JaxException", "Out": "typing:Any"},
    "jax._src.core": {"trace_state_clean": "jaxlike._src.extending.context:trace_state_clean"},
    # What is started runs on torch's streams; waiting for them is waiting for the tokens that order effects.
    "jax._src.dispatch": {"wait_for_tokens": "jaxlike:effects_barrier"},
    "jax._src.distributed": {"global_state": "jaxlike._src.distributed:global_state"},
    "jax._src.dtypes": {
        "DType": "numpy:dtype",
        "ExtendedDType": "jaxlike._src.dtypes:ExtendedDType",
        "TypePromotionError": "jaxlike._src.dtypes:TypePromotionError",
        "extended": "jaxlike._src.dtypes:extended",
        "to_complex_dtype": "jaxlike._src.dtypes:to_complex_dtype",
        "to_inexact_dtype": "jaxlike._src.dtypes:to_inexact_dtype",
    },
    "jax._src.lib.xla_client": {"XlaRuntimeError": "jaxlike.errors:JaxRuntimeError"},
    "jax._src.state.types": {"AbstractRef": "jaxlike._src.transforms.ref_state:AbstractRef"},
    # Tracebacks are not filtered: the place where JAX would cut one is the function as it is.
    "jax._src.traceback_util": {
        "_exclude_paths": "jaxlike._src.graph.source:excluded_paths",
        "api_boundary": "jaxlike._src.graph.source:api_boundary",
        "include_frame": "jaxlike._src.graph.source:include_frame",
        "register_exclusion": "jaxlike._src.graph.source:register_exclusion",
    },
    "jax._src.tree_util": {
        "_registry": "jaxlike._src.tree.register:_registry",
        "flatten_one_level": "jaxlike._src.tree.functions:flatten_one_level",
        "prefix_errors": "jaxlike._src.tree.prefix:prefix_errors",
    },
    "jax._src.typing": {"SupportsDType": "jaxlike._src.typing:SupportsDType"},
    "jax._src.xla_bridge": {"_backends": "jaxlike._src.devices:backends()"},
}


class PrivateModule(types.ModuleType):
    """A module of ``jax._src``: it looks its names up in the tables when they are asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"What jaxlike serves of JAX's private {name}.")

    def __getattr__(self, attribute: str) -> Any:
        return find(self.__name__, attribute)

    def __dir__(self) -> list[str]:
        public = [name for mirrored in MIRRORS[self.__name__] for name in dir(_public(mirrored))]
        return sorted({*super().__dir__(), *NAMES.get(self.__name__, {}), *public})


def holds_modules(module: str) -> bool:
    """Whether a served private module has served modules in it."""
    return any(other.startswith(module + ".") for other in MIRRORS)


def find(module: str, attribute: str) -> Any:
    """What ``attribute`` of the private ``module`` stands for; AttributeError where it has no meaning here."""
    if f"{module}.{attribute}" in MIRRORS:
        return importlib.import_module(f"{module}.{attribute}")
    place = NAMES.get(module, {}).get(attribute)
    if place is not None:
        home, name = place.removesuffix("()").split(":")
        value = getattr(importlib.import_module(home), name)
        return value() if place.endswith("()") else value
    for mirrored in MIRRORS[module]:
        if not attribute.startswith("_") or mirrored.startswith("jaxlike."):
            if attribute in dir(_public(mirrored)):
                return getattr(_public(mirrored), attribute)
    raise AttributeError(
        f"module {module!r} has no attribute {attribute!r}: it is private to JAX, and jaxlike, which stands in for "
        f"JAX here, has nothing that it could stand for.",
        name=attribute,
    )


def _public(name: str) -> types.ModuleType:
    ours = name if name.startswith("jaxlike.") else "jaxlike" + name.removeprefix("jax")
    return importlib.import_module(ours)
