"""A torch module under jax.grad: `python examples/torch_module.py --plot torch_module.png`.

torch makes the network, JAX's transformations train it: `torch_function` makes of the module a function of its parameters,
which value_and_grad, jit and vmap take like any other. It needs jaxlike, since JAX has no such function.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch

import jaxlike as jax
import jaxlike.numpy as jnp


def spirals(key: Any, count: int) -> tuple[Any, Any]:
    """Points of two spirals that wind around each other, and which spiral each is of."""
    first, second = jax.random.split(key)
    turn = jnp.sqrt(jax.random.uniform(first, (count,))) * 3 * jnp.pi
    which = jnp.arange(count) % 2
    angle = turn + which * jnp.pi
    points = turn[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1) / (3 * jnp.pi)
    return points + 0.02 * jax.random.normal(second, points.shape), which


class Network(torch.nn.Module):
    """Two hidden layers, with a shortcut around the second."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Linear(2, width), torch.nn.Linear(width, width)
        self.last = torch.nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logit of the second spiral."""
        h = torch.sin(6 * self.first(x))
        return self.last(h + torch.nn.functional.silu(self.second(h)))[..., 0]


def plot(path: str, net: Any, params: Any, points: Any, which: Any, losses: list[float]) -> None:
    """The network's opinion, how steep it is, and the losses."""
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    grid = jnp.stack(jnp.meshgrid(jnp.linspace(-1.1, 1.1, 150), jnp.linspace(-1.1, 1.1, 150)), -1)
    slope = jax.jit(jax.vmap(jax.vmap(jax.grad(lambda x: jax.nn.sigmoid(net(params, x))))))(grid)
    for axes, values, name in (
        (left, jax.nn.sigmoid(net(params, grid)), "probability of the second spiral"),
        (middle, jnp.linalg.norm(slope, axis=-1), "its slope, by vmap of grad"),
    ):
        axes.contourf(grid[..., 0], grid[..., 1], values, 20, cmap="coolwarm" if axes is left else "magma")
        axes.set(title=name, aspect="equal", xticks=[], yticks=[])
    for k, color in enumerate(("tab:blue", "tab:red")):
        left.plot(*points[which == k].T, ".", color=color, markersize=5, markeredgecolor="white", markeredgewidth=0.5)
    right.semilogy(losses, color="tab:orange")
    right.set(title="loss", xlabel="step of Adam")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    """Train, tell and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps")
    parser.add_argument("--plot", metavar="FILE", help="where to write the picture")
    options = parser.parse_args()
    torch.manual_seed(0)
    points, which = spirals(jax.random.key(0), 600)
    net = jax.torch_function(Network(64))

    def loss(params: Any) -> Any:
        logits = net(params, points)
        return jnp.mean(jax.nn.softplus(jnp.where(which == 1, -logits, logits)))

    @jax.jit
    def step(state: Any) -> Any:
        params, mean, square, count = state
        value, gradient = jax.value_and_grad(loss)(params)
        count = count + 1
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g**2, square, gradient)
        size = 0.003 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        params = jax.tree.map(lambda p, m, s: p - size * m / (jnp.sqrt(s) + 1e-8), params, mean, square)
        return (params, mean, square, count), value

    zeros = jax.tree.map(jnp.zeros_like, net.parameters)
    state, losses = (net.parameters, zeros, zeros, jnp.float32(0)), []
    steps = 20 if options.quick else 400
    for i in range(steps):
        state, value = step(state)
        losses.append(float(value))
        if i % (steps // 4) == 0:
            print(f"step {i:3}: loss {losses[-1]:.3f}")
    right = jnp.mean((net(state[0], points) > 0) == (which == 1))
    print(f"loss {losses[-1]:.3f}; {100 * right:.0f} % of the points are on their side")
    if options.plot:
        plot(options.plot, net, state[0], points, which, losses)


if __name__ == "__main__":
    main()
