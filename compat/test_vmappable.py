"""Classes that say themselves what it means to map over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.arange(12, dtype=np.float32).reshape(3, 4)


@dataclass
class At:
    """An axis by its name, and where it is."""

    name: str
    place: int


@dataclass
class Named:
    """An array whose axes have names; what is mapped over is named too."""

    names: list[str]
    data: Any


def apart(inner: Any, number: Any, x: Named, spec: At) -> Named:
    del number
    return Named([n for n in x.names if n != spec.name], inner(x.data, x.names.index(spec.name)))


def together(inner: Any, size: Any, x: Named, spec: At) -> Named:
    names = list(x.names)
    names.insert(spec.place, spec.name)
    return Named(names, inner(size, x.data, spec.place))


PROGRAMS = {
    "through": lambda jax, f: f(lambda x: x, At("i", 0), At("j", 1))(Named(["i", "k"], jax.numpy.asarray(X))),
    "another axis": lambda jax, f: f(lambda x: x, At("k", 1), At("j", 0), size=4)(
        Named(["i", "k"], jax.numpy.asarray(X))
    ),
    "computed": lambda jax, f: f(lambda x: Named(x.names, jax.numpy.sin(x.data)), At("i", 0), At("j", 1))(
        Named(["i", "k"], jax.numpy.asarray(X))
    ),
    "to arrays": lambda jax, f: f(lambda x: x.data.sum(), At("i", 0), 0)(Named(["i", "k"], jax.numpy.asarray(X))),
    "of arrays": lambda jax, f: f(lambda x: Named(["k"], x * 2), 0, At("i", 0))(X),
    "beside arrays": lambda jax, f: f(lambda x, y: (Named(x.names, x.data * y), y), (At("i", 0), 0), (At("j", 1), 0))(
        Named(["i", "k"], jax.numpy.asarray(X)), jax.numpy.asarray(X[:, 0])
    ),
    "a name that is not there": lambda jax, f: f(lambda x: x, At("z", 0), At("j", 1))(
        Named(["i", "k"], jax.numpy.asarray(X))
    ),
    "no size": lambda jax, f: jax.vmap(lambda x: x, in_axes=At("i", 0))(Named(["i", "k"], jax.numpy.asarray(X))),
    "in jit": lambda jax, f: jax.jit(
        lambda d: f(lambda x: Named(x.names, x.data * 2), At("i", 0), At("j", 1))(Named(["i", "k"], d)).data
    )(X),
    "differentiated": lambda jax, f: jax.grad(
        lambda d: (f(lambda x: Named(x.names, x.data**2), At("i", 0), At("j", 1))(Named(["i", "k"], d)).data).sum()
    )(X),
    "twice": lambda jax, f: f(
        lambda x: f(lambda y: Named(y.names, y.data * 2), At("k", 0), At("l", 0), size=4)(x), At("i", 0), At("j", 1)
    )(Named(["i", "k"], jax.numpy.asarray(X))),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_vmappable(program: str) -> None:
    def run(jax: Any) -> Any:
        batching = jax.interpreters.batching
        batching.register_vmappable(Named, At, int, apart, together, None)
        mapped = lambda fun, in_axes, out_axes, size=3: jax.vmap(  # noqa: E731
            fun, in_axes=in_axes, out_axes=out_axes, axis_size=size
        )
        out = PROGRAMS[program](jax, mapped)
        batching.unregister_vmappable(Named)
        return (out.names, out.data) if isinstance(out, Named) else (out[0].data, out[1]) if type(out) is tuple else out

    assert_same(*run_both(run))
