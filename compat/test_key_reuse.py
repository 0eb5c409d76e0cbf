"""`jax.debug_key_reuse`: which programs use a key twice, as JAX sees it; outside of traces, in them, in loops."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from jax.experimental.key_reuse import _core as core_of_jax

from compat import frameworks
from compat.same import assert_same, run_both
from jaxlike._src.random import key_signatures

PROGRAMS: dict[str, Any] = {}


def program(f: Any) -> Any:
    """One that is run under the flag, with keys of its own."""
    PROGRAMS[f.__name__] = f
    return f


@program
def once(jax, random):
    random.normal(random.key(0))


@program
def twice(jax, random):
    k = random.key(0)
    random.normal(k)
    random.uniform(k)


@program
def joined(jax, random):
    k, j = random.key(0), random.key(1)
    both = jax.numpy.concatenate([k[None], j[None]])
    random.normal(both[0])
    random.normal(k)


@program
def joined_after_use(jax, random):
    k, j = random.key(0), random.key(1)
    random.normal(k)
    jax.numpy.concatenate([k[None], j[None]])


@program
def stacked(jax, random):
    k = random.key(0)
    jax.numpy.stack([k, random.key(1)])
    random.normal(k)


@program
def joined_in_jit(jax, random):
    used = jax.jit(lambda k, j: (random.normal(k[0]), jax.numpy.concatenate([j, k]).shape)[0])
    used(random.split(random.key(0)), random.split(random.key(1)))


@program
def handed_through(jax, random):
    k = random.key(0)
    random.normal(jax.jit(lambda x: x)(k))
    random.normal(jax.device_put(k))
    random.normal(k)
    random.normal(jax.device_put(k))
    random.normal(jax.jit(lambda x: x)(k))


@program
def bits_twice(jax, random):
    k = random.key(0)
    random.bits(k)
    random.bits(k)


@program
def split_after(jax, random):
    k = random.key(0)
    random.normal(k)
    random.split(k)


@program
def use_after_split(jax, random):
    k = random.key(0)
    random.split(k)
    random.normal(k)


@program
def fold_then_use(jax, random):
    k = random.key(0)
    a = random.fold_in(k, 1)
    b = random.fold_in(k, 2)
    random.normal(a)
    random.normal(b)
    random.normal(k)


@program
def fold_consumed(jax, random):
    k = random.key(0)
    random.normal(k)
    random.normal(random.fold_in(k, 1))


@program
def iterate(jax, random):
    ks = random.split(random.key(0))
    a, b = ks
    random.normal(a)
    random.normal(b)
    random.normal(ks[0])


@program
def index_twice(jax, random):
    ks = random.split(random.key(0))
    random.normal(ks[0])
    random.normal(ks[0])


@program
def index_once_each(jax, random):
    ks = random.split(random.key(0))
    random.normal(ks[0])
    random.normal(ks[1])


@program
def index_then_same(jax, random):
    ks = random.split(random.key(0))
    a = ks[0]
    random.normal(a)
    random.normal(a)


@program
def index_then_whole(jax, random):
    ks = random.split(random.key(0))
    assert ks[0].shape == ()
    random.split(ks[0])


@program
def slice_whole(jax, random):
    ks = random.split(random.key(0), 4)
    assert ks[1:].shape == (3,)
    jax.vmap(random.normal)(ks)


@program
def vmapped_twice(jax, random):
    ks = random.split(random.key(0), 4)
    jax.vmap(random.normal)(ks)
    jax.vmap(random.normal)(ks)


@program
def vmapped_then_index(jax, random):
    ks = random.split(random.key(0), 4)
    jax.vmap(random.normal)(ks)
    random.normal(ks[0])


@program
def clone(jax, random):
    k = random.key(0)
    random.normal(k)
    random.normal(random.clone(k))


@program
def clone2(jax, random):
    k = random.key(0)
    random.normal(k)
    c = random.clone(k)
    random.normal(c)
    random.normal(c)


@program
def jit_inside(jax, random):
    jax.jit(lambda k: random.normal(k) + random.uniform(k))(random.key(0))


@program
def jit_inside_split(jax, random):
    jax.jit(lambda k: (random.split(k), random.split(k)))(random.key(0))


@program
def jit_inside_ok(jax, random):
    jax.jit(lambda k: [random.normal(x) for x in random.split(k)])(random.key(0))


@program
def jit_twice(jax, random):
    f = jax.jit(lambda k: random.normal(k))
    k = random.key(0)
    f(k)
    f(k)


@program
def jit_fresh(jax, random):
    f = jax.jit(lambda k: random.normal(k))
    f(random.key(0))
    f(random.key(0))


@program
def jit_returns(jax, random):
    f = jax.jit(lambda k: random.split(k))
    k = random.key(0)
    a, _ = f(k)
    random.normal(a)
    random.normal(k)


@program
def jit_consumed_out(jax, random):
    f = jax.jit(lambda k: (k, random.normal(k)))
    k, _ = f(random.key(0))
    random.normal(k)


@program
def jit_closure(jax, random):
    k = random.key(0)
    f = jax.jit(lambda: random.normal(k))
    f()
    f()


@program
def scan_bad(jax, random):
    jax.lax.scan(lambda k, _: (k, random.normal(k)), random.key(0), None, 3)


@program
def scan_ok(jax, random):
    def b(k, _):
        k, s = random.split(k)
        return k, random.normal(s)

    jax.lax.scan(b, random.key(0), None, 3)


@program
def scan_const(jax, random):
    k = random.key(0)
    jax.lax.scan(lambda c, _: (c, random.normal(k)), 0.0, None, 3)


@program
def scan_xs(jax, random):
    ks = random.split(random.key(0), 3)
    jax.lax.scan(lambda c, k: (c, random.normal(k)), 0.0, ks)


@program
def scan_xs_twice(jax, random):
    ks = random.split(random.key(0), 3)

    def f(c, k):
        return c, random.normal(k)

    jax.lax.scan(f, 0.0, ks)
    jax.lax.scan(f, 0.0, ks)


@program
def fori_bad(jax, random):
    k = random.key(0)
    jax.lax.fori_loop(0, 3, lambda i, c: c + random.normal(k), 0.0)


@program
def fori_fold(jax, random):
    k = random.key(0)
    jax.lax.fori_loop(0, 3, lambda i, c: c + random.normal(random.fold_in(k, i)), 0.0)


@program
def while_ok(jax, random):
    jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, random.split(c[1])[0]), (0, random.key(0)))


@program
def while_bad(jax, random):
    jax.lax.while_loop(
        lambda c: c[0] + 0 * random.normal(c[1]) < 3, lambda c: (c[0] + 1, random.split(c[1])[0]), (0, random.key(0))
    )


@program
def cond_ok(jax, random):
    k = random.key(0)
    jax.lax.cond(True, lambda k: random.normal(k), lambda k: random.uniform(k), k)


@program
def cond_twice(jax, random):
    k = random.key(0)
    jax.lax.cond(True, lambda k: random.normal(k), lambda k: 1.0, k)
    random.normal(k)


@program
def cond_inside_jit(jax, random):
    jax.jit(lambda k: jax.lax.cond(True, lambda k: random.normal(k), lambda k: 1.0, k) + random.normal(k))(
        random.key(0)
    )


@program
def raw(jax, random):
    k = random.PRNGKey(0)
    random.normal(k)
    random.normal(k)


@program
def grad(jax, random):
    k = random.key(0)
    jax.grad(lambda x: x * random.normal(k))(1.0)
    random.normal(k)


@program
def grad_arg(jax, random):
    k = random.key(0)
    jax.grad(lambda x, k: x * random.normal(k))(1.0, k)
    random.normal(k)


@program
def perm(jax, random):
    k = random.key(0)
    random.permutation(k, 5)
    random.permutation(k, 5)


@program
def choice(jax, random):
    k = random.key(0)
    random.choice(k, 5)
    random.choice(k, 5)


@program
def wrap(jax, random):
    k = random.key(0)
    random.normal(k)
    random.normal(random.wrap_key_data(random.key_data(k)))


@program
def reshape(jax, random):
    k = random.split(random.key(0), 4).reshape(2, 2)
    jax.vmap(jax.vmap(random.normal))(k)
    random.split(k[0, 0])


@program
def concat(jax, random):
    k = random.split(random.key(0), 2)
    jax.numpy.concatenate([k, k])


@program
def choice_with_probabilities(jax, random):
    k = random.key(0)
    random.choice(k, 3, p=np.full(3, 1 / 3))
    random.choice(k, 3, p=np.full(3, 1 / 3))


@program
def categorical(jax, random):
    k = random.key(0)
    random.categorical(k, np.zeros(3))
    random.categorical(k, np.zeros(3))


@program
def gamma(jax, random):
    k = random.key(0)
    random.gamma(k, 1.0)
    random.gamma(k, 1.0)


@program
def twice_after_off(jax, random):
    k = random.key(0)
    with jax.debug_key_reuse(False):
        random.normal(k)
        random.normal(k)
    random.normal(k)


@program
def in_checkpoint(jax, random):
    jax.jit(lambda k: (jax.checkpoint(random.normal)(k), random.normal(k)))(random.key(0))


@program
def chosen(jax, random):
    jax.jit(lambda k: (jax.numpy.where(True, k, random.key(1)), random.normal(k))[1])(random.key(0))


@program
def copied(jax, random):
    k = random.key(0)
    random.normal(k)
    random.normal(k.copy())


@program
def rearranged(jax, random):
    keys = random.split(random.key(0), 4)
    jax.vmap(random.normal)(keys)
    random.normal(keys.T[0])


@program
def selected(jax, random):
    k = random.key(0)
    chosen = jax.lax.select(True, k, random.key(1))
    random.normal(k)
    random.normal(chosen)


@pytest.mark.parametrize("name", PROGRAMS)
def test_reuse(name: str) -> None:
    def under_the_flag(jax: Any) -> Any:
        with jax.debug_key_reuse(True):
            PROGRAMS[name](jax, jax.random)

    theirs, ours = run_both(under_the_flag)
    assert_same(without_signatures(theirs), without_signatures(ours))


def without_signatures(outcome: Any) -> Any:
    """What is quoted after the colon are names of each framework's own."""
    if outcome.error is None:
        return outcome
    kind, ancestors, text = outcome.error
    return type(outcome)(error=(kind, ancestors, text.split(":")[0]), warned=outcome.warned)


