"""What describes arrays and compiled functions: avals, shapes, partition specs, dtype questions, stages."""

from __future__ import annotations

from typing import Any

import numpy as np

from compat.same import same_in_both


@same_in_both
def test_shaped_arrays(jax: Any) -> Any:
    aval = jax.numpy.asarray(2.0).aval
    other = jax.core.ShapedArray((2, 3), np.dtype("int32"))
    return {
        "text": [str(aval), repr(other), aval.str_short(), other.str_short(short_dtypes=True)],
        "strip": str(aval.strip_weak_type()),
        "tangent": [str(aval.to_tangent_aval()), str(other.to_tangent_aval())],
        "update": str(other.update(shape=(4,), weak_type=True)),
        "equal": [other == jax.core.ShapedArray((2, 3), np.dtype("int32")), other == aval, hash(other) == hash(other)],
        "facts": [other.shape, other.ndim, other.size, str(other.dtype), other.weak_type],
    }


@same_in_both
def test_shape_dtype_structs(jax: Any) -> Any:
    struct = jax.ShapeDtypeStruct((2, 3), "float32")
    return str(struct), str(struct.update(shape=(4,))), struct == jax.ShapeDtypeStruct((2, 3), np.float32), struct.size


@same_in_both
def test_partition_specs(jax: Any) -> Any:
    spec = jax.sharding.PartitionSpec("x", None, ("y", "z"))
    same = spec == jax.sharding.PartitionSpec("x", None, ("y", "z"))
    return str(spec), spec.count(None), spec.index("x"), len(spec), tuple(spec), same, hash(spec) == hash(spec)


@same_in_both
def test_dtypes_module(jax: Any) -> Any:
    dtypes = jax.dtypes
    return (
        [str(dtypes.canonicalize_dtype(n)) for n in ("float64", "int64", "complex128", "float16", "bool")],
        str(dtypes.result_type(1, np.float32(2))),
        [dtypes.scalar_type_of(x).__name__ for x in (1, 1.0, True, 1j, np.float32(2))],
        [str(jax.numpy.asarray(x).dtype) for x in (1, 1.0, True, 1j)],
    )


@same_in_both
def test_clear_caches(jax: Any) -> Any:
    traced: list[int] = []

    @jax.jit
    def f(x: Any) -> Any:
        traced.append(1)
        return x + 1

    f(1.0)
    f(2.0)
    jax.clear_caches()
    f(3.0)
    f.clear_cache()
    return f(4.0), len(traced)


@same_in_both(covers=["jax.jit().trace", "jax.stages.Lowered.as_text", "jax.stages.Compiled.as_text"])
def test_stages(jax: Any) -> Any:
    function = jax.jit(lambda x, n: {"y": x * n})
    traced = function.trace(jax.numpy.ones(3), 2.0)
    lowered = traced.lower()
    compiled = lowered.compile()
    texts = [isinstance(stage.as_text(), str) for stage in (lowered, compiled)]
    return (
        compiled(jax.numpy.ones(3), 2.0),
        texts,
        str(traced.jaxpr.in_avals),
        str(traced.out_info),
        str(lowered.out_info),
    )


@same_in_both
def test_custom_gradient(jax: Any) -> Any:
    jnp = jax.numpy

    @jax.custom_gradient
    def f(x: Any) -> Any:
        return x**2, lambda g: (g * 10 * x,)

    return f(jnp.float32(3)), jax.grad(f)(3.0), jax.vmap(jax.grad(f))(jnp.arange(3.0)), jax.jit(jax.grad(f))(2.0)


@same_in_both
def test_closure_convert(jax: Any) -> Any:
    def of_closure(y: Any) -> Any:
        converted, constants = jax.closure_convert(lambda x: x * y, 1.0)
        return converted(2.0, *constants)

    return of_closure(3.0), jax.grad(of_closure)(3.0)
