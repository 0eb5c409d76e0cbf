"""The recitation's sections: as the script has them, and as programs of any input.

`script_section` runs a section of examples/recitation.py as it stands, and returns every variable that it
leaves. The functions below are the same computations with the inputs as parameters, so that random ones
can be drawn: a section's ones and zeros would hide a wrong axis or a missing factor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = Path(__file__).parents[2] / "examples" / "recitation.py"
Inputs = tuple[Any, ...]

# The timing runs for seconds and prints seconds; selu's values are compared by the program below.
NOT_RUN = ("4.1",)


def script_sections() -> dict[str, str]:
    """The code of each section by its number, a continued section joined to its beginning."""
    sections: dict[str, str] = {}
    for part in re.split(r"^# %% ", SCRIPT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, code = part.partition("\n")
        number = re.match(r"[\d.]+", title)
        prose_only = all(line.startswith("#") for line in code.split("\n") if line)
        if number is not None and number[0] not in NOT_RUN and not prose_only:
            sections[number[0]] = sections.get(number[0], "") + code
    return sections


def script_section(jax: Any, code: str, plot_file: Path) -> dict[str, Any]:
    """Run a section with ``jax``, its plot saved to ``plot_file``; give its numbers, strings, arrays."""
    code = re.sub(r"^plot_file = .*$", f"plot_file = {str(plot_file)!r}", code, flags=re.MULTILINE)
    variables: dict[str, Any] = {"__name__": "recitation", "jax": jax, "jnp": jax.numpy}
    exec(compile(code, "<section>", "exec"), variables)
    data = (int, float, str, tuple, jax.Array)
    return {name: value for name, value in sorted(variables.items()) if isinstance(value, data)}


# ------------------------------------------------------------------------------- sections as programs


def gradient(jax: Any, x: Any) -> Any:
    """1 JAX."""
    jnp = jax.numpy
    f = lambda x: jnp.sum(x**2) / 2  # noqa: E731  # as the section has it
    x = jnp.array(x)
    return x, f(x), jax.grad(f)(x), jax.value_and_grad(f)(x)


def vjp_as_gradient(jax: Any, x: Any, w: Any) -> Any:
    """2.1, with its plot's data."""
    jnp = jax.numpy
    f = lambda x: jnp.sum(x**2) / 2  # noqa: E731
    f_x, dfxT = jax.vjp(f, jnp.array(x))
    xs1, xs2 = jnp.meshgrid(jnp.linspace(-6, 6, 11), jnp.linspace(-6, 6, 11))
    xs = jnp.concatenate((xs1.reshape(11**2, 1), xs2.reshape(11**2, 1)), axis=-1)
    return f_x, dfxT(w), xs, jax.vmap(f)(xs)


def jvp_as_directional_derivative(jax: Any, x: Any, v: Any) -> Any:
    """2.2."""
    jnp = jax.numpy
    return jax.jvp(lambda x: jnp.sum(x**2) / 2, (jnp.array(x),), (jnp.array(v),))


def many_inputs_and_outputs(jax: Any, x: Any, y: Any, w1: Any, w2: Any) -> Any:
    """2.3."""
    jnp = jax.numpy

    def f(x: Any, y: Any) -> Any:
        return jnp.sum(x**2) / 2 + jnp.sum(y**2) / 2, jnp.sum(x)

    f_xy, dfT = jax.vjp(f, jnp.array(x), jnp.array(y))
    return f_xy, dfT((w1, w2))


def matrix_input(jax: Any, matrix: Any, a: Any, b: Any, w: Any, V: Any) -> Any:
    """2.4."""
    jnp = jax.numpy

    def f(X: Any) -> Any:
        return jnp.array(a) @ (X @ jnp.array(b))

    X = jnp.array(matrix)
    f_x, dfT = jax.vjp(f, X)
    return f(X), f_x, dfT(jnp.array(w)), jax.jvp(f, (X,), (jnp.array(V),))


def vmap_with_norm(jax: Any, x: Any) -> Any:
    """3."""
    jnp = jax.numpy
    f = jax.vmap(lambda x: jnp.array([jnp.sum(x**2) / 2, jnp.linalg.norm(x, jnp.inf)]))
    x = jnp.array(x)
    return f(x), jax.vmap(jax.jacrev(f))(x[:, None])


def network(jax: Any, x: Any, weights: Any, b: Any) -> Any:
    """3.1, and its gradient in the parameters."""
    jnp = jax.numpy

    def f(x: Any, W: Any, b: Any) -> Any:
        return W[1] @ jnp.tanh(W[0] @ x + b[0]) + b[1]

    f = jax.vmap(jax.vmap(f, in_axes=(0, None, None)), in_axes=(0, None, None))
    x, W, b = jax.tree.map(jnp.array, (x, weights, b))
    # The section's ones saturate tanh, where its derivative is all rounding; so smaller weights here.
    smaller = jax.tree.map(lambda w: w / 8, (W, b))
    return f(x, W, b), jax.grad(lambda W, b: jnp.mean(f(x, W, b) ** 2), argnums=(0, 1))(*smaller)


