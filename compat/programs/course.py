"""Programs of the kind that a course on optimal control and learning gives as homework.

Each is a function of the module `jax` and of a numpy generator: its inputs are drawn, its results are what
the homework would plot. They are written as students write them: small functions, `vmap` over a batch of
states, `scan` over time, `jit` around the step.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

PROGRAMS: dict[str, Any] = {}


def program(fun: Any) -> Any:
    """Register a program under its name."""
    PROGRAMS[fun.__name__] = fun
    return fun


# ------------------------------------------------------------------------------------------ dynamics


def pendulum(jnp: Any, x: Any, u: Any) -> Any:
    """Angle and angular velocity of a damped pendulum with torque."""
    theta, omega = x
    return jnp.array([omega, -9.81 * jnp.sin(theta) - 0.1 * omega + u[0]])


def cartpole(jnp: Any, s: Any, u: Any) -> Any:
    """Position, angle and their velocities of a pole on a cart that is pushed."""
    mp, mc, length, g = 2.0, 10.0, 1.0, 9.81
    _, theta, dx, dtheta = s
    sin, cos = jnp.sin(theta), jnp.cos(theta)
    h = mc + mp * (sin**2)
    return jnp.array(
        [
            dx,
            dtheta,
            (mp * sin * (length * (dtheta**2) + g * cos) + u[0]) / h,
            -((mc + mp) * g * sin + mp * length * (dtheta**2) * sin * cos + u[0] * cos) / (h * length),
        ]
    )


def rk4(f: Any, dt: float) -> Any:
    """One step of the classical Runge-Kutta method."""

    def step(x: Any, u: Any) -> Any:
        k1 = f(x, u)
        k2 = f(x + dt / 2 * k1, u)
        k3 = f(x + dt / 2 * k2, u)
        k4 = f(x + dt * k3, u)
        return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return step


# ------------------------------------------------------------------------------------------- control


@program
def lqr_by_riccati(jax: Any, rng: np.random.Generator) -> Any:
    """Finite-horizon LQR: a backward scan for the gains, a forward one for the trajectory."""
    jnp = jax.numpy
    A, B = jnp.array(np.eye(4) + 0.1 * rng.normal(size=(4, 4))), jnp.array(rng.normal(size=(4, 2)))
    Q, R = jnp.eye(4), 0.5 * jnp.eye(2)

    @jax.jit
    def gains(A: Any, B: Any) -> Any:
        def step(P: Any, _: Any) -> Any:
            K = -jnp.linalg.solve(R + B.T @ P @ B, B.T @ P @ A)
            before = Q + A.T @ P @ (A + B @ K)
            return (before + before.T) / 2, (K, jnp.trace(before))

        return jax.lax.scan(step, Q, None, length=20)

    P, (K, traces) = gains(A, B)
    x0 = jnp.array(rng.normal(size=4))
    closed = lambda x, K: (A @ x + B @ (K @ x), x)  # noqa: E731  # as a student writes it
    _, xs = jax.lax.scan(closed, x0, K[::-1])
    cost = lambda A: jnp.trace(gains(A, B)[0])  # noqa: E731
    return P, traces, xs, jax.grad(cost)(A)


class Solution(NamedTuple):
    """An iLQR trajectory."""

    states: Any
    controls: Any
    cost: Any


@program
def ilqr_swing_up(jax: Any, rng: np.random.Generator) -> Any:
    """Five iterations of iLQR with a backtracking line search in a while loop."""
    jnp = jax.numpy
    step = rk4(partial(cartpole, jnp), 0.1)
    goal = jnp.array([0.0, jnp.pi, 0.0, 0.0])
    Q, R, QN = jnp.diag(jnp.array([1e-2, 1.0, 1e-2, 1e-2])), 1e-3 * jnp.eye(1), 10 * jnp.eye(4)
    n = 15

    def cost(xs: Any, us: Any) -> Any:
        dx = xs - goal
        running = jnp.einsum("ti,ij,tj->", dx[:-1], Q, dx[:-1]) + jnp.einsum("ti,ij,tj->", us, R, us)
        return running + dx[-1] @ QN @ dx[-1]

    def rollout(us: Any) -> Any:
        x0 = jnp.zeros(4)
        _, xs = jax.lax.scan(lambda x, u: (step(x, u),) * 2, x0, us)
        return jnp.concatenate([x0[None], xs])

    @jax.jit
    def iterate(us: Any) -> Solution:
        xs = rollout(us)
        A, B = jax.vmap(jax.jacfwd(step, argnums=(0, 1)))(xs[:-1], us)

        def backward(carry: Any, inputs: Any) -> Any:
            V, v = carry
            A, B, dx, u = inputs
            Qx, Qu = 2 * Q @ dx + A.T @ v, 2 * R @ u + B.T @ v
            Qxx, Quu, Qux = 2 * Q + A.T @ V @ A, 2 * R + B.T @ V @ B, B.T @ V @ A
            k, K = -jnp.linalg.solve(Quu, Qu), -jnp.linalg.solve(Quu, Qux)
            return (Qxx + Qux.T @ K, Qx + Qux.T @ k), (k, K)

        start = 2 * QN, 2 * QN @ (xs[-1] - goal)
        _, (k, K) = jax.lax.scan(backward, start, (A, B, xs[:-1] - goal, us), reverse=True)

        def follow(alpha: Any) -> Any:
            def forward(x: Any, inputs: Any) -> Any:
                x_ref, u_ref, k, K = inputs
                u = u_ref + alpha * k + K @ (x - x_ref)
                return step(x, u), (x, u)

            last, (xs_new, us_new) = jax.lax.scan(forward, xs[0], (xs[:-1], us, k, K))
            return jnp.concatenate([xs_new, last[None]]), us_new

        before = cost(xs, us)

        def worse(alpha: Any) -> Any:
            return (cost(*follow(alpha)) > before) & (alpha > 1e-4)

        alpha = jax.lax.while_loop(worse, lambda a: a / 2, 1.0)
        xs, us = follow(alpha)
        return Solution(xs, us, cost(xs, us))

    us = jnp.array(0.1 * rng.normal(size=(n, 1)))
    solution = iterate(us)
    costs = [solution.cost]
    for _ in range(2):
        solution = iterate(solution.controls)
        costs.append(solution.cost)
    return solution.states[:5], jnp.stack(costs)


@program
def batched_linearization(jax: Any, rng: np.random.Generator) -> Any:
    """Affine models of the dynamics along a trajectory, and their residuals."""
    jnp = jax.numpy
    f = partial(cartpole, jnp)

    @partial(jax.vmap, in_axes=(None, 0, 0), out_axes=(0, 0, 0))
    def affinize(f: Any, s: Any, u: Any) -> Any:
        A, B = jax.jacobian(f, argnums=(0, 1))(s, u)
        return A, B, f(s, u) - A @ s - B @ u

    def affinize_static(s: Any, u: Any) -> Any:
        A, B = jax.jacobian(f, argnums=(0, 1))(s, u)
        return A, B, f(s, u) - A @ s - B @ u

    s, u = jnp.array(rng.normal(size=(6, 4))), jnp.array(rng.normal(size=(6, 1)))
    return jax.jit(jax.vmap(affinize_static))(s, u), jax.vmap(jax.hessian(lambda s, u: f(s, u)[2]))(s, u)


@program
def direct_collocation(jax: Any, rng: np.random.Generator) -> Any:
    """Newton steps on the KKT system of a small trajectory optimization, by hessian and jacobian."""
    jnp = jax.numpy
    n, dt = 5, 0.1

    def unpack(z: Any) -> Any:
        return z[: 2 * n].reshape(n, 2), z[2 * n :].reshape(n, 1)

    def objective(z: Any) -> Any:
        xs, us = unpack(z)
        return jnp.sum(us**2) + jnp.sum((xs - 1.0) ** 2)

    def defects(z: Any) -> Any:
        xs, us = unpack(z)
        dxs = jax.vmap(partial(pendulum, jnp))(xs, us)
        return jnp.ravel(xs[1:] - xs[:-1] - dt / 2 * (dxs[1:] + dxs[:-1]))

    @jax.jit
    def newton(z: Any, lam: Any) -> Any:
        H = jax.hessian(lambda z: objective(z) + lam @ defects(z))(z)
        J = jax.jacrev(defects)(z)
        kkt = jnp.block([[H, J.T], [J, jnp.zeros((J.shape[0],) * 2)]])
        rhs = -jnp.concatenate([jax.grad(objective)(z) + J.T @ lam, defects(z)])
        d = jnp.linalg.solve(kkt, rhs)
        return z + d[: z.size], lam + d[z.size :]

    z, lam = jnp.array(0.1 * rng.normal(size=3 * n)), jnp.zeros(2 * (n - 1))
    for _ in range(3):
        z, lam = newton(z, lam)
    return unpack(z), jnp.linalg.norm(defects(z)) < 1e-3


@program
def mpc_by_projected_gradient(jax: Any, rng: np.random.Generator) -> Any:
    """Receding horizon control of a double integrator under bounds, in nested loops."""
    jnp = jax.numpy
    A, B = jnp.array([[1.0, 0.2], [0.0, 1.0]]), jnp.array([[0.02], [0.2]])

    def cost(us: Any, x0: Any) -> Any:
        def step(x: Any, u: Any) -> Any:
            x = A @ x + B @ u
            return x, x @ x + 0.1 * u @ u

        return jax.lax.scan(step, x0, us)[1].sum()

    @jax.jit
    def control(x0: Any) -> Any:
        descend = lambda _, us: jnp.clip(us - 0.05 * jax.grad(cost)(us, x0), -1.0, 1.0)  # noqa: E731
        return jax.lax.fori_loop(0, 15, descend, jnp.zeros((8, 1)))[0]

    def closed_loop(x: Any, _: Any) -> Any:
        u = control(x)
        return A @ x + B @ u, (x, u)

    return jax.lax.scan(closed_loop, jnp.array(rng.normal(size=2)), jnp.arange(6))


@program
def value_iteration(jax: Any, rng: np.random.Generator) -> Any:
    """A random Markov decision process, iterated until it stops moving."""
    jnp = jax.numpy
    drawn = rng.random((3, 10, 10)).astype(np.float32)
    P, reward = jnp.array(drawn / drawn.sum(-1, keepdims=True)), jnp.array(rng.normal(size=(10, 3)))

    @jax.jit
    def backup(V: Any) -> Any:
        q = reward + 0.9 * jnp.einsum("ast,t->sa", P, V)
        return q.max(axis=1), q.argmax(axis=1)

    def moving(state: Any) -> Any:
        V, before, k = state
        return (jnp.abs(V - before).max() > 1e-3) & (k < 200)

    start = jnp.zeros(10), jnp.full(10, jnp.inf), 0
    V, _, _ = jax.lax.while_loop(moving, lambda s: (backup(s[0])[0], s[0], s[2] + 1), start)
    return V, backup(V)[1]


@program
def grid_interpolation(jax: Any, rng: np.random.Generator) -> Any:
    """Dynamic programming on a grid: bilinear interpolation by indexing, minimized over controls."""
    jnp = jax.numpy
    axis = jnp.linspace(-2.0, 2.0, 9)
    X, Y = jnp.meshgrid(axis, axis, indexing="ij")
    V = X**2 + Y**2 + jnp.array(0.01 * rng.normal(size=(9, 9)))

    def interpolate(V: Any, p: Any) -> Any:
        q = jnp.clip((p + 2.0) / 0.5, 0.0, 7.999)
        i = jnp.floor(q).astype(int)
        w = q - i
        i0, i1 = i
        corners = jnp.array([[V[i0, i1], V[i0, i1 + 1]], [V[i0 + 1, i1], V[i0 + 1, i1 + 1]]])
        return jnp.array([1 - w[0], w[0]]) @ corners @ jnp.array([1 - w[1], w[1]])

    us = jnp.linspace(-1, 1, 5)
    move = lambda p, u: p + 0.1 * jnp.array([p[1], u])  # noqa: E731

    def backup(V: Any, _: Any) -> Any:
        best = lambda p: jnp.min(jax.vmap(lambda u: interpolate(V, move(p, u)) + 0.1 * p @ p)(us))  # noqa: E731
        points = jnp.stack([X.ravel(), Y.ravel()], axis=-1)
        return jax.vmap(best)(points).reshape(V.shape), V[4, 4]

    return jax.jit(lambda V: jax.lax.scan(backup, V, None, 4))(V)


# ---------------------------------------------------------------------------------------- estimation


@program
def extended_kalman_filter(jax: Any, rng: np.random.Generator) -> Any:
    """Filter a pendulum's angle from noisy sines, and the gradient of the likelihood."""
    jnp = jax.numpy
    step = rk4(partial(pendulum, jnp), 0.05)
    ys = jnp.array(np.sin(np.linspace(0, 3, 12)) + 0.1 * rng.normal(size=12))

    def log_likelihood(log_noise: Any) -> Any:
        R = jnp.exp(log_noise) * jnp.eye(1)

        def update(carry: Any, y: Any) -> Any:
            m, P = carry
            F = jax.jacfwd(step)(m, jnp.zeros(1))
            m, ahead = step(m, jnp.zeros(1)), F @ P @ F.T + 1e-3 * jnp.eye(2)
            H = jax.jacrev(lambda x: jnp.sin(x[:1]))(m)
            S = H @ ahead @ H.T + R
            K = jnp.linalg.solve(S, H @ ahead).T
            e = y - jnp.sin(m[:1])
            ll = -0.5 * (e @ jnp.linalg.solve(S, e) + jnp.linalg.slogdet(2 * jnp.pi * S)[1])
            return (m + K @ e, ahead - K @ H @ ahead), (ll, m)

        _, (lls, ms) = jax.lax.scan(update, (jnp.zeros(2), jnp.eye(2)), ys)
        return lls.sum(), ms

    return jax.jit(jax.value_and_grad(log_likelihood, has_aux=True))(jnp.log(0.1))


