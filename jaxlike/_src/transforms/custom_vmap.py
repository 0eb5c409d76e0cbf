"""custom_vmap: a function with a batching rule of its own; sequential_vmap, whose rule is a loop.

A call is a `Structured` operation on what the function closed over and its flat arguments. Forward mode makes the
same kind of operation of results and tangents: its batching rule differentiates the rule. There is no reverse mode,
unless a vmap inside of it put the rule in the function's place.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms import derive
from jaxlike._src.transforms.arguments import name_of
from jaxlike._src.transforms.body import leaf_arrays, make_body
from jaxlike._src.transforms.custom import resolve_kwargs
from jaxlike._src.transforms.reverse import output_array
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply, derived, on_lanes
from jaxlike._src.tree import tree_flatten, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.frames import Frame

    Flags = Sequence[bool]
    FlatRule = Callable[[Frame, Sequence[Array], Flags], tuple[list[Array], list[bool]]]


class CustomVmap(Structured):
    """A function of flat arguments, and the rule for all lanes of a vmap at once."""

    name = "custom_vmap_call"
    runs_graph = True

    def __init__(self, body: Any, rule: FlatRule, shown: dict[str, Any]) -> None:
        self.body, self.rule, self._shown = body, rule, shown

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The function."""
        return self.body(args)

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node."""
        if not isinstance(self.body, GraphFunction):
            return super().recorded(args)
        graph = self.body.graph
        return self, lambda: None if graph.lifted else graph, [], self.body.stand_ins()

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """What a traced function closed over has no lanes that the rule would know."""

        def rule(frame: Frame, args: Sequence[Array], mapped: Flags) -> tuple[list[Array], list[bool]]:
            n = len(args) - more
            assert not any(mapped[n:]), list(mapped[n:])
            return self.rule(frame, args[:n], mapped[:n])

        return CustomVmap(run, rule, self._shown | {"call": run.graph})

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return self._shown

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The operation on values and tangents."""
        n, floating = len(primals), derive.differentiable(primals)
        given = [
            derive.zeros_like(p) if t is None else t
            for p, t in derive.chosen_of(list(zip(primals, tangents, strict=True)), floating)
        ]

        def both(flat: Sequence[Array]) -> list[Array]:
            outs, ts = derive.forward(self.body, flat[:n], derive.filled(flat[n:], floating), self.name)
            return [*outs, *(t for t in ts if t is not None)]

        args = [*primals, *given]
        body: Any = both
        if isinstance(self.body, GraphFunction):
            body = derived(both, [derive.example(a) for a in args], self.name)
        outs = apply(CustomVmap(body, functools.partial(self._jvp_of_rule, floating), self._shown), args)
        count = len(outs)
        for m in range(count + 1):  # results come first, then the tangents of those that have any
            with_tangents = derive.differentiable(outs[:m])
            if m + sum(with_tangents) == count:
                return outs[:m], derive.filled(outs[m:], with_tangents)
        raise AssertionError("results and tangents do not add up")

    def _jvp_of_rule(
        self, floating: Flags, frame: Frame, args: Sequence[Array], mapped: Flags
    ) -> tuple[list[Array], list[bool]]:
        """The rule's own jvp, over the lanes that only values or only tangents have by vmap."""
        n = len(floating)
        by_tangents = [bool(m) for m in derive.filled(mapped[n:], floating)]
        in_both = [p and t for p, t in zip(mapped[:n], by_tangents, strict=True)]
        alone = [p and not t for p, t in zip(mapped[:n], by_tangents, strict=True)]
        alone += [t and not p for p, t in zip(mapped[:n], derive.filled(mapped[n:], floating), strict=True) if t is not None]
        flags: list[bool] = []

        def rule(primals: Sequence[Array]) -> list[Array]:
            outs, flags[:] = self.rule(frame, primals, in_both)
            return outs

        def of_lane(values: Sequence[Any]) -> list[Any]:
            outs, ts = derive.forward(rule, values[:n], derive.filled(values[n:], floating), self.name)
            return [*outs, *(t for t in ts if t is not None)]

        outs, has = on_lanes(of_lane, args, alone, frame, self.name)
        m = len(flags)
        whole = [*flags, *derive.chosen_of(flags, derive.differentiable(outs[:m]))]
        return outs, [a or b for a, b in zip(whole, has, strict=True)]

    def vjp(self, primals: Sequence[Array], perturbed: Flags) -> Any:
        """Not defined."""
        raise ValueError(
            "Linearization failed to produce known values for all output primals. This is typically caused by "
            "attempting to differentiate a function uses an operation that does not support reverse-mode autodiff."
        )

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Flags) -> tuple[list[Array], list[bool]]:
        """The rule."""
        return self.rule(frame, args, mapped)


