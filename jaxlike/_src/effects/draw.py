"""draw: which device holds which part of an array, as a table of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def visualize_sharding(
    shape: Sequence[int],
    sharding: Any,
    *,
    use_color: bool = True,
    scale: float = 1.0,
    min_width: int = 9,
    max_width: int = 80,
    color_map: Any = None,
) -> None:
    """Print which device holds which part of an array.

    Args:
        shape: of the array: one axis or two.
        sharding: any sharding of such an array.
        use_color: accepted; the table has no colours.
        scale: how large the table is.
        min_width: least number of columns for a part.
        max_width: most columns for a part.
        color_map: accepted.
    """
    del use_color, color_map
    if len(shape) not in (1, 2):
        raise ValueError("`visualize_sharding` only works for shapes with 1 and 2 dimensions.")
    holders: dict[tuple[int, int], list[Any]] = {}
    for device, index in sharding.devices_indices_map(tuple(shape)).items():
        row, column = [0, 0, *((s.start or 0) for s in index)][-2:]
        holders.setdefault((row, column), []).append(device)
    rows, columns = (sorted({place[k] for place in holders}) for k in (0, 1))
    height = max(1, int(10 * scale) // len(rows)) if len(shape) == 2 else 1
    ratio = (shape[-1] if len(shape) == 2 else 1) / max(shape[0], 1)
    width = min(max(math.floor(25 * scale * ratio / len(columns)), min_width - 2), max_width)
    texts = {
        place: f"{devices[0].platform.upper()} {','.join(str(d.id) for d in sorted(devices, key=lambda d: d.id))}"
        for place, devices in holders.items()
    }
    width = max(width, *(len(t) for t in texts.values()))
    rule = "─" * width
    lines = ["┌" + "┬".join([rule] * len(columns)) + "┐"]
    for k, row in enumerate(rows):
        if k:
            lines.append("├" + "┼".join([rule] * len(columns)) + "┤")
        for line in range(height):
            shown = [texts[row, c] if line == (height - 1) // 2 else "" for c in columns]
            lines.append("│" + "│".join(text.center(width) for text in shown) + "│")
    lines.append("└" + "┴".join([rule] * len(columns)) + "┘")
    print("\n".join(lines) + "\n")
