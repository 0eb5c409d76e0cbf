"""Hamiltonian Monte Carlo draws from a banana: `python -m jaxlike examples/hmc.py --plot hmc.png`.

The gradient of the log density drives leapfrog steps (fori_loop), the chain is a scan, four chains are one vmap, and the
whole of it is jitted. With 64-bit types the chains of two frameworks agree for some hundred draws; then rounding has grown,
and they are other draws from the same density.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def log_density(q: Any) -> Any:
    """A standard normal, bent along a parabola."""
    x, y = q
    return -0.5 * (x**2 / 2 + ((y - x**2 / 2) / 0.5) ** 2)


def leapfrog(q: Any, p: Any, step_size: float, steps: int) -> Any:
    """Position and momentum after some steps along the gradient."""
    force = jax.grad(log_density)

    def step(_: Any, state: Any) -> Any:
        q, p = state
        p = p + step_size / 2 * force(q)
        q = q + step_size * p
        return q, p + step_size / 2 * force(q)

    return jax.lax.fori_loop(0, steps, step, (q, p))


def transition(step_size: float, steps: int, q: Any, key: Any) -> Any:
    """One proposal, accepted or not."""
    first, second = jax.random.split(key)
    p = jax.random.normal(first, q.shape)
    new_q, new_p = leapfrog(q, p, step_size, steps)
    gain = log_density(new_q) - p_energy(new_p) - log_density(q) + p_energy(p)
    accepted = jnp.log(jax.random.uniform(second)) < gain
    q = jnp.where(accepted, new_q, q)
    return q, (q, accepted)


def p_energy(p: Any) -> Any:
    """Kinetic energy."""
    return jnp.sum(p**2) / 2


@partial(jax.jit, static_argnames=("samples", "steps"))
def chains(key: Any, starts: Any, samples: int, step_size: float = 0.2, steps: int = 12) -> Any:
    """Draws of each chain, and which proposals were accepted."""

    def chain(key: Any, start: Any) -> Any:
        return jax.lax.scan(partial(transition, step_size, steps), start, jax.random.split(key, samples))[1]

    return jax.vmap(chain)(jax.random.split(key, len(starts)), starts)


def r_hat(draws: Any) -> Any:
    """How much wider all chains are together than each alone: 1 when they have mixed."""
    within = jnp.mean(jnp.var(draws, axis=1, ddof=1), axis=0)
    between = jnp.var(jnp.mean(draws, axis=1), axis=0, ddof=1)
    return jnp.sqrt((within * (draws.shape[1] - 1) / draws.shape[1] + between) / within)


def plot(path: str, draws: Any) -> None:
    """Traces of both coordinates, and the draws on the density."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(9, 4), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=[3, 2])
    for k, name in enumerate("xy"):
        axes = figure.add_subplot(grid[k, 0])
        for chain in draws:
            axes.plot(chain[:300, k], linewidth=0.7)
        axes.set(ylabel=name, xlim=(0, 300))
    axes.set(xlabel="draw")
    axes = figure.add_subplot(grid[:, 1])
    for chain in draws:
        axes.plot(*chain.T, ".", markersize=1.5)
    x, y = jnp.meshgrid(jnp.linspace(-5, 5, 100), jnp.linspace(-2, 9, 100))
    density = jax.vmap(jax.vmap(log_density))(jnp.stack([x, y], -1))
    axes.contour(x, y, density, levels=[-4.5, -2.0, -0.5], colors="0.3", linewidths=0.8)
    axes.set(title="four chains", xlabel="x", ylabel="y", xlim=(-5, 5), ylim=(-2, 9))
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    """Draw, tell and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short chains")
    parser.add_argument("--plot", metavar="FILE", help="where to write the picture")
    options = parser.parse_args()
    starts = jnp.array([[-3.0, 4.0], [3.0, 4.0], [0.0, 6.0], [0.0, -1.0]])
    draws, accepted = chains(jax.random.key(1), starts, samples=100 if options.quick else 2000)
    kept = draws[:, len(draws[0]) // 10 :]
    print(f"accepted: {100 * jnp.mean(accepted):.1f} %")
    print(f"mean: {jnp.mean(kept, axis=(0, 1))}")
    print(f"standard deviation: {jnp.std(kept, axis=(0, 1))}")
    print(f"R-hat: {r_hat(kept)}")
    if options.plot:
        plot(options.plot, draws)


if __name__ == "__main__":
    main()
