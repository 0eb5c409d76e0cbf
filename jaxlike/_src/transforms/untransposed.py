"""untransposed: reverse mode through an operation that has a forward rule alone.

Its pullback is an operation that cannot run, but that can be transposed: that gives the forward rule again. So
`linearize`, which transposes the pullback, works where `grad` raises. While it looks at the pullback the values do
not matter, and zeros stand for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.frames import current_trace
from jaxlike._src.transforms import derive
from jaxlike._src.transforms.reverse import LOOKING
from jaxlike._src.transforms.structured import Structured, apply, on_lanes, stand_in, with_lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.frames import Frame
    from jaxlike._src.transforms.structured import Pullback


class Untransposed(Structured):
    """The transpose of ``forward(primals, tangents)`` in its tangents: arguments are primals, then cotangents.

    Args:
        forward: gives a tangent for each cotangent.
        like: which primals the results are cotangents of.
        primals: how many there are.
        refusal: what is said where it is to run.
    """

    name = "transpose"

    def __init__(self, forward: Callable[..., list[Any]], like: Sequence[int], primals: int, refusal: str) -> None:
        self.forward, self.like, self.primals, self.refusal = forward, list(like), primals, refusal
        self.transposes = False  # whether something transposes it, and so does not look at its values

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Refused, unless nobody looks at the values."""
        if not LOOKING.now:
            raise ValueError(self.refusal)
        return [derive.zeros_like(args[k]) for k in self.like]

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node where nobody may look at the values; refused in a user's function, used or not."""
        if not (LOOKING.now or self.transposes) and current_trace().fun_location:
            raise ValueError(self.refusal)
        return self, lambda: None, [], [type(args[k])(stand_in(args[k]._t), args[k]._tag) for k in self.like]

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """Refused, as `run`."""
        outs = apply(self, primals)
        return outs, list(outs)

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> tuple[list[Array], Pullback]:
        """The forward rule."""
        inner, n = list(primals[: self.primals]), self.primals
        if any(perturbed[:n]) and not LOOKING.now:  # a second derivative needs the values
            raise ValueError(self.refusal)
        self.transposes = True
        outs = apply(self, primals)

        def pullback(tangents: Sequence[Any]) -> list[Any]:
            full = [derive.zeros_like(inner[k]) if t is None else t for k, t in zip(self.like, tangents, strict=True)]
            return [
                *[None] * n,
                *(t if p else None for t, p in zip(self.forward(inner, full), perturbed[n:], strict=True)),
            ]

        return outs, pullback

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """The same over all lanes, which every argument then has."""
        n = self.primals

        def forward(primals: Sequence[Array], tangents: Sequence[Any]) -> list[Any]:
            given = [*primals, *tangents]
            outs, has = on_lanes(lambda z: self.forward(z[:n], z[n:]), given, [True] * len(given), frame, self.name)
            return [with_lanes(o, h, True, frame) for o, h in zip(outs, has, strict=True)]

        args = [with_lanes(x, m, True, frame) for x, m in zip(args, mapped, strict=True)]
        made = Untransposed(forward, self.like, n, self.refusal)
        made.transposes = self.transposes
        outs = apply(made, args)
        return outs, [True] * len(outs)


def untransposed(op: Structured, primals: Sequence[Array], perturbed: Sequence[bool], refusal: str) -> Pullback:
    """The pullback of an operation that has a `jvp` rule alone."""
    at = [k for k, p in enumerate(perturbed) if p]

    def pullback(cotangents: Sequence[Any]) -> list[Any]:
        given = [k for k, c in enumerate(cotangents) if c is not None]
        if not given:
            return [None] * len(perturbed)

        def forward(inside: Sequence[Array], tangents: Sequence[Any]) -> list[Any]:
            whole: list[Any] = [None] * len(perturbed)
            for k, t in zip(at, tangents, strict=True):
                whole[k] = t
            outs, moved = op.jvp(inside, whole)
            return [derive.zeros_like(outs[k]) if moved[k] is None else moved[k] for k in given]

        outs = apply(Untransposed(forward, at, len(primals), refusal), [*primals, *(cotangents[k] for k in given)])
        return derive.filled(outs, perturbed)

    return pullback
