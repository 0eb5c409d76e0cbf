"""hj_reachability: sets that can be reached, by partial differential equations on grids."""

import hj_reachability as hj
import jax.numpy as jnp
import numpy as np


def _grid(n=21):
    return hj.Grid.from_lattice_parameters_and_boundary_conditions(
        hj.sets.Box(np.array([-6.0, -6.0, 0.0]), np.array([6.0, 6.0, 2 * np.pi])), (n, n, 12), periodic_dims=2
    )


def quick_start():
    dynamics, grid = hj.systems.Air3d(), _grid()
    values = jnp.linalg.norm(grid.states[..., :2], axis=-1) - 1
    settings = hj.SolverSettings.with_accuracy("low", hamiltonian_postprocessor=hj.solver.backwards_reachable_tube)
    return hj.step(settings, dynamics, grid, 0.0, values, -0.2, progress_bar=False)


def gradients_on_the_grid():
    grid = _grid()
    values = jnp.sin(grid.states[..., 0]) * grid.states[..., 1]
    return grid.grad_values(values), grid.interpolate(values, jnp.array([0.3, -0.4, 1.0]))


def several_times():
    dynamics, grid = hj.systems.DubinsCarCAvoid(), _grid(15)
    values = jnp.linalg.norm(grid.states[..., :2], axis=-1) - 1
    settings = hj.SolverSettings.with_accuracy("medium")
    return hj.solve(settings, dynamics, grid, np.linspace(0, -0.3, 3), values, progress_bar=False)


def a_controller():
    """Values of a time, their gradient along the way, and the steering that they ask for."""
    dynamics, grid = hj.systems.DubinsCarCAvoid(), _grid(15)
    values = jnp.linalg.norm(grid.states[..., :2], axis=-1) - 1
    settings = hj.SolverSettings.with_accuracy("low", hamiltonian_postprocessor=hj.solver.backwards_reachable_tube)
    values = hj.step(settings, dynamics, grid, 0.0, values, -0.1, progress_bar=False)
    state = jnp.array([1.3, 0.4, 2.0])
    slope = grid.interpolate(grid.grad_values(values), state)
    return values.min(), slope, dynamics.optimal_control_and_disturbance(state, 0.0, slope)
