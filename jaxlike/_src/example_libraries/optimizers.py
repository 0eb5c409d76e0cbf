"""optimizers: gradient methods as triples of functions (init, update, get_params).

Each method is written for one array; `optimizer` lifts it to trees, whose state is a flat `OptimizerState`.
Step sizes are numbers or functions of the step's number.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from jaxlike._src.numpy.arithmetic import abs, sqrt, square
from jaxlike._src.numpy.compare import maximum, minimum
from jaxlike._src.numpy.create import array, asarray
from jaxlike._src.numpy.filled import zeros, zeros_like
from jaxlike._src.numpy.products import vdot
from jaxlike._src.numpy.reduce import sum as array_sum
from jaxlike._src.numpy.rounding import floor
from jaxlike._src.numpy.select import where
from jaxlike._src.numpy.shape import atleast_1d, ndim
from jaxlike._src.tree import register_pytree_node, tree_flatten, tree_leaves, tree_map, tree_unflatten

Array: TypeAlias = Any
Params: TypeAlias = Any
State: TypeAlias = Any
Updates: TypeAlias = Params
Step: TypeAlias = int


class OptimizerState(NamedTuple):
    """The leaves of each parameter's state, the parameters' tree, and the tree of each state."""

    packed_state: Any
    tree_def: Any
    subtree_defs: Any


register_pytree_node(
    OptimizerState,
    lambda of: ((of.packed_state,), (of.tree_def, of.subtree_defs)),
    lambda aux, children: OptimizerState(children[0], *aux),
)

InitFn: TypeAlias = Callable[[Params], OptimizerState]
UpdateFn: TypeAlias = Callable[[Step, Updates, OptimizerState], OptimizerState]
ParamsFn: TypeAlias = Callable[[OptimizerState], Params]
Schedule: TypeAlias = Callable[[Step], Any]


class Optimizer(NamedTuple):
    """The three functions of a method."""

    init_fn: Any
    update_fn: Any
    params_fn: Any


def map(f: Callable[..., Any], *xs: Any) -> list[Any]:
    """The builtin, as a list, of sequences of one length."""
    return [f(*args) for args in zip(*xs)]


def zip(*xs: Any) -> list[tuple[Any, ...]]:
    """The builtin, as a list, of sequences of one length."""
    return list(builtins.zip(*xs, strict=True))


def optimizer(opt_maker: Callable[..., Any]) -> Callable[..., Optimizer]:
    """Lift a method for single arrays to trees of them."""

    @functools.wraps(opt_maker)
    def tree_opt_maker(*args: Any, **kwargs: Any) -> Optimizer:
        init, update, get_params = opt_maker(*args, **kwargs)

        def packed(states: Any, tree: Any) -> OptimizerState:
            flat = [tree_flatten(state) for state in states]
            return OptimizerState(tuple(leaves for leaves, _ in flat), tree, tuple(subtree for _, subtree in flat))

        def unpacked(state: Any) -> Any:
            return map(tree_unflatten, state.subtree_defs, state.packed_state)

        @functools.wraps(init)
        def tree_init(x0_tree: Any) -> OptimizerState:
            leaves, tree = tree_flatten(x0_tree)
            return packed([init(x) for x in leaves], tree)

        @functools.wraps(update)
        def tree_update(i: Any, grad_tree: Any, opt_state: Any) -> OptimizerState:
            state = OptimizerState(*opt_state)
            grads, tree = tree_flatten(grad_tree)
            if tree != state.tree_def:
                raise TypeError(
                    "optimizer update function was passed a gradient tree that did not match the parameter tree "
                    f"structure with which it was initialized: parameter tree {state.tree_def} and grad tree {tree}."
                )
            new = packed([update(i, g, s) for g, s in zip(grads, unpacked(state))], tree)
            for before, after in zip(state.subtree_defs, new.subtree_defs):
                if before != after:
                    raise TypeError(
                        "optimizer update function produced an output structure that did not match its input "
                        f"structure: input {before} and output {after}."
                    )
            return new

        @functools.wraps(get_params)
        def tree_get_params(opt_state: Any) -> Any:
            state = OptimizerState(*opt_state)
            return tree_unflatten(state.tree_def, [get_params(s) for s in unpacked(state)])

        return Optimizer(tree_init, tree_update, tree_get_params)

    return tree_opt_maker


def _first(state: Any) -> Any:
    """The parameters of a state that begins with them."""
    return state[0]


@optimizer
def sgd(step_size: Any) -> Any:
    """Gradient descent."""
    step_size = make_schedule(step_size)
    return lambda x: x, lambda i, g, x: x - step_size(i) * g, lambda x: x


@optimizer
def momentum(step_size: Any, mass: float) -> Any:
    """Gradient descent with a velocity that keeps ``mass`` of itself."""
    step_size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, velocity = state
        velocity = mass * velocity + g
        return x - step_size(i) * velocity, velocity

    return lambda x: (x, zeros_like(x)), update, _first


@optimizer
def nesterov(step_size: Any, mass: float) -> Any:
    """Gradient descent with Nesterov's momentum."""
    step_size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, velocity = state
        velocity = mass * velocity + g
        return x - step_size(i) * (mass * velocity + g), velocity

    return lambda x: (x, zeros_like(x)), update, _first


