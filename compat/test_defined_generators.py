"""`jax.extend.random.define_prng_impl`: a generator made of functions of Arrays, under what the built-in ones are under."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

_made: dict[Any, Any] = {}


def doubled(jax: Any) -> Any:
    """Two threefry keys as one: a key of shape [2, 2]."""
    if jax in _made:
        return _made[jax]
    jnp, random = jax.numpy, jax.random

    def key_of(words: Any) -> Any:
        return random.wrap_key_data(words, impl="threefry2x32")

    def seed(number: Any) -> Any:
        return jnp.stack([random.key_data(random.key(n, impl="threefry2x32")) for n in (number, number ^ 123)])

    def split(key: Any, shape: Any) -> Any:
        return jax.vmap(lambda k: random.key_data(random.split(key_of(k), shape)), out_axes=len(shape))(key)

    def random_bits(key: Any, width: int, shape: Any) -> Any:
        return random.bits(key_of(key[0]), shape, f"uint{width}")

    def fold_in(key: Any, data: Any) -> Any:
        return jax.vmap(lambda k: random.key_data(random.fold_in(key_of(k), data)))(key)

    _made[jax] = jax.extend.random.define_prng_impl(
        key_shape=(2, 2), seed=seed, split=split, random_bits=random_bits, fold_in=fold_in, name="doubled", tag="fry2"
    )
    return _made[jax]


def words(jax: Any, keys: Any) -> Any:
    return jax.random.key_data(keys)


PROGRAMS: dict[str, Any] = {
    "names": lambda jax, r, k: (repr(k), str(k.dtype), repr(r.key_impl(k)), str(doubled(jax)), k.shape, k.dtype.itemsize),
    "split": lambda jax, r, k: (words(jax, r.split(k)), words(jax, r.split(k, (2, 3)))),
    "fold_in": lambda jax, r, k: words(jax, r.fold_in(k, 7)),
    "bits": lambda jax, r, k: [r.bits(k, (3,), d) for d in ("uint8", "uint16", "uint32")],
    "draws": lambda jax, r, k: (r.normal(k, (3,)), r.uniform(k), r.gumbel(k, (2,), "float16"), r.randint(k, (4,), 0, 9)),
    "choices": lambda jax, r, k: (r.permutation(k, 6), r.categorical(k, np.zeros(4)), r.gamma(k, 2.0, (3,))),
    "in jit": lambda jax, r, k: jax.jit(lambda k: (r.normal(k, (2, 2)), words(jax, r.split(k))))(k),
    "seed in jit": lambda jax, r, k: words(jax, jax.jit(lambda n: r.key(n, impl=doubled(jax)))(3)),
    "mapped": lambda jax, r, k: jax.vmap(lambda k: r.normal(k, (2,)))(r.split(k, 3)),
    "in a loop": lambda jax, r, k: jax.lax.scan(lambda k, _: (r.split(k)[0], r.normal(k)), k, None, length=3)[1],
    "differentiated": lambda jax, r, k: jax.grad(lambda x: (r.normal(k, (3,)) * x).sum())(2.0),
    "shape": lambda jax, r, k: jax.eval_shape(lambda: r.key(0, impl=doubled(jax))).shape,
    "words and back": lambda jax, r, k: words(jax, r.wrap_key_data(words(jax, r.split(k)), impl=doubled(jax))),
    "raw": lambda jax, r, k: r.PRNGKey(3, impl=doubled(jax)),
    "compared": lambda jax, r, k: (k == k, k == r.split(k)),
    "moved": lambda jax, r, k: words(jax, r.split(k, 4).reshape(2, 2).T[1:]),
    "zeros": lambda jax, r, k: words(jax, jax.numpy.zeros_like(r.split(k))),
    "jaxpr": lambda jax, r, k: str(jax.make_jaxpr(r.bits)(k)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    """covers: jax.extend.random.define_prng_impl"""
    assert_same(*run_both(lambda jax: PROGRAMS[name](jax, jax.random, jax.random.key(3, impl=doubled(jax)))))


def test_functions_of_many_keys() -> None:
    """`jax._src.random.prng`: what works on arrays of keys, and threefry on words alone."""
    import jax
    from jax._src.random import prng, threefry2x32

    import jaxlike
    from jaxlike._src.extending import random as ours

    def found(jax: Any, prng: Any, fry: Any) -> Any:
        keys, words = jax.random.split(jax.random.key(0), 2), fry.threefry_seed(jax.numpy.int32(3))
        with pytest.raises(TypeError, match="random_unwrap takes key array operand"):
            prng.random_unwrap(np.zeros(2, np.uint32))
        found = [
            prng.random_bits(keys, 32, (3,)),
            jax.random.key_data(prng.random_split(keys, (3,))),
            jax.random.key_data(prng.random_fold_in(keys, np.arange(2, dtype=np.uint32))),
            jax.random.key_data(prng.random_wrap(prng.random_unwrap(keys), impl=fry.threefry_prng_impl)),
            fry.threefry_split(fry.threefry_fold_in(words, np.uint32(4)), (3,)),
            fry.threefry_random_bits(words, 16, (3,)),
        ]
        return [(str(x.dtype), np.asarray(x).tolist()) for x in found]

    assert found(jax, prng, threefry2x32) == found(jaxlike, ours, ours)