SIGNATURES = {
    "used": lambda random, k: random.normal(k),
    "split": lambda random, k: random.split(k),
    "folded": lambda random, k: random.fold_in(k, 2),
    "new": lambda random, k: random.key(0),
    "handed on": lambda random, k: (random.split(k), k),
    "words": lambda random, k: random.key_data(k),
    "a part": lambda random, k: k[0],
    "twice": lambda random, k: random.normal(k) + random.uniform(k),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name: str) -> None:
    """`jax.experimental.key_reuse._core`: what a function does to a key."""

    def said(jax: Any, core: Any) -> str:
        key = jax.random.split(jax.random.key(0)) if name == "a part" else jax.random.key(0)
        try:
            return repr(core.function_type_signature(lambda k: SIGNATURES[name](jax.random, k), key))
        except jax.errors.KeyReuseError as error:
            return str(error)

    assert said(frameworks.EXPECTED, core_of_jax) == said(frameworks.ACTUAL, key_signatures)


@pytest.mark.parametrize("which", ["jax", "jaxlike"])
def test_assertions_about_keys(which: str) -> None:
    jax: Any = frameworks.EXPECTED if which == "jax" else frameworks.ACTUAL
    core: Any = core_of_jax if which == "jax" else key_signatures

    def fine(key: Any) -> Any:
        core.assert_unconsumed(key)
        used = core.consume(key)
        core.assert_consumed(key)
        core.assert_unconsumed(jax.random.clone(key))
        return used

    key = jax.random.key(0)
    core.check_key_reuse(fine, key)
    fine(key)
    with pytest.raises(AssertionError, match="Expected key to be consumed"):
        core.check_key_reuse(core.assert_consumed, key)
    with pytest.raises(AssertionError, match="Expected key to not be consumed"):
        core.check_key_reuse(lambda k: (core.consume(k), core.assert_unconsumed(k))[0], key)
    with pytest.raises(jax.errors.KeyReuseError, match="argument 0 is already consumed"):
        core.check_key_reuse(lambda k: (core.consume(k), core.consume(k)), key)
    parts = [core.Sink(0), core.Source(0), core.Sink(0, np.array([True, False])), core.Sink(0, np.array([True, True]))]
    assert [p == q for p in parts for q in parts] == [*[True, False, False, True], *[False, True, False, False],
                                                      *[False, False, True, False], *[True, False, False, True]]  # fmt: skip
    assert len({*parts}) == 3 and repr(core.KeyReuseSignature(*parts[:2], core.Forward(1, 2))) == (
        "KeyReuseSignature(Sink(0), Source(0), Forward(1, 2))"
    )
    with pytest.raises(ValueError, match="Sink is immutable"):
        parts[0].idx = 3


