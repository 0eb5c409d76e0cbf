"""gammas: strict forms of the incomplete gamma and beta functions, polygamma and zeta, with JAX's derivatives.

Operands are floats of one dtype and shape (scalars go with any). Values and rules are those of `jax.scipy`;
what has no derivative in JAX refuses one here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.lax.strict import FLOAT, check_kind, check_same_dtypes, check_shapes, operand
from jaxlike._src.numpy.arguments import like
from jaxlike._src.numpy.kinks import const
from jaxlike._src.random import gamma_grad
from jaxlike._src.regions import equation
from jaxlike._src.scipy import betainc as scipy_betainc
from jaxlike._src.scipy import gammas as scipy_gammas
from jaxlike._src.scipy.loops import without_derivative
from jaxlike._src.scipy.special import through_float32
from jaxlike._src.transforms.custom import library_jvp
from jaxlike._src.transforms.types import SymbolicZero

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


def _strict(name: str, *args: Any) -> list[Array]:
    arrays = [operand(name, x, k) for k, x in enumerate(args)]
    check_shapes(name, [a.shape for a in arrays])
    for position, a in enumerate(arrays):
        check_kind(name, a.dtype, FLOAT, position)
    check_same_dtypes(name, arrays)
    shape = torch.broadcast_shapes(*(a.shape for a in arrays))
    return [like(a, unwrap(a).expand(shape)) for a in arrays]


def _weak(out: Array, arrays: list[Array]) -> Array:
    return Array(unwrap(out), all(a.weak_type for a in arrays))


def _finite_order(out: Array, arrays: list[Array]) -> Array:
    """NaN where the first operand is infinite."""
    order, value = unwrap(arrays[0]), unwrap(out)
    return _weak(Array(torch.where(torch.isinf(order), const(value, float("nan")), value)), arrays)


@equation("igamma", lambda *arrays: (arrays, {}))
def igamma(a: ArrayLike, x: ArrayLike) -> Array:
    """The regularized lower incomplete gamma function."""
    both = _strict("igamma", a, x)
    return _finite_order(scipy_gammas.gammainc(*both), both)


@equation("igammac", lambda *arrays: (arrays, {}))
def igammac(a: ArrayLike, x: ArrayLike) -> Array:
    """``1 - igamma(a, x)``, accurate where that is small."""
    both = _strict("igammac", a, x)
    return _finite_order(scipy_gammas.gammaincc(*both), both)


def _slope_in_a(a: Tensor, x: Tensor) -> Tensor:
    slope = -gamma_grad.random_gamma_grad(a, x) * scipy_gammas.gamma_density(a, x)
    return torch.where(torch.eq(x, const(x, 0)), const(x, 0), slope)


_igamma_grad_a = without_derivative("igamma_grad_a", lambda a, x: through_float32(_slope_in_a, a, x))
_random_gamma_grad = without_derivative(
    "random_gamma_grad", lambda a, x: through_float32(gamma_grad.random_gamma_grad, a, x)
)


@equation("igamma_grad_a", lambda *arrays: (arrays, {}))
def igamma_grad_a(a: ArrayLike, x: ArrayLike) -> Array:
    """The derivative of `igamma` in ``a``."""
    both = _strict("igamma_grad_a", a, x)
    return _weak(_igamma_grad_a(*both), both)


def random_gamma_grad(a: ArrayLike, x: ArrayLike, *, dtype: Any = None) -> Array:
    """The derivative of samples ``x`` of a gamma distribution in its parameter ``a``."""
    del dtype
    both = _strict("random_gamma_grad", a, x)
    return _weak(_random_gamma_grad(*both), both)


@equation("regularized_incomplete_beta", lambda *arrays: (arrays, {}))
def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """The regularized incomplete beta function; differentiable in ``x``."""
    three = _strict("regularized_incomplete_beta", a, b, x)
    return _weak(scipy_betainc.betainc(*three), three)


_zeta = without_derivative("zeta", scipy_gammas.zeta_value)


@equation("zeta", lambda *arrays: (arrays, {}))
def zeta(x: ArrayLike, q: ArrayLike) -> Array:
    """The Hurwitz zeta function, the sum of ``(n + q)**-x`` over n from 0."""
    both = _strict("zeta", x, q)
    return _finite_order(_zeta(*both), both)


@library_jvp
def _polygamma(m: Array, x: Array) -> Array:
    return Array(through_float32(scipy_gammas.polygamma_by_zeta, unwrap(m), unwrap(x)))


def _polygamma_jvp(primals: Any, tangents: Any) -> Any:
    (m, x), (dm, dx) = primals, tangents
    if not isinstance(dm, SymbolicZero):
        raise ValueError("polygamma gradient with respect to m is not supported")
    order = unwrap(m)
    slope = _polygamma(Array(order + const(order, 1)), x)
    return _polygamma(m, x), Array(unwrap(dx) * unwrap(slope))


_polygamma.defjvp(_polygamma_jvp, symbolic_zeros=True)


@equation("polygamma", lambda *arrays: (arrays, {}))
def polygamma(m: ArrayLike, x: ArrayLike) -> Array:
    """The derivative of order ``m`` of `digamma`."""
    both = _strict("polygamma", m, x)
    return _finite_order(_polygamma(*both), both)
