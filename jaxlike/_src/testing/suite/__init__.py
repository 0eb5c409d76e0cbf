"""suite: what the test files of JAX, and of libraries that follow them, take from `jax._src.test_util`.

`cases` draws parameters, `values` draws arrays, `closeness` compares, `platforms` says where a test runs, `counting`
counts traces, `test_case` is the base class that puts them together. All of it needs numpy; the base class and the
parameters need absl, as JAX's do.
"""

from __future__ import annotations

from jaxlike._src.check_grads import check_grads as check_grads
from jaxlike._src.check_grads import check_jvp as check_jvp
from jaxlike._src.check_grads import check_vjp as check_vjp
from jaxlike._src.testing.suite.cases import NUM_GENERATED_CASES as NUM_GENERATED_CASES
from jaxlike._src.testing.suite.cases import SKIP_SLOW_TESTS as SKIP_SLOW_TESTS
from jaxlike._src.testing.suite.cases import TEST_NUM_THREADS as TEST_NUM_THREADS
from jaxlike._src.testing.suite.cases import cases_from_gens as cases_from_gens
from jaxlike._src.testing.suite.cases import dtype_str as dtype_str
from jaxlike._src.testing.suite.cases import dtypes as dtypes
from jaxlike._src.testing.suite.cases import format_shape_dtype_string as format_shape_dtype_string
from jaxlike._src.testing.suite.cases import is_valid_shape as is_valid_shape
from jaxlike._src.testing.suite.cases import named_cases_from_sampler as named_cases_from_sampler
from jaxlike._src.testing.suite.cases import parameterized_filterable as parameterized_filterable
from jaxlike._src.testing.suite.cases import sample_product as sample_product
from jaxlike._src.testing.suite.cases import sample_product_testcases as sample_product_testcases
from jaxlike._src.testing.suite.cases import sanitize_test_name as sanitize_test_name
from jaxlike._src.testing.suite.cases import supported_dtypes as supported_dtypes
from jaxlike._src.testing.suite.closeness import _assert_numpy_allclose as _assert_numpy_allclose
from jaxlike._src.testing.suite.closeness import _check_dtypes_match as _check_dtypes_match
from jaxlike._src.testing.suite.closeness import _default_tolerance as _default_tolerance
from jaxlike._src.testing.suite.closeness import _dtype as _dtype
from jaxlike._src.testing.suite.closeness import check_close as check_close
from jaxlike._src.testing.suite.closeness import check_eq as check_eq
from jaxlike._src.testing.suite.closeness import check_raises as check_raises
from jaxlike._src.testing.suite.closeness import check_raises_regexp as check_raises_regexp
from jaxlike._src.testing.suite.closeness import default_gradient_tolerance as default_gradient_tolerance
from jaxlike._src.testing.suite.closeness import default_tolerance as default_tolerance
from jaxlike._src.testing.suite.closeness import is_sequence as is_sequence
from jaxlike._src.testing.suite.closeness import join_tolerance as join_tolerance
from jaxlike._src.testing.suite.closeness import num_float_bits as num_float_bits
from jaxlike._src.testing.suite.closeness import promote_like_jnp as promote_like_jnp
from jaxlike._src.testing.suite.closeness import rand_like as rand_like
from jaxlike._src.testing.suite.closeness import strict_promotion_if_dtypes_match as strict_promotion_if_dtypes_match
from jaxlike._src.testing.suite.closeness import to_default_dtype as to_default_dtype
from jaxlike._src.testing.suite.closeness import tolerance as tolerance
from jaxlike._src.testing.suite.closeness import with_jax_dtype_defaults as with_jax_dtype_defaults
from jaxlike._src.testing.suite.counting import assert_dot_precision as assert_dot_precision
from jaxlike._src.testing.suite.counting import (
    assert_dot_preferred_element_type as assert_dot_preferred_element_type,
)
from jaxlike._src.testing.suite.counting import (
    assert_num_jit_and_pmap_compilations as assert_num_jit_and_pmap_compilations,
)
from jaxlike._src.testing.suite.counting import count_aot_jit_cpp_cache_miss as count_aot_jit_cpp_cache_miss
from jaxlike._src.testing.suite.counting import (
    count_compilation_after_persistent_cache_miss as count_compilation_after_persistent_cache_miss,
)
from jaxlike._src.testing.suite.counting import count_device_put as count_device_put
from jaxlike._src.testing.suite.counting import count_device_put_fast_path_hit as count_device_put_fast_path_hit
from jaxlike._src.testing.suite.counting import count_events as count_events
from jaxlike._src.testing.suite.counting import count_internal_device_puts as count_internal_device_puts
from jaxlike._src.testing.suite.counting import count_jax_array_shard_arg_calls as count_jax_array_shard_arg_calls
from jaxlike._src.testing.suite.counting import count_jit_and_pmap_lowerings as count_jit_and_pmap_lowerings
from jaxlike._src.testing.suite.counting import count_jit_compilation_cache_miss as count_jit_compilation_cache_miss
from jaxlike._src.testing.suite.counting import count_jit_tracing_cache_miss as count_jit_tracing_cache_miss
from jaxlike._src.testing.suite.counting import count_pjit_cpp_cache_miss as count_pjit_cpp_cache_miss
from jaxlike._src.testing.suite.counting import count_primitive_compiles as count_primitive_compiles
from jaxlike._src.testing.suite.counting import fwd_bwd_jaxprs as fwd_bwd_jaxprs
from jaxlike._src.testing.suite.counting import iter_eqns as iter_eqns
from jaxlike._src.testing.suite.counting import register_event_duration_listener as register_event_duration_listener
from jaxlike._src.testing.suite.exact import numpy_with_mpmath as numpy_with_mpmath
from jaxlike._src.testing.suite.exact import vectorize_with_mpmath as vectorize_with_mpmath
from jaxlike._src.testing.suite.platforms import create_mesh as create_mesh
from jaxlike._src.testing.suite.platforms import device_kind_match as device_kind_match
from jaxlike._src.testing.suite.platforms import device_supports_buffer_donation as device_supports_buffer_donation
from jaxlike._src.testing.suite.platforms import device_under_test as device_under_test
from jaxlike._src.testing.suite.platforms import get_tpu_version as get_tpu_version
from jaxlike._src.testing.suite.platforms import is_asan as is_asan
from jaxlike._src.testing.suite.platforms import is_cloud_tpu as is_cloud_tpu
from jaxlike._src.testing.suite.platforms import is_cloud_tpu_at_least as is_cloud_tpu_at_least
from jaxlike._src.testing.suite.platforms import (
    is_cuda_compute_capability_at_least as is_cuda_compute_capability_at_least,
)
from jaxlike._src.testing.suite.platforms import is_cuda_compute_capability_equal as is_cuda_compute_capability_equal
from jaxlike._src.testing.suite.platforms import is_cuda_version_at_least as is_cuda_version_at_least
from jaxlike._src.testing.suite.platforms import is_device_cuda as is_device_cuda
from jaxlike._src.testing.suite.platforms import is_device_rocm as is_device_rocm
from jaxlike._src.testing.suite.platforms import is_device_tpu as is_device_tpu
from jaxlike._src.testing.suite.platforms import is_device_tpu_at_least as is_device_tpu_at_least
from jaxlike._src.testing.suite.platforms import is_gil_disabled as is_gil_disabled
from jaxlike._src.testing.suite.platforms import is_msan as is_msan
from jaxlike._src.testing.suite.platforms import is_optimized_build as is_optimized_build
from jaxlike._src.testing.suite.platforms import is_running_under_pytest as is_running_under_pytest
from jaxlike._src.testing.suite.platforms import is_sanitized as is_sanitized
from jaxlike._src.testing.suite.platforms import is_test_rbe as is_test_rbe
from jaxlike._src.testing.suite.platforms import is_tsan as is_tsan
from jaxlike._src.testing.suite.platforms import jaxlib_version as jaxlib_version
from jaxlike._src.testing.suite.platforms import numpy_version as numpy_version
from jaxlike._src.testing.suite.platforms import parse_version as parse_version
from jaxlike._src.testing.suite.platforms import pattern_search as pattern_search
from jaxlike._src.testing.suite.platforms import pjrt_c_api_version_at_least as pjrt_c_api_version_at_least
from jaxlike._src.testing.suite.platforms import pytest_mark_if_available as pytest_mark_if_available
from jaxlike._src.testing.suite.platforms import request_cpu_devices as request_cpu_devices
from jaxlike._src.testing.suite.platforms import run_on_devices as run_on_devices
from jaxlike._src.testing.suite.platforms import runtime_environment as runtime_environment
from jaxlike._src.testing.suite.platforms import skip_on_devices as skip_on_devices
from jaxlike._src.testing.suite.platforms import skip_on_flag as skip_on_flag
from jaxlike._src.testing.suite.platforms import skip_under_pytest as skip_under_pytest
from jaxlike._src.testing.suite.platforms import stablehlo_version_at_least as stablehlo_version_at_least
from jaxlike._src.testing.suite.platforms import test_device_matches as test_device_matches
from jaxlike._src.testing.suite.platforms import with_explicit_mesh as with_explicit_mesh
from jaxlike._src.testing.suite.platforms import with_mesh as with_mesh
from jaxlike._src.testing.suite.platforms import with_mesh_from_kwargs as with_mesh_from_kwargs
from jaxlike._src.testing.suite.test_case import JIT_IMPLEMENTATION as JIT_IMPLEMENTATION
from jaxlike._src.testing.suite.test_case import BufferDonationTestCase as BufferDonationTestCase
from jaxlike._src.testing.suite.test_case import JaxTestCase as JaxTestCase
from jaxlike._src.testing.suite.test_case import JaxTestLoader as JaxTestLoader
from jaxlike._src.testing.suite.test_case import (
    assert_global_configs_unchanged as assert_global_configs_unchanged,
)
from jaxlike._src.testing.suite.test_case import capture_stderr as capture_stderr
from jaxlike._src.testing.suite.test_case import capture_stdout as capture_stdout
from jaxlike._src.testing.suite.test_case import global_config_context as global_config_context
from jaxlike._src.testing.suite.test_case import ignore_warning as ignore_warning
from jaxlike._src.testing.suite.test_case import set_env as set_env
from jaxlike._src.testing.suite.test_case import thread_local_config_context as thread_local_config_context
from jaxlike._src.testing.suite.test_case import thread_unsafe_test as thread_unsafe_test
from jaxlike._src.testing.suite.test_case import thread_unsafe_test_class as thread_unsafe_test_class
from jaxlike._src.testing.suite.test_case import with_config as with_config
from jaxlike._src.testing.suite.test_case import with_global_config as with_global_config
from jaxlike._src.testing.suite.values import NUMPY_SCALAR_SHAPE as NUMPY_SCALAR_SHAPE
from jaxlike._src.testing.suite.values import PYTHON_SCALAR_SHAPE as PYTHON_SCALAR_SHAPE
from jaxlike._src.testing.suite.values import ScalarShape as ScalarShape
from jaxlike._src.testing.suite.values import complex_plane_sample as complex_plane_sample
from jaxlike._src.testing.suite.values import rand_bool as rand_bool
from jaxlike._src.testing.suite.values import rand_default as rand_default
from jaxlike._src.testing.suite.values import rand_fullrange as rand_fullrange
from jaxlike._src.testing.suite.values import rand_indices_unique_along_axis as rand_indices_unique_along_axis
from jaxlike._src.testing.suite.values import rand_int as rand_int
from jaxlike._src.testing.suite.values import rand_nonzero as rand_nonzero
from jaxlike._src.testing.suite.values import rand_not_small as rand_not_small
from jaxlike._src.testing.suite.values import rand_positive as rand_positive
from jaxlike._src.testing.suite.values import rand_small as rand_small
from jaxlike._src.testing.suite.values import rand_small_positive as rand_small_positive
from jaxlike._src.testing.suite.values import rand_some_equal as rand_some_equal
from jaxlike._src.testing.suite.values import rand_some_inf as rand_some_inf
from jaxlike._src.testing.suite.values import rand_some_inf_and_nan as rand_some_inf_and_nan
from jaxlike._src.testing.suite.values import rand_some_nan as rand_some_nan
from jaxlike._src.testing.suite.values import rand_some_zero as rand_some_zero
from jaxlike._src.testing.suite.values import rand_uniform as rand_uniform
from jaxlike._src.testing.suite.values import rand_unique_int as rand_unique_int
