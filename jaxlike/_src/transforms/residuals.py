"""residuals: what a backward pass keeps, listed for people who place `jax.checkpoint`.

The function and its pullback are traced to one graph; what the part that depends on cotangents reads of the rest is
what is kept. Each op has the user's line. One that the backward pass adds belongs to the line of the op that it
differentiates: both have the number that autograd gave to their node. The functions inside are traced in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src import torch_private
from jaxlike._src.graph.equations import equation_of
from jaxlike._src.graph.partition import aval_of, read_across
from jaxlike._src.graph.trace import RECORDING, Trace, trace
from jaxlike._src.transforms import derive
from jaxlike._src.transforms.arguments import name_of
from jaxlike._src.transforms.body import Body, leaf_arrays, make_body
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.reverse import output_array, vjp_leaves
from jaxlike._src.tree import tree_flatten, tree_structure, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array, ShapedArray
    from jaxlike._src.graph.source import Place


class SourceTrace(Trace):
    """A recorder whose nodes of a backward pass have the lines of what they differentiate."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.autograd_numbers: dict[Any, int] = {}  # by what a node gives: later passes write the node itself anew
        self._by_sequence: dict[int, Place | None] = {}

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = len(self.nodes)
        out = super().__torch_dispatch__(op, types, args, kwargs)
        self._note(before)
        return out

    def record_call(self, call: Any, tensors: Any, like: Any) -> Any:
        """As the base class."""
        before = len(self.nodes)
        made = super().record_call(call, tensors, like)
        self._note(before)
        return made

    def _note(self, before: int) -> None:
        if len(self.nodes) == before:
            return
        backward = torch_private.running_backward_number()
        number = torch_private.last_autograd_number() if backward is None else backward
        line = self._by_sequence.get(number) if backward is not None else None
        for k, node in enumerate(self.nodes[before:], start=before):
            if line is None:
                self._by_sequence[number] = node.line
            else:
                node = self.nodes[k] = node._replace(line=line)
            self.autograd_numbers.update((o, number) for o in node.outs if o is not None)


def saved_residuals(f: Callable[..., Any], *args: Any, **kwargs: Any) -> list[tuple[ShapedArray, str]]:
    """The types of the values that ``jax.vjp(f, *args)`` keeps, each with where it is from."""
    leaves, in_tree = leaf_arrays((args, kwargs))
    examples = [derive.example(x) for x in leaves]
    names = leaf_names(f, args, kwargs)

    def call(inside: Any) -> Any:
        positional, named = tree_unflatten(in_tree, list(inside))
        return f(*positional, **named)

    flat_tree = tree_structure((list(leaves),))
    body: Body = make_body(call, flat_tree, examples, "saved_residuals")
    outs = body.run.stand_ins()
    given = derive.differentiable(outs)
    n = len(leaves)

    def joint(flat: Sequence[Array]) -> list[Array]:
        def on_leaves(inside: Sequence[Any]) -> Any:
            made = [output_array(x) for x in tree_flatten(call(inside))[0]]
            return derive.chosen_of(made, given), None

        made, _, pull, _ = vjp_leaves(on_leaves, flat[:n], name_of(f))
        grads = pull(flat[n:])
        return [*made, *derive.chosen_of(grads, derive.differentiable(leaves))]

    recorders: list[SourceTrace] = []

    def recorder(name: str) -> SourceTrace:
        recorders.append(SourceTrace(name))
        return recorders[-1]

    with RECORDING.by(recorder):
        graph, _ = trace(joint, [*examples, *derive.chosen_of(outs, given)], name_of(f))
    numbers = recorders[0].autograd_numbers
    of_node = equation_of(graph)
    equations = {
        o: (numbers[o], str(node.line), of_node[id(node)])
        for node in graph.nodes
        if id(node) in of_node
        for o in node.outs
        if o is not None
    }
    constants, arguments, computed = [], [], []
    for var in read_across(graph, n, sum(given)):
        if var in equations:
            computed.append((var, *equations[var]))
        elif var in graph.inputs:
            place = graph.inputs.index(var)
            arguments.append((leaves[place].aval, f"from the argument {names[place]}"))
        else:
            constants.append((aval_of(var), "from a constant"))
    computed.sort(key=lambda c: c[1])
    return [*constants, *arguments, *((aval_of(v), _described(where, e)) for v, _, where, e in computed)]


def _described(where: str, equation: Any) -> str:
    name = equation.primitive.name
    if name == "name":
        return f"named '{equation.params['name']}' from {where}"
    if name in ("jit", "pjit"):
        return f"output of jitted function '{equation.params['name']}' from {where}"
    return f"output of {name} from {where}"


def print_saved_residuals(f: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Print, one a line, the values that ``jax.vjp(f, *args, **kwargs)`` keeps for the backward pass."""
    for aval, source in saved_residuals(f, *args, **kwargs):
        print(f"{aval.str_short(short_dtypes=True)} {source}")
