"""policies: which values `jax.checkpoint` may keep for the backward pass, and names for values to keep.

A policy looks at one application of a primitive: ``policy(primitive, *types of the operands, **params)``. It gives
a bool, or `Saveable`, `Recompute`, an `Offloadable`. What is to be offloaded is kept where it is.
"""

from __future__ import annotations

import dataclasses
import types
from typing import TYPE_CHECKING, Any

from jaxlike._src.border import asarray
from jaxlike._src.transforms.arguments import is_float0
from jaxlike._src.transforms.identity import Identity
from jaxlike._src.transforms.structured import apply
from jaxlike._src.tree import tree_map

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array

    Policy = Callable[..., Any]


class RecomputeType:
    """The type of `Recompute`."""


class SaveableType:
    """The type of `Saveable`."""


Recompute = RecomputeType()
Saveable = SaveableType()


@dataclasses.dataclass(frozen=True)
class Offloadable:
    """A policy's answer: keep the value, in another memory."""

    src: str
    dst: str


def keeps(answer: Any) -> bool:
    """Whether a policy's answer means that the value is kept."""
    if isinstance(answer, RecomputeType):
        return False
    return isinstance(answer, SaveableType | Offloadable) or bool(answer)


def everything_saveable(*_: Any, **__: Any) -> bool:
    """Keep everything, as without `jax.checkpoint`."""
    return True


def nothing_saveable(*_: Any, **__: Any) -> bool:
    """Keep the arguments alone: the default."""
    return False


def _is_dot(primitive: Any) -> bool:
    return primitive.name == "dot_general"


def _is_plain_dot(primitive: Any, args: Sequence[Any], params: dict[str, Any]) -> bool:
    """A contraction without batch dimensions; one of size 1 is torch's way to write it."""
    if not _is_dot(primitive):
        return False
    (left, right) = params["dimension_numbers"][1]
    return all(args[0].shape[d] == 1 for d in left) and all(args[1].shape[d] == 1 for d in right)


@dataclasses.dataclass(frozen=True)
class DotsSaveable:
    """Keep results of matrix products and convolutions, or of products without batch dimensions only."""

    only_if_no_batch_dims: bool

    def __call__(self, primitive: Any, *args: Any, **params: Any) -> bool:
        """The policy."""
        if self.only_if_no_batch_dims:
            return _is_plain_dot(primitive, args, params)
        return _is_dot(primitive) or primitive.name == "conv_general_dilated"


dots_saveable = DotsSaveable(False)
dots_with_no_batch_dims_saveable = DotsSaveable(True)


def offload_dot_with_no_batch_dims(offload_src: str, offload_dst: str) -> Policy:
    """As ``dots_with_no_batch_dims_saveable``, with the results moved from one memory to another."""

    def policy(primitive: Any, *args: Any, **params: Any) -> Any:
        return Offloadable(offload_src, offload_dst) if _is_plain_dot(primitive, args, params) else Recompute

    return policy


def save_anything_except_these_names(*names_not_to_save: str) -> Policy:
    """Keep every value: those that carry the names are kept in their unnamed form."""
    del names_not_to_save
    return lambda *_, **__: True


@dataclasses.dataclass(frozen=True)
class SaveAnyNamesButThese:
    """Keep named values, except those of some names."""

    names: frozenset[str]

    def __call__(self, primitive: Any, *_: Any, **params: Any) -> bool:
        """The policy."""
        return primitive.name == "name" and params["name"] not in self.names


@dataclasses.dataclass(frozen=True)
class SaveOnlyTheseNames:
    """Keep values of some names."""

    saveable_names: frozenset[str]

    def __call__(self, primitive: Any, *_: Any, **params: Any) -> bool:
        """The policy."""
        return primitive.name == "name" and params["name"] in self.saveable_names


def save_any_names_but_these(*names_not_to_save: str) -> Policy:
    """Keep values named by `checkpoint_name`, except those of these names."""
    return SaveAnyNamesButThese(frozenset(names_not_to_save))


def save_only_these_names(*names_which_can_be_saved: str) -> Policy:
    """Keep values that `checkpoint_name` gave these names."""
    return SaveOnlyTheseNames(frozenset(names_which_can_be_saved))


def save_and_offload_only_these_names(
    *, names_which_can_be_saved: Any, names_which_can_be_offloaded: Any, offload_src: str, offload_dst: str
) -> Policy:
    """As `save_only_these_names`, with some of the values moved from one memory to another."""
    saved, offloaded = set(names_which_can_be_saved), set(names_which_can_be_offloaded)
    if both := saved & offloaded:
        raise ValueError(
            "The names should be exclusive and should not intersect in `names_which_can_be_saved` and "
            f"`names_which_can_be_offloaded`. Got names_which_can_be_saved={saved}, names_which_can_be_offloaded="
            f"{offloaded} and the intersection={both}"
        )

    def policy(primitive: Any, *_: Any, **params: Any) -> Any:
        name = params["name"] if primitive.name == "name" else None
        if name in saved:
            return Saveable
        return Offloadable(offload_src, offload_dst) if name in offloaded else Recompute

    return policy


def save_from_both_policies(policy_1: Policy, policy_2: Policy) -> Policy:
    """Keep what either policy keeps."""

    def policy(primitive: Any, *args: Any, **params: Any) -> bool:
        one, two = policy_1(primitive, *args, **params), policy_2(primitive, *args, **params)
        if not (isinstance(one, bool) and isinstance(two, bool)):
            raise ValueError(
                f"The return value of the policies should be a boolean. Got: {one} and {two}. Please write a custom "
                "policy function directly, rather than using this helper function."
            )
        return one or two

    return policy


checkpoint_policies = types.SimpleNamespace(
    everything_saveable=everything_saveable,
    nothing_saveable=nothing_saveable,
    dots_saveable=dots_saveable,
    checkpoint_dots=dots_saveable,
    dots_with_no_batch_dims_saveable=dots_with_no_batch_dims_saveable,
    checkpoint_dots_with_no_batch_dims=dots_with_no_batch_dims_saveable,
    offload_dot_with_no_batch_dims=offload_dot_with_no_batch_dims,
    save_anything_except_these_names=save_anything_except_these_names,
    save_any_names_but_these=save_any_names_but_these,
    save_only_these_names=save_only_these_names,
    save_from_both_policies=save_from_both_policies,
    save_and_offload_only_these_names=save_and_offload_only_these_names,
)


# Names


class Name(Identity):
    """The identity, with a name that a policy can ask for."""

    name = "name"

    def __init__(self, label: str) -> None:
        self.label = label

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The value is named, its tangent is not."""
        return apply(self, primals), list(tangents)

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """Cotangents pass."""
        del perturbed
        return apply(self, primals), list

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {"name": self.label}


def checkpoint_name(x: Any, name: str) -> Any:
    """``x``, under a name that policies of `jax.checkpoint` can ask for.

    Args:
        x: tree of arrays.
        name: the name.
    """
    return tree_map(lambda leaf: leaf if is_float0(leaf) else apply(Name(name), [asarray(leaf)])[0], x)
