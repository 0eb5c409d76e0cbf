"""The flags: `jax.config`, and a `State` per flag, such as `enable_x64`, under JAX's names.

`enable_x64.value` reads, `with enable_x64(True):` sets for this thread, `config.update` and the
variable `JAX_ENABLE_X64` for the process (`config_state.py` has the machinery). Flags of JAX that mean
nothing here are a table in `config_table.py`. `trace_context()` is what `jit`'s key needs of all this.
"""

from __future__ import annotations

import enum
import functools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from jaxlike._src import config_table, logging_config
from jaxlike._src.config_state import (
    Derived,
    State,
    StateContextManager,
    bool_env,
    bool_state,
    config,
    enum_class_state,
    enum_state,
    flag,
    make_state,
    number_state,
    object_state,
    string_state,
)

update = config.update
parse_flags_with_absl = config.parse_flags_with_absl


# ------------------------------------------------------------------------------- flags with a meaning


class LegacyPrngKeyState(enum.StrEnum):
    """What a raw uint32 key in `jax.random` does."""

    ALLOW = "allow"
    WARN = "warn"
    ERROR = "error"


class NumpyDtypePromotion(enum.StrEnum):
    """Whether dtypes mix without a cast."""

    STANDARD = "standard"
    STRICT = "strict"


class ExplicitX64Mode(enum.IntEnum):
    """What an explicit 64-bit dtype does when x64 is off."""

    WARN = enum.auto()
    ERROR = enum.auto()
    ALLOW = enum.auto()

    @classmethod
    def _missing_(cls, value: object) -> ExplicitX64Mode | None:
        return {"warn": cls.WARN, "error": cls.ERROR, "allow": cls.ALLOW}.get(value)  # pyright: ignore


PRNG_IMPLS = ("threefry2x32", "threefry4x32", "rbg", "unsafe_rbg", "philox2x32", "philox4x32")
MATMUL_PRECISIONS = (
    *("default", "high", "highest", "bfloat16", "tensorfloat32", "float32"),
    *("ANY_F8_ANY_F8_F32", "ANY_F8_ANY_F8_F32_FAST_ACCUM", "ANY_F8_ANY_F8_ANY"),
    *("ANY_F8_ANY_F8_ANY_FAST_ACCUM", "F16_F16_F16", "F16_F16_F32", "BF16_BF16_BF16", "BF16_BF16_F32"),
    *("BF16_BF16_F32_X3", "BF16_BF16_F32_X6", "BF16_BF16_F32_X9", "TF32_TF32_F32", "TF32_TF32_F32_X3"),
    *("F32_F32_F32", "F64_F64_F64"),
)

enable_x64 = bool_state("jax_enable_x64", False, "Let 64-bit dtypes be; else they become 32-bit ones.")
config._contextmanager_flags.discard("jax_enable_x64")  # JAX lets `config.read` read this one
explicit_x64_dtypes = enum_class_state(
    "jax_explicit_x64_dtypes",
    ExplicitX64Mode,
    ExplicitX64Mode.WARN,
    "What asking for a 64-bit dtype does when x64 is off: warn and give 32 bits, raise, or obey.",
)
numpy_dtype_promotion = enum_class_state(
    "jax_numpy_dtype_promotion",
    NumpyDtypePromotion,
    NumpyDtypePromotion.STANDARD,
    'Under "strict", arrays of two different strong dtypes do not mix: an error.',
)
numpy_rank_promotion = enum_state(
    "jax_numpy_rank_promotion",
    ("allow", "warn", "raise"),
    "allow",
    "What broadcasting between arrays of different rank does.",
)
default_matmul_precision = enum_state(
    "jax_default_matmul_precision",
    MATMUL_PRECISIONS,
    None,
    "Precision of matrix products and convolutions that name none.",
    optional=True,
)
default_prng_impl = enum_state(
    "jax_default_prng_impl", PRNG_IMPLS, "threefry2x32", "Generator of keys that name none."
)
threefry_partitionable = bool_state(
    "jax_threefry_partitionable", True, "Which of the two threefry bit streams random numbers come from."
)
enable_custom_prng = bool_state(
    "jax_enable_custom_prng", False, "`jax.random.PRNGKey` makes typed keys, as `jax.random.key` does."
)
legacy_prng_key = enum_class_state(
    "jax_legacy_prng_key",
    LegacyPrngKeyState,
    LegacyPrngKeyState.ALLOW,
    "What a raw uint32 key in `jax.random` does: nothing, a warning, an error.",
)
random_seed_offset = number_state("jax_random_seed_offset", int, 0, "Added to the seed of each new key.")
use_high_dynamic_range_gumbel = bool_state(
    "jax_high_dynamic_range_gumbel", False, "Gumbel noise from two draws, exact further into the tail."
)
debug_key_reuse = bool_state("jax_debug_key_reuse", False, "Using a typed key twice is an error.")
debug_nans = bool_state("jax_debug_nans", False, "A NaN in a result is an error, at the op that made it.")
debug_infs = bool_state("jax_debug_infs", False, "An infinity in a result is an error.")
disable_jit = bool_state("jax_disable_jit", False, "`jit` calls the Python function, on real values.")
check_tracer_leaks = bool_state(
    "jax_check_tracer_leaks", False, "A traced value that outlives its trace is an error at once."
)
checking_leaks = functools.partial(check_tracer_leaks, True)
check_static_indices = bool_state(
    "jax_check_static_indices", False, "A static index out of bounds is an error, not clamped."
)
log_compiles = bool_state("jax_log_compiles", False, "Log each trace and compilation as a warning.")
explain_cache_misses = bool_state(
    "jax_explain_cache_misses", False, "Log why a call of a jitted function had to be traced."
)
log_checkpoint_residuals = bool_state(
    "jax_log_checkpoint_residuals", False, "Log what `jax.checkpoint` stores for the backward pass."
)
no_tracing = bool_state("jax_no_tracing", False, "Having to trace a function is an error.")
no_execution = bool_state("jax_no_execution", False, "Running a computation is an error.")


