"""A thousand parameters at once: `python -m jaxlike examples/sweep.py --plot sweep.png`.

The logistic map x -> r x (1 - x) goes from rest to chaos as r grows. One program follows one r; vmap follows them all. How
fast neighbours part, the Lyapunov exponent, is the mean logarithm of the map's derivative, which grad gives.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp


def logistic(x: Any, r: Any) -> Any:
    """The map."""
    return r * x * (1 - x)


@partial(jax.jit, static_argnames=("settle", "steps"))
def sweep(rates: Any, settle: int, steps: int) -> Any:
    """For each r: the points that the map visits once it has settled, and its Lyapunov exponent."""

    def follow(r: Any) -> Any:
        def step(x: Any, _: Any) -> Any:
            slope = jax.grad(logistic)(x, r)
            x = logistic(x, r)
            return x, (x, jnp.log(jnp.abs(slope) + 1e-12))

        x = jax.lax.fori_loop(0, settle, lambda _, x: logistic(x, r), jnp.float32(0.4))
        _, (points, growth) = jax.lax.scan(step, x, None, length=steps)
        return points, jnp.mean(growth)

    return jax.vmap(follow)(rates)


def plot(path: str, rates: Any, points: Any, exponents: Any) -> None:
    """Where the map goes, and how fast neighbours part."""
    import matplotlib.pyplot as plt

    figure, (upper, lower) = plt.subplots(2, 1, figsize=(9, 5), sharex=True, height_ratios=[2, 1], layout="constrained")
    visited = points[:, -120:]
    upper.plot(jnp.broadcast_to(rates[:, None], visited.shape).ravel(), visited.ravel(), ",", color="k", alpha=0.15)
    upper.set(ylabel="x", xlim=(float(rates[0]), float(rates[-1])), ylim=(0, 1))
    lower.axhline(0, color="0.7", linewidth=0.8)
    lower.fill_between(rates, exponents, 0, where=exponents > 0, color="tab:red", alpha=0.4)
    lower.plot(rates, exponents, color="tab:blue", linewidth=0.7)
    lower.set(xlabel="r", ylabel="Lyapunov exponent", ylim=(-1.5, 0.8))
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    """Sweep, tell and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few parameters and steps")
    parser.add_argument("--plot", metavar="FILE", help="where to write the picture")
    options = parser.parse_args()
    count, settle, steps = (20, 100, 100) if options.quick else (1500, 500, 1000)
    rates = jnp.linspace(2.8, 4.0, count)
    points, exponents = sweep(rates, settle, steps)
    print(f"{count} parameters, {steps} points each")
    print(f"at r = 2.8 the map rests at {points[0, -1]:.4f}; neighbours approach at a rate of {exponents[0]:.3f}")
    print(f"part of the parameters that are chaotic: {jnp.mean(exponents > 0.01):.1f}")
    if options.plot:
        plot(options.plot, rates, points, exponents)


if __name__ == "__main__":
    main()
