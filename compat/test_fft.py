"""jax.numpy.fft, jax.scipy.fft and lax.fft: lengths, axes, norms, dtypes, derivatives, wrong arguments."""

from __future__ import annotations

import pytest

from compat.calls import check

ONE_AXIS = """
fft.{f}(f1), fft.{f}(v4[:3], n=5), fft.{f}(f3, 2, 1), fft.{f}(f2, axis=0, norm='ortho'), fft.{f}(f1, norm='forward')
fft.{f}(i2), fft.{f}(bo), fft.{f}(f1, norm='backward'), fft.{f}(nf), fft.{f}(f1, n=1)
fft.{f}(c2)
fft.{f}(h2)
fft.{f}(f1, norm='x')
fft.{f}(f1, axis=(0,))
fft.{f}(f1, axis=1)
fft.{f}(f1, axis=None)
fft.{f}(f1, n=0)
fft.{f}([1.0, 2.0])
fft.{f}(e0), fft.{f}(f1[:1])
jax.vmap(fft.{f})(f2), jax.jit(fft.{f})(f2)
jax.jvp(fft.{f}, (f1,), (v4,)), jax.grad(lambda a: jnp.sum(jnp.abs(fft.{f}(a)) ** 2))(f1)
"""
SEVERAL_AXES = """
fft.{f}n(f3), fft.{f}n(f3, s=(2, 6)), fft.{f}n(f3, (4, 4), (2, 0)), fft.{f}n(f3, axes=(1,)), fft.{f}n(f3, axes=())
fft.{f}2(f3), fft.{f}2(f3, (2, 6)), fft.{f}2(f3, axes=(0, 2), norm='ortho'), fft.{f}n(f3, norm='forward')
fft.{f}n(jnp.reshape(jnp.arange(32.0), (2,) * 5))
fft.{f}n(f2, axes=(0, 0))
fft.{f}2(f2, axes=(0,))
fft.{f}n(f2, s=(2,), axes=(0, 1))
fft.{f}n(f2, axes=(0, 2))
fft.{f}n(f2, s=(0, 1))
fft.{f}n(f2, s=(2, 2, 2))
jax.vjp(fft.{f}n, f2)[1](fft.{f}n(f2) * 2)
"""
OTHERS = """
[fft.fftfreq(n) for n in (1, 2, 5)], fft.fftfreq(6, d=0.25), fft.fftfreq(6, dtype='float16'), fft.fftfreq(4, dtype=int)
[fft.rfftfreq(n) for n in (1, 2, 5)], fft.rfftfreq(6, d=0.25), fft.rfftfreq(6, dtype='float16')
fft.fftfreq([2])
fft.rfftfreq(2, (1,))
fft.fftfreq(2.5)
fft.fftfreq(0)
fft.fftshift(x), fft.fftshift(f1, 0), fft.fftshift(f2, axes=(1,)), fft.ifftshift(f2), fft.ifftshift(f2, axes=1)
fft.ifftshift(f2, axes=3)
fft.fftshift([1, 2])
jax.vjp(fft.irfft, c2)[1](fft.irfft(c2)), jax.jvp(fft.ifft, (c2,), (c2,))
jax.hessian(lambda a: jnp.sum(jnp.abs(fft.rfft(a)) ** 4))(f1)
"""
OF_LAX = """
jax.lax.fft(f2, 'rfft', (4,)), jax.lax.fft(c2, 'IFFT', (3, 4)), jax.lax.fft(f2, jax.lax.FftType.FFT, (4,))
jax.lax.fft(c2, 'irfft', (3, 6)), jax.lax.fft(c2, 'fft', ())
[(str(k), int(k)) for k in jax.lax.FftType]
jax.lax.fft(c2, 'rfft', (4,))
jax.lax.fft(f2, 'rfft', (5,))
jax.lax.fft(f2, 'fft', (5,))
jax.lax.fft(f2, 'irfft', (4, 6))
jax.lax.fft(f2, 'irfft', (1, 3, 6))
jax.lax.fft(f2, 'rfft', [4])
jax.lax.fft(f2, 'Fft', (4,))
jax.lax.fft(f2, 0, (4,))
jax.lax.fft(h2, 'rfft', (4,))
"""
COSINE = """
fft.{f}(f1), fft.{f}(f2, n=3), fft.{f}(f2, n=7, norm='ortho'), fft.{f}(f2, axis=0, norm='backward'), fft.{f}(c2)
fft.{f}(i2), fft.{f}(f1[:1]), fft.{f}(v4[:3])
fft.{f}n(f2), fft.{f}n(f2, s=3), fft.{f}n(f2, s=(2, 5)), fft.{f}n(f3, axes=(2, 0), norm='ortho'), fft.{f}n(c2, axes=0)
fft.{f}(f1, type=1)
fft.{f}n(f1, norm='forward')
fft.{f}([1.0])
fft.{f}(f1, axis=1)
fft.{f}n(f2, s=(1, 2, 3))
fft.{f}n(f2, axes=(0, 0))
jax.jit(fft.{f}n)(f2), jax.vmap(fft.{f})(f2), jax.grad(lambda a: jnp.sum(fft.{f}(a) ** 3))(f1)
"""


def check_lines(block: str, module: str, name: str = "") -> None:
    """Every line of a block; `fft` in it is the module, `{f}` the name."""
    for line in block.strip().splitlines():
        check(line.format(f=name).replace("fft.", f"{module}.") if module else line)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_one_axis(name: str) -> None:
    check_lines(ONE_AXIS, "jnp.fft", name)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft"])
def test_several_axes(name: str) -> None:
    check_lines(SEVERAL_AXES, "jnp.fft", name)


def test_frequencies_and_shifts() -> None:
    check_lines(OTHERS, "jnp.fft")


def test_lax_fft() -> None:
    check_lines(OF_LAX, "")


@pytest.mark.parametrize("name", ["dct", "idct"])
def test_cosine_transforms(name: str) -> None:
    check_lines(COSINE, "jax.scipy.fft", name)
