"""Looking at functions without running them: stages, shapes, how often the Python runs, what is logged of it."""

from __future__ import annotations

import copy
import logging
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)


def compiled(jax: Any) -> Any:
    """A compiled function of a used and an unused argument, with a tree as its result."""
    return jax.jit(lambda x, y: {"a": x * 2, "b": x.sum()}).lower(X, 1.0).compile()


def formats(jax: Any, tree: Any) -> Any:
    """Layout and sharding of each leaf, as text."""
    leaves, treedef = jax.tree.flatten(tree)
    return str(treedef), [(str(f.layout), f.sharding is None) for f in leaves]


def counted(jax: Any, *looks: Callable[[Any, Any], Any]) -> Any:
    """How often a function ran after each of several looks at it."""
    ran: list[int] = []

    def f(x: Any) -> Any:
        ran.append(1)
        return x * 2

    counts = []
    for look in looks:
        look(jax, f)
        counts.append(len(ran))
    return counts


def jitted(jax: Any, f: Any) -> Any:
    """A call."""
    return jax.jit(f)(1.0)


def shaped(jax: Any, f: Any) -> Any:
    """Its shape."""
    return jax.eval_shape(f, 1.0)


def printed(jax: Any, f: Any) -> Any:
    """Its jaxpr."""
    return jax.make_jaxpr(f)(1.0)


def struct(jax: Any, *args: Any, **kwargs: Any) -> Any:
    """A ShapeDtypeStruct."""
    return jax.ShapeDtypeStruct(*args, **kwargs)


def assigned(jax: Any) -> Any:
    """An attempt to change one."""
    s = struct(jax, (3,), "float32")
    s.shape = (3,)  # the same value is let pass
    s.shape = (4,)


def duck(jax: Any) -> Any:
    """An object with a shape and a dtype in place of an array."""

    class Like:
        """No array."""

        def __init__(self, shape: tuple[int, ...]) -> None:
            self.shape, self.dtype, self.ndim, self.weak_type = shape, np.dtype("float32"), len(shape), False

    out = jax.eval_shape(lambda a, b: a @ b, Like((2, 3)), Like((3,)))
    return out.shape, str(out.dtype)


def as_copies(jax: Any) -> Any:
    """Copies are equal."""
    s = struct(jax, (3,), "float32", weak_type=True)
    return [c == s and hash(c) == hash(s) for c in (copy.copy(s), copy.deepcopy(s), pickle.loads(pickle.dumps(s)))]


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "input formats": lambda jax: formats(jax, compiled(jax).input_formats),
    "output formats": lambda jax: formats(jax, compiled(jax).output_formats),
    "out info": lambda jax: [s.shape for s in jax.tree.leaves(compiled(jax).out_info)],
    "traced is called": lambda jax: jax.jit(lambda x: x * 2).trace(X)(X),
    "lojax": lambda jax: str(jax.jit(lambda x: x * 2).trace(X).lojax.jaxpr),
    "counts": lambda jax: counted(jax, shaped, printed, jitted, shaped, printed, jitted),
    "counts of jit first": lambda jax: counted(jax, jitted, printed, shaped),
    "static counts": lambda jax: str(jax.make_jaxpr(lambda n, x: x * n, static_argnums=0)(3, X)),
    "static not hashable": lambda jax: jax.make_jaxpr(lambda n, x: x, static_argnums=0)([3], X),
    "static out of range": lambda jax: jax.make_jaxpr(lambda n, x: x, static_argnums=4)(3, X),
    "duck": duck,
    "assigned": assigned,
    "copies": as_copies,
    "update": lambda jax: str(struct(jax, (3,), "float32").update(shape=(2, 2), unknown=1)),
    "bad sharding": lambda jax: struct(jax, (3,), "float32", sharding=3),
    "bad manual type": lambda jax: struct(jax, (3,), "float32", manual_axis_type=3),
    "format": lambda jax: str(struct(jax, (3,), "float32").format),
    "spec without mesh": lambda jax: struct(jax, (3,), "float32", sharding=jax.sharding.PartitionSpec("x")).sharding,
    "array format": lambda jax: str(jax.numpy.ones((2, 3)).format.layout),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str):
    assert_same(*run_both(PROGRAMS[name]))


def logged(jax: Any, run: Callable[[], Any]) -> list[str]:
    """What is logged, without times and identities."""
    records: list[str] = []

    class Keep(logging.Handler):
        """Keeps texts."""

        def emit(self, record: logging.LogRecord) -> None:
            """Keep one."""
            text = re.sub(r"id=\d+|in [\d.e-]+ sec", "...", record.getMessage())
            records.append(f"{record.name} {record.levelname} {text}")

    handler, logger = Keep(), logging.getLogger("jax")
    logger.addHandler(handler)
    try:
        run()
    finally:
        logger.removeHandler(handler)
    return records


def test_log_compiles():
    def program(jax: Any) -> Any:
        def doubled(x: Any) -> Any:
            return x + x

        x, f = jax.numpy.asarray(X), jax.jit(doubled)
        with jax.log_compiles(True):
            records = logged(jax, lambda: (f(x), f(x), f.lower(x)))
        return [r for r in records if "Finished tracing" in r or "Compiling" in r]  # what XLA does is not done here

    assert_same(*run_both(program))


UNDER: dict[str, Callable[[Any, Any], Callable[[Any], Any]]] = {
    "grad": lambda jax, f: jax.grad(f),
    "value_and_grad": lambda jax, f: jax.value_and_grad(f),
    "jvp": lambda jax, f: lambda x: jax.jvp(f, (x,), (x,)),
    "vmap": lambda jax, f: lambda x: jax.vmap(f)(x[None]),
    "jit of grad": lambda jax, f: jax.jit(jax.grad(f)),
}


@pytest.mark.parametrize("how", UNDER)
def test_log_compiles_under_transformations(how: str) -> None:
    """Each program that a transformation makes of a jitted function is a message, once."""

    def program(jax: Any) -> Any:
        def doubled(x: Any) -> Any:
            return jax.numpy.sin(x) * 2

        x, run = jax.numpy.float32(2), UNDER[how](jax, jax.jit(doubled))
        with jax.log_compiles(True):
            return [sum("Compiling jit(doubled)" in r for r in logged(jax, lambda: run(x))) for _ in range(2)]

    assert_same(*run_both(program))


def test_explained_misses():
    def program(jax: Any) -> Any:
        f = jax.jit(lambda x, n: x, static_argnums=1)
        with jax.explain_cache_misses(True):
            records = logged(jax, lambda: (f(X, 1), f(X[:2], 1), f(X[:1], 1), f({"a": X}, 1)))
        assert len(records) == 4
        return records

    assert_same(*run_both(program))
