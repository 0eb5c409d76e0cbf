"""said_modules: the module that each public function and class of JAX says it is of, its `__module__`.

It is in the text of a class and of an object without one of its own, in the first line of an uncaught error, in pickles,
and it is what printers of trees go by. While jaxlike stands in for JAX its objects say what JAX's do; imported as
`jaxlike` they say where they are. Most of JAX's say the module that publishes them: the table has the others.
`compat/test_said_modules.py` holds it against JAX.
"""

from __future__ import annotations

import types
from typing import Any

# Public module -> what its names say -> those names; "*" stands for all that are not listed under another.
SAID: dict[str, dict[str, str]] = {
    "jax": {
        "jax": "Array P ShapeDtypeStruct",
        "jax._src.ad_checkpoint": "checkpoint remat",
        "jax._src.api": (
            "block_until_ready clear_caches copy_to_host_async device_get device_put disable_jit effects_barrier "
            "eval_shape fwd_and_bwd grad hessian jacfwd jacobian jacrev jit jvp linear_transpose linearize "
            "live_arrays make_jaxpr named_call named_scope value_and_grad vjp vmap"
        ),
        "jax._src.array": (
            "Shard make_array_from_callback make_array_from_process_local_data "
            "make_array_from_single_device_arrays"
        ),
        "jax._src.callback": "pure_callback",
        "jax._src.config": "make_user_context transfer_guard",
        "jax._src.core": "Ref empty_ref ensure_compile_time_eval free_ref freeze typeof",
        "jax._src.custom_derivatives": "closure_convert custom_gradient custom_jvp custom_vjp",
        "jax._src.environment_info": "print_environment_info",
        "jax._src.indexing": "ds",
        "jax._src.pjit": "reshard",
        "jax._src.pmap": "pmap",
        "jax._src.ref": "new_ref",
        "jax._src.shard_map": "shard_map smap",
        "jax._src.sharding_impls": "make_mesh set_mesh",
        "jax._src.xla_bridge": (
            "default_backend device_count devices host_count host_id host_ids local_device_count local_devices "
            "process_count process_index process_indices"
        ),
        "jax.sharding": "NamedSharding",
        "jaxlib._jax": "Device",
    },
    "jax.ad_checkpoint": {
        "jax._src.interpreters.partial_eval": "Offloadable",
        "jax._src.ad_checkpoint": "*",
    },
    "jax.api_util": {
        "jaxlib.utils": "safe_map",
        "jax._src.core": "shaped_abstractify",
        "jax._src.api_util": "*",
    },
    "jax.core": {"jax._src.core": "*"},
    "jax.custom_batching": {"jax._src.custom_batching": "*"},
    "jax.custom_derivatives": {
        "jax._src.ad_util": "SymbolicZero zero_from_primal",
        "jax._src.custom_derivatives": "*",
    },
    "jax.debug": {
        "jax._src.debugger.core": "breakpoint",
        "jax._src.debugging": "*",
    },
    "jax.distributed": {"jax._src.distributed": "*"},
    "jax.dlpack": {"jax._src.dlpack": "*"},
    "jax.dtypes": {
        "jax.numpy": "issubdtype",
        "jax._src.dtypes": "itemsize_bits",
    },
    "jax.example_libraries.optimizers": {
        "jaxlib.utils": "map zip",
        "jax._src.util": "unzip2",
    },
    "jax.example_libraries.stax": {
        "jax._src.nn.functions": (
            "elu gelu leaky_relu log_softmax logsoftmax relu selu sigmoid softmax softplus standardize"
        ),
        "jax.nn.initializers": "glorot glorot_normal normal ones randn zeros",
    },
    "jax.experimental": {
        "jax._src.callback": "io_callback",
        "jax._src.core": "*",
    },
    "jax.experimental.checkify": {"jax._src.checkify": "*"},
    "jax.experimental.colocated_python": {"jax.experimental.colocated_python.api": "*"},
    "jax.experimental.compilation_cache.compilation_cache": {"jax._src.compilation_cache": "*"},
    "jax.experimental.compute_on": {"jax._src.compute_on": "*"},
    "jax.experimental.custom_partitioning": {
        "jax._src.custom_partitioning": "custom_partitioning",
        "jax._src.custom_partitioning_sharding_rule": "*",
    },
    "jax.experimental.hijax": {
        "jax._src.state.types": "AbstractRef",
        "jax._src.hijax": "HiPrimitive HiType MutableHiType register_hitype",
        "jax._src.ad_util": "Zero",
        "jax._src.interpreters.ad": "instantiate_zeros is_undefined_primal",
        "jax._src.core": "*",
    },
    "jax.experimental.layout": {
        "jax._src.pjit": "with_layout_constraint",
        "jax._src.layout": "*",
    },
    "jax.experimental.mesh_utils": {"jax._src.mesh_utils": "*"},
    "jax.experimental.multihost_utils": {
        "jax": "P",
        "jax.tree_util": "tree_flatten tree_unflatten",
    },
    "jax.experimental.pjit": {"jax._src.pjit": "*"},
    "jax.experimental.shard_alike": {"jax._src.shard_alike": "*"},
    "jax.experimental.sparse": {
        "jax.experimental.sparse.bcsr": (
            "BCSR bcsr_broadcast_in_dim bcsr_concatenate bcsr_dot_general bcsr_extract bcsr_fromdense "
            "bcsr_sum_duplicates bcsr_todense"
        ),
        "jax.experimental.sparse.coo": "COO coo_fromdense coo_matmat coo_matvec coo_todense",
        "jax.experimental.sparse.csr": "CSC CSR csr_fromdense csr_matmat csr_matvec csr_todense",
        "jax.experimental.sparse.util": "CuSparseEfficiencyWarning SparseEfficiencyError SparseEfficiencyWarning",
        "jax.experimental.sparse._base": "JAXSparse",
        "jax.experimental.sparse.transform": "SparseTracer sparsify",
        "jax.experimental.sparse.api": "empty eye todense",
        "jax.experimental.sparse.ad": "grad jacfwd jacobian jacrev value_and_grad",
        "jax.experimental.sparse.random": "random_bcoo",
        "jax.experimental.sparse.bcoo": "*",
    },
    "jax.experimental.sparse.ad": {
        "jax.experimental.sparse._base": "JAXSparse",
        "jax._src.traceback_util": "api_boundary",
        "jax._src.util": "split_list wraps",
    },
    "jax.experimental.sparse.api": {
        "jax": "Array",
        "jax.experimental.sparse.bcoo": "BCOO",
        "jax.experimental.sparse.bcsr": "BCSR",
        "jax.experimental.sparse.coo": "COO",
        "jax.experimental.sparse.csr": "CSC CSR",
        "jax.experimental.sparse._base": "JAXSparse",
    },
    "jax.experimental.sparse.bcoo": {
        "jax": "Array",
        "jax.experimental.sparse.util": (
            "CuSparseEfficiencyWarning SparseEfficiencyError SparseEfficiencyWarning SparseInfo nfold_vmap"
        ),
        "jax._src.lax.slicing": "GatherDimensionNumbers GatherScatterMode",
        "jax.experimental.sparse._base": "JAXSparse",
        "jax._src.util": "canonicalize_axis split_list unzip2",
        "jax._src.lax.lax": "remaining",
        "jax._src.api": "vmap",
    },
    "jax.experimental.sparse.bcsr": {
        "jax": "Array",
        "jax.experimental.sparse.util": "CuSparseEfficiencyWarning SparseEfficiencyWarning SparseInfo nfold_vmap",
        "jax.experimental.sparse._base": "JAXSparse",
        "jax._src.util": "split_list",
    },
    "jax.experimental.sparse.coo": {
        "jax": "Array",
        "jax.experimental.sparse.util": "CuSparseEfficiencyWarning",
        "jax.experimental.sparse._base": "JAXSparse",
        "jax._src.numpy.util": "promote_dtypes",
    },
    "jax.experimental.sparse.csr": {
        "jax": "Array",
        "jax.experimental.sparse.coo": "COOInfo",
        "jax.experimental.sparse.util": "CuSparseEfficiencyWarning",
        "jax.experimental.sparse._base": "JAXSparse",
        "jax._src.numpy.util": "promote_dtypes",
    },
    "jax.experimental.sparse.random": {
        "jax.experimental.sparse.random": "random_bcoo",
        "jax._src.util": "split_list",
        "jax._src.api": "vmap",
        "jax": "*",
    },
    "jax.experimental.sparse.test_util": {"jax._src.util": "split_list"},
    "jax.experimental.sparse.transform": {
        "jax.experimental.sparse.bcoo": "BCOO bcoo_multiply_dense bcoo_multiply_sparse",
        "jax.experimental.sparse.bcsr": "BCSR",
        "jax._src.util": "split_list",
        "jax.tree_util": "tree_flatten tree_map tree_unflatten",
    },
    "jax.experimental.sparse.util": {
        "jax": "Array",
        "jax._src.api_util": "flatten_axes",
        "jax._src.api": "vmap",
    },
    "jax.experimental.topologies": {"jaxlib._jax": "Device"},
    "jax.experimental.xla_metadata": {"jax._src.xla_metadata": "*"},
    "jax.export": {"jax._src.export._export": "*"},
    "jax.extend.backend": {
        "jax._src.api": "clear_backends",
        "jax._src.interpreters.pxla": "clear_in_memory_compilation_cache get_default_device",
        "jax._src.util": "register_backend_cache",
        "jax._src.xla_bridge": "*",
    },
    "jax.extend.core": {
        "jax._src.linear_util": "DebugInfo",
        "jax._src.effects": "Effect",
        "jax.errors": "InconclusiveDimensionOperation JaxprTypeError",
        "jax._src.core": "*",
    },
    "jax.extend.linear_util": {
        "jax.extend.linear_util": "wrap_init",
        "jax._src.linear_util": "*",
    },
    "jax.extend.random": {
        "jax._src.extend.random": "define_prng_impl",
        "jax._src.random.threefry2x32": "threefry_2x32",
        "jax._src.random.prng": "*",
    },
    "jax.extend.source_info_util": {"jax._src.source_info_util": "*"},
    "jax.flatten_util": {"jax._src.flatten_util": "*"},
    "jax.image": {"jax._src.image.scale": "*"},
    "jax.interpreters.ad": {
        "jax._src.ad_util": "Zero add_jaxvals zeros_like_aval",
        "jax._src.interpreters.ad": "*",
    },
    "jax.interpreters.batching": {"jax._src.interpreters.batching": "*"},
    "jax.interpreters.mlir": {"jax._src.interpreters.mlir": "*"},
    "jax.interpreters.partial_eval": {"jax._src.interpreters.partial_eval": "*"},
    "jax.interpreters.xla": {"jax._src.dispatch": "*"},
    "jax.lax": {
        "jax._src.lax.lax": (
            "AccuracyMode DotAlgorithm DotAlgorithmPreset Precision RaggedDotDimensionNumbers RandomAlgorithm "
            "RoundingMethod Tolerance after_all argmax argmin batch_matmul broadcast broadcast_in_dim "
            "broadcast_to_rank broadcasted_iota clamp collapse composite concatenate create_token dce_sink dot "
            "dot_general empty expand_dims full full_like iota optimization_barrier pad padtype_to_pads "
            "ragged_dot ragged_dot_general reciprocal reduce reduce_and reduce_max reduce_min reduce_or "
            "reduce_precision reduce_prod reduce_sum reduce_xor reshape rev rng_bit_generator rng_uniform select "
            "select_n shape_as_value sort sort_key_val split square squeeze stack stop_gradient tile top_k "
            "transpose unstack"
        ),
        "jax._src.lax.convolution": (
            "ConvDimensionNumbers conv conv_dimension_numbers conv_general_dilated conv_general_permutations "
            "conv_general_shape_tuple conv_shape_tuple conv_transpose conv_transpose_shape_tuple "
            "conv_with_general_padding"
        ),
        "jax._src.lax.fft": "FftType fft",
        "jax._src.lax.slicing": (
            "GatherDimensionNumbers GatherScatterMode ScatterDimensionNumbers dynamic_index_in_dim dynamic_slice "
            "dynamic_slice_in_dim dynamic_update_index_in_dim dynamic_update_slice dynamic_update_slice_in_dim "
            "gather index_in_dim index_take scatter scatter_add scatter_apply scatter_max scatter_min scatter_mul "
            "scatter_sub slice slice_in_dim"
        ),
        "jax._src.lax.parallel": (
            "all_gather all_to_all axis_index axis_size pbroadcast pcast pmax pmean pmin ppermute pshuffle psum "
            "psum_scatter pswapaxes"
        ),
        "jax._src.lax.ann": "approx_max_k approx_min_k",
        "jax._src.lax.control_flow.loops": (
            "associative_scan cumlogsumexp cummax cummin cumprod cumsum fori_loop map scan while_loop"
        ),
        "jax._src.lax.special": (
            "bessel_i0e bessel_i1e betainc digamma erf erf_inv erfc igamma igamma_grad_a igammac lgamma polygamma "
            "random_gamma_grad zeta"
        ),
        "jax._src.lax.control_flow.conditionals": "cond platform_dependent switch",
        "jax._src.lax.other": "conv_general_dilated_local conv_general_dilated_patches",
        "jax._src.lax.control_flow.solves": "custom_linear_solve custom_root",
        "jax._src.dtypes": "dtype",
        "jax._src.lax.windowed_reductions": "reduce_window reduce_window_shape_tuple",
        "jax._src.lax.scaled_dot": "scaled_dot",
        "jax._src.pjit": "with_sharding_constraint",
    },
    "jax.lax.linalg": {
        "jax._src.tpu.linalg.qdwh": "qdwh",
        "jax._src.lax.linalg": "*",
    },
    "jax.monitoring": {"jax._src.monitoring": "*"},
    "jax.nn": {
        "jax._src.ops.special": "logsumexp",
        "jax.numpy": "tanh",
        "jax._src.nn.functions": "*",
    },
    "jax.numpy": {"jax": "ndarray"},
    "jax.numpy.fft": {"jax._src.numpy.fft": "*"},
    "jax.ops": {"jax._src.ops.scatter": "*"},
    "jax.profiler": {"jax._src.profiler": "*"},
    "jax.random": {"jax._src.random.core": "*"},
    "jax.ref": {
        "jax._src.state.types": "AbstractRef",
        "jax._src.state.primitives": "addupdate get set swap",
        "jax._src.ref": "new_ref",
        "jax._src.core": "*",
    },
    "jax.scipy.interpolate": {"jax._src.third_party.scipy.interpolate": "*"},
    "jax.scipy.linalg": {"jax._src.third_party.scipy.linalg": "funm"},
    "jax.scipy.optimize": {"jax._src.scipy.optimize.minimize": "*"},
    "jax.scipy.special": {
        "jax._src.third_party.scipy.special": "fresnel",
        "jax._src.ops.special": "logsumexp",
    },
    "jax.scipy.stats": {
        "jax._src.scipy.stats.kde": "gaussian_kde",
        "jax._src.scipy.stats._core": "*",
    },
    "jax.sharding": {
        "jax._src.core": "ManualAxisType",
        "jax.sharding": "NamedSharding SingleDeviceSharding",
        "jax": "PartitionSpec",
        "jaxlib._jax": "Sharding",
        "jax._src.pjit": "auto_axes explicit_axes reshard",
        "jax._src.sharding_impls": "get_mesh make_single_device_sharding set_mesh",
        "jax._src.mesh": "*",
    },
    "jax.stages": {"jax._src.stages": "*"},
    "jax.test_util": {"jax._src.public_test_util": "*"},
    # One function has both names here, two in JAX.
    "jax.tree": {"jax._src.tree": "static", "jax.tree_util": "*"},
    "jax.tree_util": {
        "jaxlib._jax.pytree": "DictKey FlattenedIndexKey GetAttrKey PyTreeDef SequenceKey",
        "jax._src.tree_util": "KeyEntry default_registry",
    },
}


