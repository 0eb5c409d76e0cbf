"""counting: how often a test's code traced, lowered or compiled, and what stands in its jaxprs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from jaxlike._src import monitoring
from jaxlike._src.counts import counted
from jaxlike._src.graph.jaxpr import subjaxprs
from jaxlike._src.lax.primitive_names import dot_general_p
from jaxlike._src.transforms.inspect import make_jaxpr
from jaxlike._src.transforms.reverse import vjp

Counter = Callable[[], AbstractContextManager[Callable[[], int]]]


def count_events(event: str) -> Counter:
    """A maker of contexts; what such a context gives says how often ``event`` happened since it began."""

    @contextmanager
    def count_event() -> Iterator[Callable[[], int]]:
        before = counted(event)
        yield lambda: counted(event) - before

    return count_event


count_device_put = count_events("batched_device_put")
count_pjit_cpp_cache_miss = count_events("jit_cpp_cache_miss")
count_jit_tracing_cache_miss = count_events("trace_to_jaxpr")
count_aot_jit_cpp_cache_miss = count_events("stages_compiled_call")
count_jit_and_pmap_lowerings = count_events("lower_jaxpr_to_module")
count_jit_compilation_cache_miss = count_events("pxla_cached_compilation")
# Operations are not compiled one by one here, and arrays not put once more for a program: these stay at 0.
count_primitive_compiles = count_events("xla_primitive_callable_cache_miss")
count_device_put_fast_path_hit = count_events("batched_copy_array")
count_internal_device_puts = count_events("internal_device_put")
count_jax_array_shard_arg_calls = count_events("_array_shard_arg")
count_compilation_after_persistent_cache_miss = count_events("compile_after_persistent_compilation_miss")


@contextmanager
def assert_num_jit_and_pmap_compilations(times: int) -> Iterator[None]:
    """AssertionError unless that many programs are made ready inside."""
    with count_jit_and_pmap_lowerings() as count:
        yield
    if count() != times:
        raise AssertionError(f"Expected exactly {times} XLA compilations, but executed {count()}")


@contextmanager
def register_event_duration_listener(callback: Any) -> Iterator[None]:
    """Inside, ``callback`` hears of durations."""
    monitoring.register_event_duration_secs_listener(callback)
    try:
        yield
    finally:
        monitoring.unregister_event_duration_listener(callback)


def iter_eqns(jaxpr: Any) -> Iterator[Any]:
    """The equations of a jaxpr, then those of the jaxprs in it."""
    yield from jaxpr.eqns
    for inner in subjaxprs(jaxpr):
        yield from iter_eqns(inner)


def _products(fun: Callable[..., Any], args: Any, param: str) -> list[Any]:
    jaxpr = make_jaxpr(fun)(*args).jaxpr
    return [eqn.params[param] for eqn in iter_eqns(jaxpr) if eqn.primitive == dot_general_p]


def assert_dot_precision(expected_precision: Any, fun: Callable[..., Any], *args: Any) -> None:
    """AssertionError unless every product in ``fun`` has that precision."""
    for found in _products(fun, args, "precision"):
        for precision in found if isinstance(found, tuple) else (found,):
            if precision != expected_precision:
                raise AssertionError(f"Unexpected precision: {expected_precision} != {found}")


def assert_dot_preferred_element_type(expected: Any, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """AssertionError unless every product in ``fun`` gives that type."""
    for found in _products(lambda *xs: fun(*xs, **kwargs), args, "preferred_element_type"):
        if found != expected:
            raise AssertionError(f"Unexpected preferred_element_type: {expected} != {found}")


def fwd_bwd_jaxprs(f: Callable[..., Any], *example_args: Any) -> tuple[Any, Any]:
    """The jaxprs of the forward pass of ``f``, residuals among its results, and of its backward pass."""
    forward, (outs, residuals) = make_jaxpr(lambda *args: vjp(f, *args), return_shape=True)(*example_args)
    return forward, make_jaxpr(lambda kept, cotangents: kept(cotangents))(residuals, outs)
