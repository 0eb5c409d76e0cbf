"""linear_call: a linear function together with its transpose, each the transpose of the other.

A call is a `Structured` operation on what the function closed over, residuals (in which it need not be linear) and
linear arguments. Forward mode applies it to the tangents, reverse mode applies the given transpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.transforms import derive
from jaxlike._src.transforms.body import Body, leaf_arrays, make_body
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply
from jaxlike._src.transforms.types import same_type
from jaxlike._src.tree import tree_structure, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array


class _Side:
    """One of the two functions: its graph with closed-over values first, and those."""

    def __init__(self, body: Body) -> None:
        self.run = GraphFunction(body.run.graph.with_lifted_first(), body.run.kinds)
        self.closed, self.out_tree = body.closed, body.out_tree


class LinearCall(Structured):
    """``run(*closed, *residuals, *linear)``; ``other()`` is the transpose, traced when it is asked for."""

    name = "linear_call"
    runs_graph = True

    def __init__(self, side: _Side, other: Callable[[], _Side], residuals: int) -> None:
        self.side, self.other, self.fixed = side, other, len(side.closed) + residuals
        self.residuals = residuals

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The function."""
        return self.side.run(args)

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node."""
        graph = self.side.run.graph
        return self, lambda: None if graph.lifted else graph, [], self.side.run.stand_ins()

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        closed = len(self.side.closed)
        return {"callee": self.side.run.graph, "num_callee_consts": closed, "num_res": self.residuals}

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The function of the tangents."""
        fixed, moved = primals[: self.fixed], tangents[self.fixed :]
        assert all(t is None for t in tangents[: self.fixed])
        linear = [derive.zeros_like(p) if t is None else t for p, t in zip(primals[self.fixed :], moved, strict=True)]
        outs = apply(self, primals)
        return outs, apply(self, [*fixed, *linear])

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The other function of the cotangents."""
        assert not any(perturbed[: self.fixed])
        residuals = primals[len(self.side.closed) : self.fixed]
        outs = apply(self, primals)

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            other = self.other()
            given = [derive.zeros_like(o) if c is None else c for o, c in zip(outs, cotangents, strict=True)]
            transposed = LinearCall(other, lambda: self.side, self.residuals)
            return [*[None] * self.fixed, *apply(transposed, [*other.closed, *residuals, *given])]

        return outs, pullback


def linear_call(fun: Callable[..., Any], fun_transpose: Callable[..., Any], residual_args: Any, linear_args: Any) -> Any:
    """``fun(residual_args, linear_args)``, with a given transpose.

    Args:
        fun: linear in its second argument.
        fun_transpose: takes the residuals and a cotangent of the result, gives the cotangent of ``linear_args``.
        residual_args: tree of arrays that are not differentiated.
        linear_args: tree of arrays.
    """
    residuals, residual_tree = leaf_arrays(residual_args)
    linear, linear_tree = leaf_arrays(linear_args)
    given = (tree_unflatten(residual_tree, residuals), tree_unflatten(linear_tree, linear))
    arrays = [*residuals, *linear]
    side = _Side(make_body(fun, tree_structure(given), arrays, "linear_call fun"))
    made: list[_Side] = []

    def transpose() -> _Side:
        if not made:
            outs = side.run.stand_ins()
            tree = tree_structure((given[0], tree_unflatten(side.out_tree, outs)))
            examples = [*map(derive.example, residuals), *outs]
            body = make_body(fun_transpose, tree, examples, "linear_call fun_transpose")
            if body.out_tree != linear_tree:
                raise TypeError(
                    "transpose output pytree structure must match that of linear inputs, got output structure "
                    f"{body.out_tree} and input structure {linear_tree}."
                )
            for got, aval in zip(body.avals, [x.aval.to_tangent_aval() for x in linear], strict=True):
                if not same_type(got, aval):
                    raise ValueError(f"Expected cotangent type {aval.str_short()} but got {got.str_short()}")
            made.append(_Side(body))
        return made[0]

    outs = apply(LinearCall(side, transpose, len(residuals)), [*side.closed, *arrays])
    return tree_unflatten(side.out_tree, outs)
