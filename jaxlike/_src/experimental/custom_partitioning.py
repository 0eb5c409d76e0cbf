"""custom_partitioning: a function that says how a compiler may split it over devices.

One process computes whole arrays, however they are split, so the function itself is what runs. It is an operation of its
own in a jaxpr, and as in JAX it has neither a derivative nor a batching rule. What is said of splitting is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jaxlike._src import errors
from jaxlike._src.border import is_traced
from jaxlike._src.experimental.sharding_rule import checked_rule
from jaxlike._src.graph.jaxpr import jaxpr_as_fun
from jaxlike._src.graph.primitive import Primitive
from jaxlike._src.transforms.custom import in_order
from jaxlike._src.transforms.inspect import make_jaxpr
from jaxlike._src.transforms.tables import lower_fun, register_lowering
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_structure, tree_unflatten

custom_partitioning_p = Primitive("custom_partitioning")
custom_partitioning_p.multiple_results = True


def _compute(*args: Any, call: Any, **_params: Any) -> Any:
    return jaxpr_as_fun(call)(*args)


custom_partitioning_p.def_impl(_compute)
custom_partitioning_p.def_abstract_eval(lambda *_avals, call, **_params: call.out_avals)
register_lowering(custom_partitioning_p, lower_fun(_compute))


class custom_partitioning:
    """A decorator of functions that are split over devices in a way of their own.

    Args:
        fun: a function of arrays.
        static_argnums: the positions of arguments that are no arrays.
    """

    def __init__(self, fun: Callable[..., Any], static_argnums: Sequence[int] = ()) -> None:
        self.fun, self.static_argnums = fun, tuple(static_argnums)
        self.partition: Any = None
        self.decode_shardings: bool
        self.propagate_user_sharding: Any = None
        self.infer_sharding_from_operands: Any = None
        self.sharding_rule: Any = None

    def def_partition(
        self,
        partition: Callable[..., Any],
        infer_sharding_from_operands: Callable[..., Any] | None = None,
        propagate_user_sharding: Callable[..., Any] | None = None,
        decode_shardings: bool = True,
        sharding_rule: Any = None,
        *,
        reduction_factors: tuple[str, ...] = (),
        need_replication_factors: tuple[str, ...] = (),
        permutation_factors: tuple[str, ...] = (),
        **factor_sizes: int,
    ) -> Callable[..., Any]:
        """Say how to split it.

        Args:
            partition: ``(mesh, argument shapes, result shapes) -> (mesh, function of parts, result and argument
                shardings)``.
            infer_sharding_from_operands: the results' shardings of the arguments', where there is no rule.
            propagate_user_sharding: another sharding for the one that a user wants, likewise.
            decode_shardings: whether these are given `NamedSharding`s.
            sharding_rule: which axes belong together: a string, an `SdyShardingRule`, or a function that gives one.
            reduction_factors: of a rule that is a string, as those below: see `SdyShardingRule`.
            need_replication_factors: see there.
            permutation_factors: see there.
            factor_sizes: see there.
        """
        special: dict[str, Sequence[str]] = {
            "reduction_factors": reduction_factors,
            "need_replication_factors": need_replication_factors,
            "permutation_factors": permutation_factors,
        }
        self.sharding_rule = checked_rule(sharding_rule, special, factor_sizes)
        self.partition, self.decode_shardings = partition, decode_shardings
        self.propagate_user_sharding = propagate_user_sharding
        self.infer_sharding_from_operands = infer_sharding_from_operands
        return partition

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's results."""
        given = in_order(self.fun, args, kwargs)
        static = {k: given[k] for k in self.static_argnums}
        if any(map(is_traced, tree_leaves(list(static.values())))):
            raise errors.UnexpectedTracerError(
                "Found a JAX Tracer object passed as an argument to a custom_partitioning function in a position "
                "indicated as static by static_argnums."
            )
        arrays = [x for k, x in enumerate(given) if k not in static]

        def fun(*inside: Any) -> Any:
            left = iter(inside)
            return self.fun(*(static[k] if k in static else next(left) for k in range(len(given))))

        jaxpr, shape = make_jaxpr(fun, return_shape=True)(*arrays)
        if self.sharding_rule is None and (self.propagate_user_sharding or self.infer_sharding_from_operands):
            raise NotImplementedError(  # nor has JAX, since Shardy does the splitting
                "Shardy is used, but sharding propagation callbacks instead of sharding_rule are provided. Need to "
                "provide sharding_rule to migrate to Shardy."
            )
        leaves, in_tree = tree_flatten(arrays)
        results = custom_partitioning_p.bind(
            *leaves,
            call=jaxpr,
            partition=self.partition,
            propagate_user_sharding=None,
            infer_sharding_from_operands=None,
            decode_shardings=self.decode_shardings,
            sharding_rule=self.sharding_rule,
            in_tree=in_tree,
            out_tree=tree_structure(shape),
            static_args=tuple(static.values()),
        )
        return tree_unflatten(tree_structure(shape), results)
