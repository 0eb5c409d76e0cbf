"""Scopes, known values in traces, types of values, monitoring, profiling, checks of derivatives, processes."""

from __future__ import annotations

import functools
import gzip
import json
import pathlib
import tempfile
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both, sampled

X = np.array([0.5, 1.0, 2.0], np.float32)


# Names


def _scoped(jax: Any) -> Any:
    @jax.named_scope("whole")
    def f(x: Any) -> Any:
        with jax.named_scope("inner"):
            return jax.numpy.sin(x)

    return f


def _scopes_of(jax: Any, f: Any, *args: Any) -> Any:
    """The names around each equation."""
    return [(str(e.primitive), str(e.source_info.name_stack)) for e in jax.make_jaxpr(f)(*args).eqns]


def _nested_scopes(jax: Any) -> Any:
    @jax.named_scope("foo")
    def f(x: Any) -> Any:
        return jax.numpy.sin(x) + 1

    def g(x: Any) -> Any:
        with jax.named_scope("bar"):
            return f(x) * 2

    return g


NAMES: dict[str, Any] = {
    "scopes": lambda jax: _scopes_of(jax, _nested_scopes(jax), 1.0),
    "scopes in vmap": lambda jax: _scopes_of(jax, jax.vmap(_nested_scopes(jax)), X),
    "scope of a call": lambda jax: _scopes_of(jax, jax.named_call(lambda x: jax.numpy.cos(x), name="nm"), 1.0),
    "scopes in scan": lambda jax: _scopes_of(
        jax, lambda x: jax.lax.scan(lambda c, v: (_nested_scopes(jax)(c), v), x, None, length=2), 1.0
    ),
    "scope": lambda jax: _scoped(jax)(X),
    "scope in jit of grad": lambda jax: jax.jit(jax.grad(lambda x: _scoped(jax)(x).sum()))(X),
    "scope in vmap of scan": lambda jax: jax.vmap(
        lambda x: jax.lax.scan(lambda c, v: (c + _scoped(jax)(v), c), x, X)
    )(X),
    "scope's name is no text": lambda jax: jax.named_scope(3),
    "call": lambda jax: jax.named_call(_scoped(jax))(X),
    "call with a name": lambda jax: jax.named_call(lambda x, y=1: x + y, name="add")(X, y=2),
    "call keeps the name": lambda jax: jax.named_call(_scoped(jax), name="other").__name__,
    "call in jit": lambda jax: jax.jit(jax.named_call(lambda x: x * 2, name="twice"))(X),
    "call of a number": lambda jax: jax.named_call(3),
    "typeof": lambda jax: [
        repr(jax.typeof(x))
        for x in (1, 1.0, True, 1j, X, np.float64(1), jax.numpy.ones((2, 3), "bfloat16"), jax.random.key(0))
    ],
    "typeof of what stands for an array": lambda jax: [
        repr(jax.typeof(jax.ShapeDtypeStruct((2,), "float32", weak_type=weak))) for weak in (False, True)
    ],
    "typeof as text": lambda jax: [str(jax.typeof(x)) for x in (1.0, X)],
    "typeof in jit": lambda jax: jax.jit(lambda x: jax.numpy.ones(jax.typeof(x).shape, jax.typeof(x).dtype))(X),
    "typeof of text": lambda jax: jax.typeof("a"),
    "typeof of None": lambda jax: jax.typeof(None),
    "typeof of a list": lambda jax: jax.typeof([1]),
    "lib": lambda jax: jax.lib.__version__ == jax.__version__,
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert_same(*run_both(NAMES[name]))


# Values that stay known


def known(jax: Any, compute: Any) -> Any:
    """A function that computes something in Python, in the middle of a trace, and uses it."""

    def f(x: Any) -> Any:
        with jax.ensure_compile_time_eval():
            value = compute(jax)
            n = int(value.sum())
            assert not isinstance(value, jax.core.Tracer)
        return x * n + value.sum()

    return f


COMPUTED: dict[str, Any] = {
    "range": lambda jax: jax.numpy.arange(4),
    "indexing": lambda jax: jax.numpy.arange(6.0).reshape(2, 3)[1] + X,
    "set": lambda jax: jax.numpy.zeros(3).at[1].set(5.0),
    "where": lambda jax: jax.numpy.where(X > 0.7, X, 0),
    "nonzero": lambda jax: jax.numpy.nonzero(jax.numpy.array([0, 1, 1]))[0],
    "linalg": lambda jax: jax.numpy.linalg.inv(jax.numpy.eye(2) * 0.5),
    "random": lambda jax: jax.random.randint(jax.random.key(0), (3,), 0, 10),
    "jit": lambda jax: jax.jit(lambda x: x * 2)(jax.numpy.arange(3)),
    "grad": lambda jax: jax.grad(lambda x: x**3)(2.0),
    "jvp": lambda jax: jax.jvp(lambda x: x**3, (2.0,), (1.0,))[1],
    "vmap": lambda jax: jax.vmap(lambda x: x * 2)(jax.numpy.arange(3)),
    "vmap of grad of jit": lambda jax: jax.vmap(jax.grad(jax.jit(lambda x: x**3)))(jax.numpy.arange(3.0)),
    "scan": lambda jax: jax.lax.scan(lambda c, x: (c + x, c), 0.0, jax.numpy.arange(3.0))[1],
    "while": lambda jax: jax.lax.while_loop(lambda c: c < 5, lambda c: c + 2, jax.numpy.int32(0)),
    "cond": lambda jax: jax.lax.cond(True, lambda x: x, lambda x: x * 2, jax.numpy.arange(3)),
    "custom_jvp": lambda jax: jax.nn.relu(jax.numpy.arange(3.0)),
    "callback": lambda jax: jax.pure_callback(np.cumsum, jax.ShapeDtypeStruct((3,), np.float32), X),
}
AROUND: dict[str, Any] = {
    "eager": lambda jax, f: f(X),
    "jit": lambda jax, f: jax.jit(f)(X),
    "grad": lambda jax, f: jax.grad(lambda x: f(x).sum())(X),
    "jit of grad": lambda jax, f: jax.jit(jax.grad(lambda x: f(x).sum()))(X),
    "vmap of jit": lambda jax, f: jax.vmap(jax.jit(f))(X),
    "scan in jit": lambda jax, f: jax.jit(lambda x: jax.lax.scan(lambda c, v: (c + f(v), c), 0.0, x))(X),
}


@pytest.mark.parametrize("around", sampled(AROUND, "eager; grad; jit of grad; vmap of jit"))
def test_known_values(around: str) -> None:
    for compute in COMPUTED.values():
        assert_same(*run_both(lambda jax, compute=compute: AROUND[around](jax, known(jax, compute))))


@same_in_both
def test_known_values_lead_python(jax: Any) -> Any:
    @jax.jit
    def f(x: Any) -> Any:
        with jax.ensure_compile_time_eval():
            y = jax.numpy.sin(3.0)
            if y > 0:
                z = jax.numpy.sin(x)  # depends on x: traced
            else:
                z = x
        assert isinstance(z, jax.core.Tracer)
        return z + y

    return f(1.0)


@same_in_both
def test_what_depends_on_an_argument_is_unknown(jax: Any) -> Any:
    @jax.jit
    def f(x: Any) -> Any:
        with jax.ensure_compile_time_eval():
            return 1 if x > 0 else 2

    return f(1.0)


# Monitoring


@same_in_both
def test_monitoring(jax: Any) -> Any:
    m, seen = jax.monitoring, list[Any]()

    def listener(kind: str) -> Any:
        return lambda *args, **kwargs: seen.append((kind, args, kwargs)) if str(args[0]).startswith("/test") else None

    event, duration, span, scalar = map(listener, ("event", "duration", "span", "scalar"))
    m.register_event_listener(event)
    m.register_event_duration_secs_listener(duration)
    m.register_event_time_span_listener(span)
    m.register_scalar_listener(scalar)
    m.record_event("/test/a", place="here")
    m.record_event_duration_secs("/test/b", 1.5)
    m.record_event_time_span("/test/c", 1.0, 2.0)
    m.record_scalar("/test/d", 3)
    m.unregister_event_listener(event)
    m.unregister_event_duration_listener(duration)
    m.unregister_event_time_span_listener(span)
    m.unregister_scalar_listener(scalar)
    m.record_event("/test/e")
    m.register_event_listener(event)
    m.clear_event_listeners()
    m.record_event("/test/f")
    return str(seen)


# Profiling


def _profiled(jax: Any) -> Any:
    @functools.partial(jax.profiler.annotate_function, name="my_function")
    def f(x: Any) -> Any:
        with jax.profiler.TraceAnnotation("my_stretch", part=1):
            return jax.numpy.sin(x)

    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder), jax.profiler.StepTraceAnnotation("my_step", step_num=3):
            f(X).block_until_ready()
        (written,) = pathlib.Path(folder).glob("plugins/profile/*/*.trace.json.gz")
        names = {e.get("name", "").split("#")[0] for e in json.loads(gzip.decompress(written.read_bytes()))["traceEvents"]}
    return sorted(names & {"my_function", "my_stretch", "my_step"})


