"""jaxley: neurons."""

import jax
import jax.numpy as jnp
import jaxley as jx
import numpy as np
from jaxley.channels import HH, Leak
from jaxley.connect import connect
from jaxley.synapses import IonotropicSynapse


def _cell():
    compartment = jx.Compartment()
    branch = jx.Branch(compartment, ncomp=2)
    cell = jx.Cell(branch, parents=[-1, 0, 0])
    cell.insert(HH())
    return cell


def quick_start():
    cell = _cell()
    cell.branch(0).loc(0.0).stimulate(jx.step_current(i_delay=0.5, i_dur=1.0, i_amp=0.1, delta_t=0.025, t_max=2.0), verbose=False)
    cell.branch(1).loc(1.0).record("v", verbose=False)
    return jx.integrate(cell, delta_t=0.025)


def a_leaky_compartment():
    compartment = jx.Compartment()
    compartment.insert(Leak())
    compartment.record("v", verbose=False)
    compartment.stimulate(np.full(40, 0.01), verbose=False)
    return jx.integrate(compartment, delta_t=0.05)


def gradients():
    cell = _cell()
    cell.branch(0).loc(0.0).record("v", verbose=False)
    cell.make_trainable("HH_gNa", verbose=False)
    params = cell.get_parameters()
    loss = lambda p: jnp.mean(jx.integrate(cell, params=p, t_max=0.5, delta_t=0.025)) / 70
    return jax.value_and_grad(loss)(params)


def networks():
    cell = jx.Cell(jx.Branch(jx.Compartment(), ncomp=1), parents=[-1])
    net = jx.Network([cell for _ in range(2)])
    net.insert(HH())
    connect(net[0, 0, 0], net[1, 0, 0], IonotropicSynapse())
    net[0, 0, 0].stimulate(jx.step_current(0.2, 0.5, 0.5, 0.025, 1.0), verbose=False)
    net[1, 0, 0].record("v", verbose=False)
    return jx.integrate(net, delta_t=0.025)
