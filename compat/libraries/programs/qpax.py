"""qpax: quadratic programs that are differentiated."""

import jax
import jax.numpy as jnp
import qpax


def _problem(n=6, m=4, p=2):
    keys = jax.random.split(jax.random.key(0), 6)
    root = jax.random.normal(keys[0], (n, n))
    x = jax.random.normal(keys[1], (n,))
    equal, less = jax.random.normal(keys[2], (p, n)), jax.random.normal(keys[3], (m, n))
    return root @ root.T + jnp.eye(n), jax.random.normal(keys[4], (n,)), equal, equal @ x, less, less @ x + 0.1


def quick_start():
    solution = qpax.solve_qp(*_problem(), solver_tol=1e-4)
    return solution[0], solution[4]


def gradients():
    Q, q, A, b, G, h = _problem()

    def loss(q, b, h):
        return jnp.sum(qpax.solve_qp_primal(Q, q, A, b, G, h, solver_tol=1e-4, target_kappa=1e-3) ** 2)

    return jax.value_and_grad(loss, (0, 1, 2))(q, b, h)


def many_at_once():
    Q, q, A, b, G, h = _problem()
    qs = q + jax.random.normal(jax.random.key(7), (5, 6))
    return jax.jit(jax.vmap(lambda q: qpax.solve_qp_primal(Q, q, A, b, G, h, solver_tol=1e-4)))(qs)


def an_elastic_problem():
    # Nearer than the usual tolerance is not to be had with float32: the systems that are solved become singular.
    Q, q, _, _, G, h = _problem()
    return qpax.solve_qp_elastic_primal(Q, q, G, h, 10.0)
