"""diffrax: differential equations."""

import diffrax as dfx
import jax
import jax.numpy as jnp


def quick_start():
    term = dfx.ODETerm(lambda t, y, args: -y)
    solution = dfx.diffeqsolve(term, dfx.Dopri5(), t0=0, t1=1, dt0=0.1, y0=jnp.array([2.0, 3.0]))
    return solution.ts, solution.ys


def adaptive_solvers():
    def lotka_volterra(t, y, args):
        a, b, c, d = args
        return jnp.stack([a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]])

    out = {}
    for solver in (dfx.Tsit5(), dfx.Dopri8(), dfx.Bosh3(), dfx.Heun(), dfx.Kvaerno3(), dfx.Kvaerno5()):
        sol = dfx.diffeqsolve(
            dfx.ODETerm(lotka_volterra), solver, 0.0, 10.0, 0.1, jnp.array([10.0, 10.0]), args=(0.1, 0.02, 0.4, 0.02),
            saveat=dfx.SaveAt(ts=jnp.linspace(0, 10, 6)), stepsize_controller=dfx.PIDController(rtol=1e-4, atol=1e-4),
        )  # fmt: skip
        out[type(solver).__name__] = sol.ys
    return out


def a_neural_ode_is_trained():
    import equinox as eqx
    import optax

    class Func(eqx.Module):
        mlp: eqx.nn.MLP

        def __call__(self, t, y, args):
            return self.mlp(y)

    ts = jnp.linspace(0.0, 1.0, 8)
    data = jax.vmap(lambda a: jnp.stack([jnp.cos(a + 2 * ts), jnp.sin(a + 2 * ts)], 1))(jnp.arange(4.0))
    func = Func(eqx.nn.MLP(2, 2, 8, 1, activation=jax.nn.softplus, key=jax.random.key(0)))
    optim = optax.adam(1e-2)
    state = optim.init(eqx.filter(func, eqx.is_inexact_array))

    def predict(func, y0):
        return dfx.diffeqsolve(
            dfx.ODETerm(func), dfx.Tsit5(), 0.0, 1.0, 0.1, y0, saveat=dfx.SaveAt(ts=ts),
            stepsize_controller=dfx.PIDController(rtol=1e-3, atol=1e-6),
        ).ys  # fmt: skip

    @eqx.filter_jit
    def step(func, state):
        loss, grads = eqx.filter_value_and_grad(
            lambda f: jnp.mean((jax.vmap(predict, (None, 0))(f, data[:, 0]) - data) ** 2)
        )(func)
        updates, state = optim.update(grads, state)
        return eqx.apply_updates(func, updates), state, loss

    losses = []
    for _ in range(5):
        func, state, loss = step(func, state)
        losses.append(loss)
    return jnp.stack(losses), jax.tree.leaves(eqx.filter(func, eqx.is_array))


def adjoints():
    def solve(a, adjoint):
        return dfx.diffeqsolve(
            dfx.ODETerm(lambda t, y, a: jnp.sin(a * y) - 0.1 * y), dfx.Tsit5(), 0.0, 2.0, 0.1, jnp.array([1.0, 2.0]), args=a,
            stepsize_controller=dfx.ConstantStepSize(), adjoint=adjoint, max_steps=64,
        ).ys.sum()  # fmt: skip

    out = [
        jax.value_and_grad(solve)(0.7, adjoint)
        for adjoint in (dfx.RecursiveCheckpointAdjoint(), dfx.DirectAdjoint(), dfx.BacksolveAdjoint())
    ]
    forward = jax.jvp(lambda a: solve(a, dfx.ForwardMode()), (0.7,), (1.0,))
    return out, forward


def stochastic_equations_and_events():
    path = dfx.VirtualBrownianTree(0.0, 1.0, tol=1e-2, shape=(2,), key=jax.random.key(0))
    terms = dfx.MultiTerm(
        dfx.ODETerm(lambda t, y, args: -y),
        dfx.ControlTerm(lambda t, y, args: 0.2 * jnp.eye(2), path),
    )
    euler = dfx.diffeqsolve(terms, dfx.Euler(), 0.0, 1.0, 0.05, jnp.ones(2), saveat=dfx.SaveAt(steps=True), max_steps=32)
    event = dfx.Event(lambda t, y, args, **kw: y[0])
    ball = dfx.diffeqsolve(
        dfx.ODETerm(lambda t, y, args: jnp.stack([y[1], -9.8])), dfx.Tsit5(), 0.0, 5.0, 0.1, jnp.array([10.0, 0.0]), event=event,
    )  # fmt: skip
    dense = dfx.diffeqsolve(
        dfx.ODETerm(lambda t, y, args: -y), dfx.Dopri5(), 0.0, 1.0, 0.1, jnp.array(1.0), saveat=dfx.SaveAt(dense=True)
    )
    return euler.ys, ball.ts, ball.ys, jax.vmap(dense.evaluate)(jnp.linspace(0, 1, 5))
