"""jax.experimental.ode: the names."""

from jaxlike._src.experimental.ode import odeint as odeint
