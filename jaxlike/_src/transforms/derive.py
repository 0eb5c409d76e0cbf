"""derive: from a flat function its forward derivative, its pullback and its batched form, for graphs of loop bodies.

Each is a flat function again, on the values below all levels, so that it can be traced and put into a loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array, constant
from jaxlike._src.border import astype, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.graph.effects import silenced
from jaxlike._src.graph.graph import TRANSPOSED
from jaxlike._src.transforms.forward import jvp_leaves
from jaxlike._src.transforms.reverse import LOOKING, is_differentiable, vjp_leaves
from jaxlike._src.transforms.structured import derived, on_lanes, stand_in, with_lanes
from jaxlike._src.varying import mark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame
    from jaxlike._src.transforms.structured import GraphFunction

    Flat = Callable[[Sequence[Array]], Sequence[Array]]


def example(x: Array, shape: Sequence[int] | None = None) -> Array:
    """An Array without values of the type of ``x``, or of another shape (a key's payload is kept); of no trace."""
    hidden = tuple(x._t.shape[x.ndim :]) if shape is not None else ()
    return constant(mark(stand_in(x._t, None if shape is None else (*shape, *hidden)), x._t), x._tag, type(x))


def of_lanes(steps: Sequence[Array], has: Sequence[bool], count: int) -> list[Array]:
    """Examples with another number of lanes, along axis 0 of those that have them."""
    return [example(x, (count, *x.shape[1:])) if h else x for x, h in zip(steps, has, strict=True)]


def apart(frame: Frame, *bodies: GraphFunction) -> bool:
    """Whether the lanes that a vmap gave these bodies know nothing of each other, nor of what is being traced."""
    return frame.axis_name is None and all(x._frame is None for body in bodies for x in body.closed)


def keyed(*key: Any) -> tuple[Any, ...]:
    """The key of something derived, with what else it depends on: whether `linearize` looks at backward rules."""
    return (*key, LOOKING.now)


def require_values(holds: frozenset[str]) -> None:
    """Raise JAX's error for a derivative of what only has a transpose."""
    if TRANSPOSED in holds:
        # Tangents of a function that has a reverse rule alone: nothing is known of them but how to go back.
        raise NotImplementedError(f"Differentiation rule for '{TRANSPOSED}' not implemented")  # as JAX, which has none


def zeros_like(x: Array) -> Array:
    """The zero tangent of a floating Array."""
    return Array(torch.zeros_like(unwrap(x)))


def zeros_of(like: Array) -> Array:
    """Zeros of the type of an Array without values."""
    return type(like)(torch.zeros(like._t.shape, dtype=like._t.dtype, device=default_torch_device()), like._tag)


def given(cotangents: Sequence[Any], likes: Sequence[Array]) -> list[Array]:
    """The cotangents of the floating results among those like these, with zeros for None."""
    pairs = [(c, o) for c, o in zip(cotangents, likes, strict=True) if is_differentiable(o)]
    return [zeros_of(o) if c is None else c for c, o in pairs]


def filled(values: Sequence[Any], chosen: Sequence[bool]) -> list[Any]:
    """The values in the places that are chosen, None elsewhere."""
    rest = iter(values)
    return [next(rest) if c else None for c in chosen]


def chosen_of(values: Sequence[Any], chosen: Sequence[bool]) -> list[Any]:
    """The values in the places that are chosen."""
    return [v for v, c in zip(values, chosen, strict=True) if c]


def others_of(values: Sequence[Any], chosen: Sequence[bool]) -> list[Any]:
    """The values in the other places."""
    return [v for v, c in zip(values, chosen, strict=True) if not c]


def differentiable(values: Sequence[Any]) -> list[bool]:
    """Which values have tangents."""
    return [is_differentiable(v) for v in values]


def forward(
    fun: Flat, args: Sequence[Array], tangents: Sequence[Array | None], name: str
) -> tuple[list[Array], list[Any]]:
    """Results, and for each a tangent (None for integers); None among the tangents of the arguments is zero."""
    moved = [t is not None for t in tangents]

    def of_moved(inside: Sequence[Any]) -> Any:
        full = [a if v is None else v for a, v in zip(args, filled(inside, moved), strict=True)]
        return list(fun(full)), None

    given = [t for t in tangents if t is not None]
    outs, tangents_out, _, _ = jvp_leaves(of_moved, chosen_of(args, moved), given, name)
    return outs, [t if is_differentiable(o) else None for o, t in zip(outs, tangents_out, strict=True)]


def reverse(
    fun: Flat,
    args: Sequence[Array],
    perturbed: Sequence[bool],
    cotangents: Sequence[Array | None],
    name: str,
    linear: bool = False,
) -> list[Array]:
    """Cotangents of the perturbed arguments, for cotangents of the results (None is zero); by transposing if linear."""

    def of_perturbed(inside: Sequence[Any]) -> Any:
        full = [a if v is None else v for a, v in zip(args, filled(inside, perturbed), strict=True)]
        outs = list(fun(full))
        return [o for o, c in zip(outs, cotangents, strict=True) if c is not None], None

    with silenced():  # the function ran before: this run is for its derivative alone
        _, _, pull, _ = vjp_leaves(of_perturbed, chosen_of(args, perturbed), name, linear)
    return list(pull([c for c in cotangents if c is not None]))


def of_types(values: Sequence[Any], likes: Sequence[Array]) -> list[Any]:
    """Cotangents in the dtypes of what they are cotangents of."""
    return [g if g is None else astype(g, x.dtype) for g, x in zip(values, likes, strict=True)]


def known(fun: Flat, args: Sequence[Array], by: Sequence[bool], name: str, linear: bool = True) -> list[Array]:
    """The results as reverse mode by these arguments computes them.

    Where the function is linear in them, nobody may look at what depends on them.
    """

    def of_chosen(inside: Sequence[Any]) -> Any:
        return list(fun([a if v is None else v for a, v in zip(args, filled(inside, by), strict=True)])), None

    return vjp_leaves(of_chosen, chosen_of(args, by), name, linear)[0]


def lanes(
    fun: Flat, args: Sequence[Array], mapped: Sequence[bool], wanted: Sequence[bool] | None, frame: Frame, name: str
) -> tuple[list[Array], list[bool]]:
    """Results over all lanes of a vmap that is set aside; with lanes where they are wanted or found."""
    outs, has = on_lanes(fun, args, mapped, frame, name)
    flags = has if wanted is None else [a or b for a, b in zip(has, wanted, strict=True)]
    return [with_lanes(o, h, f, frame) for o, h, f in zip(outs, has, flags, strict=True)], flags


def found_lanes(fun: Flat, args: Sequence[Array], mapped: Sequence[bool], frame: Frame, name: str) -> list[bool]:
    """Which results have lanes where these arguments have."""
    found: list[bool] = []

    def look(flat: Sequence[Array]) -> list[Array]:
        outs, found[:] = on_lanes(fun, flat, mapped, frame, name)
        return outs

    derived(look, [example(a) for a in args], name)
    return found
