"""Every public name of JAX is served, or the ledger says why not; what is served has a case."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from compat import frameworks, inventory, ledger, report

# Modules that need packages beyond the test extra; flags that JAX's own test modules define.
FLAGS = ("jax_test_", "max_cases", "exclude_test", "test_targets", "jax_num_gen", "jax_skip")
NOT_BY_IMPORT_JAX = ("jax.experimental.", "jax.extend.", *(f"jax.config(options).{flag}" for flag in FLAGS))


def test_the_inventory_describes_the_oracle() -> None:
    gone = [n.path for n in inventory.names() if inventory.find(n, frameworks.EXPECTED) is inventory.MISSING]
    gone = [path for path in gone if not path.startswith(NOT_BY_IMPORT_JAX)]
    assert not gone, f"names that the installed jax does not have: {gone}"


def test_every_name_is_served_or_in_the_ledger() -> None:
    found = list(inventory.complaints())
    hint = "\n`python -m compat.report --update-later` rewrites the section [later]"
    assert not found, "\n".join(found[:60]) + (f"\n... {len(found)} in all" if len(found) > 60 else "") + hint


def test_the_table_in_the_readme_is_what_the_report_says() -> None:
    hint = "`python -m compat.report --update-readme` writes it"
    assert report.README.read_text(encoding="utf-8") == report.readme_with_table(), hint


def test_every_served_function_has_a_case() -> None:
    found = inventory.without_case()
    assert not found, f"{len(found)} served names without a case: " + " ".join(found)


def parameters_of(function: Any) -> list[tuple[str, str]] | None:
    """Names and kinds of the public parameters, or None where Python cannot tell them.

    The name of a parameter that can only be given by position is nobody's business.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    parameters = [p for p in signature.parameters.values() if not p.name.startswith("_")]
    return [("" if p.kind is p.POSITIONAL_ONLY else p.name, p.kind.name) for p in parameters]


def signature_difference(name: inventory.Name) -> str | None:
    """How jaxlike's parameters differ from JAX's, or None."""
    ours, theirs = inventory.find(name, frameworks.ACTUAL), inventory.find(name, frameworks.EXPECTED)
    expected, actual = parameters_of(theirs), parameters_of(ours)
    if expected is None or actual == expected or ("args", "VAR_POSITIONAL") in expected:
        return None  # a ufunc says (*args) of itself, whatever it takes
    return f"{name.path}: jax {expected}, jaxlike {actual}"


def test_signatures_are_those_of_jax() -> None:
    functions = [n for n in inventory.names() if n.exported and n.kind.startswith("function")]
    some = [n for n in functions if n.path in inventory.served()]
    gaps = ledger.load()
    wrong = {n.path: text for n in some if (text := signature_difference(n))}
    unlisted = [text for path, text in wrong.items() if gaps.reason("signatures", path) is None]
    assert not unlisted, f"{len(unlisted)} signatures differ:\n" + "\n".join(unlisted)
    closed = [n.path for n in some if n.path not in wrong and gaps.reason("signatures", n.path)]
    assert not closed, f"these signatures are JAX's now, remove their rows from gaps.txt: {closed}"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("def f(jax):\n    return jax.numpy.sin(1)", "jax.numpy.sin"),
        ("def f(jax):\n    jnp = jax.numpy\n    return jnp.linalg.norm(1)", "jax.numpy.linalg.norm"),
        ("def f(jax):\n    jnp, lax = jax.numpy, jax.lax\n    return lax.psum(1)", "jax.lax.psum"),
        ("f = lambda jax, x: x.at[0].set(1)", "jax.Array.at[...].set"),
        ("def f(jax, x):\n    return x.sum()", "jax.Array.sum"),
        ("def f(jax, x):\n    return 2 - x", "jax.Array.__rsub__"),
        ("f = lambda tu, x: tu.tree_leaves(x)", "jax.tree_util.tree_leaves"),
        ("f = lambda jax, x: jax.tree.structure(x).compose(x)", "jax.tree_util.PyTreeDef.compose"),
    ],
)
def test_the_reader_finds(text: str, path: str) -> None:
    assert path in inventory.reached_in(text)


def test_covers_count() -> None:
    assert "jax.Array.__dlpack_device__" in inventory.with_case()  # by covers= in test_array_protocols.py


def test_the_reader_finds_no_more_than_is_there() -> None:
    assert inventory.reached_in("def f(x):\n    jnp = other.numpy\n    return jnp.sin(x) + x.sum()") == set()
