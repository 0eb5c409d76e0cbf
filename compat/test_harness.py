"""The harness can fail: a second framework that is wrong in one way is caught, in words that say how."""

from __future__ import annotations

import types
import warnings
from typing import Any

import numpy as np
import pytest

from compat import frameworks, ledger
from compat.cases import TABLES
from compat.columns import COLUMNS
from compat.same import (
    DEFAULT,
    Outcome,
    Tolerance,
    assert_same,
    differences,
    first_sentence,
    run,
    run_both,
    same_in_both,
)
from compat.table import Case, Check, Table, compare

jax = frameworks.EXPECTED
jnp = jax.numpy


class Wrong:
    """jax, except for the attribute paths that are replaced."""

    def __init__(self, base: Any, **replaced: Any):
        """Everything of `base` but what is replaced."""
        self._base, self._replaced = base, replaced

    def __getattr__(self, name: str) -> Any:
        """The replacement, or the base's."""
        if name in self._replaced:
            return self._replaced[name]
        return getattr(self._base, name)


def wrong_numpy(**functions: Any) -> Any:
    return Wrong(jax, numpy=Wrong(jnp, **functions))


def found(program: Any, second: Any, tolerance: Tolerance = DEFAULT) -> str:
    return "\n".join(differences(run(program, jax), run(program, second), tolerance))


def test_equal_programs_agree() -> None:
    def program(jax: Any) -> Any:
        return {"a": jax.numpy.arange(3.0), "b": (None, [np.float32(2), 3, "text"])}

    assert found(program, jax) == ""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: jnp.sin(x) * 1.001, "entries are further apart than"),
        (lambda x: jnp.sin(x).at[1].set(jnp.nan), "1 of 3 entries are NaN on one side only"),
        (lambda x: jnp.sin(x).at[1].set(jnp.inf), "infinite on one side only"),
        (lambda x: jnp.sin(x)[:2], "shape: jax (3,), jaxlike (2,)"),
        (lambda x: jnp.sin(x).astype("float16"), "dtype: jax float32, jaxlike float16"),
        (lambda x: jnp.broadcast_to(jnp.asarray(1.0), 3), "weak_type: jax False, jaxlike True"),
        (lambda x: np.asarray(jnp.sin(x)), "kind: jax Array, jaxlike numpy.ndarray"),
        (lambda x: (jnp.sin(x),), "tree:"),
    ],
    ids=["value", "nan", "infinity", "shape", "dtype", "weak_type", "kind", "tree"],
)
def test_a_wrong_result_is_found(function: Any, words: str) -> None:
    text = found(lambda jax: jax.numpy.sin(jax.numpy.arange(3.0)), wrong_numpy(sin=function))
    assert words in text


def test_a_float_and_an_array_are_different() -> None:
    assert "kind" in found(lambda jax: jax.numpy.sum(jax.numpy.ones(2)), wrong_numpy(sum=lambda x: 2.0))


def test_small_entries_count_unless_the_case_is_normwise() -> None:
    def program(jax: Any) -> Any:
        return jax.numpy.sin(jax.numpy.zeros(()))

    def noisy(x: Any) -> Any:
        return jnp.array([1e3, 1e-3 + 1e-5], jnp.float32)

    exact = wrong_numpy(sin=lambda x: jnp.array([1e3, 1e-3], jnp.float32))
    assert differences(run(program, exact), run(program, wrong_numpy(sin=noisy)))
    assert not differences(run(program, exact), run(program, wrong_numpy(sin=noisy)), Tolerance(normwise=True))


def test_signed_zero_counts_when_asked_for() -> None:
    def program(jax: Any) -> Any:
        return jax.numpy.sin(jax.numpy.zeros(2))

    second = wrong_numpy(sin=lambda x: -x)
    assert found(program, second) == ""
    assert "zeros of another sign" in found(program, second, Tolerance(signed_zero=True))


def test_integers_are_compared_exactly() -> None:
    big = 2**24
    second = wrong_numpy(add=lambda x, y: x + y + 1)
    assert "differ; at ()" in found(lambda jax: jax.numpy.add(jnp.int32(big), jnp.int32(1)), second)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float8_e4m3fn", "int4", "uint4"])
