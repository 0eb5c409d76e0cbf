"""The recorder of traces: held against torch's own tracer, and against JAX where an error or a side effect shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

import jaxlike
import jaxlike.numpy as jnp
from compat.same import assert_same, run_both
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.graph.graph import op_name
from jaxlike._src.graph.trace import trace

X = np.array([0.5, 1.0, 2.0], np.float32)
M = np.arange(9, dtype=np.float32).reshape(3, 3) / 4 + np.eye(3, dtype=np.float32)

FUNCTIONS: dict[str, Any] = {
    "elementwise": lambda x, m: jnp.sin(x) * x + jnp.exp(-x) / 2.5,
    "products": lambda x, m: m @ x + (m @ m.T).sum(0) - jnp.einsum("i,ij->j", x, m),
    "reductions": lambda x, m: (m.sum(0), m.mean(), m.max(1), jnp.argmax(m), m.std(0)),
    "shapes": lambda x, m: jnp.concatenate([m.T.reshape(9), x[::-1], jnp.tile(x, 2), jnp.roll(x, 1)]),
    "indexing": lambda x, m: (m[1:, 0], m[jnp.array([0, 2])], m.at[0].set(x), jnp.where(m > 1, m, 0.0)),
    "sorting": lambda x, m: (jnp.sort(m, axis=0), jnp.argsort(x), jnp.cumsum(m, axis=1), jnp.searchsorted(x, 0.7)),
    "dtypes": lambda x, m: (x.astype(int) * 3, (m > 1).sum(), x.astype(jnp.bfloat16) * 1.1, x * 1j),
    "linear algebra": lambda x, m: (jnp.trace(m), jnp.tril(m), jnp.outer(x, x), jnp.kron(m, x)),
    "random": lambda x, m: x * jaxlike.random.normal(jaxlike.random.key(0), (3,)),
    "nn": lambda x, m: (jaxlike.nn.softmax(m), jaxlike.nn.gelu(x), jaxlike.nn.logsumexp(x)),
    "grad": lambda x, m: jaxlike.grad(lambda x: (jnp.tanh(m @ x) * x).sum())(x),
    "vmap": lambda x, m: jaxlike.vmap(lambda row: jnp.dot(row, x) * row)(m),
    "jvp": lambda x, m: jaxlike.jvp(lambda x: jnp.sin(m @ x), (x,), (x * x,)),
    "hessian": lambda x, m: jaxlike.hessian(lambda x: (jnp.sin(m @ x) * x).sum())(x),
    "vmap of grad": lambda x, m: jaxlike.vmap(jaxlike.grad(lambda r: (jnp.sin(r) * x).sum()))(m),
}


def flat(function: Any) -> Any:
    return lambda inside: jaxlike.tree_util.tree_leaves(function(*inside))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_make_fx(name: str) -> None:
    """The recorded graph, torch's graph of the same Python and the Python itself give the same values."""
    function = flat(FUNCTIONS[name])
    arrays = [jnp.asarray(X), jnp.asarray(M)]
    tensors = [unwrap(a) for a in arrays]
    eager = [unwrap(a) for a in function(arrays)]
    graph, _ = trace(function, arrays, name)
    recorded = graph.replay()(default_torch_device(), *tensors, *(unwrap(x) for x in graph.lifted))
    reference = make_fx(lambda *ts: [unwrap(a) for a in function([Array(t) for t in ts])])(*tensors)(*tensors)
    for a, b, c in zip(eager, recorded, reference, strict=True):
        torch.testing.assert_close(b, a, rtol=2e-5, atol=2e-6, equal_nan=True)
        torch.testing.assert_close(b, c, rtol=2e-5, atol=2e-6, equal_nan=True)


def test_an_op_is_traced_alike_inside_of_another_trace() -> None:
    """A nested trace leaves nothing in the trace around it."""
    inner = jaxlike.jit(lambda x: jnp.sin(x) * x)
    graph, _ = trace(lambda xs: [inner(xs[0]), inner(xs[0] + 1)], [jnp.asarray(X)], "outer")
    assert list(map(op_name, graph.nodes)) == ["jit", "add", "jit"]
    assert graph.nodes[0].op.graph is graph.nodes[2].op.graph


