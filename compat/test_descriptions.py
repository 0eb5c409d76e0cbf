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
        "vspace": str(other.at_least_vspace()),
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
    forms = [str(form()) for form in (spec.to_lo, spec.to_ct_spec, spec.to_tangent_spec)]
    return forms, str(spec), spec.count(None), spec.index("x"), len(spec), tuple(spec), same, hash(spec) == hash(spec)


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


def attempt(function: Any) -> str:
    """The result's type, or the exception's."""
    try:
        return type(function()).__name__
    except Exception as error:
        return f"{type(error).__name__} raised"


@same_in_both(
    covers=[
        *("jax.stages.Lowered.cost_analysis", "jax.stages.Compiled.cost_analysis"),
        *("jax.stages.Lowered.compiler_ir", "jax.stages.Compiled.runtime_executable"),
        "jax.stages.Compiled.memory_analysis",
    ]
)
def test_what_stages_tell_of_their_cost(jax: Any) -> Any:
    lowered = jax.jit(lambda x: x @ x).lower(jax.numpy.ones((4, 4)))
    compiled = lowered.compile()
    return attempt(lowered.cost_analysis), attempt(compiled.cost_analysis), attempt(compiled.memory_analysis) != ""


@same_in_both
def test_operations_are_counted_as_xla_counts_them(jax: Any) -> Any:
    jnp = jax.numpy
    x, k, b = (np.ones(s, np.float32) for s in ((3, 5), (5, 4), (4,)))

    def dense(x: Any, k: Any, b: Any) -> Any:
        return jax.lax.dot_general(x, k, (((1,), (0,)), ((), ()))) + jnp.reshape(b, (1, -1))

    def both_ways(x: Any, k: Any, b: Any) -> Any:
        y, pull = jax.vjp(dense, x, k, b)
        return pull(y)

    of_x = [jnp.sin, jnp.sum, lambda x: x.max(1), lambda x: x.T[:2], lambda x: x / 255.0 - x**2, jax.nn.softmax, jnp.round,
            lambda x: jnp.concatenate([x, x]), lambda x: jnp.maximum(x, 0), lambda x: jax.jit(jnp.tanh)(x) * 2]  # fmt: skip
    counts = [jax.jit(f).lower(x).cost_analysis() for f in of_x]
    counts += [jax.jit(f).lower(x, k, b).cost_analysis() for f in (dense, both_ways)]
    return [(c.get("flops", 0.0), c.get("transcendentals", 0.0)) for c in counts]


@same_in_both(covers=["jax.custom_derivatives.custom_gradient", "jax.custom_derivatives.closure_convert"])
def test_custom_derivatives_module(jax: Any) -> Any:
    module = jax.custom_derivatives
    zero = module.zero_from_primal(jax.numpy.ones(3))
    f = module.custom_gradient(lambda x: (x**2, lambda g: (g * 7,)))
    converted, constants = module.closure_convert(lambda x: x * 2, 1.0)
    return (
        zero,
        jax.grad(f)(1.0),
        converted(2.0, *constants),
        module.custom_gradient is jax.custom_gradient,
    )


@same_in_both
def test_key_dtypes_and_dlpack_dtypes(jax: Any) -> Any:
    names = ("float32", "int32", "bool", "complex64", "bfloat16", "int4")
    key_dtypes = (
        str(jax.random.key_dtype()),
        str(jax.random.key_dtype("rbg")),
        jax.random.key(0).dtype == jax.random.key_dtype(),
    )
    return key_dtypes, [jax.dlpack.is_supported_dtype(np.dtype(jax.numpy.dtype(n))) for n in names]


@same_in_both(covers=["jax.Array.at.__getitem__"])
def test_at_is_indexed_first(jax: Any) -> Any:
    x = jax.numpy.arange(3.0)
    return (
        repr(x.at[0]),
        attempt(lambda: x.at(0)),
        attempt(lambda: x.at.set(1)),
    )


@same_in_both(covers=["jax.Array.unsafe_buffer_pointer"])
def test_an_array_has_an_address(jax: Any) -> Any:
    return isinstance(jax.numpy.ones(3).unsafe_buffer_pointer(), int)


@same_in_both(covers=["jax.numpy.ufunc.__call__"])
def test_a_ufunc_is_called(jax: Any) -> Any:
    return jax.numpy.add.__call__(1, 2.0), jax.numpy.maximum.__call__(1, 2)


@same_in_both(
    covers=["jax.config.config_with_absl", "jax.config.complete_absl_config", "jax.config.parse_flags_with_absl"]
)
def test_absl_flags_are_optional(jax: Any) -> Any:
    return jax.config.use_absl, callable(jax.config.config_with_absl), callable(jax.config.complete_absl_config)


@same_in_both(covers=["jax.Device.live_buffers", "jax.Device.get_stream_for_external_ready_events"])
def test_what_a_device_refuses(jax: Any) -> Any:
    device = jax.devices("cpu")[0]
    return attempt(device.live_buffers), attempt(device.get_stream_for_external_ready_events)


@same_in_both
def test_abstract_meshes(jax: Any) -> Any:
    mesh = jax.sharding.get_abstract_mesh()
    with jax.sharding.use_abstract_mesh(mesh):
        inside = jax.sharding.get_abstract_mesh() == mesh
    return str(mesh), mesh.empty, inside


@same_in_both
def test_lax_pbroadcast(jax: Any) -> Any:
    x = jax.numpy.arange(6.0).reshape(2, 3)
    return jax.vmap(lambda v: jax.lax.pbroadcast(v, "i", 1), axis_name="i")(x)


@same_in_both
def test_values_of_a_custom_vjp_tree(jax: Any) -> Any:
    tree = {"a": jax.numpy.ones(2), "b": (3.0,)}
    return attempt(lambda: jax.custom_derivatives.custom_vjp_primal_tree_values(tree))