@program
def gauss_newton(jax: Any, rng: np.random.Generator) -> Any:
    """Nonlinear least squares on a pytree of parameters, flattened by ravel_pytree."""
    from importlib import import_module

    jnp = jax.numpy
    ravel_pytree = import_module(f"{jax.__name__}.flatten_util").ravel_pytree
    t = jnp.linspace(0, 2, 20)
    y = 2.0 * jnp.exp(-1.5 * t) + 0.3 + jnp.array(0.01 * rng.normal(size=20))
    flat, rebuild = ravel_pytree({"rate": jnp.array(1.0), "scale": jnp.array([1.0, 0.0])})

    def residuals(z: Any) -> Any:
        p = rebuild(z)
        return p["scale"][0] * jnp.exp(-p["rate"] * t) + p["scale"][1] - y

    def step(z: Any, _: Any) -> Any:
        J, r = jax.jacfwd(residuals)(z), residuals(z)
        z = z - jnp.linalg.lstsq(J, r)[0]
        return z, jnp.sum(r**2)

    z, losses = jax.lax.scan(step, flat, None, length=4)
    return rebuild(z), losses[0]


# ------------------------------------------------------------------------------------------- learning


@program
def mlp_with_adam(jax: Any, rng: np.random.Generator) -> Any:
    """A network trained by a hand-written Adam on a tree of parameters."""
    jnp = jax.numpy
    keys = jax.random.split(jax.random.PRNGKey(0), 3)
    sizes = [2, 16, 16, 1]
    params = [
        {"w": jax.random.normal(k, (m, n)) * jnp.sqrt(2 / m), "b": jnp.zeros(n)}
        for k, m, n in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]
    X = jnp.array(rng.normal(size=(32, 2)))
    y = jnp.sin(X[:, :1]) * X[:, 1:]

    def net(params: Any, x: Any) -> Any:
        for layer in params[:-1]:
            x = jax.nn.relu(x @ layer["w"] + layer["b"])
        return x @ params[-1]["w"] + params[-1]["b"]

    loss = lambda params: jnp.mean((net(params, X) - y) ** 2)  # noqa: E731
    tree_map = jax.tree_util.tree_map

    @jax.jit
    def update(t: Any, params: Any, m: Any, v: Any) -> Any:
        value, g = jax.value_and_grad(loss)(params)
        m = tree_map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = tree_map(lambda v, g: 0.999 * v + 0.001 * g**2, v, g)
        scale = jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        params = tree_map(lambda p, m, v: p - 0.01 * scale * m / (jnp.sqrt(v) + 1e-8), params, m, v)
        return params, m, v, value

    m = v = tree_map(jnp.zeros_like, params)
    losses = []
    for t in range(1, 6):
        params, m, v, value = update(t, params, m, v)
        losses.append(value)
    return jnp.array(losses), params[-1]


