"""`jax.errors`: the exception classes, each message ending in the link that explains it.

A constructor takes the traced value at fault: an object with `_error_repr()` ("traced array with shape
float32[3]") and `_origin_msg()` (where the value came from; may be empty). Either may be missing: then
the value's `aval` is described, and nothing is said about its origin.
"""

from __future__ import annotations

from typing import Any, ClassVar


def describe(value: Any) -> str:
    """How messages call a value: "traced array with shape float32[3]"."""
    method = getattr(value, "_error_repr", None)
    if method is not None:
        return method()
    aval = getattr(value, "aval", None)
    if aval is None:
        return f"traced array of type {type(value).__name__}"
    return f"traced array with shape {aval.str_short() if hasattr(aval, 'str_short') else aval}"


def origin(value: Any) -> str:
    """Where a traced value came from, as lines that begin with a line break; empty if unknown."""
    method = getattr(value, "_origin_msg", None)
    return method() if method is not None else ""


class _JAXErrorMixin:
    """Ends the message with a link to the page that explains the class."""

    _error_page: ClassVar[str] = "https://docs.jax.dev/en/latest/errors.html"
    _module_name: ClassVar[str] = "jax.errors"

    def __init__(self, message: str) -> None:
        """``message`` gets the link appended."""
        link = f"{self._error_page}#{self._module_name}.{type(self).__name__}"
        super().__init__(f"{message}\nSee {link}")  # pyright: ignore[reportCallIssue]


class JAXTypeError(_JAXErrorMixin, TypeError):
    """A TypeError with an explanation behind a link."""


class JAXIndexError(_JAXErrorMixin, IndexError):
    """An IndexError with an explanation behind a link."""


class ConcretizationTypeError(JAXTypeError):
    """A traced value stands where its actual value is needed: an axis, a shape, a size, a `float(x)`.

    Inside `jit`, `vmap` or `grad` an argument has a shape and a dtype, but no value. Make the argument
    static (``static_argnums``), or rewrite so that the result's shape does not depend on values
    (``jnp.where(mask, x, 0)``, ``size=``).
    """

    def __init__(self, tracer: Any, context: str = "") -> None:
        """``context`` says what needed the value: "The error arose in jnp.nonzero."."""
        super().__init__(
            "Abstract tracer value encountered where concrete value is expected: "
            f"{describe(tracer)}\n{context}{origin(tracer)}\n"
        )


class NonConcreteBooleanIndexError(JAXIndexError):
    """A traced boolean mask as an index: the size of ``x[mask]`` would depend on values.

    Three-argument `jax.numpy.where` expresses most of such code with a fixed size.
    """

    def __init__(self, tracer: Any) -> None:
        """``tracer``: the traced value."""
        super().__init__(f"Array boolean indices must be concrete; got {tracer}\n")


class TracerArrayConversionError(JAXTypeError):
    """A traced value was to become a numpy array.

    It happens when a numpy function is called on it, or a numpy array is indexed by it. Use the
    function of `jax.numpy`, convert the array with `jnp.asarray` first, or make the argument static.
    """

    def __init__(self, tracer: Any) -> None:
        """``tracer``: the traced value."""
        super().__init__(
            "The numpy.ndarray conversion method __array__() was called on "
            f"{describe(tracer)}{origin(tracer)}"
        )


class TracerIntegerConversionError(JAXTypeError):
    """A traced value was to become a Python int: the index of a list, an ``axis``, a ``range``.

    Make the argument static, or index an array in place of the list.
    """

    def __init__(self, tracer: Any) -> None:
        """``tracer``: the traced value."""
        super().__init__(f"The __index__() method was called on {describe(tracer)}{origin(tracer)}")


class TracerBoolConversionError(ConcretizationTypeError):
    """A traced value was to decide an ``if``, ``while``, ``and``, ``or``, ``min``, ``max``, ...

    Use `jnp.where`, `jax.lax.cond`, `jax.lax.while_loop`, `jnp.minimum`, or make the argument static.
    """

    def __init__(self, tracer: Any) -> None:
        """``tracer``: the traced value."""
        JAXTypeError.__init__(self, f"Attempted boolean conversion of {describe(tracer)}.{origin(tracer)}")


class UnexpectedTracerError(JAXTypeError):
    """A traced value was used after its trace had ended, because a function stored it somewhere.

    Return the value instead. `jax.checking_leaks` raises where the value is leaked, not where it is used.
    """

    def __init__(self, msg: str) -> None:
        """``msg`` describes the value and its trace."""
        super().__init__(msg)


class KeyReuseError(JAXTypeError):
    """A typed PRNG key was used twice while `jax.debug_key_reuse` was on; split it instead."""


class InconclusiveDimensionOperation(Exception):
    """A comparison or division of symbolic dimensions has no answer that holds for all their values."""


class ShardingTypeError(Exception):
    """Operands are split over explicit mesh axes in ways that do not go together."""


class JaxprTypeError(TypeError):
    """A jaxpr does not fit together: an equation's types disagree with those of its operation."""


class JaxRuntimeError(RuntimeError):
    """Running a computation failed: out of memory, no such device, an internal error."""
