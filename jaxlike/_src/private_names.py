"""private_names: the names under `jax._src` and `jaxlib` that libraries use, and what of ours each stands for.

JAX's private modules are not ours, so most of `jax._src` is absent. Where a private module holds what a public one
publishes (`MIRRORS`), its names are the public ones; more of them that have a meaning here are listed, under their own
name (`PLACES`) or another (`NAMES`). What has none, such as a handle on XLA, is absent, and importing it says so.
`compat/test_private_names.py` checks that JAX has each of these where this table says.
"""

from __future__ import annotations

import importlib
import types
from typing import Any

# Private module -> the public modules whose names it has, first come first served.
MIRRORS: dict[str, tuple[str, ...]] = {
    "jax._src": (),
    "jax._src.abstract_arrays": (),
    "jax._src.ad_checkpoint": ("jax.ad_checkpoint", "jax"),
    "jax._src.ad_util": (),
    "jax._src.api": ("jax",),
    "jax._src.api_util": ("jax.api_util",),
    "jax._src.array": ("jax",),
    "jax._src.basearray": ("jax",),
    "jax._src.callback": ("jax", "jax.experimental"),
    "jax._src.checkify": ("jax.experimental.checkify",),
    "jax._src.compilation_cache": ("jaxlike._src.compilation_cache",),
    "jax._src.compiler": (),
    "jax._src.config": ("jaxlike._src.config", "jax"),
    "jax._src.core": ("jax.extend.core", "jax.core"),
    "jax._src.cudnn": (),
    "jax._src.cudnn.scaled_matmul_stablehlo": (),
    "jax._src.custom_batching": ("jax.custom_batching",),
    "jax._src.custom_partitioning": ("jax.experimental.custom_partitioning",),
    "jax._src.custom_partitioning_sharding_rule": ("jaxlike._src.experimental.sharding_rule",),
    "jax._src.custom_derivatives": ("jax.custom_derivatives", "jax"),
    "jax._src.debugger": ("jax.debug",),
    "jax._src.debugging": ("jax.debug",),
    "jax._src.deprecations": (),
    "jax._src.dispatch": (),
    "jax._src.distributed": ("jax.distributed",),
    "jax._src.dlpack": ("jax.dlpack",),
    "jax._src.dtypes": ("jax.dtypes",),
    "jax._src.earray": (),
    "jax._src.effects": (),
    "jax._src.environment_info": ("jax",),
    "jax._src.error_check": ("jaxlike._src.effects.error_check",),
    "jax._src.errors": ("jax.errors",),
    "jax._src.export": (),
    "jax._src.export._export": ("jax.export",),
    "jax._src.export.shape_poly": (),
    "jax._src.ffi": (),
    "jax._src.flatten_util": ("jax.flatten_util",),
    "jax._src.frozen_dict": (),
    "jax._src.hijax": ("jax.experimental.hijax",),
    "jax._src.image": (),
    "jax._src.image.scale": ("jax.image",),
    "jax._src.indexing": (),
    "jax._src.internal_test_util": (),
    "jax._src.internal_test_util.lax_test_util": ("jaxlike._src.testing.suite.lax_ops",),
    "jax._src.interpreters": (),
    "jax._src.interpreters.ad": ("jax.interpreters.ad",),
    "jax._src.interpreters.batching": ("jax.interpreters.batching",),
    "jax._src.interpreters.mlir": ("jax.interpreters.mlir",),
    "jax._src.interpreters.partial_eval": ("jax.interpreters.partial_eval",),
    "jax._src.interpreters.pxla": (),
    "jax._src.jaxpr_util": ("jaxlike._src.extending.jaxpr_util",),
    "jax._src.lax": ("jax.lax",),
    "jax._src.lax.ann": ("jax.lax",),
    "jax._src.lax.control_flow": ("jax.lax",),
    "jax._src.lax.control_flow.conditionals": ("jax.lax",),
    "jax._src.lax.control_flow.loops": ("jax.lax",),
    "jax._src.lax.control_flow.solves": ("jax.lax",),
    "jax._src.lax.convolution": ("jax.lax",),
    "jax._src.lax.fft": ("jax.lax",),
    "jax._src.lax.lax": ("jax.lax",),
    "jax._src.lax.linalg": ("jax.lax.linalg",),
    "jax._src.lax.other": ("jax.lax",),
    "jax._src.lax.parallel": ("jax.lax",),
    "jax._src.lax.slicing": ("jax.lax",),
    "jax._src.lax.special": ("jax.lax",),
    "jax._src.lax.utils": (),
    "jax._src.lax.windowed_reductions": ("jax.lax",),
    "jax._src.lax_reference": ("jaxlike._src.testing.suite.lax_reference",),
    "jax._src.layout": ("jax.experimental.layout",),
    "jax._src.lib": (),
    "jax._src.lib._jax": (),
    "jax._src.lib.mlir": (),
    "jax._src.lib.mlir.dialects": (),
    "jax._src.lib.mlir.dialects.chlo": (),
    "jax._src.lib.mlir.dialects.func": (),
    "jax._src.lib.mlir.dialects.hlo": (),
    "jax._src.lib.mlir.dialects.sdy": (),
    "jax._src.lib.mlir.ir": (),
    "jax._src.lib.mlir.passmanager": (),
    "jax._src.lib.pytree": ("jax.tree_util",),
    "jax._src.lib.utils": (),
    "jax._src.lib.weakref_lru_cache": (),
    "jax._src.lib.xla_client": (),
    "jax._src.linear_util": ("jax.extend.linear_util",),
    "jax._src.literals": (),
    "jax._src.logging_config": (),
    "jax._src.mesh": ("jax.sharding",),
    "jax._src.mesh_utils": ("jax.experimental.mesh_utils",),
    "jax._src.monitoring": ("jax.monitoring",),
    "jax._src.named_sharding": ("jax.sharding",),
    "jax._src.nn": (),
    "jax._src.nn.functions": ("jax.nn",),
    "jax._src.nn.initializers": ("jax.nn.initializers",),
    "jax._src.numpy": ("jax.numpy",),
    "jax._src.numpy.array_constructors": ("jax.numpy",),
    "jax._src.numpy.array_creation": ("jax.numpy",),
    "jax._src.numpy.array_methods": (),
    "jax._src.numpy.einsum": ("jax.numpy",),
    "jax._src.numpy.fft": ("jax.numpy.fft",),
    "jax._src.numpy.index_tricks": ("jax.numpy",),
    "jax._src.numpy.indexing": ("jax.numpy",),
    "jax._src.numpy.lax_numpy": ("jax.numpy",),
    "jax._src.numpy.linalg": ("jax.numpy.linalg",),
    "jax._src.numpy.polynomial": ("jax.numpy",),
    "jax._src.numpy.reductions": ("jax.numpy",),
    "jax._src.numpy.scalar_types": ("jax.numpy",),
    "jax._src.numpy.setops": ("jax.numpy",),
    "jax._src.numpy.sorting": ("jax.numpy",),
    "jax._src.numpy.tensor_contractions": ("jax.numpy",),
    "jax._src.numpy.ufunc_api": ("jax.numpy",),
    "jax._src.numpy.ufuncs": ("jax.numpy",),
    "jax._src.numpy.util": (),
    "jax._src.numpy.vectorize": ("jax.numpy",),
    "jax._src.numpy.window_functions": ("jax.numpy",),
    "jax._src.op_shardings": (),
    "jax._src.ops": (),
    "jax._src.ops.scatter": ("jax.ops",),
    "jax._src.ops.special": ("jax.scipy.special",),
    "jax._src.partition_spec": ("jax.sharding",),
    "jax._src.path": (),
    "jax._src.pjit": ("jax",),
    "jax._src.pmap": ("jax",),
    "jax._src.pretty_printer": (),
    "jax._src.profiler": ("jax.profiler",),
    "jax._src.public_test_util": ("jaxlike._src.testing.suite.closeness", "jax.test_util"),
    "jax._src.random": ("jax.random",),
    "jax._src.random.core": ("jax.random",),
    "jax._src.random.prng": ("jax.extend.random",),
    "jax._src.random.threefry2x32": ("jax.extend.random",),
    "jax._src.ref": ("jax",),
    "jax._src.scipy": (),
    "jax._src.scipy.cluster": (),
    "jax._src.scipy.cluster.vq": ("jax.scipy.cluster.vq",),
    "jax._src.scipy.fft": ("jax.scipy.fft",),
    "jax._src.scipy.integrate": ("jax.scipy.integrate",),
    "jax._src.scipy.linalg": ("jax.scipy.linalg",),
    "jax._src.scipy.ndimage": ("jax.scipy.ndimage",),
    "jax._src.scipy.optimize": (),
    "jax._src.scipy.optimize._lbfgs": (),
    "jax._src.scipy.optimize.bfgs": (),
    "jax._src.scipy.optimize.line_search": (),
    "jax._src.scipy.optimize.minimize": ("jax.scipy.optimize",),
    "jax._src.scipy.signal": ("jax.scipy.signal",),
    "jax._src.scipy.sparse": (),
    "jax._src.scipy.sparse.linalg": ("jax.scipy.sparse.linalg",),
    "jax._src.scipy.spatial": (),
    "jax._src.scipy.spatial.transform": ("jax.scipy.spatial.transform",),
    "jax._src.scipy.special": ("jax.scipy.special",),
    "jax._src.scipy.stats": ("jax.scipy.stats",),
    "jax._src.scipy.stats.kde": ("jax.scipy.stats",),
    "jax._src.shard_map": ("jax",),
    "jax._src.shard_alike": ("jax.experimental.shard_alike",),
    "jax._src.sharding": ("jax.sharding",),
    "jax._src.sharding_impls": ("jax.sharding",),
    "jax._src.source_info_util": ("jax.extend.source_info_util",),
    "jax._src.stages": ("jax.stages",),
    "jax._src.state": (),
    "jax._src.state.discharge": (),
    "jax._src.state.indexing": (),
    "jax._src.state.primitives": ("jax.ref",),
    "jax._src.state.types": (),
    "jax._src.test_loader": ("jaxlike._src.testing.suite",),
    "jax._src.test_util": ("jaxlike._src.testing.suite",),
    "jax._src.test_warning_util": ("jaxlike._src.testing.suite.test_case",),
    "jax._src.tpu": (),
    "jax._src.tpu.linalg": (),
    "jax._src.tpu.linalg.eigh": (),
    "jax._src.tpu.linalg.qdwh": (),
    "jax._src.tpu.linalg.svd": (),
    "jax._src.third_party": (),
    "jax._src.third_party.scipy": (),
    "jax._src.third_party.scipy.betaln": ("jax.scipy.special",),
    "jax._src.third_party.scipy.interpolate": ("jax.scipy.interpolate",),
    "jax._src.third_party.scipy.linalg": ("jax.scipy.linalg",),
    "jax._src.traceback_util": (),
    "jax._src.tree": ("jax.tree",),
    "jax._src.tree_util": ("jax.tree_util",),
    "jax._src.typing": ("jax.typing", "jax"),
    "jax._src.util": (),
    "jax._src.xla_bridge": ("jax.extend.backend", "jax"),
    "jax._src.xla_metadata": ("jax.experimental.xla_metadata",),
    "jax.experimental.key_reuse._core": ("jaxlike._src.random.key_signatures",),
}

