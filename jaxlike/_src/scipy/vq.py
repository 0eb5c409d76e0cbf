"""vq: vector quantization: which row of a code book is nearest to each observation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxlike._src.array import Array
from jaxlike._src.border import broadcast_shapes, check_arraylike, promote_dtypes_inexact
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike


def vq(obs: ArrayLike, code_book: ArrayLike, check_finite: bool = True) -> tuple[Array, Array]:
    """The index of the nearest code, and the distance to it.

    Args:
        obs: ``[n, d]``, or numbers ``[n]``.
        code_book: ``[k, d]`` or ``[k]``.
        check_finite: without effect.
    """
    del check_finite
    check_arraylike("scipy.cluster.vq.vq", obs, code_book)
    points, codes = promote_dtypes_inexact(obs, code_book)
    if points.ndim != codes.ndim:
        raise ValueError("Observation and code_book should have the same rank")
    if points.ndim == 1:
        points, codes = points[..., None], codes[..., None]
    if points.ndim != 2:
        raise ValueError("ndim different than 1 or 2 are not supported")
    if points.shape[1] != codes.shape[1]:
        broadcast_shapes("sub", [(1, points.shape[1]), codes.shape])  # JAX subtracts for one point at a time
    distances = jnp.norm(points[:, None, :] - codes[None, :, :], axis=-1)
    nearest = jnp.argmin(distances, axis=-1)
    return nearest, distances[jnp.arange(points.shape[0]), nearest]
