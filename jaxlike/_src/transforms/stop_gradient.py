"""stop_gradient: the identity, without derivative in any mode and at every level.

`Tensor.detach` would not do: forward mode passes through it, and a trace would not record it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.array import Array
from jaxlike._src.frames import STATE
from jaxlike._src.transforms.arguments import to_array
from jaxlike._src.transforms.identity import Identity
from jaxlike._src.transforms.structured import apply
from jaxlike._src.tree import tree_map

if TYPE_CHECKING:
    from collections.abc import Sequence


class StopGradient(Identity):
    """The identity on one Array; none of its derivatives depends on the argument."""

    name = "stop_gradient"
    is_constant = True

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """No tangent; the operation again, for the levels below."""
        del tangents
        return apply(self, primals), [None]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """No cotangent."""
        del perturbed
        return apply(self, primals), lambda _: [None]

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """Not defined: what takes a tangent as a constant is not linear in it."""
        del perturbed
        return apply(self, args), _not_linear


def _not_linear(cotangents: Sequence[Any]) -> list[Any]:
    del cotangents
    # JAX has no such rule either.
    raise NotImplementedError("Transpose rule (for reverse-mode differentiation) for 'stop_gradient' not implemented")


_STOP = StopGradient()


def stop_gradient(x: Any) -> Any:
    """``x``, taken as a constant by every differentiation.

    Args:
        x: tree of arrays.
    """
    return tree_map(stopped, x)


def stopped(x: Any) -> Any:
    """`stop_gradient` of one leaf."""
    x = to_array(x)
    if STATE.frame is None or not isinstance(x, Array):
        return x
    return apply(_STOP, [x])[0]