# Private module -> module of ours -> names that it has there.
PLACES: dict[str, dict[str, str]] = {
    "jax._src.abstract_arrays": {
        "jaxlike._src.array": "ShapedArray",
        "jaxlike._src.border": "canonicalize_shape",
        "jaxlike._src.extending.context": "abstract_token",
    },
    "jax._src.ad_checkpoint": {
        "jaxlike._src.lax.primitive_names": "name_p remat_p",
        "jaxlike._src.transforms.policies": (
            "dots_saveable everything_saveable nothing_saveable offload_dot_with_no_batch_dims "
            "save_any_names_but_these save_anything_except_these_names save_from_both_policies "
            "save_only_these_names"
        ),
    },
    "jax._src.callback": {"jaxlike._src.graph.effects": "IOEffect OrderedIOEffect"},
    "jax._src.api_util": {
        "jaxlike._src.transforms.arguments": "check_callable",
        "jaxlike._src.transforms.static_args": "infer_argnums_and_argnames",
        "jaxlike._src.tree": "flatten_axes",
    },
    "jax._src.checkify": {
        "jaxlike._src.effects.errors": (
            "BatchedError DivisionByZeroError ErrorEffect FailedCheckError JaxException NaNError OOBError"
        ),
    },
    "jax._src.config": {
        "jaxlike._src.config_state": (
            "Flag ValueHolder float_state int_env int_state optional_enum_state optional_string_state"
        ),
    },
    "jax._src.core": {
        "jaxlike._src.array": "AbstractValue",
        "jaxlike._src.border": "canonicalize_shape",
        "jaxlike._src.effects.names": "typeof",
        "jaxlike._src.errors": (
            "ConcretizationTypeError ShardingTypeError TracerArrayConversionError TracerBoolConversionError "
            "TracerIntegerConversionError UnexpectedTracerError"
        ),
        "jaxlike._src.extending.context": (
            "Trace abstract_token eval_context find_top_trace is_concrete mapped_aval no_axis_name "
            "pytype_aval_mappings trace_ctx trace_state_clean unmapped_aval definitely_equal definitely_equal_shape "
            "typematch extend_axis_env_nd is_constant_dim is_constant_shape aval_mapping_handlers call "
            "concretization_function_error custom_typechecks literalable_types EvalTrace axis_frame"
        ),
        "jaxlike._src.extending.api_util": "shaped_abstractify",
        "jaxlike._src.extending.hijax": "aval_method aval_property",
        "jaxlike._src.graph.effects": "Effect",
        "jaxlike._src.graph.jaxpr_text": "JaxprPpContext JaxprPpSettings",
        "jaxlike._src.graph.ref_events": "InternalMutableArrayEffect internal_mutable_array_effect",
        "jaxlike._src.lax.primitive_names": "call_p closed_call_p free_ref_p",
        "jaxlike._src.lax.refs": "Ref empty_ref free_ref freeze new_ref",
        "jaxlike._src.shape_struct": "ShapeDtypeStruct",
        "jaxlike._src.typing": "AxisName",
        "jaxlike._src.extending.sizes": (
            "canonicalize_dim concrete_dim_or_error definitely_equal_one_of_dim dilate_dim divide_shape_sizes "
            "is_dim is_empty_shape is_symbolic_dim stride_dim"
        ),
        "jaxlike._src.extending.core_parts": (
            "clean_up_dead_vars identity join_effects last_used mem_kind_to_space mem_space_to_kind typecheck"
        ),
        "jaxlike._src.manual_axis_type": "ManualAxisType",
        "jaxlike._src.memory": "MemorySpace",
    },
    "jax._src.custom_derivatives": {
        "jaxlike._src.transforms.custom": "resolve_kwargs",
    },
    "jax._src.debugging": {
        "jaxlike._src.effects.debug": "DebugEffect OrderedDebugEffect",
    },
    "jax._src.deprecations": {
        "jaxlike._src.deprecations": "accelerate is_accelerated register unregister warn",
    },
    "jax._src.cudnn.scaled_matmul_stablehlo": {
        "jaxlike._src.nn.scaled": "BlockScaleConfig quantize shape_normalization",
    },
    "jax._src.dispatch": {
        "jaxlike._src.lax.primitive_names": "device_put_p",
        "jaxlike._src.transforms.tables": "apply_primitive",
    },
    "jax._src.dtypes": {
        "jaxlike._src.dtypes": (
            "ExtendedDType TypePromotionError check_and_canonicalize_user_dtype check_valid_dtype "
            "default_complex_dtype default_float_dtype default_int_dtype default_uint_dtype extended is_weakly_typed "
            "isdtype itemsize_bits jax_dtype promote_types safe_to_cast scalar_type_of short_dtype_name supports_inf "
            "to_complex_dtype to_floating_dtype to_inexact_dtype to_numeric_dtype"
        ),
        "jaxlike.numpy": (
            "finfo float4_e2m1fn float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz "
            "float8_e5m2 float8_e5m2fnuz float8_e8m0fnu iinfo int2 int4 uint2 uint4"
        ),
    },
    "jax._src.dlpack": {"jaxlike._src.dlpack": "SUPPORTED_DTYPES_SET"},
    "jax._src.effects": {
        "jaxlike._src.graph.effects": (
            "Effect EffectTypeSet JaxprInputEffect control_flow_allowed_effects custom_derivatives_allowed_effects "
            "lowerable_effects no_effects ordered_effects partial_eval_kept_effects remat_allowed_effects "
            "shardable_ordered_effects"
        ),
    },
    "jax._src.environment_info": {
        "jaxlike._src.environment": "print_environment_info",
    },
    "jax._src.export.shape_poly": {"jaxlike._src.errors": "InconclusiveDimensionOperation"},
    "jax._src.frozen_dict": {
        "jaxlike._src.extending.util": "FrozenDict",
    },
    "jax._src.indexing": {
        "jaxlike._src.index_plan": "Slice ds dslice",
    },
    "jax._src.interpreters.ad": {
        "jaxlike._src.extending.context": "JVPTrace LinearizeTrace",
        "jaxlike._src.extending.partial_eval": "LinearizeTracer",
    },
    "jax._src.interpreters.batching": {
        "jaxlike._src.extending.context": "BatchTrace",
        "jaxlike._src.extending.partial_eval": "BatchTracer",
        "jaxlike._src.transforms.vmappable": "is_vmappable make_iota_handlers spec_types vmappables",
    },
    "jax._src.interpreters.partial_eval": {
        "jaxlike._src.extending.context": "DynamicJaxprTrace JaxprTrace",
        "jaxlike._src.extending.dce": "has_effects",
        "jaxlike._src.extending.jaxpr_parts": (
            "close_jaxpr convert_constvars_jaxpr convert_invars_to_constvars move_binders_to_back "
            "move_binders_to_front move_invars_right move_outvars_to_back prune_closed_jaxpr_outputs "
            "prune_jaxpr_outputs separate_consts"
        ),
        "jaxlike._src.extending.partial_jaxpr": (
            "make_jaxpr_effects partial_eval_jaxpr_custom partial_eval_jaxpr_nounits partial_eval_jaxpr_nounits_fwd "
            "partial_eval_jaxpr_stateful"
        ),
        "jaxlike._src.transforms.policies": "Offloadable Recompute Saveable",
    },
    "jax._src.linear_util": {
        "jaxlike._src.extending.linear_util": "EqualStore Store",
        "jaxlike._src.extending.util": "fun_name",
    },
    "jax._src.lax.linalg": {"jaxlike._src.extending.linalg_parts": "geqp3 geqrf lu_solve"},
    "jax._src.lax.utils": {"jaxlike._src.extending.sizes": "int_dtype_for_dim int_dtype_for_shape"},
    "jax._src.mesh": {
        "jaxlike._src.mesh": "empty_abstract_mesh get_concrete_mesh thread_resources use_abstract_mesh",
    },
    "jax._src.monitoring": {
        "jaxlike._src.monitoring": "unregister_event_duration_listener unregister_event_listener",
    },
    "jax._src.named_sharding": {
        "jaxlike._src.sharding": "DuplicateSpecError",
        "jaxlike._src.graph.call_params": "UNSPECIFIED UnspecifiedValue",
    },
    "jax._src.numpy.linalg": {"jaxlike._src.numpy.linalg": "EigResult EighResult QRResult SVDResult SlogdetResult"},
    "jax._src.numpy.util": {
        "jaxlike._src.extending.lax_parts": "ensure_arraylike promote_shapes",
        "jaxlike._src.border": (
            "check_arraylike promote_args promote_args_inexact promote_dtypes promote_dtypes_complex "
            "promote_dtypes_inexact promote_dtypes_numeric"
        ),
        "jaxlike._src.numpy.arguments": "promote_dtypes_complex",
    },
    "jax._src.op_shardings": {
        "jaxlike._src.tile_assignment": (
            "are_hlo_shardings_equal get_num_ways_dim_sharded is_hlo_sharding_replicated op_sharding_to_indices "
            "op_sharding_to_numpy_indices"
        ),
    },
    "jax._src.pjit": {
        "jaxlike._src.lax.constraint": "auto_axes explicit_axes reshard with_sharding_constraint",
        "jaxlike._src.lax.primitive_names": "jit_p sharding_constraint_p",
    },
    "jax._src.scipy.optimize._lbfgs": {"jaxlike._src.scipy.optimize.lbfgs": "LBFGSResults"},
    "jax._src.scipy.optimize.bfgs": {"jaxlike._src.scipy.optimize.bfgs": "minimize_bfgs"},
    "jax._src.scipy.optimize.line_search": {"jaxlike._src.scipy.optimize.line_search": "line_search"},
    "jax._src.sharding": {
        "jaxlike._src.sharding": "IndivisibleError common_devices_indices_map",
    },
    "jax._src.sharding_impls": {
        "jaxlike._src.graph.call_params": "UNSPECIFIED UnspecifiedValue",
        "jaxlike._src.lax.constraint": "canonicalize_sharding",
        "jaxlike._src.mesh": "set_mesh",
        "jaxlike._src.mesh_utils": "make_mesh",
        "jaxlike._src.tile_assignment": (
            "GSPMDSharding are_hlo_shardings_equal get_num_ways_dim_sharded is_hlo_sharding_replicated "
            "parse_flatten_op_sharding"
        ),
    },
    "jax._src.random.core": {
        "jaxlike._src.lax.primitive_names": "random_clone_p random_gamma_p",
        "jaxlike._src.random.keys": "default_prng_impl resolve_prng_impl",
    },
    "jax._src.random.prng": {
        "jaxlike._src.extending.random": (
            "random_bits random_fold_in random_split random_unwrap random_wrap register_prng"
        ),
        "jaxlike._src.lax.primitive_names": (
            "random_bits_p random_fold_in_p random_seed_p random_split_p random_unwrap_p random_wrap_p"
        ),
        "jaxlike._src.random.key_array": "KeyTy PRNGKeyArray",
    },
    "jax._src.random.threefry2x32": {
        "jaxlike._src.extending.random": "threefry_fold_in threefry_random_bits threefry_seed threefry_split",
    },
    "jax._src.state": {
        "jaxlike._src.extending.state": "shaped_array_ref",
        "jaxlike._src.graph.ref_events": "AccumEffect ReadEffect RefEffect WriteEffect",
        "jaxlike._src.transforms.ref_state": "AbstractRef",
    },
    "jax._src.state.discharge": {
        "jaxlike._src.extending.state": "discharge_state",
    },
    "jax._src.state.indexing": {
        "jaxlike._src.index_plan": "Slice ds dslice",
    },
    "jax._src.state.primitives": {
        "jaxlike._src.lax.primitive_names": "addupdate_p get_p swap_p",
    },
    "jax._src.state.types": {
        "jaxlike._src.extending.state": "shaped_array_ref",
        "jaxlike._src.graph.ref_events": "AccumEffect ReadEffect RefEffect WriteEffect",
        "jaxlike._src.transforms.ref_state": "AbstractRef",
    },
    "jax._src.tpu.linalg.eigh": {"jaxlike._src.lax.spectral": "eigh split_spectrum"},
    "jax._src.tpu.linalg.qdwh": {"jaxlike._src.lax.polar": "qdwh"},
    "jax._src.tpu.linalg.svd": {"jaxlike._src.lax.spectral": "svd"},
    "jax._src.tree_util": {
        "jaxlike._src.tree": (
            "broadcast_flattened_prefix_with_treedef broadcast_prefix default_registry equality_errors "
            "none_leaf_registry tree_leaves_checked treedef_is_strict_leaf"
        ),
    },
    "jax._src.util": {
        "jaxlike._src.extending.util": (
            "HashableFunction HashablePartial HashableWrapper OrderedSet cache canonicalize_axis "
            "canonicalize_axis_tuple ceil_of_ratio concatenate curry foreach fun_name memoize merge_lists "
            "moveaxis partition_list safe_map safe_zip set_module split_list split_list_checked stable_unique "
            "subvals test_event tuple_delete tuple_insert tuple_update unflatten unzip2 unzip3 weakref_lru_cache "
            "wrap_name wraps StrictABC StrictABCMeta fun_qual_name pprint_bytes subs_list subs_list2"
        ),
    },
    "jax._src.xla_bridge": {
        "jaxlike._src.extending.platforms": (
            "backends_are_initialized canonicalize_platform expand_platform_alias is_known_platform known_platforms"
        ),
        "jaxlike._src.config": "num_cpu_devices",
    },
}