@program
def policy_gradient(jax: Any, rng: np.random.Generator) -> Any:
    """REINFORCE on a bandit with softmax actions; keys split in a scan."""
    jnp = jax.numpy
    means = jnp.array(rng.normal(size=5))

    def episode(theta: Any, key: Any) -> Any:
        k1, k2 = jax.random.split(key)
        a = jax.random.categorical(k1, theta)
        r = means[a] + 0.1 * jax.random.normal(k2)
        return theta + 0.1 * r * jax.grad(lambda th: jax.nn.log_softmax(th)[a])(theta), (a, r)

    return jax.lax.scan(episode, jnp.zeros(5), jax.random.split(jax.random.key(3), 30))


@program
def model_predictive_path_integral(jax: Any, rng: np.random.Generator) -> Any:
    """MPPI: rollouts of random controls under vmap, weighted by a softmax of their costs."""
    jnp = jax.numpy
    step = rk4(partial(pendulum, jnp), 0.05)

    def cost(us: Any) -> Any:
        def move(x: Any, u: Any) -> Any:
            x = step(x, u)
            return x, (x[0] - jnp.pi) ** 2 + 0.1 * x[1] ** 2

        return jax.lax.scan(move, jnp.zeros(2), us)[1].sum()

    @jax.jit
    def improve(us: Any, key: Any) -> Any:
        noise = jax.random.normal(key, (32, *us.shape))
        costs = jax.vmap(cost)(us + noise)
        weights = jax.nn.softmax(-costs / 10.0)
        return us + jnp.tensordot(weights, noise, axes=1), costs.min()

    us = jnp.array(0.1 * rng.normal(size=(10, 1)))
    return jax.lax.scan(improve, us, jax.random.split(jax.random.PRNGKey(1), 3))


