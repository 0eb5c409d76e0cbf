"""exact: functions of numpy arrays evaluated by mpmath, as references that are right to the last bit.

The module mpmath is given by who asks for it. Numbers go there and back without loss; beyond the largest they come
back infinite, below half of the least normal one as 0. Where mpmath's answer at an infinity or on a branch cut is not C99's,
numpy's is taken: at infinities all that it may be wrong about are multiples of pi/4.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

_COMPLEX = {
    "float16": "complex32",
    "float32": "complex64",
    "float64": "complex128",
    "float128": "complex256",
    "longdouble": "clongdouble",
}
_PRECISION = {"float32": 24, "float64": 53}


class vectorize_with_mpmath(np.vectorize):  # pyright: ignore[reportIncompatibleVariableOverride] - numpy's __module__
    """``numpy.vectorize`` of a function of mpmath's numbers, to be called with arrays of floats or complex numbers.

    Args:
        mpmath: the module.
        extra_prec: bits beyond those of the arguments to compute with.
        extra_prec_multiplier: likewise, as a multiple of the arguments' bits.
    """

    map_float_to_complex = _COMPLEX
    map_complex_to_float = {wide: name for name, wide in _COMPLEX.items()}  # noqa: RUF012 - a table
    float_prec = _PRECISION

    def __init__(
        self, *args: Any, mpmath: Any = None, extra_prec_multiplier: float = 0, extra_prec: int = 0, **kwargs: Any
    ) -> None:
        if mpmath is None:
            raise ValueError("vectorize_with_mpmath: no mpmath argument specified")
        self.mpmath = mpmath
        self.extra_prec_multiplier, self.extra_prec = extra_prec_multiplier, extra_prec
        self.contexts: dict[str, Any] = {}
        for name, bits in _PRECISION.items():
            self.contexts[name] = mpmath.mp.clone()
            self.contexts[name].prec = bits
        self.contexts_inv = {context: name for name, context in self.contexts.items()}
        super().__init__(*args, **kwargs)

    def get_context(self, x: Any) -> Any:
        """mpmath's context of the precision of an array's or scalar's dtype."""
        if isinstance(x, np.ndarray | np.floating | np.complexfloating):
            name = str(x.dtype)
            return self.contexts[self.map_complex_to_float.get(name, name)]
        raise NotImplementedError(f"get mpmath context from {type(x).__name__} instance")  # as JAX says

    def nptomp(self, x: Any) -> Any:
        """An array of numpy's numbers, or one of them, as mpmath's."""
        if isinstance(x, np.ndarray):
            return self._each(self.nptomp, x, object)
        if isinstance(x, np.complexfloating):
            real, imaginary = self.nptomp(x.real), self.nptomp(x.imag)
            return real.context.make_mpc((real._mpf_, imaginary._mpf_))
        if isinstance(x, np.floating):
            context = self.get_context(x)
            if not np.isfinite(x):
                return context.mpf(str(x))
            top, bottom = x.as_integer_ratio()
            return context.ldexp(context.mpf(top), 1 - bottom.bit_length())  # the denominator is a power of two
        raise NotImplementedError(f"convert {type(x).__name__} instance to mpmath number type")  # as JAX says

    def mptonp(self, x: Any) -> Any:
        """An array of mpmath's numbers, or one of them, as numpy's."""
        if isinstance(x, np.ndarray):
            if x.dtype == object:
                return self._each(self.mptonp, x, self.mptonp(x.flat[0]).dtype)
        elif isinstance(x, self.mpmath.ctx_mp_python.mpnumeric):
            context = x.context
            name = self.contexts_inv[context]
            if isinstance(x, context.mpc):
                out = np.empty((), self.map_float_to_complex[name])
                out.real, out.imag = self.mptonp(x.real), self.mptonp(x.imag)
                return out[()]
            if isinstance(x, context.mpf):
                return self._real_number(x, np.finfo(name))
        raise NotImplementedError(f"convert {type(x)} instance to numpy floating point type")  # as JAX says

    @staticmethod
    def _each(change: Callable[[Any], Any], x: Any, dtype: Any) -> Any:
        return np.fromiter(map(change, x.flatten()), dtype=dtype, count=x.size).reshape(x.shape)

    @staticmethod
    def _real_number(x: Any, info: Any) -> Any:
        context = x.context
        number = info.dtype.type
        if not context.isfinite(x):
            return number(float(x))
        x = +x  # rounded to the precision of the context, where more bits were computed with
        size, (sign, mantissa, exponent, bits) = abs(x), x._mpf_
        if size > context.mpf(float(info.max)):
            return number(-np.inf if sign else np.inf)
        if exponent + bits < info.minexp:
            return number(-0.0 if sign and mantissa else 0.0)
        return np.ldexp(number(-int(mantissa) if sign else int(mantissa)), int(exponent))

    def _changed(self, result: Any) -> Any:
        numbers = isinstance(result, self.mpmath.ctx_mp_python.mpnumeric)
        return self.mptonp(result) if numbers or (isinstance(result, np.ndarray) and result.dtype == object) else result

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = [x for x in args if isinstance(x, np.ndarray | np.floating | np.complexfloating)]
        context = self.get_context(given[0])
        assert all(self.get_context(x) is context for x in given), "arguments of several precisions"
        numbers = [self.nptomp(x) if isinstance(x, np.ndarray | np.floating | np.complexfloating) else x for x in args]
        with context.extraprec(int(context.prec * self.extra_prec_multiplier) + self.extra_prec):
            result = super().__call__(*numbers, **kwargs)
        return tuple(map(self._changed, result)) if isinstance(result, tuple) else self._changed(result)


