"""checkpoint, its policies and names, custom_vmap, linear_call, custom_root: programs of both frameworks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaxlike
from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)


def policies(jax: Any) -> dict[str, Any]:
    p = jax.checkpoint_policies
    return {
        "none": None,
        "everything": p.everything_saveable,
        "nothing": p.nothing_saveable,
        "dots": p.dots_saveable,
        "plain dots": p.dots_with_no_batch_dims_saveable,
        "names": p.save_only_these_names("z"),
        "other names": p.save_any_names_but_these("z"),
        "any value": p.save_anything_except_these_names("z"),
        "both": p.save_from_both_policies(p.dots_saveable, p.save_only_these_names("z")),
        "offloaded dots": p.offload_dot_with_no_batch_dims("device", "pinned_host"),
    }


NESTINGS: dict[str, Any] = {
    "grad": lambda jax, f: jax.grad(f)(0.7),
    "second order": lambda jax, f: jax.grad(jax.grad(f))(0.7),
    "third order": lambda jax, f: jax.grad(jax.grad(jax.grad(f)))(0.7),
    "jvp": lambda jax, f: jax.jvp(f, (0.7,), (2.0,)),
    "linearize": lambda jax, f: jax.linearize(f, 0.7)[1](2.0),
    "vmap of grad": lambda jax, f: jax.vmap(jax.grad(f))(X),
    "jit of grad": lambda jax, f: jax.jit(jax.grad(f))(0.7),
    "grad of jit of vmap": lambda jax, f: jax.grad(lambda x: jax.jit(jax.vmap(f))(x).sum())(X),
    "scan": lambda jax, f: jax.grad(lambda x: jax.lax.scan(lambda c, _: (f(c), c), x, length=3)[0])(0.7),
    "nested": lambda jax, f: jax.grad(jax.checkpoint(lambda x: jax.checkpoint(f)(f(x))))(0.7),
}


@pytest.mark.parametrize("policy", policies(jaxlike))
def test_policies(policy: str) -> None:
    def program(jax: Any) -> Any:
        jnp = jax.numpy

        def f(x: Any) -> Any:
            return jnp.cos(jax.ad_checkpoint.checkpoint_name(jnp.sin(jnp.sin(x) * x), "z"))

        return {k: n(jax, jax.checkpoint(f, policy=policies(jax)[policy])) for k, n in NESTINGS.items()}

    assert_same(*run_both(program), title=policy)


@pytest.mark.parametrize("policy", policies(jaxlike))
def test_policies_see_the_primitives_of_jax(policy: str) -> None:
    """Where one op of torch is two of JAX's primitives, or several are one."""

    def program(jax: Any) -> Any:
        jnp = jax.numpy

        def f(x: Any, b: Any) -> Any:
            return jnp.where(x > 0, jnp.tanh(x @ x + b) ** 3, jnp.clip(b, 0, 1)) / jnp.mean(x)

        m = np.outer(X, X)
        return jax.grad(lambda x, b: jax.checkpoint(f, policy=policies(jax)[policy])(x, b).sum(), (0, 1))(m, X)

    assert_same(*run_both(program), title=policy)


def test_what_is_kept() -> None:
    """The lines of print_saved_residuals: as many, of the same types, from the same arguments, names and places."""

    def program(jax: Any) -> Any:
        p = jax.checkpoint_policies

        def f(w: Any, x: Any) -> Any:
            y = jax.ad_checkpoint.checkpoint_name(jax.numpy.sin(w @ x), "z")
            return jax.numpy.sin(y).sum()

        def named(*rows: Any, **scales: Any) -> Any:
            return jax.numpy.sin(rows[0]["a"] @ rows[1]) * scales["by"]

        args = (np.ones((3, 3), np.float32), np.ones((3, 3), np.float32))
        for policy in (None, p.dots_saveable, p.save_only_these_names("z")):
            jax.ad_checkpoint.print_saved_residuals(jax.checkpoint(f, policy=policy), *args)
        jax.ad_checkpoint.print_saved_residuals(jax.checkpoint(named), {"a": args[0]}, args[1], by=2.0)
        looped = lambda x: jax.lax.fori_loop(0, 3, lambda _, c: jax.numpy.sin(c), x)  # noqa: E731
        jax.ad_checkpoint.print_saved_residuals(looped, 1.0)

    import contextlib
    import io

    import jax

    said = []
    for framework in (jax, jaxlike):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            program(framework)
        said.append(out.getvalue().splitlines())
    assert said[0] == said[1]