@program
def gaussian_process(jax: Any, rng: np.random.Generator) -> Any:
    """Regression with a learned length scale: Cholesky, triangular solves, gradient of the evidence."""
    from importlib import import_module

    jnp, jsp = jax.numpy, import_module(f"{jax.__name__}.scipy.linalg")
    X = jnp.array(np.sort(rng.uniform(-2, 2, 12)))
    y = jnp.sin(2 * X)

    def kernel(a: Any, b: Any, log_length: Any) -> Any:
        return jnp.exp(-0.5 * (a[:, None] - b[None, :]) ** 2 / jnp.exp(2 * log_length))

    def evidence(log_length: Any) -> Any:
        L = jnp.linalg.cholesky(kernel(X, X, log_length) + 0.1 * jnp.eye(X.size))
        a = jsp.solve_triangular(L, y, lower=True)
        return -0.5 * a @ a - jnp.sum(jnp.log(jnp.diag(L)))

    value, slope = jax.value_and_grad(evidence)(jnp.log(0.7))
    factor = jsp.cho_factor(kernel(X, X, -0.3) + 0.1 * jnp.eye(X.size))
    at = jnp.linspace(-2, 2, 5)
    return value, slope, jax.hessian(evidence)(jnp.log(0.7)), kernel(at, X, -0.3) @ jsp.cho_solve(factor, y)


