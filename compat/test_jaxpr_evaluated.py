"""The jaxpr of every cell of the tables: each variable is defined before it is read, and evaluating it gives the values.

Libraries walk jaxprs and bind the equations again; an equation that says less than what was computed, or something
else, shows here. The real JAX is not needed: the function itself says what is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import jaxlike
from compat import frameworks, ledger
from compat.cases import TABLES
from compat.columns import COLUMNS
from compat.same import Outcome, differences, run, same_in_both
from compat.table import Check, Table, sample

ITEMS = [pytest.param(table, x64, id=f"{table.name}-{'x64' if x64 else 'x32'}") for table in TABLES for x64 in (False, True)]
CELLS = 12  # of each table, that a run without slow tests draws


def cells(table: Table, x64: bool) -> list[Check]:
    """The cells of served functions of arrays."""
    gaps = ledger.load()
    found = [check for column in COLUMNS for check in table.checks(column, x64)]
    return [check for check in found if gaps.reason("later", check.case.function_name) is None]


def faults(check: Check, seed: int) -> list[str]:
    """What is wrong with the jaxpr of one cell."""
    attempt = check.draw(seed, 0)
    places = [k for k, x in enumerate(attempt.arguments) if isinstance(x, np.ndarray)]
    given = [jaxlike.numpy.asarray(attempt.arguments[k]) for k in places]

    made: list[Any] = []

    def fun(*arrays: Any) -> Any:
        whole = list(attempt.arguments)
        for k, x in zip(places, arrays, strict=True):
            whole[k] = x
        return jaxlike.tree_util.tree_leaves(attempt.program(jaxlike, whole))

    traced = run(lambda jax: made.append(jax.make_jaxpr(fun)(*given)), jaxlike)
    if traced.error is not None or not places:
        return []  # no function of arrays, or none that can be traced
    (closed,) = made
    sound = run(lambda jax: jax.extend.core.check_jaxpr(closed.jaxpr), jaxlike)
    if sound.error is not None:
        return [str(sound.error)]
    evaluated = run(lambda jax: jax.jit(lambda *a: jax.core.eval_jaxpr(closed.jaxpr, closed.consts, *a))(*given), jaxlike)
    tolerance = check.case.tolerance
    factor = 4 * tolerance.factor * check.column.growth
    expected = _strong(run(lambda jax: jax.jit(fun)(*given), jaxlike))
    return differences(expected, _strong(evaluated), replace(tolerance, factor=factor))


def _strong(outcome: Outcome) -> Outcome:
    """Without weak types: a literal that is a result, and what kernels convert, come out of an evaluation strong."""
    return replace(outcome, leaves={k: replace(leaf, weak_type=None) for k, leaf in outcome.leaves.items()})


def verdict(checks: Sequence[Check], seed: int, x64: bool) -> None:
    """Fail with the faults of all cells."""
    __tracebackhide__ = True
    with frameworks.x64(x64):
        found = {check.id: faults(check, seed) for check in checks}
    bad = [f"{name}\n    " + "\n    ".join(texts) for name, texts in found.items() if texts]
    if bad:
        pytest.fail(f"{len(bad)} of {len(found)} jaxprs\n" + "\n".join(bad[:25]), pytrace=False)


@pytest.mark.parametrize(("table", "x64"), ITEMS)
def test_sampled_cells(table: Table, x64: bool, request: pytest.FixtureRequest) -> None:
    checks = cells(table, x64)
    seed = request.config.option.seed
    verdict(sample(checks, CELLS / max(len(checks), CELLS), seed), seed, x64)


@pytest.mark.slow
@pytest.mark.parametrize(("table", "x64"), ITEMS)
def test_every_cell(table: Table, x64: bool, request: pytest.FixtureRequest) -> None:
    verdict(cells(table, x64), request.config.option.seed, x64)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu"])
@same_in_both
def test_a_pullback_over_lanes_of_cotangents_alone(jax, name):
    """What was computed has fewer axes than its cotangents."""
    jnp, act = jax.numpy, jax.numpy.tanh if name == "tanh" else getattr(jax.nn, name)
    x, cotangents = jnp.arange(2.0), jnp.arange(6.0).reshape(3, 2)
    pulled = jax.make_jaxpr(lambda ct: jax.vmap(lambda c: jax.vjp(act, x)[1](c)[0])(ct))(cotangents)
    return jax.core.eval_jaxpr(pulled.jaxpr, pulled.consts, cotangents)