def said_by(public: str, name: str) -> str:
    """The ``__module__`` that ``name``, a function or class in the module ``public``, has in JAX."""
    table = _by_name(public)
    return table.get(name) or table["*"]


def say_as_jax(public: str, module: types.ModuleType) -> list[tuple[Any, str]]:
    """Have what ``module``, imported as ``public``, publishes say what JAX's does; each object with what it said.

    What was reached through another module already, where it has another name, keeps that answer.
    """
    table = _by_name(public)
    before: list[tuple[Any, str]] = []
    for name, value in vars(module).items():
        own = None if name.startswith("_") or isinstance(value, types.ModuleType) else _said_itself(value)
        if isinstance(own, str) and own.partition(".")[0] == "jaxlike":
            value.__module__ = table.get(name) or table["*"]
            before.append((value, own))
    return before


def _said_itself(value: Any) -> Any:
    """The ``__module__`` of an object that has one of its own, and not its class's."""
    if isinstance(value, types.FunctionType):
        return value.__module__
    return vars(value).get("__module__") if isinstance(value, type) or hasattr(value, "__dict__") else None


def _by_name(public: str) -> dict[str, str]:
    default = public.replace("jax.", "jax._src.", 1) if public.startswith("jax.scipy.") else public
    return {"*": default} | {name: said for said, names in SAID.get(public, {}).items() for name in names.split()}
