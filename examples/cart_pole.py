"""iLQR swings up a pendulum on a cart: `python -m jaxlike examples/cart_pole.py --plot cart_pole.gif`.

The controller repeats: linearize the dynamics along the trajectory (jacfwd under vmap), solve the linear-quadratic problem
backward in time (scan), and try the new controls at ten step lengths at once (vmap), keeping the best. It knows nothing of
cart-poles but `dynamics` and the two costs.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

DT = 0.04
GOAL = jnp.array([0.0, jnp.pi, 0.0, 0.0])  # upright and at rest in the middle; the state is x, angle and their rates
START = jnp.zeros(4)


def acceleration(state: Any, force: Any) -> Any:
    """Of cart and pole, whose angle is 0 where it hangs."""
    cart, pole, length, gravity = 1.0, 0.3, 0.5, 9.81
    _, angle, _, rate = state
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    x = (force + pole * sin * (length * rate**2 + gravity * cos)) / (cart + pole * sin**2)
    turn = -(force * cos + pole * length * rate**2 * cos * sin + (cart + pole) * gravity * sin)
    return x, turn / (length * (cart + pole * sin**2))


def dynamics(state: Any, control: Any) -> Any:
    """The state after DT, by a Runge-Kutta step."""

    def rate(s: Any) -> Any:
        return jnp.array([s[2], s[3], *acceleration(s, control[0])])

    k1 = rate(state)
    k2 = rate(state + DT / 2 * k1)
    k3 = rate(state + DT / 2 * k2)
    k4 = rate(state + DT * k3)
    return state + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def running_cost(state: Any, control: Any) -> Any:
    """Of a step: force, and leaving the middle."""
    return DT * (0.05 * control[0] ** 2 + 0.1 * state[0] ** 2)


def final_cost(state: Any) -> Any:
    """Of the end: the distance from the goal."""
    return jnp.sum(jnp.array([100.0, 200.0, 20.0, 20.0]) * (state - GOAL) ** 2)


class Plan(NamedTuple):
    """A trajectory and what it costs."""

    states: Any  # [T + 1, 4]
    controls: Any  # [T, 1]
    cost: Any


def follow(plan: Plan, open_loop: Any, gains: Any, length: Any) -> Plan:
    """The trajectory of new controls: a step of this length, and feedback on the way."""

    def step(state: Any, now: Any) -> Any:
        old_state, old_control, more, gain = now
        control = old_control + length * more + gain @ (state - old_state)
        return dynamics(state, control), (state, control, running_cost(state, control))

    end, (states, controls, costs) = jax.lax.scan(step, START, (plan.states[:-1], plan.controls, open_loop, gains))
    return Plan(jnp.vstack([states, end]), controls, jnp.sum(costs) + final_cost(end))


def backward(plan: Plan, damping: Any) -> Any:
    """Open-loop changes and feedback gains: the linear-quadratic problem around the plan, solved from its end."""
    states, controls = plan.states[:-1], plan.controls
    fx, fu = jax.vmap(jax.jacfwd(dynamics, (0, 1)))(states, controls)
    cx, cu = jax.vmap(jax.grad(running_cost, (0, 1)))(states, controls)
    (cxx, _), (cux, cuu) = jax.vmap(jax.hessian(running_cost, (0, 1)))(states, controls)
    value = jax.grad(final_cost)(plan.states[-1]), jax.hessian(final_cost)(plan.states[-1])

    def step(value: Any, now: Any) -> Any:
        fx, fu, cx, cu, cxx, cux, cuu = now
        vx, vxx = value
        qx, qu = cx + fx.T @ vx, cu + fu.T @ vx
        qxx, qux, quu = cxx + fx.T @ vxx @ fx, cux + fu.T @ vxx @ fx, cuu + fu.T @ vxx @ fu
        solve = partial(jnp.linalg.solve, quu + damping * jnp.eye(1))
        more, gain = -solve(qu), -solve(qux)
        vx = qx + gain.T @ quu @ more + gain.T @ qu + qux.T @ more
        vxx = qxx + gain.T @ quu @ gain + gain.T @ qux + qux.T @ gain
        return (vx, (vxx + vxx.T) / 2), (more, gain)

    return jax.lax.scan(step, value, (fx, fu, cx, cu, cxx, cux, cuu), reverse=True)[1]


@jax.jit
def improve(plan: Plan, damping: Any) -> Any:
    """The best of ten step lengths, and less damping after a success than after a failure."""
    plans = jax.vmap(partial(follow, plan, *backward(plan, damping)))(0.5 ** jnp.arange(10.0))
    best = jax.tree.map(lambda x: x[jnp.nanargmin(plans.cost)], plans)
    better = best.cost < plan.cost
    plan = jax.tree.map(lambda new, old: jnp.where(better, new, old), best, plan)
    return plan, jnp.where(better, jnp.maximum(damping / 2, 1e-6), damping * 8)


def solve(steps: int, iterations: int) -> tuple[Plan, list[float]]:
    """iLQR from no force at all."""
    still = Plan(jnp.tile(START, (steps + 1, 1)), jnp.zeros((steps, 1)), jnp.inf)
    plan = follow(still, jnp.full((steps, 1), 0.01), jnp.zeros((steps, 1, 4)), 1.0)
    damping, costs = jnp.float32(1.0), [float(plan.cost)]
    for i in range(iterations):
        plan, damping = improve(plan, damping)
        costs.append(float(plan.cost))
        if i % 25 == 24:
            print(f"iteration {i + 1:3}: cost {costs[-1]:.2f}")
    return plan, costs


def animate(plan: Plan, path: str) -> None:
    """The cart's way as an animation."""
    import matplotlib.animation as animation
    import matplotlib.pyplot as plt
    import numpy as np

    x, angle = np.asarray(plan.states[:, 0]), np.asarray(plan.states[:, 1])
    force = np.append(np.asarray(plan.controls[:, 0]), 0)
    figure, axes = plt.subplots(figsize=(5, 2.8), layout="constrained")
    axes.set(xlim=(min(x.min(), -0.8) - 0.4, max(x.max(), 0.8) + 0.4), ylim=(-0.75, 0.75), aspect="equal", yticks=[])
    axes.axhline(0, color="0.8", zorder=0)
    (trace,) = axes.plot([], [], color="tab:orange", alpha=0.4)
    (pole,) = axes.plot([], [], "o-", color="tab:orange", linewidth=3, markevery=[1])
    (cart,) = axes.plot([], [], "s", color="tab:blue", markersize=16)
    (arrow,) = axes.plot([], [], color="tab:red", linewidth=2)
    tip = x + 0.5 * np.sin(angle), -0.5 * np.cos(angle)

    def draw(k: int) -> Any:
        trace.set_data(tip[0][: k + 1], tip[1][: k + 1])
        pole.set_data([x[k], tip[0][k]], [0, tip[1][k]])
        cart.set_data([x[k]], [0])
        arrow.set_data([x[k], x[k] + force[k] / 40], [-0.15, -0.15])
        return trace, pole, cart, arrow

    frames = [*range(0, len(x), 2), *[len(x) - 1] * 10]
    moving = animation.FuncAnimation(figure, draw, frames, interval=2000 * DT)
    moving.save(path, animation.PillowWriter(fps=round(0.5 / DT)), dpi=72)
    plt.close(figure)


def main() -> None:
    """Solve, tell and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short horizon and few iterations")
    parser.add_argument("--plot", metavar="FILE", help="where to write the animation (.gif)")
    options = parser.parse_args()
    plan, costs = solve(*((40, 25) if options.quick else (100, 75)))
    end = plan.states[-1]
    print(f"cost {costs[0]:.1f} -> {costs[-1]:.2f}")
    print(f"at the end: x {end[0]:.2f}, angle {end[1] / jnp.pi:.2f} pi, rates {end[2]:.2f} and {end[3]:.2f}")
    if options.plot:
        animate(plan, options.plot)


if __name__ == "__main__":
    main()
