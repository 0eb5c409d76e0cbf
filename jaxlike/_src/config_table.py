"""Flags of JAX that nothing here depends on, as data: accepted, checked as JAX checks them, readable.

Most steer XLA, its compilation cache, Pallas, TPUs or JAX's own tests. A flag that gets a meaning
moves to `config.py`, where its help text says what it does.
"""

from __future__ import annotations

import enum

HELP = "Accepted as JAX accepts it; nothing depends on it here."


class RuntimeTracebackMode(enum.StrEnum):
    """How much of the Python stack XLA's runtime is told."""

    OFF = "off"
    ON = "on"
    FULL = "full"

    @classmethod
    def _missing_(cls, value: object) -> RuntimeTracebackMode | None:
        return cls.__members__.get(value.upper()) if isinstance(value, str) else None


TRACEBACK_TO_RUNTIME = (RuntimeTracebackMode, RuntimeTracebackMode.OFF)

# Flags with a context manager: the type of the default is the type of the flag.
BOOL_INT_FLOAT: dict[str, bool | int | float] = {
    # jax2tf and export
    "jax2tf_associative_scan_reductions": False,
    "jax2tf_default_native_serialization": True,
    "jax_serialization_version": 0,
    "jax_export_calling_convention_version": 10,
    "jax_export_ignore_forward_compatibility": False,
    # checks and logs of JAX's own inside
    "jax_enable_checks": False,
    "jax_debug_leaked_clients_on_clear_backends": False,
    "jax_captured_constants_warn_bytes": 2000000000,
    "jax_captured_constants_report_frames": 0,
    "jax_distributed_debug": False,
    "jax_mutable_array_checks": True,
    "jax_disable_bwd_checks": False,
    "jax_disable_vmap_shmap_error": False,
    "jax_refs_to_pins": False,
    "jax_experimental_unsafe_xla_runtime_errors": False,
    # upgrades under way, choices between two implementations
    "jax_scan3": False,
    "jax_remat3": False,
    "jax_custom_vjp3": False,
    "jax_threefry_gpu_kernel_lowering": False,
    "jax_use_direct_linearize": True,
    "jax_use_simplified_jaxpr_constants": False,
    "jax_embedded_constants_max_bytes": 32,
    "jax_softmax_custom_jvp": False,
    "jax_allow_f16_reductions": True,
    "eager_constant_folding": False,
    "jax_bcoo_cusparse_lowering": False,
    "jax_ragged_dot_use_ragged_dot_instruction": True,
    "jax_ragged_dot_use_gpu_pallas_triton_lowering": False,
    # meshes and sharding
    "jax_remove_size_one_mesh_axis_from_type": False,
    "check_vma": False,
    "jax_auto_pcast": True,
    "jax_disallow_mesh_context_manager": False,
    "jax_use_shardy_partitioner": True,
    "jax_thread_guard": False,
    "jax_enable_recoverability": False,
    "jax_enable_preemption_service": True,
    # XLA: compilation, its cache, its profile
    "jax_raise_persistent_cache_errors": False,
    "jax_persistent_cache_min_compile_time_secs": 1.0,
    "jax_persistent_cache_min_entry_size_bytes": 0,
    "jax_compilation_cache_include_metadata_in_key": False,
    "jax_enable_compilation_cache": True,
    "jax_compilation_cache_check_contents": False,
    "jax_compilation_cache_expect_pgle": False,
    "jax_compilation_cache_max_size": -1,
    "jax_remove_custom_partitioning_ptr_from_cache_key": False,
    "jax_include_full_tracebacks_in_locations": True,
    "jax_traceback_in_locations_limit": 100,
    "jax_share_binary_between_hosts": False,
    "jax_share_binary_between_hosts_timeout_ms": 1200000,
    "jax_enable_pgle": False,
    "jax_pgle_profiling_runs": 3,
    "jax_pgle_aggregation_percentile": 90,
    "jax_compiler_enable_remat_pass": True,
    "jax_xla_profile_version": 0,
    "jax_exec_time_optimization_effort": 0.0,
    "jax_memory_fitting_effort": 0.0,
    # Pallas and Mosaic
    "jax_use_emit_pipeline_primitive": False,
    "jax_pallas_enable_debug_checks": False,
    "jax_pallas_use_mosaic_gpu": True,
    "jax_mosaic_allow_hlo": False,
    "jax_pallas_poison_buffers": False,
    # printing
    "jax_pprint_use_color": True,
}

OPTIONAL_STRING: dict[str, str | None] = {
    "jax_persistent_cache_enable_xla_caches": "xla_gpu_per_fusion_autotune_cache_dir",
    "jax_hlo_source_file_canonicalization_regex": None,
    "jax_source_url_schema": None,
    "jax_compilation_cache_dir": None,
}