def _by_c99(name: str, x: Any) -> Any:
    """What numpy says of a complex number that has an infinite part, in the number's own context."""
    context = x.context
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # invalid values are what is asked for
        value = getattr(np, name)(np.complex128(complex(float(x.real), float(x.imag))))

    def part(number: float) -> Any:
        quarters = number / (np.pi / 4)
        whole = np.isfinite(quarters) and quarters == np.rint(quarters)
        return context.pi * int(quarters) / 4 if whole else context.mpf(float(number))

    return context.mpc(part(value.real), part(value.imag))


# What mpmath 1.3 gets wrong at infinities, and of those with a branch cut on an axis: on which half of which axis
# mpmath's value is the one of the other side, and the factor that mirrors it.
_AT_INFINITY = {name: name for name in "sqrt log1p tan arcsin arccos arcsinh arccosh arctan arctanh".split()}
_AT_INFINITY["tanh"] = "tan"  # as in JAX's own reference, which tests of tanh are written for
_MIRRORED: dict[str, tuple[Callable[[Any], bool], Callable[[Any], Any]]] = {
    "arcsin": (lambda x: x.imag == 0 and x.real > 1, lambda y: y.conjugate()),
    "arccos": (lambda x: x.imag == 0 and x.real > 1, lambda y: -y),
    "arcsinh": (lambda x: x.real == 0 and x.imag < -1, lambda y: (-y).conjugate()),
    "arctan": (lambda x: x.real == 0 and x.imag < -1, lambda y: (-y).conjugate()),
    "arctanh": (lambda x: x.imag == 0 and x.real > 1, lambda y: y.conjugate()),
}
_OWN: dict[str, Callable[[Any], Any]] = {
    "square": lambda x: x * x,
    "positive": lambda x: x,
    "negative": lambda x: -x,
    "log2": lambda x: x.context.ln(x) / x.context.ln2,
    "log10": lambda x: x.context.ln(x) / x.context.ln10,
    "exp2": lambda x: x.context.exp(x * x.context.ln2),
}
_NAMES = {"abs": "absmin", "absolute": "absmin", "log": "ln"}


def _function(name: str) -> Callable[[Any], Any]:
    """numpy's function of this name, of one of mpmath's numbers."""
    if name in _OWN:
        return _OWN[name]
    own_name = _NAMES.get(name, name.replace("arc", "a"))
    is_mirrored, mirror = _MIRRORED.get(name, (lambda x: False, lambda y: y))

    def of(x: Any) -> Any:
        context = x.context
        if not isinstance(x, context.mpc):
            return getattr(context, own_name)(x)
        if name in _AT_INFINITY and (context.isinf(x.real) or context.isinf(x.imag)) and not _has_nan(x):
            return _by_c99(_AT_INFINITY[name], x)
        value = getattr(context, own_name)(x)
        return mirror(value) if is_mirrored(x) else value

    return of


def _has_nan(x: Any) -> bool:
    return bool(x.context.isnan(x.real) or x.context.isnan(x.imag))


def _normalize(exact: Any, reference: Any, value: Any) -> Any:
    """``reference`` and ``value`` as parts of ``|exact|``, cut to the bits in which exact value and reference agree."""
    context, scale = exact.context, abs(exact)

    def real_parts(e: Any, r: Any, v: Any) -> tuple[Any, Any]:
        if not (context.isfinite(e) and context.isfinite(r) and context.isfinite(v)):
            return r, v
        numbers = [x._mpf_ for x in (scale, e, r, v)]
        low = min(exponent for _, _, exponent, _ in numbers)
        whole = [int(mantissa) << (exponent - low) for _, mantissa, exponent, _ in numbers]
        width = max(w.bit_length() for w in whole)
        agreeing = width - (whole[1] ^ whole[2]).bit_length()
        cut = [context.ldexp(context.mpf(w >> (width - agreeing)), -agreeing) for w in whole[2:]]
        return (-cut[0] if r < 0 else cut[0]), (-cut[1] if v < 0 else cut[1])

    if isinstance(exact, context.mpc):
        real = real_parts(exact.real, reference.real, value.real)
        imaginary = real_parts(exact.imag, reference.imag, value.imag)
        return context.mpc(real[0], imaginary[0]), context.mpc(real[1], imaginary[1])
    return real_parts(exact, reference, value)


class numpy_with_mpmath:
    """numpy's functions, evaluated by mpmath: ``numpy_with_mpmath(mpmath).sin(x)``; arguments as for the vectorizer."""

    def __init__(self, mpmath: Any, extra_prec_multiplier: float = 0, extra_prec: int = 0) -> None:
        self.mpmath = mpmath
        for name in (
            "abs absolute sqrt exp expm1 exp2 log log1p log10 log2 sin cos tan arcsin arccos arctan sinh cosh tanh "
            "arcsinh arccosh arctanh square positive negative conjugate sign sinc normalize"
        ).split():
            function = _normalize if name == "normalize" else _function(name)
            wide = vectorize_with_mpmath(
                function, mpmath=mpmath, extra_prec_multiplier=extra_prec_multiplier, extra_prec=extra_prec
            )
            setattr(self, name, wide)
