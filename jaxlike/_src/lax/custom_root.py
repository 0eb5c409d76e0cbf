"""custom_root: the root of a function, differentiated by the implicit function theorem; optimization_barrier.

Function, solver and linear solver are traced, so that what they close over are arguments of one `custom_jvp`
function. With ``f(a, u(a)) = 0`` the tangent of the root solves ``(df/du) du = -(df/da) da``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.lax.strict import operand as operand_array
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms import derive
from jaxlike._src.transforms.arguments import is_float0
from jaxlike._src.transforms.body import Body, leaf_arrays, make_body
from jaxlike._src.transforms.custom import custom_jvp, zero_tangent
from jaxlike._src.transforms.forward import linearize
from jaxlike._src.transforms.identity import Identity
from jaxlike._src.transforms.structured import GraphFunction, apply
from jaxlike._src.tree import tree_flatten, tree_structure, tree_unflatten, treedef_children

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array


@api_boundary
def custom_root(
    f: Callable[[Any], Any],
    initial_guess: Any,
    solve: Callable[[Callable[[Any], Any], Any], Any],
    tangent_solve: Callable[[Callable[[Any], Any], Any], Any],
    has_aux: bool = False,
) -> Any:
    """A root of ``f``, with derivatives by what ``f`` closes over.

    Args:
        f: takes and gives trees of the same structure.
        initial_guess: where the solver starts.
        solve: ``solve(f, initial_guess)`` gives a root.
        tangent_solve: ``tangent_solve(g, y)`` gives the ``x`` with ``g(x) == y`` for a linear ``g``.
        has_aux: whether ``solve`` gives ``(root, aux)``.
    """
    guess, tree = leaf_arrays(initial_guess)
    args = tree_structure((tree_unflatten(tree, guess),))
    of_f = make_body(f, args, guess, "custom_root")
    _check_tree("f", "initial_guess", of_f.out_tree, tree, False)
    of_solve = make_body(lambda x: solve(f, x), args, guess, "custom_root solve")
    _check_tree("solve", "initial_guess", of_solve.out_tree, tree, has_aux)
    both, pair = [*guess, *guess], tree_structure((tree_unflatten(tree, guess),) * 2)

    def linearize_and_solve(x: Any, b: Any) -> Any:
        return tangent_solve(linearize(f, x)[1], b)

    of_tangent = make_body(linearize_and_solve, pair, both, "custom_root tangent_solve")
    _check_tree("tangent_solve", "x", of_tangent.out_tree, tree, False)
    value, solver, tangent_solver = map(_closed_first, (of_f, of_solve, of_tangent))
    n = len(guess)

    def root_of(f_closed: Any, solve_closed: Any, tangent_closed: Any, start: Any) -> Any:
        del f_closed, tangent_closed
        return tuple(solver([*solve_closed, *start]))

    root = custom_jvp(root_of)

    def rule(primals: Any, tangents: Any) -> Any:
        found = root(*primals)
        solution = list(found[:n])
        moved = [None if is_float0(t) else t for t in tangents[0]]
        _, rhs = derive.forward(value, [*primals[0], *solution], [*moved, *[None] * n], "custom_root")
        right = [derive.zeros_like(x) if r is None else r for x, r in zip(solution, rhs, strict=True)]
        steps = tangent_solver([*primals[2], *solution, *right])
        return found, (*(-s for s in steps), *map(zero_tangent, found[n:]))

    root.defjvp(rule)
    outs = root(of_f.closed, of_solve.closed, of_tangent.closed, guess)
    return tree_unflatten(of_solve.out_tree, list(outs))


def _closed_first(body: Body) -> GraphFunction:
    return GraphFunction(body.run.graph.with_lifted_first(), body.run.kinds)


def _check_tree(name: str, like: str, got: Any, expected: Any, has_aux: bool) -> None:
    if has_aux:
        children = treedef_children(got)
        if len(children) != 2:
            raise ValueError(
                f"{name}() produced a pytree with structure {got}, but a pytree tuple with auxiliary output was "
                "expected because has_aux was set to True."
            )
        got = children[0]
    if got != expected:
        raise TypeError(f"{name}() output pytree structure must match {like}, got {got} and {expected}.")


class OptimizationBarrier(Identity):
    """The identity on several Arrays, in every derivative too."""

    name = "optimization_barrier"

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The tangents, behind a barrier of their own."""
        return apply(self, primals), _behind(tangents)

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The cotangents, behind a barrier of their own."""
        del perturbed
        return apply(self, primals), _behind


def _behind(values: Sequence[Any]) -> list[Any]:
    given = [v is not None for v in values]
    return derive.filled(apply(OptimizationBarrier(), derive.chosen_of(values, given)), given)


def optimization_barrier(operand: Any, /) -> Any:
    """``operand``, a tree of arrays, as it is: operations before and after stay apart in a compiled program."""
    leaves, tree = tree_flatten(operand)
    arrays = [operand_array("optimization_barrier", x, k) for k, x in enumerate(leaves)]
    return tree_unflatten(tree, apply(OptimizationBarrier(), arrays))
