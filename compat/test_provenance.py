"""What is said of where a value comes from: the function, its arguments, the operations and lines that made it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)


def said(jax: Any, run: Callable[[], Any]) -> str:
    """The whole message of the error."""
    with pytest.raises(Exception) as caught:  # the text is what is compared
        run()
    return re.sub(r"'[^']*' \(.*", "", str(caught.value))


def choose(x: Any) -> Any:
    """Python's choice on a value."""
    return x if x > 0 else -x


def from_a_constant(jax: Any) -> Any:
    """A choice on a value that depends on no argument."""

    def f(x: Any) -> Any:
        made = jax.numpy.zeros(3) + 1
        return x if made[0] > 0 else -x

    return said(jax, lambda: jax.jit(f)(1.0))


def on_arguments(jax: Any, names: str) -> Any:
    """A choice on a value that depends on several."""
    f = lambda a, b, c: 1 if sum(dict(a=a, b=b, c=c)[n] for n in names) else 2  # noqa: E731
    return said(jax, lambda: jax.jit(f)(1, 2, 3))


def leaked(jax: Any, transform: Callable[[Any], Any], inside: Callable[[Any], Any] = lambda x: x) -> Any:
    """The use of an argument, or of what is made of it, after its transformation."""
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(inside(x))
        return x

    transform(f)
    return said(jax, lambda: kept[0] + 1).partition("-" * 30)[0], said(jax, lambda: kept[0] + 1)[-60:]


def with_ref(jax: Any, traced: Callable[[Any, Any], Any]) -> Any:
    """A choice on a value beside a ref."""
    return said(jax, lambda: traced(lambda ref, y: choose(y) * ref[...], jax.new_ref(jax.numpy.float32(1))))


def leaked_ref(jax: Any, transform: Callable[[Any, Any], Any]) -> Any:
    """The use of a ref after the function that it was given to."""
    kept: list[Any] = []
    transform(lambda ref: kept.append(ref) or ref[...], jax.new_ref(jax.numpy.float32(1)))
    return said(jax, lambda: kept[0][...]).partition("\n")[0], said(jax, lambda: kept[0].__setitem__(..., 1.0))[-60:]