def test_trace_cost_does_not_multiply() -> None:
    """Thirty levels of functions that call the one below twice are thirty traces, not a billion."""
    runs: list[int] = []

    def level(k: int) -> Any:
        below = level(k - 1) if k else jnp.sin

        @jaxlike.jit
        def f(x: Any) -> Any:
            runs.append(k)
            return below(below(x))

        return f

    f = level(29)
    assert jaxlike.eval_shape(f, X).shape == (3,)
    assert jaxlike.eval_shape(lambda x: jaxlike.jvp(f, (x,), (x,)), X)[1].shape == (3,)
    assert jaxlike.eval_shape(jaxlike.vmap(f), M).shape == (3, 3)
    assert len(runs) == 30


class Refused(Exception):
    """Raised in the middle of a trace."""


TRANSFORMS: dict[str, Any] = {
    "jit": lambda jax, f: jax.jit(f)(X),
    "vmap": lambda jax, f: jax.vmap(f)(X),
    "grad": lambda jax, f: jax.grad(f)(1.0),
    "jvp": lambda jax, f: jax.jvp(f, (X,), (X,)),
    "grad of jit": lambda jax, f: jax.grad(jax.jit(f))(1.0),
    "jit of vmap of grad": lambda jax, f: jax.jit(jax.vmap(jax.grad(f)))(X),
    "vmap of grad of jit": lambda jax, f: jax.vmap(jax.grad(jax.jit(f)))(X),
    "jit of jvp of vmap": lambda jax, f: jax.jit(lambda x: jax.jvp(jax.vmap(f), (x,), (x,)))(X),
    "hessian of jit": lambda jax, f: jax.hessian(jax.jit(f))(1.0),
    "scan of grad": lambda jax, f: jax.lax.scan(lambda c, x: (c, jax.grad(f)(x)), 0.0, X),
    "vmap of cond": lambda jax, f: jax.vmap(lambda x: jax.lax.cond(x > 0, f, lambda x: x, x))(X),
    "checkpoint": lambda jax, f: jax.grad(jax.checkpoint(f))(1.0),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_an_error_leaves_nothing_behind(name: str) -> None:
    """After an error in the middle of a trace the next traces, other transformations and torch itself work."""

    def program(jax: Any) -> Any:
        def bad(x: Any) -> Any:
            jax.numpy.sin(x)
            raise Refused("in the middle")

        good = lambda x: (jax.numpy.sin(x) * x).sum()  # noqa: E731
        out = []
        for _ in range(2):
            try:
                TRANSFORMS[name](jax, bad)
            except Refused as error:
                out.append(str(error))
            out += [
                jax.jit(good)(X),
                jax.vmap(jax.grad(good))(X),
                jax.jvp(jax.jit(jax.grad(good)), (X,), (X,)),
                TRANSFORMS[name](jax, lambda x: (jax.numpy.sin(x) * x).sum()),
            ]
        return out

    assert_same(*run_both(program), title=name)
    x = torch.ones(3, requires_grad=True)
    (x * x).sum().backward()
    assert x.grad is not None
    assert torch.equal(torch.func.vmap(torch.func.grad(lambda v: v * v))(torch.ones(2)), torch.full((2,), 2.0))


def test_a_number_beside_lanes_is_known() -> None:
    """torch's vmap converts it; no node is made of that, whose operands would be no values of the graph."""

    def eight_more(inside: Any) -> Any:
        return [jaxlike.vmap(lambda i: Array(unwrap(i) + 8))(inside[0])]

    graph, _ = trace(eight_more, [jnp.arange(3, dtype=jnp.int32)], "eight_more")
    assert [op_name(node) for node in graph.nodes] == ["add"]
    assert [const.tensor.item() for const in graph.constants.values()] == [8]