@program
def k_means_and_pca(jax: Any, rng: np.random.Generator) -> Any:
    """Clusters by argmin and one-hot sums; principal components by svd, signs removed."""
    jnp = jax.numpy
    X = jnp.array(np.concatenate([rng.normal(m, 0.3, (20, 3)) for m in (-2, 0, 2)]))

    def step(centers: Any, _: Any) -> Any:
        d = jnp.linalg.norm(X[:, None] - centers[None], axis=-1)
        member = jax.nn.one_hot(jnp.argmin(d, axis=1), 3)
        return (member.T @ X) / jnp.maximum(member.sum(0)[:, None], 1), jnp.min(d, axis=1).sum()

    centers, inertia = jax.lax.scan(step, X[jnp.array([0, 25, 50])], None, length=4)
    _, s, Vt = jnp.linalg.svd(X - X.mean(0), full_matrices=False)
    return centers, inertia, s, jnp.abs(Vt)


@program
def neural_ode(jax: Any, rng: np.random.Generator) -> Any:
    """Parameters of a vector field fitted through an integrator, batched over initial states."""
    jnp = jax.numpy
    W = jnp.array(0.5 * rng.normal(size=(2, 2)))
    x0s = jnp.array(rng.normal(size=(4, 2)))
    step = lambda W: rk4(lambda x, W: jnp.tanh(W @ x), 0.1)  # noqa: E731

    def trajectory(W: Any, x0: Any) -> Any:
        return jax.lax.scan(lambda x, _: (step(W)(x, W), x), x0, None, length=10)[1]

    target = jax.vmap(trajectory, (None, 0))(jnp.array([[0.0, 1.0], [-1.0, 0.0]]), x0s)
    loss = lambda W: jnp.mean((jax.vmap(trajectory, (None, 0))(W, x0s) - target) ** 2)  # noqa: E731

    @jax.jit
    def descend(W: Any, _: Any) -> Any:
        value, g = jax.value_and_grad(loss)(W)
        return W - 0.5 * g, value

    return jax.lax.scan(descend, W, None, length=5)