# Private module -> name -> where it is: "module:name"; with "()" at the end it is what a call of that gives.
NAMES: dict[str, dict[str, str]] = {
    "jax._src.ad_checkpoint": {"saved_residuals": "jaxlike._src.transforms.residuals:saved_residuals"},
    "jax._src.ad_util": {
        "add_any_p": "jaxlike.interpreters.ad:add_jaxvals_p",
        "add_jaxvals_p": "jaxlike.interpreters.ad:add_jaxvals_p",
        "Zero": "jaxlike.interpreters.ad:Zero",
        "add_jaxvals": "jaxlike.interpreters.ad:add_jaxvals",
        "instantiate": "jaxlike.interpreters.ad:instantiate_zeros",
        "stop_gradient_p": "jaxlike._src.lax.primitive_names:stop_gradient_p",
        "zeros_like_aval": "jaxlike.interpreters.ad:zeros_like_aval",
    },
    "jax._src.api_util": {
        "fun_sourceinfo": "jaxlike._src.transforms.arguments:location_of",
        "resolve_kwargs": "jaxlike._src.transforms.custom:in_order",
    },
    "jax._src.array": {"ArrayImpl": "jaxlike._src.array:Array"},  # a concrete array and a traced one are one class
    "jax._src.checkify": {"Out": "typing:Any"},
    "jax._src.core": {
        "get_axis_env": "jaxlike._src.extending.context:_AxisEnv",
        "nonempty_axis_env": "jaxlike._src.extending.context:nonempty_axis_env_DO_NOT_USE",
        "ref_p": "jaxlike._src.lax.primitive_names:new_ref_p",
        "typecompat": "jaxlike._src.extending.context:typematch",
        "reset_trace_state": "jaxlike._src.extending.context:trace_state_clean",  # what has ended is gone by itself
        "unsafe_am_i_under_a_jit": "jaxlike._src.extending.context:unsafe_am_i_under_a_jit_DO_NOT_USE",
        "unsafe_am_i_under_a_vmap": "jaxlike._src.extending.context:unsafe_am_i_under_a_vmap_DO_NOT_USE",
        "unsafe_get_axis_names": "jaxlike._src.extending.context:unsafe_get_axis_names_DO_NOT_USE",
    },
    "jax._src.debugger": {"breakpoint": "jaxlike._src.effects.debugger:breakpoint"},
    "jax._src.debugging": {
        "debug_callback": "jaxlike._src.effects.debug:callback",
        "debug_print": "jaxlike._src.effects.debug:print",
        "visualize_sharding": "jaxlike._src.effects.draw:visualize_sharding",
    },
    # What is started runs on torch's streams; waiting for them is waiting for the tokens that order effects.
    "jax._src.dispatch": {
        "ArrayCopySemantics": "jaxlike._src.device_put:ArrayCopySemantics",
        "runtime_tokens": "jaxlike._src.effects.callback:runtime_tokens",
        "wait_for_tokens": "jaxlike:effects_barrier",
    },
    "jax._src.distributed": {"global_state": "jaxlike._src.distributed:global_state"},
    "jax._src.dtypes": {
        "DType": "numpy:dtype",
        "_complex_types": "jaxlike._src.dtypes:COMPLEX",
        "_custom_float_dtypes": "jaxlike._src.dtypes:CUSTOM_FLOATS",
        "_dtype_and_weaktype": "jaxlike._src.extending.lax_parts:dtype_and_weaktype",
        "_float4_dtypes": "jaxlike._src.dtypes:FLOAT4",
        "_float6_dtypes": "jaxlike._src.dtypes:FLOAT6",
        "_float8_dtypes": "jaxlike._src.dtypes:FLOAT8",
        "_float_types": "jaxlike._src.dtypes:FLOATS",
        "_jax_type": "jaxlike._src.dtypes:node_of",
        "_jax_types": "jaxlike._src.extending.lax_parts:jax_types",
        "_signed_types": "jaxlike._src.dtypes:SIGNED",
        "_unsigned_types": "jaxlike._src.dtypes:UNSIGNED",
        "_weak_types": "jaxlike._src.extending.lax_parts:weak_types",
        "default_types": "jaxlike._src.extending.lax_parts:default_types",
        "dtype": "jaxlike._src.dtypes:dtype_of",
    },
    "jax._src.lax.lax": {
        "_const": "jaxlike._src.extending.lax_parts:const",
        "_convert_element_type": "jaxlike._src.extending.lax_parts:convert_element_type",
        "_delta": "jaxlike._src.extending.lax_parts:delta",
        "_eye": "jaxlike._src.extending.lax_parts:eye",
        "_one": "jaxlike._src.extending.lax_parts:one",
        "_ones": "jaxlike._src.extending.lax_parts:ones",
        "_tri": "jaxlike._src.extending.lax_parts:tri",
        "_zero": "jaxlike._src.extending.lax_parts:zero",
        "_zeros": "jaxlike._src.extending.lax_parts:zeros",
        "remaining": "jaxlike._src.extending.lax_parts:remaining",
    },
    "jax._src.dlpack": {"SUPPORTED_DTYPES": "jaxlike._src.extending.lax_parts:dlpack_types"},
    "jax._src.numpy.array_methods": {
        "_IndexUpdateHelper": "jaxlike._src.at:_IndexUpdateHelper",
        "_IndexUpdateRef": "jaxlike._src.at:_IndexUpdateRef",
    },
    "jax._src.numpy.util": {"_where": "jaxlike.numpy:where"},
    "jax._src.layout": {"AutoLayout": "jaxlike._src.layout:_Auto"},
    "jax._src.nn.initializers": {"_compute_fans": "jaxlike._src.nn.initializers:compute_fans"},
    "jax._src.lax.windowed_reductions": {
        "_select_and_gather_add": "jaxlike._src.lax.chosen_in_windows:select_and_gather_add",
        "_select_and_scatter_add": "jaxlike._src.lax.chosen_in_windows:select_and_scatter_add",
    },
    "jax._src.lib": {
        "cuda_versions": "jaxlike._src.version:cuda_versions",
        "gpu_sparse": "jaxlike._src.version:gpu_sparse",
        "ifrt_version": "jaxlike._src.version:ifrt_version",
        "jaxlib_extension_version": "jaxlike._src.version:jaxlib_extension_version",
        "version": "jaxlike._src.version:__version_info__",
        "version_str": "jaxlike._src.version:__version__",
    },
    "jax._src.lib.weakref_lru_cache": {"weakref_lru_cache": "jaxlike._src.extending.util:weakref_cached"},
    "jax._src.lib.utils": {
        "foreach": "jaxlike._src.extending.util:foreach",
        "safe_map": "jaxlike._src.extending.util:safe_map",
        "safe_zip": "jaxlike._src.extending.util:safe_zip",
    },
    "jax._src.lib.pytree": {"default_registry": "jaxlike._src.tree.registry:default_registry"},
    "jax._src.lib._jax": {
        "ArrayImpl": "jaxlike._src.array:Array",
        "Client": "jaxlike._src.devices:Client",
        "Device": "jaxlike._src.devices:Device",
        "JaxRuntimeError": "jaxlike.errors:JaxRuntimeError",
        "PjitFunction": "jaxlike._src.transforms.jit:PjitFunction",
    },
    "jax._src.lib.xla_client": {
        "DeviceList": "jaxlike._src.devices:DeviceList",
        "HloSharding": "jaxlike._src.tile_assignment:HloSharding",
        "OpSharding": "jaxlike._src.tile_assignment:OpSharding",
        "XlaRuntimeError": "jaxlike.errors:JaxRuntimeError",
    },
    "jax._src.random.prng": {
        "PRNGImpl": "jaxlike._src.random.defined:defined",  # what is called with a generator's functions
        "iota_2x32_shape_p": "jaxlike._src.lax.primitive_names:iota_2x32_shape_p",
        "prngs": "jaxlike._src.random.generators:PRNGS",
    },
    "jax._src.scipy.optimize._lbfgs": {"_minimize_lbfgs": "jaxlike._src.scipy.optimize.lbfgs:minimize_lbfgs"},
    "jax._src.state.primitives": {
        "ref_addupdate": "jaxlike.ref:addupdate",
        "ref_get": "jaxlike.ref:get",
        "ref_set": "jaxlike.ref:set",
        "ref_swap": "jaxlike.ref:swap",
    },
    "jax._src.traceback_util": {
        "SimplifiedTraceback": "jaxlike._src.traceback_filter:SimplifiedTraceback",
        "UnfilteredStackTrace": "jaxlike._src.traceback_filter:UnfilteredStackTrace",
        "filter_traceback": "jaxlike._src.traceback_filter:filter_traceback",
        "_exclude_paths": "jaxlike._src.traceback_filter:excluded_paths",
        "api_boundary": "jaxlike._src.traceback_filter:api_boundary",
        "include_frame": "jaxlike._src.traceback_filter:include_frame",
        "register_exclusion": "jaxlike._src.traceback_filter:register_exclusion",
    },
    "jax._src.tree_util": {
        "_registry": "jaxlike._src.tree.register:_registry",
        "generate_key_paths": "jaxlike.tree_util:tree_leaves_with_path",
        "flatten_one_level": "jaxlike._src.tree.functions:flatten_one_level",
        "prefix_errors": "jaxlike._src.tree.prefix:prefix_errors",
    },
    "jax._src.typing": {
        "Shape": "jaxlike._src.typing:Shape",
        "SupportsDType": "jaxlike._src.typing:SupportsDType",
    },
    "jax._src.xla_bridge": {"_backends": "jaxlike._src.devices:initialized_backends()"},
}