INNER: dict[str, Any] = {  # where the products are: a function of x and weights w[3, 2, 2]
    "jit": lambda jax, step: lambda x, w: jax.jit(step)(x, w[0]),
    "scan": lambda jax, step: lambda x, w: jax.lax.scan(lambda c, row: (step(c, row), c.sum()), x, w)[0],
    "reversed scan": lambda jax, step: (
        lambda x, w: jax.lax.scan(lambda c, row: (step(c, row), None), x, w, None, True)[0]
    ),
    "scan of scan": lambda jax, step: (
        lambda x, w: jax.lax.scan(
            lambda c, _: (jax.lax.scan(lambda c, row: (step(c, row), None), c, w)[0], None), x, length=2
        )[0]
    ),
    "cond": lambda jax, step: lambda x, w: jax.lax.cond(x[0, 0] > 0, step, lambda x, row: jax.numpy.cos(x), x, w[0]),
    "scan of jit of cond": lambda jax, step: (
        lambda x, w: jax.lax.scan(lambda c, row: (jax.jit(INNER["cond"](jax, step))(c, row[None]), None), x, w)[0]
    ),
}
KEPT: dict[str, Any] = {  # what of sin(x @ w) is kept
    "products": lambda jax: jax.checkpoint_policies.dots_saveable,
    "cosines": lambda jax: lambda primitive, *_, **__: str(primitive) == "cos",
    "a name": lambda jax: jax.checkpoint_policies.save_only_these_names("z"),
    "everything": lambda jax: jax.checkpoint_policies.everything_saveable,
    "nothing": lambda jax: jax.checkpoint_policies.nothing_saveable,
}


def named_step(jax: Any) -> Any:
    return lambda x, w: jax.ad_checkpoint.checkpoint_name(jax.numpy.sin(x @ w), "z")


@pytest.mark.parametrize(
    ("inner", "kept"),
    [
        *((inner, kept) for inner in ("jit", "scan", "cond") for kept in ("products", "a name")),
        ("scan", "cosines"),
        ("reversed scan", "products"),
        ("scan of scan", "products"),
        ("scan of jit of cond", "everything"),
    ],
)
def test_policies_look_into_what_is_called(inner: str, kept: str) -> None:
    """Derivatives of a checkpointed loop, choice or jitted function, and of a loop of checkpointed steps."""

    def program(jax: Any) -> Any:
        policy, step = KEPT[kept](jax), named_step(jax)
        x, w = np.full((2, 2), 0.3, np.float32), np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 2, 2)
        whole = jax.checkpoint(INNER[inner](jax, step), policy=policy)
        steps = INNER[inner](jax, jax.checkpoint(step, policy=policy))
        out = []
        for f in (whole, steps):

            def loss(x: Any, w: Any, f: Any = f) -> Any:
                return jax.numpy.sin(f(x, w) @ w[1]).sum()

            out += [jax.grad(loss, (0, 1))(x, w), jax.jvp(jax.grad(loss), (x, w), (x, w))]
        return out

    assert_same(*run_both(program), title=f"{inner}, {kept}")


# How often sin, cos and a product are in the linear part: what is computed again, beside one product of the tangent.
AGAIN = [
    (inner, kept)
    for inner in ("jit", "scan", "cond")
    for kept in ("products", "cosines", "everything", "nothing", "a name")
    if (inner, kept) not in [("jit", "nothing"), ("scan", "nothing"), ("cond", "everything")]
]


@pytest.mark.parametrize(("inner", "kept"), AGAIN)
def test_what_is_computed_again(inner: str, kept: str) -> None:
    def program(jax: Any) -> Any:
        w = np.ones((3, 2, 2), np.float32)
        f = jax.checkpoint(lambda x: INNER[inner](jax, named_step(jax))(x, w), policy=KEPT[kept](jax))
        text = str(jax.linearize(f, np.ones((2, 2), np.float32))[1].func.args[0])
        return {name: text.count(name) for name in (" sin ", " cos ", " dot_general[")}

    assert_same(*run_both(program), title=f"{inner}, {kept}")