class custom_vmap:
    """A function whose behaviour under `jax.vmap` is given by a rule, set with `def_vmap`.

    Args:
        fun: the function.
    """

    fun: Callable[..., Any]
    vmap_rule: Callable[..., tuple[Any, Any]] | None

    def __init__(self, fun: Callable[..., Any]) -> None:
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.vmap_rule = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("def"):  # a rule for a function that is itself decorated
            return getattr(self.fun, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def def_vmap(self, vmap_rule: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
        """Set the rule ``vmap_rule(axis_size, in_batched, *args)``, which gives ``(result, out_batched)``.

        Args:
            vmap_rule: ``in_batched`` is a list of trees of bools for the arguments; those that are batched have the
                lanes along axis 0. ``out_batched`` is a tree of bools for the result.

        Returns:
            The rule.
        """
        self.vmap_rule = vmap_rule
        return vmap_rule

    @api_boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value."""
        args = resolve_kwargs("custom_vmap", self.fun, args, kwargs)
        rule = self.vmap_rule
        if rule is None:
            raise AttributeError(
                f"No batching rule defined for custom_vmap function {name_of(self.fun)} using def_vmap."
            )
        arrays, in_tree = leaf_arrays(args)
        body = make_body(self.fun, in_tree, arrays, "custom_vmap fun")
        run, n = GraphFunction(body.run.graph.with_lifted_first(), body.run.kinds), len(body.closed)

        def flat_rule(frame: Frame, values: Sequence[Array], mapped: Flags) -> tuple[list[Array], list[bool]]:
            assert not any(mapped[:n]), list(mapped[:n])
            batched = list(tree_unflatten(in_tree, list(mapped[n:])))
            out, out_batched = rule(frame.axis_size, batched, *tree_unflatten(in_tree, list(values[n:])))
            leaves, tree = tree_flatten(out)
            flags, flags_tree = tree_flatten(out_batched)
            _check_trees(rule, body.out_tree, tree, flags_tree)
            return [output_array(x) for x in leaves], [bool(f) for f in flags]

        shown = {
            "call": run.graph,
            "in_tree": tree_flatten((body.closed, tree_unflatten(in_tree, arrays)))[1],
            "out_tree": body.out_tree,
            "rule": rule,
        }
        return tree_unflatten(body.out_tree, apply(CustomVmap(run, flat_rule, shown), [*body.closed, *arrays]))


def _check_trees(rule: Any, original: Any, tree: Any, flags_tree: Any) -> None:
    name = getattr(rule, "__name__", "<unnamed rule>")
    if tree != flags_tree:
        raise ValueError(
            f"structure of output value and output batching specification returned by custom vmap rule ({name}) do not "
            f"match.\nOutput values: {tree}\nBatching spec: {flags_tree}"
        )
    if tree != original:
        raise ValueError(
            f"structure of output returned by custom vmap rule ({name}) does not match that of original custom-vmapped "
            f"function.\nOriginal output: {original}\nRule output: {tree}"
        )


def sequential_vmap(f: Callable[..., Any]) -> custom_vmap:
    """``f`` which a vmap calls lane by lane, in a loop.

    Args:
        f: any function.
    """
    made = custom_vmap(f)

    @made.def_vmap
    def rule(axis_size: int, in_batched: Any, *args: Any) -> Any:
        del axis_size
        from jaxlike._src.lax.scan import map as lax_map  # a loop is built on these transformations

        leaves, tree = tree_flatten(list(args))
        flags = tree_flatten(in_batched)[0]

        def of_lane(mapped: Sequence[Any]) -> Any:
            rest = iter(mapped)
            values = [next(rest) if f else x for x, f in zip(leaves, flags, strict=True)]
            return made(*tree_unflatten(tree, values))

        out = lax_map(of_lane, derive.chosen_of(leaves, flags))
        return out, tree_map(lambda _: True, out)

    return made
