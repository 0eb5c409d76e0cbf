"""`jax.config` and the flags' context managers: names, defaults, checks, scope, as JAX has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from compat import frameworks
from compat.same import first_sentence, same_in_both

# A value of each kind that some flag takes, and values that all refuse.
VALUES: list[Any] = [
    *(True, False, 0, 1, 7, -1, 0.5, None, "", "x", "true", "allow", "warn", "raise", "error", "ignore"),
    *("off", "on", "ON", "auto", "standard", "strict", "STRICT", "highest", "BF16_BF16_F32", "O2", "UNKNOWN"),
    *(
        "rbg",
        "threefry2x32",
        "gloo",
        "log",
        "DEBUG",
        "debug",
        "cpu",
        "disallow",
        [],
        {},
        (),
        {"a": 1},
        object,
    ),
]
OWN = {"jaxlike_jit_tier"}
# Flags of JAX's test suite, which `import jax` alone does not define.
TESTING = {
    *("jax_test_dut", "jax_num_generated_cases", "max_cases_sampling_retries", "jax_skip_slow_tests"),
    *("jax_test_with_persistent_compilation_cache", "test_targets", "exclude_test_targets"),
    "jax_test_num_threads",
}
# Once devices are in use these take None only, and after that not even their own value.
FIXED = {
    *("jax_num_cpu_devices", "jax_cpu_get_local_topology_timeout_minutes"),
    "jax_cpu_get_global_topology_timeout_minutes",
}
CONTEXTS = [
    *("allow_f16_reductions", "array_garbage_collection_guard", "auto_pcast", "check_tracer_leaks"),
    *("debug_infs", "debug_key_reuse", "debug_nans", "default_device", "default_matmul_precision"),
    *("default_prng_impl", "enable_checks", "enable_custom_prng", "enable_x64", "explain_cache_misses"),
    *("jax2tf_associative_scan_reductions", "legacy_prng_key", "log_compiles", "no_execution", "no_tracing"),
    *("numpy_dtype_promotion", "numpy_rank_promotion", "remove_size_one_mesh_axis_from_type"),
    *("softmax_custom_jvp", "thread_guard", "threefry_partitionable", "transfer_guard_device_to_device"),
    *("transfer_guard_device_to_host", "transfer_guard_host_to_device"),
]


def attempt(program: Any) -> str:
    """What the program returned or raised, as text."""
    try:
        return f"returned {program()!r}"
    except Exception as error:
        return f"raised {type(error).__name__}: {first_sentence(str(error))}"


def config_names() -> list[str]:
    """Every flag of jax itself."""
    return sorted(frameworks.EXPECTED.config.values)


def test_the_same_flags_with_the_same_defaults():
    expected, actual = frameworks.EXPECTED.config.values, frameworks.ACTUAL.config.values
    assert set(actual) - OWN - TESTING == set(expected) - TESTING
    assert {name: actual[name] for name in expected} == expected
    kinds = {name: type(actual[name]).__name__ for name in expected}
    assert kinds == {name: type(value).__name__ for name, value in expected.items()}


@same_in_both(covers=["jax.config.update", "jax.config.values"])
def test_update_takes_and_refuses_the_same_values(jax):
    jax.devices()  # some flags are fixed from then on
    found: dict[str, list[str]] = {}
    for name in config_names():
        before = jax.config.values[name]
        found[name] = []
        for value in VALUES:
            if value is None and name in FIXED:
                continue
            said = attempt(lambda name=name, value=value: jax.config.update(name, value))
            found[name].append(f"{value!r}: {said}, then {jax.config.values[name]!r}")
            jax.config.update(name, before)
    return found


@same_in_both
def test_update_of_an_unknown_flag(jax):
    jax.config.update("jax_no_such_flag", True)


@same_in_both(covers=["jax.config.read"])
def test_read(jax):
    return {
        name: attempt(lambda name=name: jax.config.read(name))
        for name in [*config_names(), "jax_no_such_flag"]
    }


@same_in_both(covers=["jax.config.x64_enabled", "jax.config.use_absl"])
def test_attributes(jax):
    names = [*config_names(), "x64_enabled", "use_absl", "jax_no_such_flag", "FLAGS"]
    return {name: attempt(lambda name=name: getattr(jax.config, name)) for name in names}


@same_in_both(covers=["jax.config.meta"])
def test_meta_describes_each_flag(jax):
    found = {}
    for name in config_names():
        kind, _, kwargs = jax.config.meta[name]
        choices = kwargs.get("enum_values")
        found[name] = (getattr(kind, "__name__", kind), choices and sorted(map(str, choices)))
    return found


@same_in_both
def test_a_flag_cannot_be_assigned(jax):
    jax.config.jax_enable_x64 = True


@same_in_both(covers=["jax.config.add_option"])
def test_a_name_is_taken_once(jax):
    jax.config.add_option("jax_enable_x64", None, bool, [], {})


@same_in_both(covers=[f"jax.{name}" for name in CONTEXTS])
def test_contexts_take_and_refuse_the_same_values(jax):
    found: dict[str, list[str]] = {}
    for name in CONTEXTS:
        state = getattr(jax, name)
        found[name] = [f"{state.__name__}: {state.value!r}"]
        for value in VALUES:

            def inside(state: Any = state, value: Any = value) -> Any:
                with state(value):
                    return state.value

            found[name].append(f"{value!r}: {attempt(inside)}, then {state.value!r}")
    return found


@pytest.mark.parametrize(
    "name", ["enable_x64", "default_matmul_precision", "default_device", "legacy_prng_key"]
)
def test_context_without_a_value(name):
    @same_in_both
    def without_value(jax):
        state = getattr(jax, name)
        with state() as entered:
            return entered, state.value

    without_value()


@same_in_both
def test_contexts_nest_and_unwind(jax):
    seen = [jax.config.jax_default_matmul_precision]
    try:
        with jax.default_matmul_precision("high"):
            seen.append(jax.config.jax_default_matmul_precision)
            with jax.default_matmul_precision(None):
                seen.append(jax.config.jax_default_matmul_precision)
            seen.append(jax.config.jax_default_matmul_precision)
            raise ValueError("leaves the context")
    except ValueError:
        seen.append(jax.config.jax_default_matmul_precision)
    return seen


@same_in_both
def test_update_inside_a_context_shows_after_it(jax):
    try:
        with jax.numpy_rank_promotion("warn"):
            jax.config.update("jax_numpy_rank_promotion", "raise")
            inside = jax.config.jax_numpy_rank_promotion
        return inside, jax.config.jax_numpy_rank_promotion
    finally:
        jax.config.update("jax_numpy_rank_promotion", "allow")


@same_in_both
def test_a_context_belongs_to_its_thread(jax):
    seen = []

    def look() -> None:
        seen.append(jax.config.jax_debug_nans)
        with jax.debug_nans(False):
            seen.append(jax.config.jax_debug_nans)

    with jax.debug_nans(True):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        seen.append(jax.config.jax_debug_nans)
        jax.config.update("jax_debug_nans", True)
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        jax.config.update("jax_debug_nans", False)
    return seen


@same_in_both
def test_a_context_decorates(jax):
    @jax.debug_infs(True)
    def decorated(x: Any) -> Any:
        """Text."""
        return x, jax.config.jax_debug_infs

    return decorated(1), decorated.__name__, decorated.__doc__, decorated(2), jax.config.jax_debug_infs


@same_in_both
def test_a_wrong_value_is_refused_before_the_context_is_entered(jax):
    jax.numpy_dtype_promotion("loose")


@same_in_both
def test_a_state_has_no_truth_value(jax):
    return bool(jax.enable_x64)


@same_in_both(covers=["jax.checking_leaks"])
def test_checking_leaks(jax):
    with jax.checking_leaks():
        inside = jax.config.jax_check_tracer_leaks
    return inside, jax.config.jax_check_tracer_leaks


@same_in_both(covers=["jax.transfer_guard"])
def test_transfer_guard(jax):
    names = [f"jax_transfer_guard_{d}" for d in ("host_to_device", "device_to_device", "device_to_host")]
    with jax.transfer_guard("log"):
        inside = [getattr(jax.config, name) for name in names]
    return inside, [getattr(jax.config, name) for name in names], attempt(jax.transfer_guard("no").__enter__)


@same_in_both(covers=["jax.disable_jit"])
def test_disable_jit_sets_its_flag(jax):
    with jax.disable_jit():
        inside = jax.config.jax_disable_jit
        with jax.disable_jit(False):
            again = jax.config.jax_disable_jit
    return inside, again, jax.config.jax_disable_jit


@same_in_both(covers=["jax.make_user_context"])
def test_make_user_context(jax):
    context = jax.make_user_context(default_value="first")
    seen = [context.value]
    with context("second"):
        seen += [context.value, context.get_global()]
        context.set_global("third")
        seen.append(context.value)
    return [*seen, context.value, jax.make_user_context().value]


ENVIRONMENTS: list[dict[str, str]] = [
    {
        "JAX_ENABLE_X64": "On",
        "JAX_DISABLE_JIT": "1",
        "JAX_DEBUG_NANS": "yes",
        "JAX_NUMPY_RANK_PROMOTION": "raise",
        "JAX_NUMPY_DTYPE_PROMOTION": "strict",
        "JAX_DEFAULT_MATMUL_PRECISION": "high",
        "JAX_DEFAULT_PRNG_IMPL": "rbg",
        "JAX_THREEFRY_PARTITIONABLE": "false",
        "JAX_PLATFORMS": "cpu",
        "JAX_PLATFORM_NAME": "CPU",
        "JAX_RANDOM_SEED_OFFSET": "3",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "2",
        "JAX_COMPILATION_CACHE_DIR": "somewhere",
        "JAX_EXPLICIT_X64_DTYPES": "error",
        "JAX_LEGACY_PRNG_KEY": "warn",
        "JAX_DUMP_IR_TO": "there",
        "JAX_TRACER_ERROR_NUM_TRACEBACK_FRAMES": "9",
        "JAX_PALLAS_VERBOSE_ERRORS": "t",
        "JAX2TF_DEFAULT_NATIVE_SERIALIZATION": "no",
        "JAX_NUM_CPU_DEVICES": "2",
        "JAX_LOGGING_LEVEL": "ERROR",
        "JAX_DEFAULT_DEVICE": "cpu",
    },
    {"JAX_ENABLE_X64": "maybe"},
    {"JAX_NUMPY_RANK_PROMOTION": "loud"},
    {"JAX_LEGACY_PRNG_KEY": "loud"},
    {"JAX_RANDOM_SEED_OFFSET": "many"},
]
REPORT = """
import json, sys
try:
    import {module} as jax
    values = {{name: str(value) for name, value in jax.config.values.items()}}
    print(json.dumps([values, len(jax.devices())]))
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""


@pytest.mark.parametrize("variables", ENVIRONMENTS, ids=lambda variables: "-".join([*variables][:2]))
def test_environment_variables(variables):
    outcomes = []
    for framework in (frameworks.EXPECTED, frameworks.ACTUAL):
        program = [sys.executable, "-c", REPORT.format(module=framework.__name__)]
        done = subprocess.run(program, env=os.environ | variables, capture_output=True, text=True, check=True)
        outcomes.append(json.loads(done.stdout))
    (expected, expected_end), (actual, actual_end) = outcomes
    if isinstance(expected, dict):
        actual = {name: actual.get(name) for name in expected}
    assert (actual, actual_end) == (expected, expected_end)