def _started_twice(jax: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        jax.profiler.start_trace(folder)
        try:
            jax.profiler.start_trace(folder)
        finally:
            jax.profiler.stop_trace()


def _memory(jax: Any) -> Any:
    kept = jax.numpy.ones((17, 3))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "memory.prof"
        jax.profiler.save_device_memory_profile(path)
        kinds = [type(jax.profiler.device_memory_profile()).__name__, path.read_bytes()[:2].hex()]
    return kinds, kept.shape


PROFILING: dict[str, Any] = {
    "trace": _profiled,
    "stopped before it starts": lambda jax: jax.profiler.stop_trace(),
    "started twice": _started_twice,
    "memory": _memory,
    "options": lambda jax: [
        getattr(jax.profiler.ProfileOptions(), name) for name in ("python_tracer_level", "host_tracer_level")
    ],
}


@pytest.mark.parametrize("name", PROFILING)
def test_profiling(name: str) -> None:
    assert_same(*run_both(PROFILING[name]))


def test_memory_profile_tells_the_arrays() -> None:
    import jaxlike as jax

    kept = jax.numpy.ones((17, 3))
    assert b"float32[17,3]" in gzip.decompress(jax.profiler.device_memory_profile())
    assert kept.size == 51


# Checks of derivatives


def _wrong(jax: Any) -> Any:
    @jax.custom_jvp
    def f(x: Any) -> Any:
        return x**2

    f.defjvp(lambda primals, tangents: (f(primals[0]), 3 * primals[0] * tangents[0]))
    return f


def _tree(jax: Any) -> Any:
    return lambda d: {"y": jax.numpy.sin(d["a"]) * d["b"][0]}


CHECKS: dict[str, Any] = {
    "right": lambda jax: jax.test_util.check_grads(jax.numpy.sin, (X,), 2),
    "third order": lambda jax: jax.test_util.check_grads(lambda x, y: x * jax.numpy.sin(y), (0.5, 0.7), 3, rtol=1e-1),
    "modes": lambda jax: jax.test_util.check_grads(jax.numpy.cos, (X,), 1, modes=["fwd", "lin"]),
    "trees": lambda jax: jax.test_util.check_grads(_tree(jax), ({"a": X, "b": (X,)},), 1, atol=1e-2, rtol=1e-2),
    "complex": lambda jax: jax.test_util.check_grads(lambda z: z * z, (np.complex64(1 + 2j),), 1),
    "tolerances by dtype": lambda jax: jax.test_util.check_grads(
        jax.numpy.exp, (X,), 1, atol={np.dtype("float32"): 0.1}, rtol={np.dtype("float32"): 0.1}
    ),
    "check_jvp": lambda jax: jax.test_util.check_jvp(
        jax.numpy.sin, functools.partial(jax.jvp, jax.numpy.sin), (X,), eps=1e-2
    ),
    "check_vjp": lambda jax: jax.test_util.check_vjp(
        jax.numpy.sin, functools.partial(jax.vjp, jax.numpy.sin), (X,), eps=1e-2
    ),
}


@pytest.mark.parametrize("name", sampled(CHECKS, "third order"))
def test_checks(name: str) -> None:
    assert_same(*run_both(CHECKS[name]))


@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_checks_fail(mode: str) -> None:
    for side in run_both(lambda jax: jax.test_util.check_grads(_wrong(jax), (X,), 1, modes=(mode,))):
        assert isinstance(side.cause, AssertionError)
        assert ("JVP tangent" if mode == "fwd" else "VJP cotangent projection") in str(side.cause)


# Processes


@same_in_both
def test_one_process(jax: Any) -> Any:
    jax.distributed.shutdown()
    return jax.distributed.is_initialized()


def test_initialize_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    import jaxlike as jax

    for name in ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=r"coordinator_address should be defined\."):
        jax.distributed.initialize()
    jax.distributed.initialize("localhost:29511", 1, 0)
    assert jax.distributed.is_initialized()
    with pytest.raises(RuntimeError, match=r"should only be called once\."):
        jax.distributed.initialize("localhost:29511", 1, 0)
    jax.distributed.shutdown()
    assert not jax.distributed.is_initialized()
