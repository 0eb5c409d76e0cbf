"""lineax: linear solves."""

import jax
import jax.numpy as jnp
import lineax as lx


def quick_start():
    matrix = jax.random.normal(jax.random.key(0), (10, 8))
    vector = jax.random.normal(jax.random.key(1), (10,))
    operator = lx.MatrixLinearOperator(matrix)
    solution = lx.linear_solve(operator, vector, solver=lx.QR())
    return solution.value


def every_solver_is_differentiated():
    a = jax.random.normal(jax.random.key(0), (5, 5)) + 4 * jnp.eye(5)
    spd, b = a @ a.T + jnp.eye(5), jax.random.normal(jax.random.key(1), (5,))
    plain, positive = lambda m: lx.MatrixLinearOperator(m), lambda m: lx.MatrixLinearOperator(m, lx.positive_semidefinite_tag)
    cases = {
        "auto": (plain, a, lx.AutoLinearSolver(well_posed=True)), "lu": (plain, a, lx.LU()),
        "qr": (plain, a, lx.QR()), "svd": (plain, a, lx.SVD()), "cholesky": (positive, spd, lx.Cholesky()),
        "cg": (positive, spd, lx.CG(rtol=1e-3, atol=1e-3)), "gmres": (plain, a, lx.GMRES(rtol=1e-3, atol=1e-3)),
        "triangular": (lambda m: lx.MatrixLinearOperator(jnp.tril(m), lx.lower_triangular_tag), a, lx.Triangular()),
        "diagonal": (lambda m: lx.DiagonalLinearOperator(jnp.diag(m)), a, lx.Diagonal()),
        "tridiagonal": (lambda m: lx.TridiagonalLinearOperator(jnp.diag(m), jnp.diag(m, -1), jnp.diag(m, 1)), a,
                        lx.Tridiagonal()),
    }  # fmt: skip
    out = {}
    for name, (make, m, solver) in cases.items():
        solve = lambda m, b, make=make, solver=solver: lx.linear_solve(make(m), b, solver).value
        loss = lambda m, b, solve=solve: jnp.sum(solve(m, b) ** 2)
        out[name] = solve(m, b), jax.jit(jax.grad(loss, (0, 1)))(m, b), jax.jvp(solve, (m, b), (m, b))[1]
    return out


def operators_from_functions():
    def fn(x):
        return {"a": x["a"] * 2 + x["b"].sum(), "b": x["b"] * 3 + x["a"]}

    x = {"a": jnp.array(1.0), "b": jnp.arange(3.0)}
    op = lx.FunctionLinearOperator(fn, jax.eval_shape(lambda: x))
    jac = lx.JacobianLinearOperator(lambda y, args: jnp.tanh(y) + 0.1 * jnp.roll(y, 1) * args, jnp.arange(4.0), 2.0)
    sol = lx.linear_solve(jac, jnp.ones(4), lx.GMRES(rtol=1e-6, atol=1e-6))
    composed = (op + op) * 0.5
    return (
        op.as_matrix(), op.mv(x), op.T.mv(x), sol.value, lx.linear_solve(composed, x).value, lx.materialise(jac).as_matrix(),
        lx.diagonal(lx.MatrixLinearOperator(jnp.arange(9.0).reshape(3, 3))),
    )  # fmt: skip


def least_squares_under_vmap():
    a = jax.random.normal(jax.random.key(2), (3, 6, 4))
    b = jax.random.normal(jax.random.key(3), (3, 6))
    solve = lambda a, b: lx.linear_solve(lx.MatrixLinearOperator(a), b, lx.AutoLinearSolver(well_posed=None)).value
    many = jax.vmap(solve)(a, b)
    shared = jax.vmap(solve, (None, 0))(a[0], b)
    grads = jax.vmap(jax.grad(lambda a, b: jnp.sum(solve(a, b) ** 2)))(a, b)
    normal = jax.vmap(lambda a, b: lx.linear_solve(lx.MatrixLinearOperator(a), b, lx.NormalCG(1e-6, 1e-6)).value
                      if hasattr(lx, "NormalCG") else solve(a, b))(a, b)  # fmt: skip
    return many, shared, grads, normal


def a_singular_system_says_so():
    singular = lx.MatrixLinearOperator(jnp.zeros((2, 2)))
    sol = lx.linear_solve(singular, jnp.ones(2), lx.LU(), throw=False)
    said = ""
    try:
        lx.linear_solve(singular, jnp.ones(2), lx.LU())
    except RuntimeError as error:
        said = str(error)
    return bool(sol.result == lx.RESULTS.successful), "singular" in said