def _validate_default_device(val: Any) -> None:
    if val is None or val in ("cpu", "gpu", "tpu", "mps", "xpu", "cuda", "rocm"):
        return
    if "Device" in type(val).__name__:  # the class lives above this module
        return
    raise ValueError(
        "jax.default_device must be passed either a Device object (e.g. `jax.devices('cpu')[0]`) or a "
        f"platform name string like 'cpu' or 'gpu', got: {val!r}"
    )


default_device = object_state(
    "jax_default_device",
    None,
    "Where new arrays and computations go: a Device or the name of a platform; None for the first one.",
    _validate_default_device,
)
platforms = string_state(
    "jax_platforms",
    None,
    'Platforms to use, comma-separated, the default one first: "cpu", "cuda,cpu". None: all there are.',
    optional=True,
)
platform_name = flag(
    "jax_platform_name", os.getenv("JAX_PLATFORM_NAME", "").lower(), "Old spelling of `jax_platforms`."
)
xla_backend = flag("jax_xla_backend", "", "Older spelling of `jax_platforms`.")
cuda_visible_devices = flag("jax_cuda_visible_devices", "all", "The CUDA devices to use, by number.")
rocm_visible_devices = flag("jax_rocm_visible_devices", "all", "The ROCm devices to use, by number.")


class _Backends:
    """Whether the devices have been listed: from then on, their number is fixed."""

    initialized = False


backends = _Backends()


def _validate_backend_not_initialized(name: str, new_val: Any) -> None:
    if backends.initialized and config._read(name) != new_val:
        raise RuntimeError(
            f"{name} config should be updated before backends are initialized i.e. before any JAX operation"
            " is executed. You should initialize this config immediately after `import jax`."
        )


num_cpu_devices = number_state(
    "jax_num_cpu_devices",
    int,
    -1,
    "Number of CPU devices to simulate; -1: what XLA_FLAGS says, or one.",
    functools.partial(_validate_backend_not_initialized, "jax_num_cpu_devices"),
)
for _name, _minutes in (
    ("jax_cpu_get_local_topology_timeout_minutes", 2),
    ("jax_cpu_get_global_topology_timeout_minutes", 5),
):
    _validate = functools.partial(_validate_backend_not_initialized, _name)
    number_state(_name, int, _minutes, config_table.HELP, _validate)
debug_log_modules = logging_config.debug_log_modules
logging_level = logging_config.logging_level
jit_tier = enum_state(
    "jaxlike_jit_tier",
    ("auto", "replay", "compile"),
    "auto",
    'How `jit` executes: "compile" always compiles, "replay" never, "auto" once it is worth its time.',
)


# ------------------------------------------------------------------------------ flags without a meaning


def _from_environment(name: str, kind: type, default: Any) -> Any:
    variable = config_table.FROM_ENVIRONMENT.get(name)
    if variable is None or default is None:
        return default
    return bool_env(variable, default) if kind is bool else kind(os.getenv(variable, default))


def _validate_client_options(new_val: Any) -> None:
    if new_val is not None and not isinstance(new_val, str | dict):
        raise ValueError(
            "new string config value must be None or of type dict | str, got "
            f"{new_val} of type {type(new_val)}."
        )


def _define_table() -> None:
    for name, number in config_table.BOOL_INT_FLOAT.items():
        if isinstance(number, bool):
            bool_state(name, number, config_table.HELP)
        else:
            number_state(name, type(number), number, config_table.HELP)
    for name, text in config_table.OPTIONAL_STRING.items():
        string_state(name, text, config_table.HELP, optional=True)
    for name, (choice, values) in config_table.ENUM.items():
        enum_state(name, values, choice, config_table.HELP)
    for name, (optional_choice, values) in config_table.OPTIONAL_ENUM.items():
        enum_state(name, values, optional_choice, config_table.HELP, optional=True)
    enum_class_state("jax_send_traceback_to_runtime", *config_table.TRACEBACK_TO_RUNTIME, config_table.HELP)
    object_state("jax_pjrt_client_create_options", None, config_table.HELP, _validate_client_options)
    for name, (kind, default) in config_table.PLAIN.items():
        flag(name, _from_environment(name, kind, default), config_table.HELP, kind)