_PARENTS = {name.rpartition(".")[0] for name in MIRRORS}


class PrivateModule(types.ModuleType):
    """A module of ``jax._src``: it looks its names up in the tables when they are asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"What jaxlike serves of JAX's private {name}.")

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # Python's own questions: nothing is imported for them
            raise AttributeError(f"module {self.__name__!r} has no attribute {attribute!r}", name=attribute, obj=self)
        return find(self.__name__, attribute)

    def __dir__(self) -> list[str]:
        public = [name for mirrored in MIRRORS[self.__name__] for name in dir(_public(mirrored))]
        listed = [name for names in PLACES.get(self.__name__, {}).values() for name in names.split()]
        return sorted({*super().__dir__(), *NAMES.get(self.__name__, {}), *listed, *public})


def holds_modules(module: str) -> bool:
    """Whether a served private module has served modules in it."""
    return module in _PARENTS


def find(module: str, attribute: str) -> Any:
    """What ``attribute`` of the private ``module`` stands for; AttributeError where it has no meaning here."""
    if f"{module}.{attribute}" in MIRRORS:
        return importlib.import_module(f"{module}.{attribute}")
    place = NAMES.get(module, {}).get(attribute)
    if place is not None:
        home, name = place.removesuffix("()").split(":")
        value = getattr(importlib.import_module(home), name)
        return value() if place.endswith("()") else value
    for home, names in PLACES.get(module, {}).items():
        if attribute in names.split():
            return getattr(importlib.import_module(home), attribute)
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