@optimizer
def adagrad(step_size: Any, momentum: float = 0.9) -> Any:
    """Adagrad: steps divided by the root of the sum of squared gradients."""
    step_size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, squares, m = state
        squares = squares + square(g)
        scale = where(squares > 0, 1.0 / sqrt(squares), 0.0)
        m = (1.0 - momentum) * (g * scale) + momentum * m
        return x - step_size(i) * m, squares, m

    return lambda x: (x, zeros_like(x), zeros_like(x)), update, _first


@optimizer
def rmsprop(step_size: Any, gamma: float = 0.9, eps: float = 1e-8) -> Any:
    """RMSProp: steps divided by the root of a running mean of squared gradients."""
    step_size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, mean = state
        mean = mean * gamma + square(g) * (1.0 - gamma)
        return x - step_size(i) * g / sqrt(mean + eps), mean

    return lambda x: (x, zeros_like(x)), update, _first


@optimizer
def rmsprop_momentum(step_size: Any, gamma: float = 0.9, eps: float = 1e-8, momentum: float = 0.9) -> Any:
    """RMSProp with momentum."""
    step_size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, mean, velocity = state
        mean = mean * gamma + square(g) * (1.0 - gamma)
        velocity = momentum * velocity + step_size(i) * g / sqrt(mean + eps)
        return x - velocity, mean, velocity

    return lambda x: (x, zeros_like(x), zeros_like(x)), update, _first