_define_table()


def _state_of(name: str) -> State[Any]:
    holder = config._value_holders[name]
    assert isinstance(holder, State)
    return holder


enable_checks = _state_of("jax_enable_checks")
traceback_filtering = _state_of("jax_traceback_filtering")
softmax_custom_jvp = _state_of("jax_softmax_custom_jvp")
allow_f16_reductions = _state_of("jax_allow_f16_reductions")
jax2tf_associative_scan_reductions = _state_of("jax2tf_associative_scan_reductions")
array_garbage_collection_guard = _state_of("jax_array_garbage_collection_guard")
transfer_guard_host_to_device = _state_of("jax_transfer_guard_host_to_device")
transfer_guard_device_to_device = _state_of("jax_transfer_guard_device_to_device")
transfer_guard_device_to_host = _state_of("jax_transfer_guard_device_to_host")
remove_size_one_mesh_axis_from_type = _state_of("jax_remove_size_one_mesh_axis_from_type")
thread_guard = _state_of("jax_thread_guard")
auto_pcast = _state_of("jax_auto_pcast")
_transfer_guard = _state_of("jax_transfer_guard")


def __getattr__(name: str) -> Any:
    """A flag without a meaning that nothing here asks for by name: `jax_use_direct_linearize` without `jax_`."""
    for full in (f"jax_{name}", name):
        if full in config._value_holders:
            return config._value_holders[full]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *config._value_holders, *(n.removeprefix("jax_") for n in config._value_holders)})


@contextmanager
def transfer_guard(new_val: str) -> Iterator[None]:
    """Set the transfer guard of all three directions; they guard nothing here."""
    with ExitStack() as stack:
        for guard in (
            transfer_guard_host_to_device,
            transfer_guard_device_to_device,
            transfer_guard_device_to_host,
            _transfer_guard,
        ):
            stack.enter_context(guard(new_val))
        yield


class TraceContext:
    """The flags that a trace depends on; one object per combination, so comparing is `is`."""

    __slots__ = ("values",)

    def __init__(self, values: tuple[Any, ...]) -> None:
        """Made by `_trace_context` only."""
        self.values = values

    def __repr__(self) -> str:
        """Its values."""
        return f"TraceContext{self.values}"


_TRACED_STATES: list[State[Any]] = [
    enable_x64,
    explicit_x64_dtypes,
    numpy_dtype_promotion,
    numpy_rank_promotion,
    default_matmul_precision,
    default_prng_impl,
    threefry_partitionable,
    enable_custom_prng,
    legacy_prng_key,
    random_seed_offset,
    use_high_dynamic_range_gumbel,
    debug_key_reuse,
    debug_nans,
    debug_infs,
    disable_jit,
    check_static_indices,
    default_device,
    platforms,
]
_trace_contexts: dict[tuple[Any, ...], TraceContext] = {}


def _trace_context() -> TraceContext:
    values = tuple(state.value for state in _TRACED_STATES)
    return _trace_contexts.setdefault(values, TraceContext(values))


_traced = Derived(_trace_context, _TRACED_STATES)
trace_context = _traced.read


def trace_context_names() -> tuple[str, ...]:
    """The flags whose values make up a trace's context, in its order."""
    return tuple(state.name for state in _TRACED_STATES)


def context_state(name: str, default: Any) -> State[Any]:
    """A State outside `config`, any object being a value, which a trace depends on (it must hash)."""
    state = make_state(name, default, lambda new_val: new_val, name)
    _TRACED_STATES.append(state)
    _traced.watch(state)
    return state


class UserContext:
    """What `make_user_context` returns: `.value`, and called with a value, a context manager."""

    __slots__ = ("_state",)

    def __init__(self, state: State[Any]) -> None:
        """A handle on ``state``."""
        self._state = state

    @property
    def value(self) -> Any:
        """The value that this thread sees."""
        return self._state.value

    def get_global(self) -> Any:
        """The process value."""
        return self._state.get_global()

    def set_global(self, new_value: Any) -> None:
        """Change the process value."""
        self._state.set_global(new_value)

    def __call__(self, new_value: Any) -> StateContextManager:
        """A context manager under which this thread sees ``new_value``."""
        return StateContextManager(self._state, new_value)


def make_user_context(default_value: Any = None) -> UserContext:
    """A value of the user's that jitted functions may read: they are traced anew for each value of it."""
    return UserContext(context_state("user_context", default_value))
