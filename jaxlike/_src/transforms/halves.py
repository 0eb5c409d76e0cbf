"""halves: a traced function cut into a forward graph and a backward graph, by what a checkpoint policy keeps.

The policy reaches into what the function calls: while the two are traced it is in force (`IN_FORCE`), and there the
operations of a jitted function are looked at one by one, and a loop or a choice cuts its own body. What such an
operation keeps are results of its own behind those of the function (`kept_from`). Where the backward pass computes a
loop again, it computes another loop, which reads what the first one kept (`again_of`, see `partition.cut`).
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxlike._src.array import Array
from jaxlike._src.frames import current_trace
from jaxlike._src.graph.equations import equation_of
from jaxlike._src.graph.graph import Call, Graph
from jaxlike._src.graph.partition import cut
from jaxlike._src.transforms import derive
from jaxlike._src.transforms.policies import keeps, nothing_saveable
from jaxlike._src.transforms.ref_state import ClosedRefs, Touched
from jaxlike._src.transforms.reverse import vjp_leaves
from jaxlike._src.transforms.structured import GraphFunction, derived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jaxlike._src.graph.graph import Node


class _InForce(threading.local):
    """The policy of the checkpointed function that is being cut; None where none is, or it keeps nothing."""

    policy: Callable[..., Any] | None = None

    @contextlib.contextmanager
    def set(self, policy: Callable[..., Any] | None) -> Iterator[None]:
        """It is this one inside."""
        before, self.policy = self.policy, policy
        try:
            yield
        finally:
            self.policy = before


IN_FORCE = _InForce()


class Halves(NamedTuple):
    """The forward function gives the results and what is kept.

    The backward function takes the arguments at the places ``read``, what is kept, and cotangents; then what the refs
    hold that a rule in it reads or writes.
    """

    forward: GraphFunction
    backward: GraphFunction
    read: list[int]
    results: int
    kept: int
    refs: ClosedRefs

    def again(self) -> GraphFunction:
        """The forward function's results, computed from the arguments and what is kept."""
        graph, m = self.forward.graph, self.results
        kept = set(graph.outputs[m:])
        nodes = [n for n in graph.nodes if not all(o is None or o in kept for o in n.outs) or not n.outs]
        made = Graph(
            nodes,
            [*graph.inputs, *graph.outputs[m:]],
            list(zip(graph.lifted_vars, graph.lifted, strict=True)),
            graph.constants,
            graph.outputs[:m],
            [*graph.in_avals, *graph.out_avals[m:]],
            graph.out_avals[:m],
            graph.name,
        )
        return GraphFunction(made, self.forward.kinds[:m], self.forward.closed)


def halves_of(
    body: GraphFunction,
    policy: Callable[..., Any] | None,
    examples: Sequence[Array],
    perturbed: Sequence[bool],
    given: Sequence[bool],
    name: str,
    for_results: bool = False,
    refs: bool = False,
) -> Halves:
    """The halves of ``body`` for cotangents of the results that are ``given`` and of the arguments ``perturbed``.

    ``for_results``: whether what is kept is to serve computing the results again too; ``refs``: whether backward rules
    may read and write refs.
    """
    n, m = len(examples), len(given)
    if policy is nothing_saveable:
        policy = None

    def joint(flat: Sequence[Array]) -> list[Array]:
        def of_perturbed(inside: Sequence[Any]) -> Any:
            full = [a if v is None else v for a, v in zip(flat, derive.filled(inside, perturbed), strict=False)]
            outs = body(full)
            return derive.chosen_of(outs, given), outs

        with IN_FORCE.set(policy):
            _, _, pull, outs = vjp_leaves(of_perturbed, derive.chosen_of(flat[:n], perturbed), name)
            for ref, _ in current_trace().refs or ():  # in the forward pass: the two cannot be told apart
                raise Touched(ref)
            return [*outs, *pull(flat[n:])]

    examples = [*map(derive.example, examples), *derive.chosen_of(body.stand_ins(), given)]
    whole = derived(joint, examples, name, refs)
    found = cut(whole.graph, n, m, _may_keep(whole.graph, policy), looks_again=True, for_results=for_results)
    kinds = [*whole.kinds[:m], *((Array, False) for _ in found.kept)]
    forward = GraphFunction(found.forward, kinds, found.forward.lifted)
    backward = GraphFunction(found.backward, whole.kinds[m:], found.backward.lifted)
    return Halves(forward, backward, found.read, m, len(found.kept), ClosedRefs(whole.graph))


def asks_to_keep(graph: Graph) -> bool:
    """Whether there is a checkpointed function in it whose policy keeps something."""
    calls = [n.op for n in graph.nodes if isinstance(n.op, Call)]
    return any(c.keeps or (c.is_plain and c.graph is not None and asks_to_keep(c.graph)) for c in calls)


def _may_keep(graph: Graph, policy: Callable[..., Any] | None) -> Callable[[Node], bool]:
    """The policy as a function of the graph's nodes."""
    if policy is None:
        return lambda _: False
    equations = equation_of(graph)

    def may_keep(node: Node) -> bool:
        equation = equations.get(id(node))
        if equation is None:
            return False
        avals = [v.aval for v in equation.invars]
        return keeps(policy(equation.primitive, *avals, **equation.params))

    return may_keep