MESSAGES: dict[str, Callable[[Any], Any]] = {
    "jit of a ref": lambda jax: with_ref(jax, lambda f, ref: jax.jit(f)(ref, 1.0)),
    "cond of a ref": lambda jax: with_ref(jax, lambda f, ref: jax.lax.cond(True, f, f, ref, 1.0)),
    "checkpoint of a ref": lambda jax: with_ref(jax, lambda f, ref: jax.checkpoint(f)(ref, 1.0)),
    "scan of a ref": lambda jax: with_ref(
        jax, lambda f, ref: jax.lax.scan(lambda c, a: (c, f(*a)), 1.0, (jax.new_ref(jax.numpy.asarray(X)), X))
    ),
    "leak of a ref in jit": lambda jax: leaked_ref(jax, lambda f, ref: jax.jit(f)(ref)),
    "leak of a ref in cond": lambda jax: leaked_ref(jax, lambda f, ref: jax.lax.cond(True, f, f, ref)),
    "leak of a ref in checkpoint": lambda jax: leaked_ref(jax, lambda f, ref: jax.checkpoint(f)(ref)),
    "bool": lambda jax: said(jax, lambda: jax.jit(choose)(1.0)),
    "no argument": from_a_constant,
    "one of three": lambda jax: on_arguments(jax, "b"),
    "two of three": lambda jax: on_arguments(jax, "ac"),
    "three of three": lambda jax: on_arguments(jax, "abc"),
    "tree": lambda jax: said(jax, lambda: jax.jit(lambda t: bool(t["a"][1]))({"a": [1, 2]})),
    "kwargs": lambda jax: said(jax, lambda: jax.jit(lambda **k: int(k["u"]))(u=1, v=2)),
    "varargs": lambda jax: said(jax, lambda: jax.jit(lambda *a: float(a[1]))(1, 2)),
    "static": lambda jax: said(jax, lambda: jax.make_jaxpr(lambda n, x: bool(x), static_argnums=0)(3, 1)),
    "scan": lambda jax: said(jax, lambda: jax.lax.scan(lambda c, x: (choose(c), x), 1.0, X)),
    "scan row": lambda jax: said(jax, lambda: jax.lax.scan(lambda c, row: (c, choose(row)), 1.0, X)),
    "while cond": lambda jax: said(jax, lambda: jax.lax.while_loop(lambda c: bool(c < 3), lambda c: c + 1, 0)),
    "while body": lambda jax: said(jax, lambda: jax.lax.while_loop(lambda c: c < 3, lambda c: choose(c), 0)),
    "fori": lambda jax: said(jax, lambda: jax.lax.fori_loop(0, 3, lambda i, c: c if i else c + 1, 1.0)),
    "fori carry": lambda jax: said(jax, lambda: jax.lax.fori_loop(0, 3, lambda i, c: choose(c), 1.0)),
    "cond": lambda jax: said(jax, lambda: jax.lax.cond(True, choose, lambda x: x, 1.0)),
    "checkpoint": lambda jax: said(jax, lambda: jax.checkpoint(choose)(1.0)),
    "leak of jit": lambda jax: leaked(jax, lambda f: jax.jit(f)(1.0)),
    "leak of grad": lambda jax: leaked(jax, lambda f: jax.grad(f)(1.0)),
    "leak of jvp": lambda jax: leaked(jax, lambda f: jax.jvp(f, (1.0,), (1.0,))),
    "leak of jvp of a tree": lambda jax: leaked(jax, lambda f: jax.jvp(lambda t: f(t["a"]), ({"a": X},), ({"a": X},))),
    "leak from inside of jvp": lambda jax: leaked(jax, lambda f: jax.jvp(f, (1.0,), (1.0,)), lambda x: x * 2),
    "leak of vmap": lambda jax: leaked(jax, lambda f: jax.vmap(f)(X)),
    "leak of scan": lambda jax: leaked(jax, lambda f: jax.lax.scan(lambda c, x: (f(c), x), 1.0, X)),
    "leak of fori": lambda jax: leaked(jax, lambda f: jax.lax.fori_loop(0, 3, lambda i, c: f(c), 1.0)),
}


def kept_of_forward_mode(jax: Any, transform: str) -> Any:
    """What can be done with values of forward mode when it is over: with those that have no tangent all."""
    kept: list[Any] = []

    def f(x: Any) -> Any:
        made = [jax.numpy.sin(x), 2 * x, x[0], x + x, jax.vmap(jax.numpy.cos)(x)]
        free = [jax.numpy.ones(2) * 2, x > 0, x.astype(int), jax.lax.stop_gradient(x), jax.numpy.zeros_like(x)]
        kept.extend([made, free])
        return x.sum()

    x = jax.numpy.asarray(X)
    {
        "jvp": lambda: jax.jvp(f, (x,), (x,)),
        "jacfwd": lambda: jax.jacfwd(f)(x),
        "jvp over lanes": lambda: jax.vmap(lambda t: jax.jvp(f, (x,), (t,)))(x[None]),
        "jvp of jvp": lambda: jax.jvp(lambda x: jax.jvp(f, (x,), (x,))[1], (x,), (x,)),
    }[transform]()
    made, free = kept
    refusals = [said(jax, lambda v=v, use=use: use(v)).partition("\n")[0] for v in made for use in (jax.numpy.sin, np.asarray)]
    return refusals, free if transform != "jvp of jvp" else None


@pytest.mark.parametrize("transform", ["jvp", "jacfwd", "jvp over lanes", "jvp of jvp"])
def test_kept_of_forward_mode(transform: str):
    assert_same(*run_both(lambda jax: kept_of_forward_mode(jax, transform)))


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str):
    assert_same(*run_both(MESSAGES[name]))