def test_narrow_types_are_compared_by_value(dtype: str) -> None:
    def program(jax: Any) -> Any:
        return jax.numpy.asarray(jax.numpy.positive(np.array([0, 1, 2, 3])), dtype)

    assert found(program, jax) == ""
    assert "of 4 entries" in found(program, wrong_numpy(positive=lambda x: np.array([0, 1, 3, 3])))


def test_complex_parts_are_compared_apart() -> None:
    second = wrong_numpy(conj=lambda x: x)
    assert "imaginary part" in found(lambda jax: jax.numpy.conj(jax.numpy.array([1 + 2j])), second)


def test_keys_are_compared_by_their_data() -> None:
    second = Wrong(jax, random=Wrong(jax.random, key=lambda seed: jax.random.key(seed + 1)))
    assert "entries differ" in found(lambda jax: jax.random.key(3), second)
    assert "kind" in found(lambda jax: jax.random.key(3), Wrong(jax, random=Wrong(jax.random, key=lambda seed: seed)))


def raising(error: BaseException) -> Any:
    def function(*args: Any) -> Any:
        raise error

    return function


def test_exceptions_are_compared() -> None:
    def program(jax: Any) -> Any:
        return jax.numpy.ones(3) + jax.numpy.ones(4)

    message = "add got incompatible shapes for broadcasting: (3,), (4,)."
    assert found(program, wrong_numpy(ones=raising(TypeError(message + " Another advice.")))) == ""
    assert "exception" in found(program, wrong_numpy(ones=raising(ValueError(message))))
    assert "first sentence" in found(program, wrong_numpy(ones=raising(TypeError("shapes differ"))))
    assert "only jax raised TypeError: add got" in found(program, wrong_numpy(ones=lambda n: 1))
    second = wrong_numpy(zeros=raising(TypeError()))
    assert "only jaxlike raised TypeError" in found(lambda jax: jax.numpy.zeros(3), second)


def test_public_ancestors_of_an_exception_are_compared() -> None:
    imposter = type("ConcretizationTypeError", (ValueError,), {})

    def program(jax: Any) -> Any:
        raise jax.error("text")

    expected = run(program, types.SimpleNamespace(error=type("ConcretizationTypeError", (TypeError,), {})))
    assert "ancestors" in "\n".join(differences(expected, run(program, types.SimpleNamespace(error=imposter))))


def test_first_sentences() -> None:
    assert first_sentence("One.  Two.") == "One."
    assert first_sentence("shape bool[]..\nMore") == "shape bool[].."
    assert first_sentence("use e.g. 3.5 of it. No") == "use e.g. 3.5 of it."
    assert first_sentence("no stop\n\nnext") == "no stop"
    assert first_sentence("at 0x7f12 in jaxlike.numpy") == "at 0xADDRESS in jax.numpy"


def test_warnings_and_output_are_compared() -> None:
    def warn(x: Any) -> Any:
        warnings.warn("Careful. There is more", UserWarning, stacklevel=1)
        return jnp.sin(x)

    def chatty(x: Any) -> Any:
        print("here")
        return jnp.sin(x)

    def program(jax: Any) -> Any:
        return jax.numpy.sin(1.0)

    assert "only jaxlike warned UserWarning: Careful." in found(program, wrong_numpy(sin=warn))
    assert "printed" in found(program, wrong_numpy(sin=chatty))


def test_a_failure_shows_both_sides() -> None:
    expected, actual = run(lambda jax: jnp.ones(2), jax), run(lambda jax: jnp.zeros(2), jax)
    with pytest.raises(AssertionError) as caught:
        assert_same(expected, actual, title="a program")
    assert "jax returned" in str(caught.value) and "jaxlike returned" in str(caught.value)


def test_the_decorator_runs_both_with_equal_random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frameworks, "ACTUAL", jax)
    seen: list[float] = []

    @same_in_both
    def program(jax: Any, rng: np.random.Generator, width: int) -> Any:
        seen.append(float(rng.normal()))
        return jax.numpy.full(width, seen[-1])

    program(seed=3, width=2)
    assert len(seen) == 2 and seen[0] == seen[1]
    monkeypatch.setattr(frameworks, "ACTUAL", wrong_numpy(full=lambda n, x: jnp.full(n + 1, x)))
    with pytest.raises(AssertionError, match="shape"):
        program(seed=3, width=2)


