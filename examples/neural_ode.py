"""A neural ODE learns a spiral: `python -m jaxlike examples/neural_ode.py --plot neural_ode.png`.

A small network is the right-hand side of a differential equation. Its solutions, Runge-Kutta steps in a scan, are compared
with noisy observations of another system; reverse mode through the solver gives the gradient for Adam.
"""

from __future__ import annotations

import argparse
from typing import Any

import jax
import jax.numpy as jnp


def true_rate(y: Any) -> Any:
    """A spiral, bent by a cube."""
    return (y**3) @ jnp.array([[-0.1, 2.0], [-2.0, -0.1]])


def network(params: Any, y: Any) -> Any:
    """The rate that is learned."""
    hidden = jnp.tanh((y**3) @ params["in"]["w"] + params["in"]["b"])
    return hidden @ params["out"]["w"] + params["out"]["b"]


def integrate(rate: Any, start: Any, times: Any) -> Any:
    """The solution at ``times``: one Runge-Kutta step between two of them."""

    def step(y: Any, dt: Any) -> Any:
        k1 = rate(y)
        k2 = rate(y + dt / 2 * k1)
        k3 = rate(y + dt / 2 * k2)
        k4 = rate(y + dt * k3)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y, y

    return jnp.vstack([start, jax.lax.scan(step, start, jnp.diff(times))[1]])


def initial(key: Any, width: int) -> Any:
    """Parameters of a network with one hidden layer."""
    first, second = jax.random.split(key)
    return {
        "in": {"w": jax.random.normal(first, (2, width)) / jnp.sqrt(2.0), "b": jnp.zeros(width)},
        "out": {"w": 0.1 * jax.random.normal(second, (width, 2)), "b": jnp.zeros(2)},
    }


def loss(params: Any, pieces: Any, times: Any) -> Any:
    """Mean square distance from the observed pieces of the orbit, each solved from its first point."""
    solved = jax.vmap(lambda piece: integrate(lambda y: network(params, y), piece[0], times))(pieces)
    return jnp.mean((solved - pieces) ** 2)


@jax.jit
def adam_step(state: Any, pieces: Any, times: Any, rate: float = 0.01) -> Any:
    """One step of Adam; the state is parameters, moments and the count."""
    params, mean, square, count = state
    value, gradient = jax.value_and_grad(loss)(params, pieces, times)
    count = count + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g**2, square, gradient)
    size = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    params = jax.tree.map(lambda p, m, s: p - size * m / (jnp.sqrt(s) + 1e-8), params, mean, square)
    return (params, mean, square, count), value


def plot(path: str, observed: Any, solved: Any, losses: list[float], params: Any) -> None:
    """The orbit and its observations, the learned field, and the losses."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    grid = jnp.stack(jnp.meshgrid(jnp.linspace(-2.2, 2.2, 20), jnp.linspace(-2.2, 2.2, 20)), -1)
    field = network(params, grid)
    left.streamplot(grid[0, :, 0], grid[:, 0, 1], field[..., 0], field[..., 1], color="0.85", linewidth=0.7)
    left.plot(*observed.T, "o", color="tab:blue", markersize=3, alpha=0.6, label="observed")
    left.plot(*solved.T, color="tab:orange", linewidth=2, label="learned")
    left.set(title="the orbit", aspect="equal")
    left.legend(loc="upper right")
    right.semilogy(losses, color="tab:orange")
    right.set(title="loss", xlabel="step of Adam")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    """Observe, learn, tell and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps")
    parser.add_argument("--plot", metavar="FILE", help="where to write the picture")
    options = parser.parse_args()
    length, steps = 10, 30 if options.quick else 600
    first, second = jax.random.split(jax.random.key(0))
    times = jnp.linspace(0, 10, 201)
    start = jnp.array([2.0, 0.0])
    observed = integrate(true_rate, start, times) + 0.02 * jax.random.normal(first, (201, 2))
    pieces = jnp.stack([observed[k : k + length] for k in range(0, 201 - length, 5)])
    params = initial(second, 32)
    zeros = jax.tree.map(jnp.zeros_like, params)
    state, losses = (params, zeros, zeros, jnp.float32(0)), []
    for i in range(steps):
        state, value = adam_step(state, pieces, times[:length])
        losses.append(float(value))
        if i % (steps // 3) == 0:
            print(f"step {i:3}: loss {losses[-1]:.4f}")
    solved = integrate(lambda y: network(state[0], y), start, times)
    off = jnp.sqrt(jnp.mean((solved - integrate(true_rate, start, times)) ** 2))
    print(f"loss {losses[-1]:.4f}; the whole orbit, solved from its first point, is off by {off:.2f}")
    if options.plot:
        plot(options.plot, observed, solved, losses, state[0])


if __name__ == "__main__":
    main()
