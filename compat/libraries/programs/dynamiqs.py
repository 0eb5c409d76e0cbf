"""dynamiqs: open quantum systems."""

import dynamiqs as dq
import jax
import jax.numpy as jnp


def quick_start():
    n, omega, kappa = 8, 1.0, 0.1
    a = dq.destroy(n)
    result = dq.mesolve(
        omega * dq.dag(a) @ a, [jnp.sqrt(kappa) * a], dq.coherent(n, 1.0), jnp.linspace(0, 2, 6), exp_ops=[dq.number(n)],
        progress_meter=False,
    )  # fmt: skip
    return result.expects, dq.to_jax(result.states[-1])


def gradient_of_a_pulse():
    def cost(amplitude):
        drive = dq.modulated(lambda t: amplitude * jnp.exp(-((t - 0.5) ** 2)), dq.sigmax())
        h = dq.constant(0.5 * dq.sigmaz()) + drive
        result = dq.sesolve(h, dq.basis(2, 0), jnp.linspace(0, 1, 3), exp_ops=[dq.sigmaz()], progress_meter=False)
        return result.expects[0, -1].real

    return jax.value_and_grad(cost)(1.0), jax.vmap(cost)(jnp.array([0.5, 2.0]))


def states_and_operators():
    psi = dq.unit(dq.basis(3, 0) + dq.basis(3, 2))
    rho = dq.todm(psi)
    cat = dq.unit(dq.coherent(12, 1.5) + dq.coherent(12, -1.5))
    _, _, wigner = dq.wigner(cat, xmax=2.0, npixels=9)
    return dq.to_jax(rho), dq.entropy_vn(rho), dq.fidelity(psi, rho), wigner, dq.to_jax(dq.expm(dq.destroy(3)))


def many_systems_at_once():
    """Couplings and damping rates that are arrays: each result has their axes."""
    a, rates = dq.destroy(6), jnp.array([0.1, 0.4])
    h = jnp.array([0.5, 1.0, 1.5])[:, None, None] * (a + dq.dag(a))
    result = dq.mesolve(
        h, [jnp.sqrt(rates)[:, None, None] * a], dq.fock(6, 0), jnp.linspace(0, 0.6, 4), exp_ops=[dq.number(6)],
        progress_meter=False,
    )  # fmt: skip
    return result.expects.real
