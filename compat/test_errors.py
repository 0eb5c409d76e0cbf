"""`jax.errors`: the classes, what they derive from, and their messages from a traced value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.same import assert_same, describe_error, neutral, run_both, same_in_both

NAMES = [
    *("ConcretizationTypeError", "InconclusiveDimensionOperation", "JAXIndexError", "JAXTypeError"),
    *("JaxRuntimeError", "JaxprTypeError", "KeyReuseError", "NonConcreteBooleanIndexError"),
    *("TracerArrayConversionError", "TracerBoolConversionError", "TracerIntegerConversionError"),
    "UnexpectedTracerError",
]
OF_A_VALUE = [
    *("ConcretizationTypeError", "NonConcreteBooleanIndexError", "TracerArrayConversionError"),
    *("TracerBoolConversionError", "TracerIntegerConversionError"),
]


class Traced:
    """What the constructors ask of a traced value."""

    def _error_repr(self) -> str:
        return "traced array with shape float32[3]"

    def _origin_msg(self) -> str:
        return "\nIt came from somewhere."

    def __str__(self) -> str:
        """As jax's traced values."""
        return "JitTracer(bool[3])"


def test_the_same_names():
    public = {name for name in dir(frameworks.EXPECTED.errors) if not name.startswith("_")}
    assert public == set(NAMES)
    assert public <= set(dir(frameworks.ACTUAL.errors))


@same_in_both(covers=[f"jax.errors.{name}" for name in NAMES])
def test_ancestors(jax):
    classes = {name: getattr(jax.errors, name) for name in NAMES}
    return {
        name: [base.__name__ for base in cls.__mro__ if not base.__name__.startswith("_")]
        for name, cls in classes.items()
    }


def whole_message(error: BaseException) -> tuple[Any, ...]:
    """Everything that is seen of an exception."""
    return (*describe_error(error), neutral(str(error)), neutral(repr(error)))


@same_in_both
def test_messages_about_a_value(jax):
    made = {name: getattr(jax.errors, name)(Traced()) for name in OF_A_VALUE}
    made["context"] = jax.errors.ConcretizationTypeError(Traced(), "The size of a sort.")
    return {name: whole_message(error) for name, error in made.items()}


@same_in_both
def test_messages_from_text(jax):
    plain = [name for name in NAMES if name not in OF_A_VALUE]
    return {name: whole_message(getattr(jax.errors, name)("What happened.")) for name in plain}


@same_in_both
def test_a_subclass_links_to_its_own_name(jax):
    class Mine(jax.errors.JAXTypeError):
        pass

    return str(Mine("What happened."))


PROGRAMS = {
    "bool": lambda jnp, x: bool(x),
    "if": lambda jnp, x: 1 if x > 0 else 2,
    "not": lambda jnp, x: not x,
    "and": lambda jnp, x: x and 1,
    "while": lambda jnp, x: [None for _ in iter(lambda: x > 3, False)],
    "float": lambda jnp, x: float(x),
    "int": lambda jnp, x: int(x),
    "complex": lambda jnp, x: complex(x),
    "index": lambda jnp, x: [1, 2, 3][x.astype(int)],
    "range": lambda jnp, x: range(x.astype(int)),
    "array": lambda jnp, x: np.asarray(x),
    "item": lambda jnp, x: x.item(),
    "tolist": lambda jnp, x: x.tolist(),
}


@pytest.mark.parametrize("transform", ["jit", "vmap", "jit_of_grad", "grad", "jvp"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_traced_value_where_a_real_one_is_needed(name, transform):
    @same_in_both
    def needs_a_value(jax):
        def fun(x: Any) -> Any:
            try:
                PROGRAMS[name](jax.numpy, x)
            except Exception as error:
                # The lines between tell which value it was, by address.
                lines = str(error).splitlines()
                said.append((type(error).__name__, lines[0], lines[-1]))
            return x * 1.0

        said: list[tuple[str, ...]] = []
        transformed(jax, fun)
        return said

    def transformed(jax: Any, fun: Any) -> Any:
        if transform == "jit":
            return jax.jit(fun)(jax.numpy.float32(1))
        if transform == "vmap":
            return jax.vmap(fun)(jax.numpy.ones(2))
        one = jax.numpy.float32(1)
        if transform == "jvp":
            return jax.jvp(fun, (one,), (one,))
        return (jax.grad(fun) if transform == "grad" else jax.jit(jax.grad(fun)))(one)

    needs_a_value()


@same_in_both
def test_grad_compares_values(jax):
    """A comparison has no derivative, so its value is there, outside of jit and vmap."""
    return jax.grad(lambda x: x * x if x > 0 and bool(x < 3) else x)(jax.numpy.float32(2))


@same_in_both
def test_boolean_mask_in_jit(jax):
    return jax.jit(lambda x: x[x > 0])(jax.numpy.arange(3.0))


@same_in_both
def test_leaked_value(jax):
    leaked: list[Any] = []

    @jax.jit
    def leaky(x: Any) -> Any:
        leaked.append(x + 1)
        return x

    leaky(jax.numpy.ones(2))
    return leaked[0] + 1


@same_in_both
def test_leaked_value_of_vmap(jax):
    leaked: list[Any] = []
    jax.vmap(lambda x: leaked.append(x) or x)(jax.numpy.ones(2))
    return leaked[0] + 1


@same_in_both
def test_outputs_that_are_no_scalar(jax):
    """The message shows the values, not what stands for them while `grad` runs."""
    x, said = jax.numpy.arange(3.0), []
    for f in (lambda x: (x, x), lambda x: [x * 2, {"a": x}], lambda x: jax.lax.top_k(x, 2), lambda x: None):
        for run in (jax.grad(f), jax.jit(jax.grad(f))):
            try:
                run(x)
            except TypeError as error:
                said.append(str(error))
    return said


@pytest.mark.usefixtures("small_heap")
def test_where_a_leaked_value_comes_from() -> None:
    """Under `jax.checking_leaks` the message says of which function and argument a value is."""

    def program(jax: Any) -> Any:
        kept: list[Any] = []

        def leaky(c: Any, x: Any) -> Any:
            kept.append(x)
            return c, x

        with jax.checking_leaks():
            try:
                jax.lax.scan(leaky, 1.0, np.ones(3, np.float32))
            except Exception as error:  # it is no class of its own
                return [line.split(" at ")[0] for line in str(error).split("\n")[:4]]

    assert_same(*run_both(program))
