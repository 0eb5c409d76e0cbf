"""A network reads handwritten digits: `python -m jaxlike examples/digits.py --plot digits.png`.

The data are the 1,797 pictures of 8 by 8 pixels that scikit-learn brings along. A perceptron with one hidden layer is
trained by minibatches, an epoch being one scan over a permutation of the pictures.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import jax
import jax.numpy as jnp

try:
    from sklearn.datasets import load_digits
except ImportError:
    sys.exit("this example needs scikit-learn, which is not installed: pip install scikit-learn")


def initial(key: Any, sizes: list[int]) -> Any:
    """Weights and biases of each layer."""
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        {"w": jax.random.normal(k, (m, n)) * jnp.sqrt(2.0 / m), "b": jnp.zeros(n)}
        for k, m, n in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]


def logits(params: Any, x: Any) -> Any:
    """A score for each digit."""
    *hidden, last = params
    for layer in hidden:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return x @ last["w"] + last["b"]


def loss(params: Any, x: Any, y: Any) -> Any:
    """Cross entropy."""
    return -jnp.mean(jnp.sum(jax.nn.log_softmax(logits(params, x)) * jax.nn.one_hot(y, 10), axis=-1))


@jax.jit
def epoch(params: Any, speed: Any, key: Any, x: Any, y: Any) -> Any:
    """One pass over the pictures in random order, by gradient descent with momentum."""
    order = jax.random.permutation(key, len(x))[: len(x) // 32 * 32].reshape(-1, 32)

    def step(state: Any, batch: Any) -> Any:
        params, speed = state
        value, gradient = jax.value_and_grad(loss)(params, x[batch], y[batch])
        speed = jax.tree.map(lambda v, g: 0.9 * v - 0.05 * g, speed, gradient)
        return (jax.tree.map(jnp.add, params, speed), speed), value

    (params, speed), values = jax.lax.scan(step, (params, speed), order)
    return params, speed, jnp.mean(values)


def plot(path: str, x: Any, y: Any, guesses: Any, losses: list[float], accuracies: list[float]) -> None:
    """Some pictures with what was read, those that were misread first, and the course of the training."""
    import matplotlib.pyplot as plt
    import numpy as np

    figure = plt.figure(figsize=(9, 3.6), layout="constrained")
    grid = figure.add_gridspec(3, 11, width_ratios=[1] * 6 + [1.2] * 5)
    for k, i in enumerate(np.argsort(np.asarray(guesses == y), kind="stable")[:18]):
        axes = figure.add_subplot(grid[k // 6, k % 6])
        axes.imshow(x[i].reshape(8, 8), cmap="gray_r")
        axes.set_title(f"{y[i]} read {guesses[i]}", fontsize=7, color="tab:red" if guesses[i] != y[i] else "0.3")
        axes.axis("off")
    axes = figure.add_subplot(grid[:, 6:])
    axes.semilogy(losses, color="tab:orange", label="loss")
    axes.set(xlabel="epoch", ylabel="loss")
    right = axes.twinx()
    right.plot(accuracies, color="tab:blue")
    right.set_ylabel("accuracy on unseen pictures", color="tab:blue")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    """Train, tell and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few epochs")
    parser.add_argument("--plot", metavar="FILE", help="where to write the picture")
    options = parser.parse_args()
    data = load_digits()
    x, y = jnp.asarray(data.data, jnp.float32) / 16, jnp.asarray(data.target)
    seen = 1500
    params = initial(jax.random.key(0), [64, 64, 10])
    speed = jax.tree.map(jnp.zeros_like, params)
    accuracy = jax.jit(lambda p: jnp.mean(jnp.argmax(logits(p, x[seen:]), axis=-1) == y[seen:]))
    losses, accuracies = [], []
    for i, key in enumerate(jax.random.split(jax.random.key(1), 3 if options.quick else 30)):
        params, speed, value = epoch(params, speed, key, x[:seen], y[:seen])
        losses.append(float(value))
        accuracies.append(float(accuracy(params)))
        if i % 10 == 0:
            print(f"epoch {i:2}: loss {losses[-1]:.3f}")
    print(f"read correctly: {100 * accuracies[-1]:.0f} % of {len(x) - seen} unseen digits")
    if options.plot:
        guesses = jnp.argmax(logits(params, x[seen:]), axis=-1)
        plot(options.plot, x[seen:], y[seen:], guesses, losses, accuracies)


if __name__ == "__main__":
    main()
