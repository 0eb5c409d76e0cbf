"""The table in markdown, and the same as JSON."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from compat.bench.timing import Timing


def seconds(value: float) -> str:
    """A time in the unit that reads best."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1 or unit == "µs":
            return f"{value * factor:.3g} {unit}"
    raise AssertionError("unreachable")


def geometric_mean(values: list[float]) -> float:
    """The mean that treats twice as fast and twice as slow alike."""
    return math.exp(sum(map(math.log, values)) / len(values))


def markdown(
    groups: Mapping[str, Mapping[str, Timing]],
    targets: Mapping[str, float],
    environment: Mapping[str, Any],
    plain: Collection[str] = (),
) -> str:
    """One table per group, its geometric mean and its worst row below; what is ``plain`` is no time."""
    lines = ["# jaxlike next to JAX", ""]
    lines += [", ".join(f"{k} {v}" for k, v in environment.items()) + ".", ""]
    lines += [
        "Ratio: jaxlike's time over JAX's, the median of pairs run in turns; below 1 is faster.",
        "",
    ]
    for group, timings in groups.items():
        ratios = {name: timing.ratio for name, timing in timings.items()}
        worst = max(ratios, key=lambda name: ratios[name])
        lines += [
            f"## {group}",
            "",
            "| | JAX | jaxlike | ratio | quartiles |",
            "| --- | ---: | ---: | ---: | --- |",
        ]
        for name, timing in timings.items():
            low, high = timing.spread
            shown = "{:.4g}".format if group in plain else seconds
            times = f"{shown(timing.jax)} | {shown(timing.jaxlike)}"
            lines.append(f"| {name} | {times} | {timing.ratio:.2f} | {low:.2f} to {high:.2f} |")
        mean = geometric_mean(list(ratios.values()))
        target = f", target {targets[group]}" if group in targets else ""
        lines += ["", f"Geometric mean {mean:.2f}{target}; worst row: {worst} ({ratios[worst]:.2f}).", ""]
    return "\n".join(lines)


def as_json(groups: Mapping[str, Mapping[str, Timing]], environment: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured."""
    return {
        "environment": dict(environment),
        "rows": [
            {
                "group": group,
                "row": name,
                "jax_seconds": t.jax,
                "jaxlike_seconds": t.jaxlike,
                "ratio": t.ratio,
                "ratios": t.ratios,
            }
            for group, timings in groups.items()
            for name, t in timings.items()
        ],
    }