def jacobians(jax: Any, x: Any) -> Any:
    """3.2, beside the transformations that do the same."""
    jnp = jax.numpy
    f = lambda x: jnp.array([x[0], x[0] ** 2 + x[2] ** 2])  # noqa: E731

    def df(x: Any, v: Any) -> Any:
        return jax.jvp(f, (x,), (v,))[1]

    def dfT(x: Any, w: Any) -> Any:
        return jax.vjp(f, x)[1](w)[0]

    x = jnp.array(x)
    Jx = jax.vmap(df, in_axes=(None, 0))(x, jnp.eye(3))
    JxT = jax.vmap(dfT, in_axes=(None, 0))(x, jnp.eye(2))
    return Jx, JxT, jax.jacfwd(f)(x), jax.jacrev(f)(x), jax.hessian(f)(x)


def _pendulum(jax: Any) -> Callable[..., Any]:
    f = lambda x, u: jax.numpy.array([x[1], 9.81 * jax.numpy.sin(x[0]) + u[0]])  # noqa: E731

    def taylor(x̄: Any, ū: Any, Δx: Any, Δu: Any) -> Any:
        f_x̄ū, AΔx = jax.jvp(lambda x: f(x, ū), (x̄,), (Δx,))
        _, BΔu = jax.jvp(lambda u: f(x̄, u), (ū,), (Δu,))
        return f_x̄ū, AΔx, BΔu

    return taylor


def linearized_at_many_points(jax: Any, x̄: Any, ū: Any, Δx: Any, Δu: Any) -> Any:
    """3.3: T perturbations of each of K points."""
    taylor = jax.vmap(_pendulum(jax), in_axes=(None, None, 0, 0))
    taylor = jax.vmap(taylor, in_axes=(0, 0, None, None))
    return taylor(*map(jax.numpy.array, (x̄, ū, Δx, Δu)))


def linearized_along_trajectories(jax: Any, x̄: Any, ū: Any, Δx: Any, Δu: Any) -> Any:
    """3.3, continued: K trajectories of T steps each."""
    return jax.vmap(jax.vmap(_pendulum(jax)))(*map(jax.numpy.array, (x̄, ū, Δx, Δu)))


def selu_plain_and_jitted(jax: Any, x: Any) -> Any:
    """4.1, without the clock, and with the derivative."""
    jnp = jax.numpy

    def selu(x: Any, alpha: float = 1.67, lmbda: float = 1.05) -> Any:
        return lmbda * jnp.where(x > 0, x, alpha * jnp.exp(x) - alpha)

    x = jnp.array(x)
    jitted = jax.jit(selu)
    return selu(x), jitted(x).block_until_ready(), jitted(x), jax.grad(lambda x: jnp.sum(jitted(x)))(x)


def updates(jax: Any, matrix: Any, value: Any) -> Any:
    """4.2: the refused assignment, its whole text too, and the update that is allowed."""
    X = jax.numpy.array(matrix)
    text = ""
    try:
        X[0, :] = value
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
    return text, X, X.at[0, :].set(value), X.at[:, 1].add(value)


@dataclass(frozen=True)
class Section:
    """A program, the recitation's own inputs, and a way to draw others of the same shapes."""

    program: Callable[..., Any]
    own: Callable[[], Inputs]
    drawn: Callable[[np.random.Generator], Inputs]

    def __str__(self) -> str:
        """The program's name, as a test's id."""
        return self.program.__name__


def _normal(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Inputs]:
    return lambda rng: tuple(_floats(rng, shape) for shape in shapes)


def _floats(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return rng.normal(size=shape) if shape else float(rng.normal())


def _ones(*shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    return lambda: tuple(np.ones(shape) for shape in shapes)


_x = np.array([0.0, 1.0, 2.0])
_ten_steps = ((5, 10, 2), (5, 10, 1), (5, 10, 2), (5, 10, 1))
_ten_times_five = ((5, 2), (5, 1), (10, 2), (10, 1))

SECTIONS = [
    Section(gradient, lambda: (_x,), _normal((3,))),
    Section(vjp_as_gradient, lambda: (_x, 1.0), _normal((3,), ())),
    Section(jvp_as_directional_derivative, lambda: (_x, np.ones(3)), _normal((3,), (3,))),
    Section(many_inputs_and_outputs, lambda: (_x, _x, 1.0, 1.0), _normal((3,), (3,), (), ())),
    Section(
        matrix_input,
        lambda: (np.ones((3, 3)), _x, _x, 1.0, np.eye(3)),
        _normal((3, 3), (3,), (3,), (), (3, 3)),
    ),
    Section(vmap_with_norm, _ones((100, 3)), _normal((100, 3))),
    Section(
        network,
        lambda: (_ones((40, 100, 3))()[0], _ones((32, 3), (5, 32))(), _ones((32,), (5,))()),
        lambda rng: (_floats(rng, (4, 10, 3)), _normal((32, 3), (5, 32))(rng), _normal((32,), (5,))(rng)),
    ),
    Section(jacobians, _ones((3,)), _normal((3,))),
    Section(linearized_at_many_points, _ones(*_ten_times_five), _normal(*_ten_times_five)),
    Section(linearized_along_trajectories, _ones(*_ten_steps), _normal(*_ten_steps)),
    Section(selu_plain_and_jitted, _ones((1000,)), _normal((1000,))),
    Section(updates, lambda: (np.zeros((3, 3)), 1.0), _normal((3, 3), ())),
]
