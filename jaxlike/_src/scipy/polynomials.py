"""polynomials: associated Legendre functions, spherical harmonics, Bernoulli numbers, Bessel functions by recurrence.

Degrees are static; each step of a recurrence in the degree handles all orders at once.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, concrete_or_error, promote_dtypes_inexact, unwrap
from jaxlike._src.deprecations import module_getattr
from jaxlike._src.lax.elementwise import complex as make_complex
from jaxlike._src.numpy.complex_parts import isscalar
from jaxlike._src.numpy.kinks import const
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


# Legendre functions


def _legendre(most: int, x: Tensor, normalized: bool) -> Tensor:
    """``P[m, l]`` at each ``x`` for degrees l and orders m up to ``most``; 0 where m exceeds l."""
    orders = torch.arange(most + 1, dtype=x.dtype, device=x.device)
    root = torch.sqrt(const(x, 1) - x * x)
    diagonal = [torch.full_like(x, 0.5 / math.sqrt(math.pi) if normalized else 1.0)]
    for m in range(1, most + 1):
        factor = -math.sqrt(1 + 0.5 / m) if normalized else 1.0 - 2 * m
        diagonal.append(diagonal[-1] * (const(x, factor) * root))
    top = torch.stack(diagonal)  # P[m, m]
    rise = torch.sqrt(2 * orders + 3) if normalized else 2 * orders + 1
    beside = rise[:, None] * x * top  # P[m, m + 1]
    columns = [torch.nn.functional.pad(top[:1], (0, 0, 0, most))]
    for n in range(1, most + 1):
        parts = [beside[n - 1 : n], top[n : n + 1]]
        if n > 1:
            m = orders[: n - 1, None]
            if normalized:
                up = torch.sqrt((4.0 * n * n - 1) / (n * n - m * m))
                back = torch.sqrt((2.0 * n + 1) * ((n - 1.0) ** 2 - m * m) / ((2.0 * n - 3) * (n * n - m * m)))
            else:
                up, back = (2.0 * n - 1) / (n - m), (n + m - 1) / (n - m)
            before = columns[-2] if n > 2 else columns[0]
            parts.insert(0, up * x * columns[-1][: n - 1] - back * before[: n - 1])
        columns.append(torch.nn.functional.pad(torch.cat(parts), (0, 0, 0, most - n)))
    return torch.stack(columns, dim=1)


def _legendre_arguments(name: str, m: Any, n: Any, z: Any) -> tuple[int, Tensor]:
    z = asarray(z)
    if z.dtype not in (np.dtype("float32"), np.dtype("float64")):
        raise TypeError(f"z.dtype={z.dtype} is not supported, see docstring for supported types.")
    if z.ndim != 1:
        raise ValueError("z must be a 1D array.")
    order = concrete_or_error(int, m, f"Argument m of {name}.")
    degree = concrete_or_error(int, n, f"Argument n of {name}.")
    if order != degree:
        raise NotImplementedError("Computations for m!=n are not yet supported.")
    return degree, unwrap(z)


def lpmn(m: int, n: int, z: Array) -> tuple[Array, Array]:
    """Associated Legendre functions of the first kind and their derivatives.

    Args:
        m: largest order; must equal ``n``.
        n: largest degree.
        z: float32 or float64 ``[k]``.

    Returns:
        Two arrays ``[m + 1, n + 1, k]``.
    """
    most, x = _legendre_arguments("lpmn", m, n, z)
    values = _legendre(most, x, normalized=False)
    degrees = torch.arange(most + 1, dtype=x.dtype, device=x.device)[None, :, None]
    orders = torch.arange(most + 1, dtype=x.dtype, device=x.device)[:, None, None]
    lower = torch.nn.functional.pad(values, (0, 0, 1, 0))[:, :-1]
    # (x**2 - 1) P'[m, l] = l x P[m, l] - (l + m) P[m, l - 1]
    slopes = (degrees * x * values - (degrees + orders) * lower) / (x * x - const(x, 1))
    return Array(values), Array(torch.where(orders <= degrees, slopes, const(x, 0)))


def lpmn_values(m: int, n: int, z: Array, is_normalized: bool) -> Array:
    """Associated Legendre functions of the first kind, ``[m + 1, n + 1, k]``.

    Args:
        m: largest order; must equal ``n``.
        n: largest degree.
        z: float32 or float64 ``[k]``.
        is_normalized: scale them for spherical harmonics.
    """
    most, x = _legendre_arguments("lpmn", m, n, z)
    return Array(_legendre(most, x, is_normalized))


def sph_harm_y(
    n: Array, m: Array, theta: Array, phi: Array, diff_n: int | None = None, n_max: int | None = None
) -> Array:
    """Spherical harmonics of degrees ``n`` and orders ``m``; complex.

    Args:
        n: degrees ``[k]``.
        m: orders ``[k]``, from ``-n`` to ``n``.
        theta: polar angles ``[k]``.
        phi: azimuthal angles ``[k]``.
        diff_n: not supported.
        n_max: the largest degree; must be given where ``n`` is traced.
    """
    if diff_n is not None:
        raise NotImplementedError("The 'diff_n' argument to jax.scipy.special.sph_harm_y is not supported.")
    if isscalar(theta):
        theta = jnp.array([theta])
    largest: Any = np.max(n) if n_max is None else n_max
    most = concrete_or_error(
        int,
        largest,
        "The `n_max` argument of `jnp.scipy.special.sph_harm` must be statically specified to use `sph_harm` within "
        "JAX transformations.",
    )
    order, degree, theta = jnp.abs(m), asarray(n), asarray(theta)
    legendre = Array(_legendre(most, unwrap(jnp.cos(theta)), normalized=True))
    values = legendre.at[order, degree, jnp.arange(len(degree))].get(mode="clip")
    angle = order * phi
    harmonics = make_complex(values * jnp.cos(angle), values * jnp.sin(angle))
    return jnp.where(asarray(m) < 0, (-1.0) ** order * jnp.conj(harmonics), harmonics)


# Bernoulli numbers


def bernoulli(n: int) -> Array:
    """The Bernoulli numbers B(0) to B(n), with B(1) = -1/2."""
    count = concrete_or_error(operator.index, n, "Argument n of bernoulli")
    if count < 0:
        raise ValueError("n must be a non-negative integer.")
    first = jnp.array([1, -1 / 2, 1 / 6])
    if count < 3:
        return first[: count + 1]
    numbers = jnp.zeros(count + 1).at[:3].set(first)
    m = jnp.arange(4, count + 1, 2, dtype=numbers.dtype)
    factor = 1.0 / np.pi**2 * jnp.cumprod(-(m - 1) * m / 4 / np.pi**2)
    k = jnp.arange(2, 50, dtype=numbers.dtype)  # zeta(m) - 1
    rest = jnp.sum(k[:, None] ** (-m[None, :]), axis=0)
    return numbers.at[4::2].set(factor * (1 + rest))


# Bessel functions


def bessel_jn(z: ArrayLike, *, v: int, n_iter: int = 50) -> Array:
    """Bessel functions of the first kind, of orders 0 to ``v``, by Miller's downward recurrence.

    Args:
        z: real array.
        v: largest order.
        n_iter: where the recurrence starts.

    Returns:
        An array ``[v + 1, *z.shape]``.
    """
    (x,) = promote_dtypes_inexact(jnp.asarray(z))
    if dtypes.issubdtype(x.dtype, np.complexfloating):
        raise ValueError("complex input not supported.")
    order = concrete_or_error(operator.index, v, "Argument v of bessel_jn.")
    start = concrete_or_error(int, n_iter, "Argument n_iter of bessel_jn.")
    t = unwrap(x)
    two = const(t, 2)
    above, current, total = torch.zeros_like(t), torch.full_like(t, 1e-16), torch.zeros_like(t)
    values: list[Tensor] = []
    for k in range(start, -1, -1):
        above, current = current, const(t, 2.0 * (k + 1)) * current / t - above
        values.append(current)
        if k % 2 == 0:
            total = total + two * current
    found = torch.stack(values[::-1][: order + 1])
    return Array(found / (total - values[-1]))


special_getattr = module_getattr(
    "jax.scipy.special",
    {
        "lpmn": ("jax.scipy.special.lpmn is deprecated; no replacement is planned.", lpmn),
        "lpmn_values": ("jax.scipy.special.lpmn_values is deprecated; no replacement is planned.", lpmn_values),
        "sph_harm": (
            "jax.scipy.special.sph_harm was deprecated in v0.7.0 and removed in v0.10.0. "
            "Use jax.scipy.special.sph_harm_y instead.",
            None,
        ),
    },
)