def caught_at_once(jax: Any, transform: Callable[[Any], Any]) -> str:
    """What the check for leaks says when a value is kept."""
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(x * 2)
        return x

    with jax.checking_leaks():
        return said(jax, lambda: transform(f)).splitlines()[0]


def said_of_lanes(jax: Any, use: Callable[[Any], Any], transform: str = "vmap") -> str:
    """The message, with another number for the value's."""
    ones = jax.numpy.ones((2, 3))
    run = {
        "vmap": lambda: jax.vmap(use)(ones),
        "jit of vmap": lambda: jax.jit(jax.vmap(use))(ones),
        "vmap of jit": lambda: jax.vmap(jax.jit(use))(ones),
        "grad of vmap": lambda: jax.grad(lambda x: jax.vmap(use)(x).sum())(ones),
        "vmap of grad": lambda: jax.vmap(jax.grad(use))(ones),
        "jit of grad": lambda: jax.jit(jax.grad(use))(ones),
    }[transform]
    return re.sub(r"id \d+", "id 1", said(jax, run))


def variable(x: Any) -> Any:
    """A choice on a value made some lines before."""
    total = x.sum()
    for _ in range(2):
        x = x + 1
    return x if total else -x


def argument(x: Any) -> Any:
    """A choice on the argument, which the call of vmap made."""
    return np.asarray(x)


LANES: dict[str, Callable[[Any], Any]] = {
    "bool": lambda x: bool(x.sum()),
    "float": lambda x: float(x.sum()),
    "if": lambda x: 1.0 if x[0] > 0 else 2.0,
    "not": lambda x: not x[0],
    "index": lambda x: [1, 2][x.sum().astype(int)],
    "max": lambda x: max(x[0], x[1]),
    "variable": variable,
    "argument": argument,
}
AROUND = ["jit of vmap", "vmap of jit", "grad of vmap", "vmap of grad", "jit of grad"]


@pytest.mark.parametrize(("name", "transform"), [*[(n, "vmap") for n in LANES], *[("float", t) for t in AROUND]])
def test_values_of_lanes(name: str, transform: str):
    assert_same(*run_both(lambda jax: said_of_lanes(jax, LANES[name], transform)))


class Keeper:
    """What may keep a value too long."""


def kept_in(jax: Any, where: str) -> str:
    """What the check for leaks says keeps a value: up to the holder of the first that is named."""
    keeper, cell = Keeper(), None

    def f(x: Any) -> Any:
        nonlocal cell
        cell = x * 2
        if where != "closure":
            setattr(keeper, "list", [cell]) if where == "list" else setattr(keeper, "value", cell)
            cell = None
        return x

    with jax.checking_leaks():
        text = said(jax, lambda: jax.vmap(f)(X))
    found = next(line for line in text.splitlines() if "is referred to by" in line)
    return re.sub(r"\d+>", "1>", found)


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("where", ["list", "attribute", "closure"])
def test_what_keeps_a_leak(where: str):
    assert_same(*run_both(lambda jax: kept_in(jax, where)))


def pullbacks_that_look(jax: Any, transform: str) -> bool:
    """Whether the linear function of one that looks at values can be shown."""
    f = lambda x: x[x > 1] * 2 if float(x[0]) > 0 else x  # noqa: E731
    return bool(repr(getattr(jax, transform)(f, jax.numpy.asarray(X))[1]))


@pytest.mark.parametrize("transform", ["vjp", "linearize"])
def test_pullbacks_that_look(transform: str):
    assert_same(*run_both(lambda jax: pullbacks_that_look(jax, transform)))


