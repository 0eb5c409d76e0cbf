"""Every structured operation through jvp of jvp, jvp of vmap, vmap of jvp of vmap, with tangents that depend on the
primal: a rule that loses a level gives wrong numbers there, without an error.

The operations are found among the subclasses of `Structured`: a new one without a program here fails the run.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest

import jaxlike._src
from compat.same import Tolerance, assert_same, run_both
from jaxlike._src.transforms.structured import Structured

X = np.array([0.5, 1.0, 2.0], np.float32)
XS = np.stack([X, 1.5 * X])
GROWTH = Tolerance(factor=50)


def ruled(jax: Any) -> Any:
    f = jax.custom_jvp(jax.numpy.sin)
    f.defjvp(lambda p, t: (f(p[0]), t[0] * jax.numpy.cos(p[0]) * p[0]))
    return lambda x: f(x) * x


def batched(jax: Any) -> Any:
    f = jax.custom_batching.custom_vmap(lambda x: jax.numpy.sin(x) * x)
    f.def_vmap(lambda size, mapped, x: (jax.numpy.sin(x) * x * 2, mapped[0]))
    return f


def primitive(jax: Any) -> Any:
    jnp = jax.numpy
    p = jax.extend.core.Primitive("cubed")
    p.def_impl(lambda x: x**3)
    p.def_abstract_eval(lambda x: jax.core.ShapedArray(x.shape, x.dtype))
    jax.interpreters.ad.defjvp(p, lambda t, x: t * 3 * x**2)
    jax.interpreters.batching.defvectorized(p)
    jax.interpreters.mlir.register_lowering(p, jax.interpreters.mlir.lower_fun(lambda x: x**3, multiple_results=False))
    return lambda x: p.bind(x) + jnp.sin(x)


def through_axis(collective: Any) -> Any:
    """A function of three numbers that uses a collective over a named axis of them."""
    return lambda jax: lambda x: jax.vmap(lambda v: v * collective(jax, v * v), axis_name="i")(x)


def looked_at(jax: Any) -> Any:
    def f(x: Any) -> Any:
        jax.debug.callback(lambda v: None, x)
        return jax.numpy.sin(x) * x

    return f


def tridiagonal(jax: Any) -> Any:
    solve = jax.lax.linalg.tridiagonal_solve
    return lambda x: solve(x * 0.1, x + 3.0, x * 0.2, jax.numpy.sin(x)[:, None])[:, 0]


def system(jax: Any) -> Any:
    jnp = jax.numpy
    return lambda x: jnp.linalg.solve(jnp.outer(x, jnp.sin(x)) + 4 * jnp.eye(3) + jnp.diag(x), jnp.cos(x))


def sparse(jax: Any, of_rows: bool) -> Any:
    """A product with a sparse matrix that depends on x as the columns do, or a gradient of it, which multiplies rows."""
    sp, places = importlib.import_module(f"{jax.__name__}.experimental.sparse"), np.array([[2, 0], [0, 1], [0, 2], [3, 1]])

    def product(x: Any, columns: Any) -> Any:
        matrix = sp.BCOO((jax.numpy.append(x, x[0]), places), shape=(3, 3))
        return (matrix @ columns).sum(1)

    def columns(x: Any) -> Any:
        return jax.numpy.outer(jax.numpy.sin(x), jax.numpy.arange(1.0, 3.0))

    if of_rows:
        return lambda x: jax.grad(lambda y: jax.numpy.sum(product(y, columns(x)) * x))(x)
    return lambda x: product(x, columns(x))


# The name of a subclass of Structured -> a function of three numbers that applies it.
def through_mesh(f: Any) -> Any:
    """A program whose function runs on a mesh of one device."""

    def program(jax: Any) -> Any:
        mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,), devices=jax.devices("cpu")[:1])
        mapped = jax.shard_map(lambda v: f(jax, v), mesh=mesh, in_specs=jax.P("i"), out_specs=jax.P("i"))
        return lambda x: jax.numpy.sum(mapped(jax.numpy.stack([x])))

    return program


PROGRAMS: dict[str, Any] = {
    "JitCall": lambda jax: jax.jit(lambda x: jax.numpy.sin(x) * x),
    "CustomJvp": ruled,
    "Checkpoint": lambda jax: jax.checkpoint(lambda x: jax.numpy.sin(jax.numpy.sin(x) * x)),
    "CustomVmap": batched,
    "PrimitiveCall": primitive,
    "StopGradient": lambda jax: lambda x: jax.lax.stop_gradient(x) * jax.numpy.sin(x),
    "Name": lambda jax: lambda x: jax.ad_checkpoint.checkpoint_name(jax.numpy.sin(x), "a") * x,
    "DebugCallback": looked_at,
    "Cond": lambda jax: lambda x: jax.lax.cond(x.sum() > 2, jax.numpy.sin, jax.numpy.cos, x) * x,
    "PlatformCond": lambda jax: (
        lambda x: jax.lax.platform_dependent(x, cpu=jax.numpy.sin, default=jax.numpy.cos) * x
    ),
    "Scan": lambda jax: lambda x: jax.lax.scan(lambda c, v: (c * jax.numpy.cos(v) + v, c * v), x.sum(), x)[1],
    "While": lambda jax: (
        lambda x: jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jax.numpy.sin(c[1]) * c[1]), (0, x))[1]
    ),
    "_Composite": lambda jax: jax.lax.composite(lambda x: jax.numpy.sin(x) * x, "my.sin"),
    "_ReducePrecision": lambda jax: lambda x: jax.lax.reduce_precision(x, 8, 10) * jax.numpy.sin(x),
    "TridiagonalSolve": tridiagonal,
    "Solve": system,
    "TimesColumns": lambda jax: sparse(jax, of_rows=False),
    "ProductsOfRows": lambda jax: sparse(jax, of_rows=True),
    "Vary": through_mesh(lambda jax, v: v * jax.lax.pcast(jax.numpy.sin(jax.numpy.float32(2)), "i", to="varying")),
    "Sum": through_axis(lambda jax, v: jax.lax.psum(v, "i")),
    "Gather": through_axis(lambda jax, v: jax.lax.all_gather(v, "i").sum()),
    "AllToAll": through_axis(lambda jax, v: jax.lax.all_to_all(v * jax.numpy.ones(3), "i", 0, 0).sum()),
    "Permute": through_axis(lambda jax, v: jax.lax.ppermute(v, "i", [(0, 1), (1, 2), (2, 0)])),
    "Index": through_axis(lambda jax, v: v * jax.lax.axis_index("i")),
    "SumScatter": through_axis(lambda jax, v: jax.lax.psum_scatter(v * jax.numpy.ones(3), "i")),
}
# No tangent goes through these.
WITHOUT = {
    "Identity": "what the operations that give back their arguments share",
    "LinearCall": "compat/test_checkpoint.py has its programs: it is linear, and has no nonlinear argument here",
    "OptimizationBarrier": "compat/test_checkpoint.py has its programs: the identity",
    "LinearSolve": "compat/test_scipy_sparse.py has its programs: its derivatives solve again",
    "Check": "a check of a value: no results",
    "Collective": "what the collectives share",
    "_OfPlaces": "what products with sparse matrices share",
    "Grouped": "a collective within groups of lanes: test_collectives.py has its programs",
    "_Reduction": "pmax and pmin between devices, which have no derivative either; `sharded_program.py` runs them",
    "Extremum": "pmax and pmin have no derivative, in JAX either",
    "Broadcast": "pbroadcast fails in JAX's own batching rule",
    "SumTo": "the transpose of Broadcast",
    "CustomVjp": "has no forward mode, in JAX either",
    "_Tangents": "the tangents of CustomVjp, which can be transposed alone; test_custom.py has the programs",
    "_Backward": "the same of CustomVjp in reverse; test_custom_inside.py has the programs",
    "PlatformIndex": "a number without arguments, which PlatformCond takes",
    "Untransposed": "JAX does not differentiate linear_call by its residuals",
    "Callback": "what the callbacks share",
    "PureCallback": "has no derivative, in JAX either",
    "IOCallback": "has no derivative, in JAX either",
}


def along(x: Any) -> Any:
    return x * x


NESTINGS: dict[str, Any] = {
    "jvp": lambda jax, f: jax.jvp(f, (X,), (along(X),)),
    "jvp of jvp": lambda jax, f: jax.jvp(lambda x: jax.jvp(f, (x,), (along(x),))[1], (X,), (along(X),)),
    "jvp of vmap": lambda jax, f: jax.jvp(jax.vmap(f), (XS,), (along(XS),)),
    "vmap of jvp": lambda jax, f: jax.vmap(lambda x: jax.jvp(f, (x,), (along(x),)))(XS),
    "vmap of jvp of vmap": lambda jax, f: jax.vmap(lambda xs: jax.jvp(jax.vmap(f), (xs,), (along(xs),)))(
        np.stack([XS, 0.5 * XS])
    ),
    "jit of jvp of jvp": lambda jax, f: jax.jit(
        lambda x: jax.jvp(lambda x: jax.jvp(f, (x,), (along(x),))[1], (x,), (along(x),))
    )(X),
}


def all_operations() -> set[str]:
    """Names of every subclass of `Structured` in the package."""
    for module in pkgutil.walk_packages(jaxlike._src.__path__, "jaxlike._src."):
        if not module.name.endswith(("__main__", ".launch", ".ipython")):
            importlib.import_module(module.name)
    found, todo = set(), [Structured]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind is not Structured and kind.__module__.startswith("jaxlike."):
            found.add(kind.__name__)
    return found


def test_every_operation_has_a_program() -> None:
    assert all_operations() - {*PROGRAMS, *WITHOUT} == set()


@pytest.mark.parametrize("name", PROGRAMS)
def test_nestings(name: str) -> None:
    def program(jax: Any) -> Any:
        f = PROGRAMS[name](jax)
        return {nesting: of(jax, f) for nesting, of in NESTINGS.items()}

    assert_same(*run_both(program), tolerance=GROWTH, title=name)
