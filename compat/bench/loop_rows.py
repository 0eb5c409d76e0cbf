"""Loops: simulations, filters, networks, searches, whose steps are small. Each row is run compiled, as on the other side.

The programs are chosen so that rounding does not grow with the number of steps.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from compat.bench.rows import LOOPS, VECTOR, row

looped = functools.partial(row, group=LOOPS, tier="compile", warm=10)


def uniform(*shape: int, seed: int = 0) -> Any:
    """Floats between -1 and 1."""
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def pendulum(jax):
    """A step of a damped pendulum under a torque."""

    def step(x, u):
        x = x + 0.01 * jax.numpy.array([x[1], -9.81 * jax.numpy.sin(x[0]) - 0.5 * x[1] + u[0]])
        return x, x

    return step


def effort(jax, of_step=lambda step: step):
    """What a rollout costs, as a function of its torques and where it starts."""
    return lambda us, x: jax.numpy.sum(jax.lax.scan(of_step(pendulum(jax)), x, us)[1] ** 2)


@looped("scan, a pendulum of 1000 steps")
def scan(jax):
    x, us = jax.numpy.asarray(VECTOR[:2]), jax.numpy.asarray(uniform(1000, 1))
    f = jax.jit(lambda x, us: jax.lax.scan(pendulum(jax), x, us))
    return lambda: f(x, us)


@looped("the same, not in jit")
def scan_eager(jax):
    x, us, step = jax.numpy.asarray(VECTOR[:2]), jax.numpy.asarray(uniform(1000, 1)), pendulum(jax)
    return lambda: jax.lax.scan(step, x, us)


@looped("its gradient")
def scan_grad(jax):
    x, us = jax.numpy.asarray(VECTOR[:2]), jax.numpy.asarray(uniform(1000, 1))
    f = jax.jit(jax.grad(effort(jax)))
    return lambda: f(us, x)


@looped("1000 pendulums under vmap", large=True)
def scan_vmap(jax):
    x, us = jax.numpy.asarray(uniform(1000, 2)), jax.numpy.asarray(uniform(1000, 1))
    f = jax.jit(jax.vmap(lambda x, us: jax.lax.scan(pendulum(jax), x, us)[0], in_axes=(0, None)))
    return lambda: f(x, us)


@looped("the gradients of 100 under vmap")
def scan_vmap_grad(jax):
    x, us = jax.numpy.asarray(uniform(100, 2)), jax.numpy.asarray(uniform(100, 1))
    f = jax.jit(jax.vmap(jax.grad(effort(jax)), in_axes=(None, 0)))
    return lambda: f(us, x)


@looped("the gradient of a recurrent network")
def network(jax):
    jnp = jax.numpy
    weights = [jnp.asarray(uniform(*s, seed=k) / 4) for k, s in enumerate([(32, 32), (32, 8), (32,)])]
    rows = jnp.asarray(uniform(100, 8))

    def loss(weights, rows):
        def step(h, row):
            h = jnp.tanh(weights[0] @ h + weights[1] @ row + weights[2])
            return h, h

        return jnp.mean(jax.lax.scan(step, jnp.zeros(32), rows)[1] ** 2)

    f = jax.jit(jax.grad(loss))
    return lambda: f(weights, rows)


@looped("while_loop, Newton's method under vmap")
def newton(jax):
    jnp = jax.numpy
    numbers = jnp.linspace(1.0, 50.0, 1000)

    def root(a):
        def going(s):
            return (jnp.abs(s[0] ** 3 - a) > 1e-3 * a) & (s[1] < 50)

        return jax.lax.while_loop(going, lambda s: (s[0] - (s[0] ** 3 - a) / (3 * s[0] ** 2), s[1] + 1), (1.0, 0))[0]

    f = jax.jit(jax.vmap(root))
    return lambda: f(numbers)


@looped("fori_loop, 1000 small products")
def products(jax):
    jnp = jax.numpy
    a = jnp.asarray(uniform(8, 8) / 4)
    f = jax.jit(lambda a: jax.lax.fori_loop(0, 1000, lambda i, x: 0.5 * (x @ a) + jnp.eye(8), a))
    return lambda: f(a)


@looped("a Riccati recursion")
def riccati(jax):
    jnp = jax.numpy
    a, b = jnp.asarray(np.eye(4, dtype=np.float32) + 0.1 * uniform(4, 4)), jnp.asarray(uniform(4, 2, seed=1))

    def f(a, b):
        def step(p, _):
            gain = jnp.linalg.solve(jnp.eye(2) + b.T @ p @ b, b.T @ p @ a)
            return jnp.eye(4) + a.T @ p @ (a - b @ gain), gain

        return jax.lax.scan(step, jnp.eye(4), None, length=200, reverse=True)

    compiled = jax.jit(f)
    return lambda: compiled(a, b)


@looped("a Kalman filter")
def kalman(jax):
    jnp = jax.numpy
    move, look = jnp.array([[1.0, 0.1], [0.0, 1.0]]), jnp.array([[1.0, 0.0]])
    seen = jnp.asarray(uniform(500, 1))

    def f(move, look, seen):
        def step(state, y):
            mean, p, told = state
            mean, p = move @ mean, move @ p @ move.T + 0.01 * jnp.eye(2)
            s = look @ p @ look.T + 0.1 * jnp.eye(1)
            gain = jnp.linalg.solve(s, look @ p).T
            off = y - look @ mean
            told = told - 0.5 * (off @ jnp.linalg.solve(s, off) + jnp.linalg.slogdet(s)[1])
            mean, p = mean + gain @ off, p - gain @ s @ gain.T
            return (mean, p, told), (mean, p)

        return jax.lax.scan(step, (jnp.zeros(2), jnp.eye(2), 0.0), seen)

    compiled = jax.jit(f)
    return lambda: compiled(move, look, seen)


@looped("iLQR with a line search")
def ilqr(jax):
    f, us = jax.jit(functools.partial(control, jax)), jax.numpy.zeros((50, 1))
    return lambda: f(us)


def control(jax, us):
    """The costs of ten iterations of swinging a pendulum up."""
    jnp = jax.numpy
    start, goal = jnp.zeros(2), jnp.array([np.pi, 0.0])

    def move(x, u):
        return x + 0.05 * jnp.array([x[1], 9.81 * jnp.sin(x[0]) + u[0]])

    def price(x, u):
        return 0.05 * (jnp.sum((x - goal) ** 2) + 0.1 * jnp.sum(u**2))

    def total(xs, us):
        return jnp.sum(jax.vmap(price)(xs[:-1], us)) + 10 * jnp.sum((xs[-1] - goal) ** 2)

    def backward(xs, us):
        def step(carry, at):
            hessian, slope = carry
            x, u = at
            fx, fu = jax.jacfwd(move, (0, 1))(x, u)
            lx, lu = jax.grad(price, (0, 1))(x, u)
            (lxx, _), (_, luu) = jax.hessian(price, (0, 1))(x, u)
            qx, qu = lx + fx.T @ slope, lu + fu.T @ slope
            qxx, quu, qux = lxx + fx.T @ hessian @ fx, luu + fu.T @ hessian @ fu, fu.T @ hessian @ fx
            gain, more = -jnp.linalg.solve(quu, qux), -jnp.linalg.solve(quu, qu)
            return (qxx + qux.T @ gain, qx + qux.T @ more), (gain, more)

        last = 20 * jnp.eye(2), 20 * (xs[-1] - goal)
        return jax.lax.scan(step, last, (xs[:-1], us), reverse=True)[1]

    def forward(xs, us, gains, size):
        def step(x, at):
            before, u, gain, more = at
            u = u + size * more + gain @ (x - before)
            return move(x, u), (x, u)

        last, (xs, us) = jax.lax.scan(step, start, (xs[:-1], us, *gains))
        xs = jnp.concatenate([xs, last[None]])
        return xs, us, total(xs, us)

    def improve(state, _):
        xs, us, cost = state
        gains = backward(xs, us)

        def worse(tried):
            return (tried[0] > 1e-3) & (tried[3] > cost)

        def halved(tried):
            return tried[0] / 2, *forward(xs, us, gains, tried[0] / 2)

        tried = jax.lax.while_loop(worse, halved, (1.0, *forward(xs, us, gains, 1.0)))
        return jax.lax.cond(tried[3] < cost, lambda: tried[1:], lambda: state), cost

    xs = jax.lax.scan(lambda x, u: (move(x, u),) * 2, start, us)[1]
    xs = jnp.concatenate([start[None], xs])
    return jax.lax.scan(improve, (xs, us, total(xs, us)), None, length=10)[1]


@looped("Hamiltonian Monte Carlo on a small posterior")
def hmc(jax):
    jnp = jax.numpy
    data, labels = jnp.asarray(uniform(50, 3)), jnp.asarray((uniform(50, seed=1) > 0).astype(np.float32))

    def density(w):
        z = data @ w
        return jnp.sum(labels * z - jnp.logaddexp(0.0, z)) - 0.5 * jnp.sum(w**2)

    slope = jax.grad(density)

    def f(key, w):
        def leap(_, state):
            w, p = state
            p = p + 0.05 * slope(w)
            w = w + 0.1 * p
            return w, p + 0.05 * slope(w)

        def step(w, key):
            for_p, for_choice = jax.random.split(key)
            p = jax.random.normal(for_p, (3,))
            new, last = jax.lax.fori_loop(0, 10, leap, (w, p))
            gain = density(new) - density(w) + 0.5 * (p @ p - last @ last)
            w = jnp.where(jnp.log(jax.random.uniform(for_choice)) < gain, new, w)
            return w, w

        return jax.lax.scan(step, w, jax.random.split(key, 100))[1]

    compiled, key = jax.jit(f), jax.random.key(0)
    return lambda: compiled(key, jnp.zeros(3))
