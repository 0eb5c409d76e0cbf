"""What test files of JAX take from its private modules: effects of their own, jaxprs counted, sizes, flags, events."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both
from jaxlike._src import private_names
from jaxlike._src.testing.suite import count_device_put


def private(jax: Any, name: str) -> Any:
    """A module of `jax._src`, of either framework."""
    if jax.__name__ == "jax":
        return importlib.import_module(f"jax._src.{name}")
    return private_names.PrivateModule(f"jax._src.{name}")


def with_effect(jax: Any, allowed: bool) -> tuple[Any, Any]:
    """A function with an effect of a class that loops and branches may have, or may not."""
    effects = private(jax, "effects")

    class Said(effects.Effect):
        def __str__(self) -> str:
            return "Said"

        __repr__ = __str__

    if allowed:
        effects.control_flow_allowed_effects.add_type(Said)
    effect = Said()
    say = jax.extend.core.Primitive("say")
    say.multiple_results = True
    say.def_effectful_abstract_eval(lambda *avals, effect: ([], {effect}))

    def f(x: Any) -> Any:
        say.bind(effect=effect)
        return x

    return f, effect


def effects_are_refused(jax: Any) -> Any:
    """In loops and branches, where a function runs again, where it is lowered."""
    lax = jax.lax
    f, _ = with_effect(jax, allowed=False)
    functions = {
        "cond": lambda x: lax.cond(x > 0, f, lambda x: x, x),
        "scan": lambda x: lax.scan(lambda c, _: (f(c), None), x, None, length=2)[0],
        "while": lambda x: lax.while_loop(lambda c: c < 2, lambda c: f(c) + 1, x),
        "remat": jax.grad(jax.checkpoint(f)),
        "jit": lambda x: jax.jit(f)(x),
    }
    said = {}
    for name, fun in functions.items():
        try:
            said[name] = str((fun if name == "jit" else jax.make_jaxpr(fun))(1.0))
        except (NotImplementedError, ValueError) as error:  # what is compared
            said[name] = f"{type(error).__name__}: {error}"
    return said


def effects_are_shown(jax: Any) -> Any:
    """Of a jaxpr, and of a loop whose body has one that it may have; two of a class are two."""
    f, effect = with_effect(jax, allowed=True)
    g, other = with_effect(jax, allowed=True)
    allowed = private(jax, "effects").control_flow_allowed_effects
    loop = jax.make_jaxpr(lambda x: jax.lax.scan(lambda c, _: (f(c), None), x, None, length=2)[0])(1.0)
    both = jax.make_jaxpr(lambda x: f(g(x)))(1.0)
    return (
        str(jax.make_jaxpr(f)(1.0)),
        jax.make_jaxpr(f)(1.0).effects == {effect},
        loop.effects == {effect},
        len(both.effects),
        allowed.contains(effect),
        allowed.filter_in([effect]) == [effect],
        allowed.filter_not_in([effect, other]),
    )


def callbacks_are_limited(jax: Any) -> Any:
    """Where `io_callback` may be, and what transposing a callback says."""
    like = jax.ShapeDtypeStruct((), np.float32)
    f = lambda x: jax.experimental.io_callback(lambda x: x, like, x)  # noqa: E731
    g = lambda x: jax.pure_callback(lambda x: x, like, x)  # noqa: E731
    said = []
    for run in (lambda: jax.grad(jax.checkpoint(lambda x: f(x) * x))(1.0), lambda: jax.linear_transpose(g, 1.0)(1.0)):
        with pytest.raises((NotImplementedError, ValueError)) as caught:  # its type and text are compared
            run()
        said.append((type(caught.value).__name__, str(caught.value).partition("<")[0].partition("[")[0]))
    return said


def failures_are_logged(jax: Any) -> Any:
    """Of callbacks, whose errors a program's own thread may get to see."""
    records: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(f"{record.name}: {record.getMessage()} {record.exc_info is not None}")

    def fail(_: Any) -> Any:
        raise ValueError("inside")

    handler, logger = Kept(), logging.getLogger("jax._src")
    logger.addHandler(handler)
    try:
        for run in (
            lambda: jax.pure_callback(fail, jax.ShapeDtypeStruct((), np.float32), 1.0),
            lambda: jax.debug.callback(fail, 1.0),
        ):
            with pytest.raises(Exception, match="inside"):
                jax.block_until_ready(run())
    finally:
        logger.removeHandler(handler)
    return records


def jaxprs_are_counted(jax: Any) -> Any:
    """By primitive, by shape, by line, and by who reads what."""
    u = private(jax, "jaxpr_util")

    def f(x: Any) -> Any:
        inner = jax.jit(lambda y: jax.numpy.sin(y) * 2.0)(x)
        return inner + jax.lax.cond(x > 0, jax.numpy.sin, jax.numpy.cos, x)

    jaxpr = jax.make_jaxpr(f)(1.0).jaxpr
    flat = jax.make_jaxpr(lambda x: jax.numpy.sin(x) * x)(1.0).jaxpr
    return (
        u.primitives(jaxpr),
        u.primitives_by_shape(jaxpr),
        sorted(name.partition(" @ ")[0] for name in u.primitives_by_source(flat)),
        sum(u.source_locations(jaxpr).values()),
        u.histogram(jaxpr, lambda e: len(e.outvars), str),
        sorted(u.collect_eqns(jaxpr, lambda e: e.primitive.name)),
        [len(u.var_defs_and_refs(j)) for j in (jaxpr, flat)],
        [(e and e.primitive.name, len(r)) for _, e, r in u.var_defs_and_refs(flat)[1]],
        u.count_eqns(jaxpr),
        [e.primitive.name for e in u.eqns_using_var(jaxpr, jaxpr.invars[0])],
        [(e.primitive.name, k) for e, k in u.eqns_using_var_with_invar_index(flat, flat.invars[0])],
    )


