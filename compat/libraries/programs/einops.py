"""einops: rearranging axes by name."""

import jax
import jax.numpy as jnp
from einops import einsum, pack, rearrange, reduce, repeat, unpack


def quick_start():
    x = jnp.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    return (
        rearrange(x, "b c h w -> b (h w) c"),
        reduce(x, "b c (h h2) w -> b c h w", "max", h2=2),
        repeat(x[0, 0], "h w -> h (w 2)"),
    )


def attention_is_differentiated_and_jitted():
    def attend(qkv):
        q, k, v = rearrange(qkv, "b n (three h d) -> three b h n d", three=3, h=2)
        weights = jax.nn.softmax(einsum(q, k, "b h i d, b h j d -> b h i j") / 2.0, axis=-1)
        return rearrange(einsum(weights, v, "b h i j, b h j d -> b h i d"), "b h n d -> b n (h d)")

    x = jax.random.normal(jax.random.key(0), (2, 5, 24))
    loss = lambda x: reduce(attend(x) ** 2, "b n d -> ", "mean")
    return jax.jit(attend)(x), jax.jit(jax.grad(loss))(x)


def packs_and_unpacks():
    image, tokens = jnp.ones((2, 4, 4, 3)), jnp.arange(2 * 5 * 3.0).reshape(2, 5, 3)
    packed, shapes = pack([image, tokens], "b * c")
    return packed, unpack(packed * 2, shapes, "b * c")


def reductions_under_vmap():
    x = jax.random.normal(jax.random.key(1), (3, 4, 6))
    names = ("max", "min", "sum", "mean", "prod")
    return [jax.vmap(lambda x, n=n: reduce(x, "(a b) c -> b c", n, a=2))(x) for n in names]