OTHERS = {
    "ball": {"d": 2}, "binomial": {"n": 3, "p": 0.5}, "multinomial": {"n": 3, "p": np.full(2, 0.5)},
    "beta": {"a": 1.0, "b": 1.0}, "dirichlet": {"alpha": np.ones(2)}, "gamma": {"a": 1.0}, "loggamma": {"a": 1.0},
    "categorical": {"logits": np.zeros(3)}, "choice": {"a": 3}, "permutation": {"x": 3}, "chisquare": {"df": 2.0},
    "f": {"dfnum": 2.0, "dfden": 3.0}, "t": {"df": 2.0}, "generalized_normal": {"p": 2.0}, "geometric": {"p": 0.5},
    "multivariate_normal": {"mean": np.zeros(2), "cov": np.eye(2)}, "orthogonal": {"n": 2}, "pareto": {"b": 2.0},
    "poisson": {"lam": 2.0}, "randint": {"shape": (2,), "minval": 0, "maxval": 3}, "rayleigh": {"scale": 1.0},
    "triangular": {"left": 0.0, "mode": 0.5, "right": 1.0}, "truncated_normal": {"lower": -1.0, "upper": 1.0},
    "wald": {"mean": 1.0}, "weibull_min": {"scale": 1.0, "concentration": 2.0}, "double_sided_maxwell": {"loc": 0.0, "scale": 1.0},
}  # fmt: skip


def test_every_sampler_uses_its_key_once() -> None:
    """None uses it twice by itself, and a second one is refused after each."""
    import jaxlike as jax

    samplers = [n for n, f in vars(jax.random).items() if not n.startswith("_") and "key" in _first_parameter(f)]
    samplers = [n for n in samplers if n not in ("fold_in", "key_data", "key_impl", "clone", "wrap_key_data")]
    assert len(samplers) > 30
    with jax.debug_key_reuse(True):
        for name in samplers:
            key = jax.random.key(1)
            getattr(jax.random, name)(key, **OTHERS.get(name, {}))
            with pytest.raises(jax.errors.KeyReuseError, match="Previously-consumed key"):
                jax.random.normal(key)


def _first_parameter(f: Any) -> str:
    if not inspect.isfunction(f):
        return ""
    return next(iter(inspect.signature(f).parameters), "")