CHECKED: dict[str, Callable[[Any], Any]] = {
    "jit": lambda jax: caught_at_once(jax, lambda f: jax.jit(f)(1.0)),
    "vmap": lambda jax: caught_at_once(jax, lambda f: jax.vmap(f)(X)),
    "grad in jit": lambda jax: caught_at_once(jax, lambda f: jax.jit(jax.grad(f))(1.0)),
    "jvp in jit": lambda jax: caught_at_once(jax, lambda f: jax.jit(lambda x: jax.jvp(f, (x,), (x,)))(1.0)),
    "scan": lambda jax: caught_at_once(jax, lambda f: jax.lax.scan(lambda c, x: (f(c), x), 1.0, X)),
    "jacfwd": lambda jax: caught_at_once(jax, lambda f: jax.jacfwd(f)(X)),
    "jvp over lanes": lambda jax: caught_at_once(jax, lambda f: jax.vmap(lambda x: jax.jvp(f, (x,), (1.0,)))(X)),
    "linear_transpose": lambda jax: caught_at_once(jax, lambda f: jax.linear_transpose(f, 1.0)),
}


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("name", CHECKED)
def test_checked_leaks(name: str):
    assert_same(*run_both(CHECKED[name]))


def info_of(jaxpr: Any) -> Any:
    """What a jaxpr says of its function."""
    info = jaxpr.debug_info
    return info.traced_for, info.func_src_info, info.arg_names, info.result_paths


def named(x: Any, y: Any, *rest: Any, z: Any = 3, **more: Any) -> Any:
    """Arguments of all kinds."""
    return x, {"a": y, "rest": rest}


def inner(jax: Any, f: Callable[..., Any], key: str, *args: Any) -> Any:
    """The same of a jaxpr inside."""
    found = jax.make_jaxpr(f)(*args).eqns[-1].params[key]
    return info_of(getattr(found, "jaxpr", found))


INFOS: dict[str, Callable[[Any], Any]] = {
    "make_jaxpr": lambda jax: info_of(jax.make_jaxpr(named)(1, [2, 3], z=4)),
    "trace": lambda jax: info_of(jax.jit(named).trace(1, 2, 3, z=4, w=5).jaxpr),
    "static": lambda jax: info_of(jax.jit(named, static_argnums=1).trace(1, 2, 3).jaxpr),
    "static jaxpr": lambda jax: info_of(jax.make_jaxpr(lambda n, x, y: (x, y), static_argnums=0)(3, 1, 2)),
    "varargs": lambda jax: info_of(jax.make_jaxpr(lambda *a: a)(1, 2)),
    "jit": lambda jax: inner(jax, jax.jit(named), "jaxpr", 1, 2),
    "scan": lambda jax: inner(jax, lambda x: jax.lax.scan(lambda c, y: (c + y, y), x, X), "jaxpr", 1.0)[:3],
    "while": lambda jax: inner(jax, lambda x: jax.lax.while_loop(lambda a: a < 3, lambda b: b + 1, x), "body_jaxpr", 1),
    "checkpoint": lambda jax: inner(jax, jax.checkpoint(lambda b: b + 1), "jaxpr", 1.0),
}


@pytest.mark.parametrize("name", INFOS)
def test_debug_info(name: str):
    assert_same(*run_both(INFOS[name]))


def lines(jax: Any) -> Any:
    """Each equation's operation with its line."""

    def f(x: Any) -> Any:
        y = jax.numpy.sin(x)
        for _ in range(2):
            y = y * x
        return jax.numpy.cos(y)

    info = jax.extend.source_info_util
    return [(e.primitive.name, info.summarize(e.source_info)) for e in jax.make_jaxpr(f)(X).eqns]


def test_lines_of_equations():
    assert_same(*run_both(lines))


def test_a_shape_whose_value_is_known_needs_no_advice() -> None:
    """Under jvp and grad the value is there: it is no integer, and no `static_argnums` would help."""

    def program(jax: Any) -> Any:
        f = lambda x: jax.numpy.zeros(x)  # noqa: E731
        runs = [lambda: jax.jvp(f, (1.0,), (1.0,)), lambda: jax.grad(f)(1.0), lambda: jax.jit(f)(1)]
        return ["static_argnums" in said(jax, run) for run in runs]

    assert_same(*run_both(program))