def test_the_decorator_needs_a_parameter_named_jax() -> None:
    with pytest.raises(TypeError, match="must be named jax"):
        same_in_both(lambda x: x)


def test_run_both_uses_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frameworks, "ACTUAL", wrong_numpy(sin=lambda x: x))
    expected, actual = run_both(lambda jax: jax.numpy.sin(1.0))
    assert isinstance(expected, Outcome) and differences(expected, actual)


WRONG_SIN = {
    "eager": lambda x: jnp.cos(x),
    "grad": lambda x: jax.lax.stop_gradient(jnp.sin(x)),
    "jvp": lambda x: jax.lax.stop_gradient(jnp.sin(x)),
    "hvp": lambda x: jnp.sin(x) + 0 * x**2 if x.size == 0 else jnp.sin(jax.lax.stop_gradient(x)) + x,
    "vmap": lambda x: jnp.sin(x) * (1 + x.ndim),
}


@pytest.mark.parametrize("column", ["eager", "grad", "jvp", "hvp", "vmap"])
def test_a_table_finds_a_wrong_function(column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("t", "jax.numpy", [Case("sin", shapes=(((2, 3),),))])
    the_column = next(c for c in COLUMNS if c.name == column)
    checks = [check for check in table.checks(the_column, False) if check.dtype == "float32"]
    assert len(checks) == 1

    def results() -> list[list[str]]:
        return [texts for _, texts in compare([check.draw(1, 0) for check in checks])]

    monkeypatch.setattr(frameworks, "ACTUAL", jax)
    assert results() == [[]]
    monkeypatch.setattr(frameworks, "ACTUAL", wrong_numpy(sin=WRONG_SIN[column]))
    assert results() != [[]]


def test_a_table_compares_what_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("t", "jax.numpy", [Case("bitwise_not", dtypes=("float32",), grad=False)])
    check = next(table.checks(COLUMNS[0], False))

    def texts() -> str:
        return " ".join(text for _, texts in compare([check.draw(1, 0)]) for text in texts)

    monkeypatch.setattr(frameworks, "ACTUAL", jax)
    assert texts() == ""
    monkeypatch.setattr(frameworks, "ACTUAL", wrong_numpy(bitwise_not=lambda x: x))
    assert "only jax raised" in texts()
    monkeypatch.setattr(frameworks, "ACTUAL", wrong_numpy(bitwise_not=raising(ValueError("no"))))
    assert "exception" in texts()


def test_draws_depend_on_the_seed_and_the_check_alone() -> None:
    check = next(iter(TABLES[0].checks(COLUMNS[0], False)))
    again = Check(check.case, check.column, check.dtype, check.x64)
    for a, b in zip(check.draw(1, 0).arguments, again.draw(1, 0).arguments, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_ledger_is_read_strictly() -> None:
    gaps = ledger.parse("[checks]\njax.numpy.sin/*/int8   torch has none\n[later]\njax.scipy.stats.*  later")
    assert gaps.reason("checks", "jax.numpy.sin/grad/int8") == "torch has none"
    assert gaps.reason("checks", "jax.numpy.sin/grad/int16") is None
    assert ledger.closed(gaps, "later", ["jax.scipy.stats.norm", "jax.numpy.sin"]) == ["jax.scipy.stats.norm"]
    for bad in ("[other]\n", "[tests]\nname without reason", "a  b", "[tests]\na  b\na  c"):
        with pytest.raises(ledger.LedgerError):
            ledger.parse(bad)


def test_values_are_as_precise_as_what_they_were_made_of() -> None:
    assert Tolerance(computed_in="float32").bounds("float64") == Tolerance().bounds("float32")
    assert Tolerance(computed_in="float64").bounds("float32") == Tolerance().bounds("float32")
    assert Tolerance(computed_in="int32").bounds("float64") == Tolerance().bounds("float64")
    assert Tolerance(computed_in="float16").bounds("int32") == (0, 0)
    assert Tolerance(factor=0, computed_in="float16").bounds("float32") == (0, 0)
