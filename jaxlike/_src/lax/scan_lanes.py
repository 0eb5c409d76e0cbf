"""scan_lanes: which lanes a vmap gave to a scan, and to those that are made from it, as long as lanes are apart.

What is made of a scan over lanes is the same as what is made of each lane: so whoever writes the loop in another
language may take some lanes at a time (`Lanes`). The loop back adds up what reaches things that all lanes share, in
which it is linear: it is a sum over parts of the lanes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxlike._src.frames import Frame
from jaxlike._src.graph.control import Lanes
from jaxlike._src.transforms.derive import chosen_of, of_lanes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.lax.scan import Scan


def lanes_of_vmap(
    lane: Scan,
    size: int,
    steps: Sequence[Array],
    flags: Sequence[bool],
    wanted: Sequence[bool],
    found: Sequence[bool],
) -> Lanes:
    """Of a vmap of ``lane``; the other arguments are those of `Scan.with_lanes`, and which results have lanes."""

    def of(count: int) -> Scan:
        return lane.with_lanes(Frame("vmap", axis_size=count), of_lanes(steps, flags, count), flags, wanted)[0]

    return Lanes(size, flags, found, of)


def lanes_of_results(lanes: Lanes | None, places: Sequence[int], left: Sequence[int]) -> Lanes | None:
    """Of the scan that gives the results ``left``, asked for by ``places``."""
    if lanes is None:
        return None
    of = lanes.of
    has = [lanes.results[k] for k in left]
    return Lanes(lanes.size, lanes.args, has, lambda count: of(count).with_results(places)[0], lanes.once)


def lanes_of_reading(lanes: Lanes | None, kept: Sequence[bool]) -> Lanes | None:
    """Of the scan that takes some of the arguments."""
    if lanes is None:
        return None
    of, once = lanes.of, None if lanes.once is None else chosen_of(lanes.once, kept)
    has = chosen_of(lanes.args, kept)
    return Lanes(lanes.size, has, lanes.results, lambda count: of(count).reading(kept), once)


def lanes_of_keeping(scan: Scan, steps: Sequence[Array], by: Sequence[bool]) -> Lanes | None:
    """Of the scan that keeps what ``scan`` carries."""
    lanes = scan.lanes
    if lanes is None:
        return None
    of, args = lanes.of, lanes.args
    has = [*lanes.results, *scan.split(args)[1]]
    return Lanes(lanes.size, args, has, lambda count: of(count).keeping(of_lanes(steps, args, count), by))


def lanes_of_backward(
    scan: Scan, steps: Sequence[Array], chosen: Sequence[bool], has_row: Sequence[bool]
) -> Lanes | None:
    """Of the loop back."""
    lanes = scan.lanes
    if lanes is None:
        return None
    of, (consts, carry, rows) = lanes.of, scan.split(lanes.args)
    by_consts, floating, by_rows = scan.split(chosen)
    running = [*chosen_of(consts, by_consts), *chosen_of(carry, floating)]
    cotangents = chosen_of(lanes.results[scan.n_carry :], has_row)
    args = [*consts, *running, *carry, *rows, *cotangents]
    primal = [False] * len(consts), [False] * (len(carry) + len(rows))
    once = [*primal[0], *(not has for has in running), *primal[1], *(not has for has in cotangents)]

    def fewer(count: int) -> Scan:
        return of(count).backward(of_lanes(steps, args, count), chosen, has_row)

    return Lanes(lanes.size, args, [*running, *chosen_of(rows, by_rows)], fewer, once)
