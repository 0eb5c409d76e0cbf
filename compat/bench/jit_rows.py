"""Jitted functions whose work is in their arrays: activations, products, sorts, networks and their training steps.

Each row is run compiled, as on the other side. A training step takes and gives the parameters, as a loop would call it.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from compat.bench.rows import JITTED, row

jitted = functools.partial(row, group=JITTED, tier="compile", warm=5, large=True)


def normals(*shape: int, seed: int = 0, scale: float = 1.0) -> Any:
    """Normal numbers, the same for both."""
    return (np.random.default_rng(seed).normal(size=shape) * scale).astype(np.float32)


@jitted("softmax of (4096, 1024)")
def softmax(jax):
    f, x = jax.jit(jax.nn.softmax), jax.numpy.asarray(normals(4096, 1024))
    return lambda: f(x)


@jitted("the gradient of a layer norm, (2048, 512)")
def layer_norm_grad(jax):
    jnp = jax.numpy
    x, w, b = jnp.asarray(normals(2048, 512)), jnp.ones(512), jnp.zeros(512)

    def loss(x, w, b):
        mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return jnp.sum(jnp.sin((x - mean) * jax.lax.rsqrt(var + 1e-5) * w + b))

    f = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))
    return lambda: f(x, w, b)


@jitted("a product, 1024 by 1024")
def matmul(jax):
    a = jax.numpy.asarray(normals(1024, 1024))
    f = jax.jit(lambda a: a @ a)
    return lambda: f(a)


@jitted("pairwise distances of 1000 points, vmap of vmap")
def distances(jax):
    jnp = jax.numpy
    x = jnp.asarray(normals(1000, 8))

    def distance(a, b):
        return jnp.sqrt(jnp.sum((a - b) ** 2) + 1e-6)

    f = jax.jit(jax.vmap(jax.vmap(distance, in_axes=(None, 0)), in_axes=(0, None)))
    return lambda: f(x, x)


@jitted("sort of 1e6")
def sort(jax):
    f, x = jax.jit(jax.numpy.sort), jax.numpy.asarray(normals(10**6))
    return lambda: f(x)


@jitted("cumsum of 1e6")
def cumsum(jax):
    f, x = jax.jit(jax.numpy.cumsum), jax.numpy.asarray(normals(10**6) / 1000)
    return lambda: f(x)


@jitted("x.at[i].add(y), 1e6 into 1e5")
def scatter_add(jax):
    jnp = jax.numpy
    places = jnp.asarray(np.random.default_rng(0).integers(0, 10**5, 10**6).astype(np.int32))
    x, y = jnp.zeros(10**5), jnp.asarray(normals(10**6))
    f = jax.jit(lambda x, y, i: x.at[i].add(y))
    return lambda: f(x, y, places)


@jitted("fft of (256, 4096)")
def fft(jax):
    f, x = jax.jit(jax.numpy.fft.fft), jax.numpy.asarray(normals(256, 4096))
    return lambda: f(x)


@jitted("attention by einsum, 8 heads of 256 by 64")
def attention(jax):
    jnp = jax.numpy
    q, k, v = (jnp.asarray(normals(4, 256, 8, 64, seed=s)) for s in range(3))

    def f(q, k, v):
        weights = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q, k) / 8.0, axis=-1)
        return jnp.einsum("bhqk,bkhd->bqhd", weights, v)

    compiled = jax.jit(f)
    return lambda: compiled(q, k, v)


def descended(jax: Any, loss: Any) -> Any:
    """A training step by gradient descent."""

    def step(parameters, *batch):
        grads = jax.grad(loss)(parameters, *batch)
        return jax.tree.map(lambda p, g: p - 0.01 * g, parameters, grads)

    return step


def mlp(jax: Any, batch: int = 128) -> tuple[Any, Any, Any]:
    """A training step of a network of three layers, its parameters and a batch."""
    jnp = jax.numpy
    sizes = [64, 256, 256, 10]
    layers = [
        {"w": jnp.asarray(normals(m, n, seed=k, scale=m**-0.5)), "b": jnp.zeros(n)}
        for k, (m, n) in enumerate(itertools.pairwise(sizes))
    ]

    def loss(layers, x, y):
        for layer in layers[:-1]:
            x = jax.nn.relu(x @ layer["w"] + layer["b"])
        logits = x @ layers[-1]["w"] + layers[-1]["b"]
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(logits) * y, axis=-1))

    labels = np.eye(10, dtype=np.float32)[np.arange(batch) % 10]
    return descended(jax, loss), layers, (jnp.asarray(normals(batch, 64)), jnp.asarray(labels))


@jitted("a training step of an MLP, batch 128")
def mlp_step(jax):
    step, parameters, batch = mlp(jax)
    compiled = jax.jit(step)
    return lambda: compiled(parameters, *batch)


def transformer(jax: Any, batch: int = 8) -> tuple[Any, Any, Any]:
    """A training step of a transformer of two blocks on sequences of 64 tokens."""
    jnp = jax.numpy
    width, heads, tokens = 64, 4, 64

    def matrix(seed, m, n):
        return jnp.asarray(normals(m, n, seed=seed, scale=m**-0.5))

    parameters = {
        "embed": matrix(0, 128, width),
        "blocks": [
            {
                "qkv": matrix(10 * k + 1, width, 3 * width),
                "out": matrix(10 * k + 2, width, width),
                "up": matrix(10 * k + 3, width, 4 * width),
                "down": matrix(10 * k + 4, 4 * width, width),
                "norm1": jnp.ones(width),
                "norm2": jnp.ones(width),
            }
            for k in range(2)
        ],
    }

    def norm(x, w):
        return x * w * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)

    def attend(x, block):
        count, length, _ = x.shape
        q, k, v = (t.reshape(count, length, heads, -1) for t in jnp.split(x @ block["qkv"], 3, axis=-1))
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / (width // heads) ** 0.5
        scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -1e9)
        mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v)
        return mixed.reshape(count, length, width) @ block["out"]

    def loss(parameters, given):
        x = parameters["embed"][given]
        for block in parameters["blocks"]:
            x = x + attend(norm(x, block["norm1"]), block)
            x = x + jax.nn.gelu(norm(x, block["norm2"]) @ block["up"]) @ block["down"]
        logits = jax.nn.log_softmax(x[:, :-1] @ parameters["embed"].T)
        return -jnp.mean(jnp.take_along_axis(logits, given[:, 1:, None], axis=-1))

    given = np.random.default_rng(0).integers(0, 128, (batch, tokens)).astype(np.int32)
    return descended(jax, loss), parameters, (jnp.asarray(given),)


@jitted("a training step of a small transformer")
def transformer_step(jax):
    step, parameters, batch = transformer(jax)
    compiled = jax.jit(step)
    return lambda: compiled(parameters, *batch)


def convolutional(jax: Any, batch: int = 32) -> tuple[Any, Any, Any]:
    """A training step of a network of two convolutions on images of 28 by 28."""
    jnp = jax.numpy
    parameters = {
        "conv1": jnp.asarray(normals(16, 1, 3, 3, seed=1, scale=1 / 3)),
        "conv2": jnp.asarray(normals(32, 16, 3, 3, seed=2, scale=1 / 12)),
        "out": jnp.asarray(normals(32 * 49, 10, seed=3, scale=1 / 40)),
    }

    def pooled(x):
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def loss(p, x, y):
        x = pooled(jax.nn.relu(jax.lax.conv(x, p["conv1"], (1, 1), "SAME")))
        x = pooled(jax.nn.relu(jax.lax.conv(x, p["conv2"], (1, 1), "SAME")))
        logits = x.reshape(x.shape[0], -1) @ p["out"]
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(logits) * y, axis=-1))

    labels = np.eye(10, dtype=np.float32)[np.arange(batch) % 10]
    return descended(jax, loss), parameters, (jnp.asarray(normals(batch, 1, 28, 28)), jnp.asarray(labels))


@jitted("a training step of a convolutional net")
def convolutional_step(jax):
    step, parameters, batch = convolutional(jax)
    compiled = jax.jit(step)
    return lambda: compiled(parameters, *batch)


@jitted("a Cholesky solve, 256 by 256")
def cholesky_solve(jax):
    jnp = jax.numpy
    root = normals(256, 256)
    a, b = jnp.asarray(root @ root.T + 256 * np.eye(256, dtype=np.float32)), jnp.asarray(normals(256, 8))
    f = jax.jit(lambda a, b: jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(a), b))
    return lambda: f(a, b)


@jitted("1e7 normals", warm=2)
def many_normals(jax):
    key = jax.random.key(0)
    f = jax.jit(lambda key: jax.random.normal(key, (10**7,)))
    return lambda: f(key)


@jitted("a permutation of 1e6", warm=2)
def permutation(jax):
    key = jax.random.key(0)
    f = jax.jit(lambda key: jax.random.permutation(key, 10**6))
    return lambda: f(key)
