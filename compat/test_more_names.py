"""Names that other tests reach by a loop over strings, or not at all: each called once, on both frameworks."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from compat.same import Tolerance, same_in_both


@same_in_both(tolerance=Tolerance(factor=10, normwise=True))
def test_fourier_transforms(jax: Any, rng: np.random.Generator) -> Any:
    jnp, lax = jax.numpy, jax.lax
    x = jnp.array(rng.normal(size=(4, 6)), "float32")
    z = x + 1j * x[::-1]
    return (
        jnp.fft.fft(z), jnp.fft.ifft(z), jnp.fft.fft2(z), jnp.fft.ifft2(z), jnp.fft.fftn(z), jnp.fft.ifftn(z),
        jnp.fft.rfft(x), jnp.fft.irfft(z), jnp.fft.rfft2(x), jnp.fft.irfft2(z), jnp.fft.rfftn(x), jnp.fft.irfftn(z),
        jnp.fft.hfft(z), jnp.fft.ihfft(x), jnp.fft.fftfreq(5), jnp.fft.rfftfreq(5), jnp.fft.fftshift(x),
        jnp.fft.ifftshift(x), lax.fft(z, "fft", (6,)),
    )  # fmt: skip


@same_in_both(tolerance=Tolerance(factor=10, normwise=True))
def test_cosine_transforms(jax: Any, rng: np.random.Generator) -> Any:
    import_module(f"{jax.__name__}.scipy.fft")
    x = jax.numpy.array(rng.normal(size=(4, 6)), "float32")
    return jax.scipy.fft.dct(x), jax.scipy.fft.idct(x), jax.scipy.fft.dctn(x), jax.scipy.fft.idctn(x)


@same_in_both
def test_reduceat(jax: Any) -> Any:
    jnp = jax.numpy
    return jnp.add.reduceat(jnp.arange(8.0), jnp.array([0, 3, 5])), jnp.ufunc.reduceat.__name__


@same_in_both
def test_freeze(jax: Any) -> Any:
    ref = jax.new_ref(jax.numpy.arange(3.0))
    ref[0] = 5.0
    import_module(f"{jax.__name__}.ref")
    other = jax.ref.new_ref(jax.numpy.zeros(2))
    return jax.freeze(ref), jax.ref.freeze(other)


@same_in_both
def test_policies_by_their_older_names(jax: Any) -> Any:
    jnp, policies = jax.numpy, jax.checkpoint_policies
    f = lambda x: jnp.sum(jnp.sin(x @ x))  # noqa: E731
    x = jnp.arange(4.0).reshape(2, 2)
    chosen = (policies.checkpoint_dots, policies.checkpoint_dots_with_no_batch_dims)
    return [jax.grad(jax.checkpoint(f, policy=p))(x) for p in chosen]


@same_in_both
def test_hooks_of_libraries_are_functions(jax: Any) -> Any:
    """What libraries override or call from C: there is no program of one line that shows more."""
    for module in ("backend", "core", "linear_util", "source_info_util"):
        import_module(f"{jax.__name__}.extend.{module}")
    import_module(f"{jax.__name__}.interpreters.ad")
    extend, core = jax.extend, jax.core
    names = [
        extend.backend.backend_xla_version, extend.backend.clear_backends, extend.core.gensym,
        extend.core.set_current_trace, extend.core.take_current_trace, extend.linear_util.transformation_with_aux2,
        extend.source_info_util.summarize, extend.source_info_util.transform_name_stack,
        jax.interpreters.ad.get_primitive_transpose, core.Tracer.byteswap, core.Tracer.choose, core.Tracer.tobytes,
        extend.core.Primitive.bind, extend.core.Primitive.bind_with_trace,
        extend.core.Primitive.def_effectful_abstract_eval2, extend.core.Primitive.get_bind_params,
        extend.core.Primitive.impl, extend.core.Primitive.is_high, extend.core.Primitive.to_lojax,
    ]  # fmt: skip
    return [callable(name) for name in names]