MEMORY = """
import sys
from pathlib import Path
import jaxlike

def step(x):
    for _ in range(20):
        x = jaxlike.numpy.sin(x)
    return x

def resident():  # pages of this process that are in memory
    return int(Path("/proc/self/statm").read_text().split()[1])

fun = jaxlike.checkpoint(step) if sys.argv[1] == "checkpoint" else step
with jaxlike.default_device(jaxlike.devices("cpu")[0]):
    jaxlike.vjp(fun, jaxlike.numpy.ones(10))
    x = jaxlike.numpy.ones(500_000)
    before = resident()
    held = [jaxlike.vjp(fun, x) for _ in range(8)]
    print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's count of pages")
def test_recomputing_takes_less_memory() -> None:
    """Memory held between the forward and the backward pass of a chain of 20 steps on 2 MB, eight times.

    Each in a process of its own, since memory that was freed in one is used again; what an allocator keeps of one
    forward pass is small beside eight of them.
    """
    recomputed, kept = (
        int(subprocess.run([sys.executable, "-c", MEMORY, how], capture_output=True, check=True, timeout=120).stdout)
        for how in ("checkpoint", "plain")
    )
    assert 0 < recomputed < 0.3 * kept


PROGRAMS: dict[str, Any] = {
    "static argument": lambda jax: jax.grad(jax.checkpoint(lambda x, n: x**2 if n else x, static_argnums=1))(3.0, True),
    "static out of range": lambda jax: jax.checkpoint(lambda x: x, static_argnums=3)(1.0),
    "static below range": lambda jax: jax.checkpoint(lambda x, y: x, static_argnums=(-5,))(1.0, 2.0),
    "static of another type": lambda jax: jax.checkpoint(lambda x: x, static_argnums=(1.0,))(1.0),
    "branch on a value": lambda jax: jax.checkpoint(lambda x: x if x > 0 else -x)(1.0),
    "prevent_cse number": lambda jax: jax.checkpoint(lambda x: x, prevent_cse=3),
    "prevent_cse tuple": lambda jax: jax.checkpoint(lambda x, y: x * y, prevent_cse=(True, False))(1.0, 2.0),
    "concrete": lambda jax: jax.checkpoint(lambda x: x, concrete=False),
    "text": lambda jax: jax.checkpoint(lambda x: x)("a"),
    "text as result": lambda jax: jax.checkpoint(lambda x: "a")(1.0),
    "names that are saved and offloaded": lambda jax: jax.checkpoint_policies.save_and_offload_only_these_names(
        names_which_can_be_saved=["a"], names_which_can_be_offloaded=["a"], offload_src="x", offload_dst="y"
    ),
    "custom_vmap": lambda jax: vmapped(jax)(jax.numpy.array(X), jax.numpy.array(X)),
    "custom_vmap jvp": lambda jax: jax.jvp(vmapped(jax), (X, X), (X, X)),
    "custom_vmap grad": lambda jax: jax.grad(lambda x: vmapped(jax)(x, X).sum())(X),
    "sequential_vmap": lambda jax: jax.vmap(jax.custom_batching.sequential_vmap(lambda x: x * 2))(X),
    "linear_call": lambda jax: jax.grad(lambda x: jax.custom_derivatives.linear_call(
        lambda r, x: x / r, lambda r, t: 5 * t / r, 3.0, x))(2.0),
    "custom_root": lambda jax: jax.vmap(jax.grad(root(jax)))(X),
    "custom_root twice": lambda jax: jax.grad(jax.grad(root(jax)))(2.0),
    "optimization_barrier": lambda jax: jax.grad(lambda x: jax.lax.optimization_barrier((x, x * x))[1])(3.0),
}  # fmt: skip


def vmapped(jax: Any) -> Any:
    f = jax.custom_batching.custom_vmap(lambda x, y: jax.numpy.sin(x) * y)
    f.def_vmap(lambda size, batched, x, y: (x * y * size, True))
    return jax.vmap(f)


def root(jax: Any) -> Any:
    def solve(f: Any, x: Any) -> Any:
        return jax.lax.fori_loop(0, 30, lambda _, x: x - f(x) / (2 * x), x)

    return lambda a: jax.lax.custom_root(lambda x: x * x - a, 1.0, solve, lambda g, y: y / g(1.0))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]), title=name)
