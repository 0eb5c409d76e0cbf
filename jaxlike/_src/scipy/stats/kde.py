"""kde: gaussian_kde, a density estimated from samples as a sum of normal ones.

Points are brought to unit covariance by a triangular factor of the inverse covariance; then every pair of a
point and a sample is one exponential.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import check_arraylike, promote_dtypes_inexact
from jaxlike._src.nn.logsumexp import logsumexp
from jaxlike._src.numpy.complex_parts import isscalar
from jaxlike._src.random.choosing import choice
from jaxlike._src.random.continuous import multivariate_normal
from jaxlike._src.random.keys import split
from jaxlike._src.scipy import jnp, linalg, special
from jaxlike._src.tree import register_pytree_node_class


@register_pytree_node_class
class gaussian_kde:
    """A kernel density estimate.

    Args:
        dataset: samples, ``[n]`` or ``[d, n]``.
        bw_method: "scott" (the default), "silverman", a factor, or a function of the estimate that gives one.
        weights: of the samples, ``[n]``.
    """

    __slots__ = ("covariance", "dataset", "inv_cov", "neff", "weights")
    neff: Any
    dataset: Any
    weights: Any
    covariance: Any
    inv_cov: Any

    def __init__(self, dataset: Any, bw_method: Any = None, weights: Any = None) -> None:
        check_arraylike("gaussian_kde", dataset)
        data = jnp.atleast_2d(dataset)
        if dtypes.issubdtype(data.dtype, np.complexfloating):
            raise NotImplementedError("gaussian_kde does not support complex data")
        if not data.size > 1:
            raise ValueError("`dataset` input should have multiple elements.")
        d, n = data.shape
        if weights is not None:
            check_arraylike("gaussian_kde", weights)
            data, given = promote_dtypes_inexact(data, weights)
            given = jnp.atleast_1d(given)
            given = given / jnp.sum(given)
            if given.ndim != 1:
                raise ValueError("`weights` input should be one-dimensional.")
            if len(given) != n:
                raise ValueError("`weights` input should be of length n")
        else:
            (data,) = promote_dtypes_inexact(data)
            given = jnp.full(n, 1.0 / n, dtype=data.dtype)
        self._set(dataset=data, weights=given, neff=1 / jnp.sum(given**2))
        factor = self._factor("scott" if bw_method is None else bw_method, d)
        covariance = jnp.atleast_2d(jnp.cov(data, rowvar=True, bias=False, aweights=given))
        self._set(covariance=covariance * factor**2, inv_cov=jnp.inv(covariance) / factor**2)

    def _factor(self, method: Any, d: int) -> Any:
        if method is not None and isinstance(method, str) and method == "scott":
            return jnp.power(self.neff, -1.0 / (d + 4))
        if isinstance(method, str) and method == "silverman":
            return jnp.power(self.neff * (d + 2) / 4.0, -1.0 / (d + 4))
        if not isinstance(method, str) and isscalar(method):
            return method
        if callable(method):
            return method(self)
        raise ValueError("`bw_method` should be 'scott', 'silverman', a scalar, or a callable.")

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def tree_flatten(self) -> tuple[Any, None]:
        """Its arrays."""
        return (self.neff, self.dataset, self.weights, self.covariance, self.inv_cov), None

    @classmethod
    def tree_unflatten(cls, aux_data: None, children: Any) -> gaussian_kde:
        """From its arrays."""
        del aux_data
        made = cls.__new__(cls)
        names = ("neff", "dataset", "weights", "covariance", "inv_cov")
        made._set(**dict(zip(names, children, strict=True)))
        return made

    @property
    def d(self) -> int:
        """The number of dimensions."""
        return self.dataset.shape[0]

    @property
    def n(self) -> int:
        """The number of samples."""
        return self.dataset.shape[1]

    def evaluate(self, points: Any) -> Array:
        """The density at ``points``, ``[m]`` or ``[d, m]``."""
        check_arraylike("evaluate", points)
        return self._at(points, log=False)

    def __call__(self, points: Any) -> Array:
        """The density at ``points``."""
        return self.evaluate(points)

    def pdf(self, x: Any) -> Array:
        """The density at ``x``."""
        return self.evaluate(x)

    def logpdf(self, x: Any) -> Array:
        """The logarithm of the density at ``x``."""
        check_arraylike("logpdf", x)
        return self._at(x, log=True)

    def _at(self, points: Any, log: bool) -> Array:
        points = self._reshaped(points)
        data, weights, points, precision = promote_dtypes_inexact(self.dataset, self.weights, points, self.inv_cov)
        whitening = linalg.cholesky(precision, lower=True)
        samples, points = jnp.dot(data.T, whitening), jnp.dot(points.T, whitening)
        log_norm = jnp.sum(jnp.log(jnp.diag(whitening))) - 0.5 * self.d * math.log(2 * math.pi)
        exponent = log_norm - 0.5 * jnp.sum(jnp.square(samples[None, :, :] - points[:, None, :]), axis=-1)
        if log:
            return logsumexp(jnp.log(weights) + exponent, axis=1)
        return jnp.sum(weights * jnp.exp(exponent), axis=1)

    def integrate_gaussian(self, mean: Any, cov: Any) -> Array:
        """The integral of the density times a normal one."""
        mean, cov = jnp.atleast_1d(jnp.squeeze(mean)), jnp.atleast_2d(cov)
        if mean.shape != (self.d,):
            raise ValueError(f"mean does not have dimension {self.d}")
        if cov.shape != (self.d, self.d):
            raise ValueError(f"covariance does not have dimension {self.d}")
        return self._overlaps(self.covariance + cov, mean[:, None])[0]

    def _overlaps(self, covariance: Array, means: Array) -> Array:
        """Integrals of the samples' sum times normal densities around each of ``means``, with joint ``covariance``."""
        factor = linalg.cho_factor(covariance)
        norm = 1.0 / (jnp.sqrt(2 * math.pi) ** self.d * jnp.prod(jnp.diag(factor[0])))
        difference = self.dataset[:, :, None] - means[:, None, :]
        flat = difference.reshape(self.d, -1)
        energy = 0.5 * jnp.sum(flat * linalg.cho_solve(factor, flat), axis=0).reshape(difference.shape[1:])
        return norm * jnp.sum(jnp.exp(-energy) * self.weights[:, None], axis=0)

    def integrate_box_1d(self, low: Any, high: Any) -> Array:
        """The probability between two numbers."""
        if self.d != 1:
            raise ValueError("integrate_box_1d() only handles 1D pdfs")
        if np.ndim(low) != 0 or np.ndim(high) != 0:
            raise ValueError("the limits of integration in integrate_box_1d must be scalars")
        sigma = jnp.squeeze(jnp.sqrt(self.covariance))
        below, above = (jnp.squeeze((end - self.dataset) / sigma) for end in (low, high))
        return jnp.sum(self.weights * (special.ndtr(above) - special.ndtr(below)))

    def integrate_kde(self, other: gaussian_kde) -> Array:
        """The integral of the product of two estimates."""
        if other.d != self.d:
            raise ValueError("KDEs are not the same dimensionality")
        small, large = (self, other) if self.n < other.n else (other, self)
        return jnp.sum(large._overlaps(self.covariance + other.covariance, small.dataset) * small.weights)

    def resample(self, key: Any, shape: tuple[int, ...] = ()) -> Array:
        """Draw points, ``[d, *shape]``."""
        which, noise = split(key)
        at = choice(which, self.n, shape=shape, p=self.weights)
        zeros = jnp.zeros(self.d, self.covariance.dtype)
        steps = multivariate_normal(noise, zeros, self.covariance, shape=shape, dtype=self.dataset.dtype)
        return self.dataset[:, at] + steps.T

    def integrate_box(self, low_bounds: Any, high_bounds: Any, maxpts: Any = None) -> Array:
        """Not supported beyond one dimension."""
        del low_bounds, high_bounds, maxpts
        raise NotImplementedError("only 1D box integrations are supported; use `integrate_box_1d`")

    def set_bandwidth(self, bw_method: Any = None) -> None:
        """Not supported: an estimate does not change."""
        del bw_method
        raise NotImplementedError("dynamically changing the bandwidth method is not supported")

    def _reshaped(self, points: Any) -> Array:
        points = jnp.atleast_2d(points)
        if dtypes.issubdtype(points.dtype, np.complexfloating):
            raise NotImplementedError("gaussian_kde does not support complex coordinates")
        d, m = points.shape
        if d == self.d:
            return points
        if d == 1 and m == self.d:
            return points.reshape(self.d, 1)
        raise ValueError(f"points have dimension {d}, dataset has dimension {self.d}")
