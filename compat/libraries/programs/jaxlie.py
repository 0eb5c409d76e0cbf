"""jaxlie: groups of rotations and rigid motions."""

import jax
import jax.numpy as jnp
import jaxlie


def quick_start():
    a = jaxlie.SE3.exp(jnp.array([0.1, -0.2, 0.3, 0.4, 0.5, -0.6]))
    b = jaxlie.SE3.from_rotation_and_translation(jaxlie.SO3.from_x_radians(0.3), jnp.array([1.0, 2.0, 3.0]))
    point = jnp.array([0.5, -0.5, 2.0])
    return (a @ b).as_matrix(), (a @ point), a.inverse().log(), a.adjoint(), b.rotation().as_rpy_radians()


def groups_of_the_plane():
    r, t = jaxlie.SO2.from_radians(0.7), jaxlie.SE2.from_xy_theta(1.0, -2.0, 0.3)
    batch = jax.vmap(jaxlie.SE2.exp)(jax.random.normal(jax.random.key(0), (5, 3)))
    return r.as_matrix(), (t @ t.inverse()).parameters(), batch.as_matrix(), jax.vmap(lambda g: g.log())(batch)


def poses_are_fitted():
    target = jaxlie.SE3.exp(jnp.array([0.5, 0.1, -0.3, 0.2, -0.7, 0.4]))
    points = jax.random.normal(jax.random.key(1), (10, 3))
    seen = jax.vmap(lambda p: target @ p)(points)

    @jax.jit
    def step(pose):
        loss, grads = jaxlie.manifold.value_and_grad(
            lambda g: jnp.sum((jax.vmap(lambda p: g @ p)(points) - seen) ** 2)
        )(pose)
        return jaxlie.manifold.rplus(pose, -0.01 * grads), loss

    pose, losses = jaxlie.SE3.identity(), []
    for _ in range(10):
        pose, loss = step(pose)
        losses.append(loss)
    return pose.as_matrix(), jnp.stack(losses)


def paths_between():
    a, b = jaxlie.SO3.sample_uniform(jax.random.key(2)), jaxlie.SO3.from_z_radians(1.0)
    path = jax.vmap(lambda s: jaxlie.manifold.rplus(a, s * jaxlie.manifold.rminus(a, b)).wxyz)(jnp.linspace(0, 1, 5))
    return path, jax.jacfwd(lambda v: jaxlie.SO3.exp(v).as_matrix())(jnp.zeros(3)), jaxlie.SO3.exp(jnp.ones(3)).jlog()
