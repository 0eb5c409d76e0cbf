"""control: what a node that loops or branches is made of, for those who write graphs in another language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.graph import Graph


@dataclass(frozen=True, eq=False)
class Part:
    """A graph, and the Arrays that it closed over: what its lifted values are."""

    graph: Graph
    closed: Sequence[Any] = ()


@dataclass(frozen=True, eq=False)
class Lanes:
    """The lanes of a loop that a vmap made, each of which is a loop that knows nothing of the others.

    They lie along axis 0, in rows along axis 1. ``args``, ``results``: what has them. ``of``: the operation for another
    number of lanes, which gives its form. ``once``, where it is not None, says that results without lanes are sums over
    lanes: what is taken by these arguments is to be taken once, and zeros for other lanes.
    """

    size: int
    args: Sequence[bool]
    results: Sequence[bool]
    of: Callable[[int], Any]
    once: Sequence[bool] | None = None


@dataclass(frozen=True, eq=False)
class ScanForm:
    """Arguments: constants, carry, rows; results: carry, rows. ``body``: constants, carry, a row of each to the same."""

    body: Part
    n_consts: int
    n_carry: int
    length: int
    reverse: bool
    lanes: Lanes | None = None


@dataclass(frozen=True, eq=False)
class WhileForm:
    """Arguments: constants of the condition, constants of the body, carry; results: carry."""

    cond: Part
    body: Part
    n_cond: int
    n_body: int
    lanes: Lanes | None = None


@dataclass(frozen=True, eq=False)
class CondForm:
    """Arguments: the number of the branch, and what all branches take."""

    branches: Sequence[Part]


Form = ScanForm | WhileForm | CondForm
