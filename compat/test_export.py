"""jax.export: what an exported function says of itself, its calls and errors; and, without JAX, save and reload.

JAX's own serialization needs a package that the test extra does not install, and its bytes are StableHLO: what
is loaded is therefore compared with the function that was saved.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)


class Pair(NamedTuple):
    """A namedtuple that is registered."""

    left: Any
    right: Any



class Other(NamedTuple):
    """A namedtuple without a name to be saved by."""

    left: Any
    right: Any


class Tagged:
    """A node with metadata."""

    def __init__(self, value: Any, tag: str) -> None:
        self.value, self.tag = value, tag


def exported(jax: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
    """The function, exported for arguments like these."""
    return jax.export.export(jax.jit(f))(*args, **kwargs)


def fields(jax: Any) -> Any:
    """What is seen of it."""

    def name_me(x: Any, *, y: Any) -> Any:
        return {"a": x * 2, "b": (y, None)}

    e = exported(jax, name_me, jax.ShapeDtypeStruct((3,), np.float32), y=2)
    return [
        e.fun_name, str(e.in_tree), str(e.out_tree), str(e.in_avals), str(e.out_avals), e.nr_devices, e.platforms,
        e.ordered_effects, e.unordered_effects, e.disabled_safety_checks, e.module_kept_var_idx, str(e),
        e.uses_global_constants, e.has_vjp(), e.in_shardings_hlo, e.out_shardings_hlo, e.calling_convention_version,
    ]  # fmt: skip


def vjp_fields(jax: Any) -> Any:
    """What is seen of its pullback."""
    e = exported(jax, lambda x: jax.numpy.sin(x) * 2, X).vjp()
    return e.fun_name, str(e.in_tree), str(e.out_tree), str(e.in_avals), str(e.out_avals), e.call(X, X)


def sine(jax: Any) -> Any:
    """An exported function."""
    return exported(jax, lambda x: jax.numpy.sin(x) * 2, X)


PROGRAMS: dict[str, Any] = {
    "fields": fields,
    "vjp": vjp_fields,
    "call": lambda jax: sine(jax).call(X),
    "call with an Array": lambda jax: sine(jax).call(jax.numpy.array(X)),
    "call in jit": lambda jax: jax.jit(sine(jax).call)(X),
    "grad": lambda jax: jax.grad(lambda x: sine(jax).call(x).sum())(X),
    "jit of grad": lambda jax: jax.jit(jax.grad(lambda x: sine(jax).call(x).sum()))(X),
    "grad of grad": lambda jax: jax.grad(
        lambda x: jax.grad(lambda x: sine(jax).call(x).sum())(x).sum()
    )(X),
    "jvp": lambda jax: jax.jvp(sine(jax).call, (X,), (X,)),
    "nested": lambda jax: exported(jax, lambda x: sine(jax).call(x) + 1, X).call(X),
    "trees": lambda jax: exported(jax, lambda d, *, k: (d["a"], [k, d["b"]]), {"a": X, "b": 1}, k=2.0).call(
        {"a": X, "b": 3}, k=4.0
    ),
    "closes over an array": lambda jax: exported(jax, lambda x: x + jax.numpy.array(X), X).call(X),
    "static arguments": lambda jax: jax.export.export(jax.jit(lambda x, n: x * n, static_argnums=1))(X, 3).call(X),
    "keys": lambda jax: exported(jax, lambda k: jax.random.normal(k, (2,)), jax.random.key(0)).call(jax.random.key(1)),
    "integers": lambda jax: jax.grad(
        lambda x: exported(jax, lambda x, n: x * n, X, 2).call(x, 2).sum()
    )(X),
    "wrong shape": lambda jax: sine(jax).call(X[:2]),
    "wrong rank": lambda jax: sine(jax).call(X[None]),
    "wrong dtype": lambda jax: sine(jax).call(np.arange(3)),
    "wrong tree": lambda jax: sine(jax).call((X,)),
    "too many": lambda jax: sine(jax).call(X, X),
    "wrong argument in a tree": lambda jax: exported(jax, lambda d, *, k: d["a"], {"a": X}, k=1.0).call({"a": X}, k=X),
    "no jit": lambda jax: jax.export.export(lambda x: x)(1.0),
    "another platform": lambda jax: jax.export.export(jax.jit(lambda x: x), platforms=["tpu"])(1.0).platforms,
    "called on another platform": lambda jax: jax.export.export(jax.jit(lambda x: x), platforms=["tpu"])(1.0).call(1.0),
    "unchecked platform": lambda jax: [
        str(c)
        for c in jax.export.export(
            jax.jit(lambda x: x), disabled_checks=[jax.export.DisabledSafetyCheck.platform()]
        )(1.0).disabled_safety_checks
    ],
    "checks": lambda jax: (
        repr(jax.export.DisabledSafetyCheck.custom_call("a")),
        jax.export.DisabledSafetyCheck.custom_call("a").is_custom_call(),
        jax.export.DisabledSafetyCheck.platform() == jax.export.DisabledSafetyCheck.platform(),
    ),
    "versions": lambda jax: (
        jax.export.minimum_supported_calling_convention_version,
        jax.export.maximum_supported_calling_convention_version,
    ),
    "namedtuple that is none": lambda jax: jax.export.register_namedtuple_serialization(dict, serialized_name="d"),
    "unknown node": lambda jax: jax.export.register_pytree_node_serialization(
        type("Other", (), {}), serialized_name="o", serialize_auxdata=bytes, deserialize_auxdata=bytes
    ),
    "weak types": lambda jax: str(exported(jax, lambda x: x, 1.0).in_avals),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]))


# Saved and loaded


def again(jax: Any, f: Any, *args: Any, call: Any = None, **kwargs: Any) -> Any:
    """What a compiled function gives and says after it was made bytes and read."""
    importlib.import_module(f"{jax.__name__}.experimental.serialize_executable")
    saved = jax.experimental.serialize_executable.serialize(jax.jit(f).lower(*args, **kwargs).compile())
    g = jax.experimental.serialize_executable.deserialize_and_load(*saved)
    return type(saved[0]), g(*(call or args), **kwargs), str(g.in_tree), str(g.out_tree), str(g.in_avals)


EXECUTABLES: dict[str, Any] = {
    "one array": lambda jax: again(jax, lambda x: x * 2, X),
    "trees": lambda jax: again(jax, lambda d, *, y: {"q": (d["a"] + y, None)}, {"a": X}, y=2.0),
    "closed over": lambda jax: (lambda w: again(jax, lambda x: x + w, X))(jax.numpy.arange(3.0)),
    "not used": lambda jax: again(jax, lambda x, y: y, X, 1),
    "a loop": lambda jax: again(jax, lambda x: jax.lax.scan(lambda c, y: (c + y, c), 0.0, x), X),
    "keys": lambda jax: again(jax, lambda k: jax.random.normal(k, (2,)), jax.random.key(0)),
    "another shape": lambda jax: again(jax, lambda x: x, X, call=(X[:2],)),
    "another tree": lambda jax: again(jax, lambda x: x, X, call=(X, X)),
}


@pytest.mark.parametrize("name", EXECUTABLES)
def test_executables(name: str) -> None:
    assert_same(*run_both(EXECUTABLES[name]))


def _mlp(jax: Any) -> Any:
    w = jax.random.normal(jax.random.key(0), (3, 3))
    return lambda x: jax.numpy.tanh(w @ jax.nn.relu(w @ x)).sum()


def _loops(jax: Any) -> Any:
    def f(x: Any) -> Any:
        y, rows = jax.lax.scan(lambda c, v: (c * jax.numpy.sin(v), c + v), x[0], x)
        z = jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 2), (0, jax.numpy.float32(1)))
        return jax.lax.cond(y > 0, lambda r: r.sum(), lambda r: (r * r).sum(), rows) + z[1]

    return f


def _custom(jax: Any) -> Any:
    @jax.custom_vjp
    def f(x: Any) -> Any:
        return jax.numpy.sin(x)

    f.defvjp(lambda x: (f(x), x), lambda x, g: (5 * g * x,))
    return lambda x: f(x).sum()


SAVED: dict[str, Any] = {
    "elementwise": lambda jax: lambda x: (jax.numpy.exp(x) * 2 + 1 / x).sum(),
    "network": _mlp,
    "loops": _loops,
    "custom_vjp": _custom,
    "custom_jvp": lambda jax: lambda x: jax.nn.relu(x - 0.7).sum(),
    "checkpoint": lambda jax: lambda x: jax.checkpoint(jax.numpy.sin)(x * x).sum(),
    "indexing": lambda jax: lambda x: (x[::-1] * x.at[0].set(3.0))[np.array([0, 2])].sum(),
    "nested jit": lambda jax: lambda x: jax.jit(lambda y: y * y)(x).sum() + jax.jit(jax.numpy.sum)(x),
    "bfloat16": lambda jax: lambda x: (x.astype("bfloat16") * 2).astype("float32").sum(),
    "complex": lambda jax: lambda x: jax.numpy.abs(x * (1 + 2j)).sum(),
    "linalg": lambda jax: lambda x: jax.numpy.linalg.inv(jax.numpy.eye(3) + jax.numpy.outer(x, x)).sum(),
}


@pytest.mark.parametrize("name", SAVED)
def test_saved(name: str) -> None:
    import jaxlike as jax

    f = SAVED[name](jax)
    loaded = jax.export.deserialize(exported(jax, f, X).serialize(vjp_order=2))
    x = jax.numpy.array(X)
    np.testing.assert_allclose(loaded.call(x), f(x), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(loaded.call)(x), f(x), rtol=1e-6)
    np.testing.assert_allclose(jax.grad(loaded.call)(x), jax.grad(f)(x), rtol=1e-5)
    second = jax.grad(lambda x: jax.grad(f)(x).sum())(x)
    np.testing.assert_allclose(jax.grad(lambda x: jax.grad(loaded.call)(x).sum())(x), second, rtol=1e-5, atol=1e-6)


def test_saved_kinds() -> None:
    import jaxlike as jax

    jax.export.register_namedtuple_serialization(Pair, serialized_name="Pair")
    jax.tree_util.register_pytree_node(Tagged, lambda t: ((t.value,), t.tag), lambda tag, c: Tagged(c[0], tag))
    jax.export.register_pytree_node_serialization(
        Tagged, serialized_name="Tagged", serialize_auxdata=str.encode, deserialize_auxdata=bytes.decode
    )

    def f(p: Any, key: Any, n: Any) -> Any:
        drawn = jax.random.uniform(key)
        return Pair(p.right, {"a": [p.left.value, drawn], "k": jax.random.split(key)}), Tagged(n + 1, "out"), None

    args = Pair(Tagged(X, "in"), 1.5), jax.random.key(3), jax.numpy.int32(2)
    loaded = jax.export.deserialize(exported(jax, f, *args).serialize())
    expected, actual = (jax.tree.flatten(g(*args)) for g in (jax.jit(f), loaded.call))
    assert expected[1] == actual[1]
    for a, b in zip(expected[0], actual[0], strict=True):
        assert (a.dtype, a.shape, a.weak_type) == (b.dtype, b.shape, b.weak_type)
    assert loaded.platforms == (jax.export.default_export_platform(),)
    with pytest.raises(ValueError, match="Duplicate serialization registration for type"):
        jax.export.register_namedtuple_serialization(Pair, serialized_name="Pair")


def test_saved_errors() -> None:
    import jaxlike as jax

    blob = exported(jax, jax.numpy.sin, X).serialize()
    loaded = jax.export.deserialize(blob)
    assert isinstance(blob, bytearray)
    assert not loaded.has_vjp()
    with pytest.raises(ValueError, match=r"No VJP is available"):
        jax.grad(lambda x: loaded.call(x).sum())(X)
    with pytest.raises(ValueError, match="not a function that jaxlike exported"):
        jax.export.deserialize(b"abc")
    with pytest.raises(NotImplementedError, match="serialization of host_callbacks is not yet implemented"):
        exported(jax, lambda x: jax.pure_callback(np.sin, x, x), jax.numpy.array(X)).serialize()
    with pytest.raises(ValueError, match="unregistered type"):
        exported(jax, lambda p: p.left, Other(X, X)).serialize()


def test_loaded_elsewhere(tmp_path: Any) -> None:
    """Another process has nothing but the bytes."""
    import jaxlike as jax

    path = tmp_path / "f.bin"
    path.write_bytes(exported(jax, _loops(jax), X).serialize(vjp_order=1))
    code = (
        "import sys, jaxlike as jax\n"
        "f = jax.export.deserialize(open(sys.argv[1], 'rb').read()).call\n"
        "x = jax.numpy.array([0.5, 1.0, 2.0])\n"
        "print(float(f(x)), jax.grad(f)(x).tolist())\n"
    )
    said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
    x = jax.numpy.array(X)
    value, _, gradient = said.partition(" ")
    np.testing.assert_allclose(float(value), _loops(jax)(x), rtol=1e-6)
    np.testing.assert_allclose(np.fromstring(gradient.strip(" []\n"), sep=","), jax.grad(_loops(jax))(x), rtol=1e-5)
