"""linear_solve: custom_linear_solve: a linear solver whose derivatives solve again instead of going through it.

With ``A x = b``: the tangent is the solution of ``A dx = db - dA x``, and the transpose of a solution in ``b`` is
a solution with the transposed matrix. So the solver may be a loop that has no transpose of its own. What
``matvec`` closes over is made an argument, and derivatives flow to it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms.custom import checked_result, zero_tangent
from jaxlike._src.transforms.custom_vjp import closure_convert, converted_closure
from jaxlike._src.transforms.forward import jvp
from jaxlike._src.transforms.linear_transpose import linear_transpose
from jaxlike._src.transforms.reverse import vjp
from jaxlike._src.transforms.structured import Structured, apply, on_lanes, with_lanes
from jaxlike._src.tree import tree_flatten, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.frames import Frame
    from jaxlike._src.transforms.structured import GraphFunction


def _check_like_right_side(name: str, out: Any, right: Any) -> None:
    """ValueError where what a function gave has other shapes than the right-hand side, TypeError for another tree."""
    (leaves, tree), (wanted, right_tree) = tree_flatten(out), tree_flatten(right)
    shapes, like = ([x.shape if hasattr(x, "shape") else np.shape(x) for x in xs] for xs in (leaves, wanted))
    if shapes != like:
        raise ValueError(f"{name}() output shapes must match b, got {shapes} and {like}")
    if tree != right_tree:
        raise TypeError(f"{name}() output pytree structure must match b, got {tree} and {right_tree}.")


@api_boundary
def custom_linear_solve(
    matvec: Callable[[Any], Any],
    b: Any,
    solve: Callable[[Callable[[Any], Any], Any], Any],
    transpose_solve: Callable[[Callable[[Any], Any], Any], Any] | None = None,
    symmetric: bool = False,
    has_aux: bool = False,
) -> Any:
    """The solution of ``matvec(x) = b`` by ``solve``, differentiated implicitly.

    Args:
        matvec: linear function of a tree like ``b``.
        b: right-hand side, a tree of arrays.
        solve: ``solve(matvec, b)`` gives the solution; with ``has_aux`` ``(solution, aux)``.
        transpose_solve: the same for the transposed function; needed for reverse mode unless ``symmetric``.
        symmetric: whether ``matvec`` is its own transpose.
        has_aux: whether the solvers also give auxiliary values, which have no derivative.
    """
    if transpose_solve is None and symmetric:
        transpose_solve = solve
    right, tree = tree_flatten(tree_map(checked_result, b))
    b = tree_unflatten(tree, right)
    product, values, out = converted_closure(matvec, b)
    _check_like_right_side("matvec", out, b)

    def with_solver(solver: Any, transposed: bool) -> Any:
        """The solver as a function of the right-hand side and of all that it depends on."""

        def run(right: Any, *values: Any) -> Any:
            function = functools.partial(_apply_with, product, values)
            if transposed and not symmetric:
                pull = linear_transpose(function, b)
                function = functools.partial(_only, pull)
            out = solver(function, right)
            x, aux = out if has_aux else (out, None)
            _check_like_right_side("transpose_solve" if transposed else "solve", x, right)
            return x, aux

        return closure_convert(run, b, *values)

    forward, more = with_solver(solve, transposed=False)
    backward, still_more = (None, []) if transpose_solve is None else with_solver(transpose_solve, transposed=True)
    n, m, t = len(values), len(more), len(still_more)
    aux_tree: Any = None

    def flat_forward(args: Sequence[Array]) -> list[Array]:
        nonlocal aux_tree
        given = tree_unflatten(tree, list(args[n + m + t : n + m + t + len(right)]))
        x, aux = forward(given, *args[: n + m])
        leaves, aux_tree = tree_flatten(aux)
        return [*tree_flatten(x)[0], *(checked_result(leaf) for leaf in leaves)]

    def flat_backward(args: Sequence[Array]) -> list[Array]:
        if backward is None:
            raise TypeError(
                "transpose_solve required for backwards mode automatic differentiation of custom_linear_solve"
            )
        given = tree_unflatten(tree, list(args[n + m + t : n + m + t + len(right)]))
        return tree_flatten(backward(given, *args[:n], *args[n + m : n + m + t])[0])[0]

    def flat_product(values: Sequence[Array], x: Sequence[Array]) -> list[Array]:
        return tree_flatten(product(tree_unflatten(tree, list(x)), *values))[0]

    op = LinearSolve(flat_forward, flat_backward, flat_product, (n, m + t, len(right)), symmetric)
    outs = apply(op, [*values, *more, *still_more, *right])
    x = tree_unflatten(tree, outs[: len(right)])
    return (x, tree_unflatten(aux_tree, outs[len(right) :])) if has_aux else x


def _apply_with(product: Any, values: Any, x: Any) -> Any:
    return product(x, *values)


def _only(pull: Any, x: Any) -> Any:
    return pull(x)[0]


class LinearSolve(Structured):
    """The solution for flat arguments: what the matrix depends on, what the solvers do, the right-hand side."""

    name = "custom_linear_solve"
    runs_graph = True

    def __init__(
        self, forward: Any, backward: Any, product: Any, counts: tuple[int, int, int], symmetric: bool
    ) -> None:
        self.forward, self.backward, self.product = forward, backward, product
        self.counts, self.symmetric = counts, symmetric
        self.start = counts[0] + counts[1]
        self.stop = self.start + counts[2]

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Solve."""
        return self.forward(args)

    def _with_right(self, args: Sequence[Array], right: Sequence[Array]) -> list[Array]:
        return [*args[: self.start], *right, *args[self.stop :]]

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """Solve again, for the change of the right-hand side less that of the product."""
        outs = apply(self, primals)
        n, size = self.counts[0], self.counts[2]
        change = list(tangents[self.start : self.stop])
        moving = [k for k in range(n) if tangents[k] is not None]
        if moving:

            def of_values(*moved: Array) -> list[Array]:
                values = list(primals[:n])
                for k, v in zip(moving, moved, strict=True):
                    values[k] = v
                return self.product(values, outs[:size])

            drift = jvp(of_values, tuple(primals[k] for k in moving), tuple(tangents[k] for k in moving))[1]
            change = [-d if c is None else c - d for c, d in zip(change, drift, strict=True)]
        if all(c is None for c in change):
            return outs, [None] * len(outs)
        zeros = [zero_tangent(o) if c is None else c for c, o in zip(change, outs, strict=False)]
        solution = apply(self, self._with_right(primals, zeros))[:size]
        return outs, [*solution, *[None] * (len(outs) - size)]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """Solve with the transposed matrix; the product's transpose gives the rest."""
        outs = apply(self, primals)
        n, size = self.counts[0], self.counts[2]

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            grads: list[Any] = [None] * len(primals)
            given = [zero_tangent(o) if c is None else c for c, o in zip(cotangents[:size], outs, strict=False)]
            solution = apply(self.transposed(), self._with_right(primals, given))[:size]
            grads[self.start : self.stop] = solution
            at = [k for k in range(n) if perturbed[k]]
            if at:

                def of_values(*moved: Array) -> list[Array]:
                    values = list(primals[:n])
                    for k, v in zip(at, moved, strict=True):
                        values[k] = v
                    return self.product(values, outs[:size])

                pull = vjp(of_values, *(primals[k] for k in at))[1]
                for k, g in zip(at, pull([-s for s in solution]), strict=True):
                    grads[k] = g
            return grads

        return outs, pullback

    def transposed(self) -> LinearSolve:
        """The solver of the transposed system."""

        def product(values: Sequence[Array], x: Sequence[Array]) -> list[Array]:
            return list(linear_transpose(lambda *y: self.product(values, y), *x)(list(x)))

        def forward(args: Sequence[Array]) -> list[Array]:
            return self.forward(args)[: self.counts[2]]

        # What is said to be symmetric is taken at its word, also for complex matrices that are Hermitian.
        given = self.product if self.symmetric else product
        return LinearSolve(self.backward, forward, given, self.counts, self.symmetric)

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """Solve for all lanes at once; every argument and result has them."""
        wide = [with_lanes(x, has, True, frame) for x, has in zip(args, mapped, strict=True)]

        def laned(function: Any) -> Any:
            def run(inside: Sequence[Array]) -> list[Array]:
                outs, has = on_lanes(function, inside, [True] * len(inside), frame, self.name)
                return [with_lanes(x, h, True, frame) for x, h in zip(outs, has, strict=True)]

            return run

        def product(values: Sequence[Array], x: Sequence[Array]) -> list[Array]:
            count = len(values)
            return laned(lambda both: self.product(both[:count], both[count:]))([*values, *x])

        op = LinearSolve(laned(self.forward), laned(self.backward), product, self.counts, self.symmetric)
        outs = apply(op, wide)
        return outs, [True] * len(outs)

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """What the graph closed over stands behind the other arguments, and what later ones do behind that."""
        count = len(run.graph.inputs) + more
        return LinearSolve(lambda args: run(args[:count]), self.backward, self.product, self.counts, self.symmetric)