_EFFORT = ("UNKNOWN", "O0", "O1", "O2", "O3")

# name -> (default, values)
ENUM: dict[str, tuple[str, tuple[str, ...]]] = {
    "jax_error_checking_behavior_nan": ("ignore", ("ignore", "raise")),
    "jax_error_checking_behavior_divide": ("ignore", ("ignore", "raise")),
    "jax_error_checking_behavior_oob": ("ignore", ("ignore", "raise")),
    "jax_traceback_filtering": (
        "auto",
        ("off", "tracebackhide", "remove_frames", "quiet_remove_frames", "auto"),
    ),
    "jax_use_magma": ("auto", ("off", "on", "auto")),
    "jax_optimization_level": ("UNKNOWN", _EFFORT),
    "jax_memory_fitting_level": ("O2", _EFFORT),
}

_GUARD = ("allow", "log", "disallow", "log_explicit", "disallow_explicit")

OPTIONAL_ENUM: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "jax_transfer_guard_host_to_device": (None, _GUARD),
    "jax_transfer_guard_device_to_device": (None, _GUARD),
    "jax_transfer_guard_device_to_host": (None, _GUARD),
    "jax_transfer_guard": (None, _GUARD),
    "jax_array_garbage_collection_guard": (None, ("allow", "log", "fatal")),
    "jax_cpu_collectives_implementation": ("gloo", ("gloo", "mpi", "megascale")),
}

# Flags without a context manager: name -> (type, default). JAX takes any value for them. Those named in
# FROM_ENVIRONMENT start from the variable of their name in capitals.
PLAIN: dict[str, tuple[type, bool | int | str | None]] = {
    "jax_dump_ir_to": (str, ""),
    "jax_include_debug_info_in_dumps": (bool, True),
    "jax_dump_ir_modes": (str, "stablehlo"),
    "jax_pallas_verbose_errors": (bool, False),
    "jax_check_proxy_envs": (bool, True),
    "jax_backend_target": (str, ""),
    "jax_oneapi_visible_devices": (str, "all"),
    "mock_num_gpu_processes": (int, 0),
    "jax_mock_gpu_topology": (str, ""),
    "jax_cpu_enable_async_dispatch": (bool, True),
    "jax_force_dcn_cross_host_transfers": (bool, False),
    "jax_sort_devices_by_process_index": (bool, True),
    "jax_cross_host_transfer_socket_address": (str, ""),
    "jax_cross_host_transport_addresses": (str, ""),
    "jax_cross_host_transfer_timeout_seconds": (int, None),
    "jax_cross_host_transfer_transfer_size": (int, None),
    "jax_tracer_error_num_traceback_frames": (int, 5),
    "jax_disable_most_optimizations": (bool, False),
    "jax_compiler_detailed_logging_min_ops": (int, 10),
    # JAX's own test suite
    "jax_test_dut": (str, ""),
    "jax_num_generated_cases": (int, 10),
    "max_cases_sampling_retries": (int, 100),
    "jax_skip_slow_tests": (bool, False),
    "jax_test_with_persistent_compilation_cache": (bool, False),
    "test_targets": (str, ""),
    "exclude_test_targets": (str, ""),
    "jax_test_num_threads": (int, 0),
}

# Flag -> environment variable.
FROM_ENVIRONMENT: dict[str, str] = {
    "jax_dump_ir_to": "JAX_DUMP_IR_TO",
    "jax_include_debug_info_in_dumps": "JAX_INCLUDE_DEBUG_INFO_IN_DUMPS",
    "jax_dump_ir_modes": "JAX_DUMP_IR_MODES",
    "jax_pallas_verbose_errors": "JAX_PALLAS_VERBOSE_ERRORS",
    "jax_backend_target": "JAX_BACKEND_TARGET",
    "jax_tracer_error_num_traceback_frames": "JAX_TRACER_ERROR_NUM_TRACEBACK_FRAMES",
    "jax_disable_most_optimizations": "JAX_DISABLE_MOST_OPTIMIZATIONS",
    "jax_compiler_detailed_logging_min_ops": "JAX_COMPILER_DETAILED_LOGGING_MIN_OPS",
    "jax_num_generated_cases": "JAX_NUM_GENERATED_CASES",
    "max_cases_sampling_retries": "JAX_MAX_CASES_SAMPLING_RETRIES",
    "jax_skip_slow_tests": "JAX_SKIP_SLOW_TESTS",
    "jax_test_with_persistent_compilation_cache": "JAX_TEST_WITH_PERSISTENT_COMPILATION_CACHE",
    "test_targets": "JAX_TEST_TARGETS",
    "exclude_test_targets": "JAX_EXCLUDE_TEST_TARGETS",
    "jax_test_num_threads": "JAX_TEST_NUM_THREADS",
}
