"""interpax: interpolation."""

import interpax
import jax
import jax.numpy as jnp


def one_axis():
    x = jnp.linspace(0, 2 * jnp.pi, 12)
    f, xq = jnp.sin(x), jnp.linspace(-0.5, 7, 30)
    methods = ["nearest", "linear", "cubic", "cubic2", "catmull-rom", "cardinal", "monotonic", "monotonic-0", "akima"]
    values = {m: interpax.interp1d(xq, x, f, method=m, extrap=True) for m in methods}
    slopes = {m: jax.vmap(jax.grad(lambda q, m=m: interpax.interp1d(q, x, f, method=m, extrap=True)))(xq) for m in methods[2:]}
    return values, slopes, interpax.interp1d(xq, x, f, method="cubic", derivative=1, period=2 * jnp.pi)


def several_axes():
    x, y, z = jnp.linspace(0, 1, 6), jnp.linspace(0, 2, 7), jnp.linspace(-1, 1, 5)
    f = jnp.sin(x[:, None, None] * 2) * jnp.cos(y[:, None]) + z
    q = jax.random.uniform(jax.random.key(0), (9, 3))
    two = {m: jax.jit(lambda a, b, m=m: interpax.interp2d(a, b, x, y, f[..., 0], method=m))(q[:, 0], q[:, 1]) for m in ("nearest", "linear", "cubic")}
    three = interpax.Interpolator3D(x, y, z, f, method="cubic2")
    by_values = jax.grad(lambda f: interpax.interp2d(q[:, 0], q[:, 1], x, y, f, method="cubic").sum())(f[..., 0])
    return two, three(q[:, 0], q[:, 1], q[:, 2]), by_values


def piecewise_polynomials():
    x = jnp.linspace(0, 3, 8)
    y, xq = jnp.exp(-x) * jnp.cos(3 * x), jnp.linspace(0.1, 2.9, 15)
    splines = [interpax.CubicSpline(x, y), interpax.PchipInterpolator(x, y), interpax.Akima1DInterpolator(x, y)]
    made = [(s(xq), s.derivative()(xq), s.integrate(0.2, 2.5)) for s in splines]
    return made, interpax.fft_interp1d(jnp.sin(jnp.linspace(0, 2 * jnp.pi, 8, endpoint=False)), 16)


def a_curve_that_is_fitted():
    """The values at the knots, by gradient descent through the spline."""
    knots, x = jnp.linspace(0, 1, 7), jax.random.uniform(jax.random.key(1), (40,))
    seen = jnp.sin(5 * x)

    @jax.jit
    def step(values, _):
        loss, slope = jax.value_and_grad(lambda v: jnp.mean((interpax.interp1d(x, knots, v, method="cubic2") - seen) ** 2))(values)
        return values - 2.0 * slope, loss

    return jax.lax.scan(step, jnp.zeros(7), None, length=20)