@optimizer
def adam(step_size: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Any:
    """Adam: running means of gradients and of their squares, both corrected for their start at 0."""
    step_size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, v = state
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * square(g) + b2 * v
        mean = m / (1 - asarray(b1, m.dtype) ** (i + 1))
        variance = v / (1 - asarray(b2, m.dtype) ** (i + 1))
        return x - step_size(i) * mean / (sqrt(variance) + eps), m, v

    return lambda x: (x, zeros_like(x), zeros_like(x)), update, _first


@optimizer
def adamax(step_size: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Any:
    """AdaMax: Adam with the largest recent gradient instead of the root mean square."""
    step_size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, u = state
        m = (1 - b1) * g + b1 * m
        u = maximum(b2 * u, abs(g))
        return x - step_size(i) / (1 - asarray(b1, m.dtype) ** (i + 1)) * m / (u + eps), m, u

    return lambda x: (x, zeros_like(x), zeros_like(x)), update, _first


@optimizer
def sm3(step_size: Any, momentum: float = 0.9) -> Any:
    """SM3: Adagrad with one accumulator per row, column, ... of an array."""
    step_size = make_schedule(step_size)

    def init(x0: Any) -> Any:
        x = atleast_1d(x0)
        return x, zeros_like(x), [zeros(n, dtype=x.dtype) for n in x.shape], x0.shape

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, accumulators, shape = state
        spread = [
            v[tuple(slice(None) if d == k else None for d in range(g.ndim))] for k, v in enumerate(accumulators)
        ]
        total = functools.reduce(minimum, spread) + square(g)
        scale = where(total > 0, 1.0 / sqrt(total), 0)
        m = (1.0 - momentum) * (g * scale) + momentum * m
        largest = [total.max([d for d in range(x.ndim) if d != k]) for k in range(x.ndim)]
        return x - step_size(i) * m, m, largest, shape

    return init, update, lambda state: state[0].reshape(state[3])


# Schedules


def constant(step_size: Any) -> Schedule:
    """Always the same step size."""
    return lambda i: step_size


def exponential_decay(step_size: Any, decay_steps: Any, decay_rate: Any) -> Schedule:
    """``step_size * decay_rate ** (i / decay_steps)``."""
    return lambda i: step_size * decay_rate ** (i / decay_steps)


def inverse_time_decay(step_size: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False) -> Schedule:
    """``step_size / (1 + decay_rate * i / decay_steps)``, the quotient rounded down for a ``staircase``."""
    if staircase:
        return lambda i: step_size / (1 + decay_rate * floor(i / decay_steps))
    return lambda i: step_size / (1 + decay_rate * i / decay_steps)


def polynomial_decay(step_size: Any, decay_steps: Any, final_step_size: Any, power: float = 1.0) -> Schedule:
    """From ``step_size`` to ``final_step_size`` in ``decay_steps`` steps, along a power."""

    def schedule(step_num: Any) -> Any:
        left = (1 - minimum(step_num, decay_steps) / decay_steps) ** power
        return left * (step_size - final_step_size) + final_step_size

    return schedule


def piecewise_constant(boundaries: Any, values: Any) -> Schedule:
    """``values[k]`` after the ``k``-th boundary."""
    ends, sizes = array(boundaries), array(values)
    if not ends.ndim == sizes.ndim == 1:
        raise ValueError("boundaries and values must be sequences")
    if not ends.shape[0] == sizes.shape[0] - 1:
        raise ValueError("boundaries length must be one shorter than values length")
    return lambda i: sizes[array_sum(i > ends)]


def make_schedule(scalar_or_schedule: Any) -> Schedule:
    """A schedule as it is, a number as a constant one."""
    if callable(scalar_or_schedule):
        return scalar_or_schedule
    if ndim(scalar_or_schedule) == 0:
        return constant(scalar_or_schedule)
    raise TypeError(type(scalar_or_schedule))


# Utilities


def l2_norm(tree: Any) -> Any:
    """The root of the sum of squares of all entries."""
    return sqrt(sum(vdot(x, x) for x in tree_leaves(tree)))


def clip_grads(grad_tree: Any, max_norm: Any) -> Any:
    """The gradients, scaled down to ``max_norm`` if their norm is larger."""
    norm = l2_norm(grad_tree)
    return tree_map(lambda g: where(norm < max_norm, g, g * (max_norm / norm)), grad_tree)


class JoinPoint:
    """Marks in an unpacked state where the parameters' tree ends and a state's begins."""

    def __init__(self, subtree: Any) -> None:
        self.subtree = subtree

    def __iter__(self) -> Iterator[Any]:
        yield self.subtree


def unpack_optimizer_state(opt_state: Any) -> Any:
    """A state as a tree like the parameters', with a `JoinPoint` for each."""
    state = OptimizerState(*opt_state)
    subtrees = map(tree_unflatten, state.subtree_defs, state.packed_state)
    return tree_unflatten(state.tree_def, [JoinPoint(subtree) for subtree in subtrees])


def pack_optimizer_state(marked_pytree: Any) -> OptimizerState:
    """The inverse of `unpack_optimizer_state`."""
    marks, tree = tree_flatten(marked_pytree)
    assert all(isinstance(mark, JoinPoint) for mark in marks)
    flat = [tree_flatten(mark.subtree) for mark in marks]
    return OptimizerState(tuple(leaves for leaves, _ in flat), tree, tuple(subtree for _, subtree in flat))