def core_has_small_functions(jax: Any) -> Any:
    """Sizes, jaxprs' last uses, named axes."""
    core, jaxpr = private(jax, "core"), jax.make_jaxpr(lambda x: jax.numpy.sin(x) * 2.0)(1.0).jaxpr
    last = core.last_used(jaxpr)
    env = {v: 0 for v in last}
    core.clean_up_dead_vars(jaxpr.eqns[0], env, last)
    axes: list[Any] = []
    jax.vmap(lambda x: axes.append((core.axis_frame("i"), core.get_axis_env().axis_names())) or x, axis_name="i")(
        np.ones(3, np.float32)
    )
    return (
        [core.canonicalize_dim(np.int64(3)), core.dilate_dim(3, 2), core.dilate_dim(3, 1), core.stride_dim(9, 2, 2)],
        [core.divide_shape_sizes((4, 3), (2,)), core.is_empty_shape((0, 2)), core.is_dim(3), core.is_dim("a")],
        core.definitely_equal_one_of_dim(2, (1, 2)),
        len(env),
        axes,
        (core.nonempty_axis_env(), core.unsafe_am_i_under_a_jit(), core.typecheck(jaxpr.invars[0].aval, np.float32(1))),
        [str(core.mem_kind_to_space(k)) for k in ("device", "pinned_host")],
        core.join_effects(jaxpr.effects) == set(),
    )


def util_has_small_functions(jax: Any) -> Any:
    """Lists put together, numbers of bytes, frozen dicts, strict base classes."""
    u, frozen = private(jax, "util"), private(jax, "frozen_dict").FrozenDict
    a = frozen({"a": 1})
    with pytest.raises(NotImplementedError, match="virtual"):  # as in JAX
        u.StrictABC.register(int)
    return (
        u.subs_list([None, 1, None], "xyz", "ab"),
        u.subs_list2([None, 1], [0, None], "xyz", "pq", ""),
        [u.pprint_bytes(n) for n in (0, 999, 1500, 2.5e9)],
        u.fun_qual_name(u.StrictABC).rpartition(".")[2],
        (str(a), repr(a), a == frozen({"a": 1}), hash(a) == hash(frozen({"a": 1})), a == {"a": 1}, len(a), list(a)),
    )


def flags_are_made(jax: Any) -> Any:
    """Numbers, words and words that may be absent, and what each refuses."""
    config, made = private(jax, "config"), {}
    made["int"] = config.int_state(name="jax_compat_int", default=3, help="")
    made["float"] = config.float_state(name="jax_compat_float", default=0.5, help="")
    made["word"] = config.optional_enum_state(name="jax_compat_word", enum_values=["a"], default=None, help="")
    made["text"] = config.optional_string_state(name="jax_compat_text", default=None, help="")
    said = []
    for name in made:
        with pytest.raises(ValueError, match="new") as caught:
            jax.config.update(f"jax_compat_{name}", [])
        said.append(str(caught.value))
    return [state.value for state in made.values()], said


def platforms_have_names(jax: Any) -> Any:
    """Known ones, and what "gpu" stands for."""
    bridge = private(jax, "xla_bridge")
    jax.devices()
    return (
        sorted(bridge.known_platforms()),
        [bridge.is_known_platform(name) for name in ("cpu", "none")],
        [bridge.expand_platform_alias(name) for name in ("cpu", "gpu")],
        [bridge.canonicalize_platform(name) for name in ("cpu", "cuda")],
        bridge.backends_are_initialized(),
    )


PARTS: list[Callable[[Any], Any]] = [
    effects_are_refused,
    effects_are_shown,
    callbacks_are_limited,
    failures_are_logged,
    jaxprs_are_counted,
    core_has_small_functions,
    util_has_small_functions,
    flags_are_made,
    platforms_have_names,
]


@pytest.mark.parametrize("program", PARTS, ids=lambda p: p.__name__)
def test_parts(program: Callable[[Any], Any]) -> None:
    assert_same(*run_both(program))


def test_puts_are_counted() -> None:
    import jax
    from jax._src import test_util as jtu

    import jaxlike

    def counts(framework: Any, counter: Any) -> list[int]:
        one, x = framework.devices("cpu")[0], framework.numpy.ones(2)
        runs: list[Callable[[], Any]] = [
            lambda: framework.device_put(np.ones(2)),
            lambda: framework.device_put([1.0, 2.0]),
            lambda: framework.device_put(x),
            lambda: framework.device_put(x, one),
            lambda: framework.device_put(x, may_alias=False),
        ]
        found = []
        for run in runs:
            with counter() as count:
                run()
            found.append(count())
        return found

    assert counts(jaxlike, count_device_put) == counts(jax, jtu.count_device_put)
