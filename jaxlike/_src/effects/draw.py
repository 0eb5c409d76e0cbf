"""draw: which device holds which part of an array, as a table of characters."""

from __future__ import annotations

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
    sizes = (1, *shape)[-2:]
    holders: dict[tuple[int, int], list[Any]] = {}
    parts: dict[tuple[int, int], tuple[int, int]] = {}
    for device, index in sharding.devices_indices_map(tuple(shape)).items():
        ends = [sl.indices(n)[:2] for sl, n in zip(index, shape, strict=True)]
        (row, below), (column, beside) = [(0, 1), *ends][-2:]
        holders.setdefault((row, column), []).append(device)
        parts[row, column] = below - row, beside - column
    rows, columns = (sorted({place[k] for place in holders}) for k in (0, 1))
    high = int(10 * scale)
    wide = int(high * (shape[1] if len(shape) == 2 else 1) / shape[0])
    cells: dict[tuple[int, int], list[str]] = {}
    for place, devices in holders.items():
        text = f"{devices[0].platform.upper()} {','.join(str(d.id) for d in sorted(devices, key=lambda d: d.id))}"
        tall, broad = (part / n for part, n in zip(parts[place], sizes, strict=True))
        width = min(max(int(broad * wide * 2.5), min_width), max_width) - 2  # a character is that much taller than wide
        height = int(tall * high) - 1 if len(shape) == 2 else 1
        left, above = max((width - len(text)) // 2, 0), max((height - 1) // 2, 0)
        line = " " * left + text + " " * max(width - len(text) - left, 0)
        blank = " " * len(line)
        cells[place] = [*[blank] * above, line, *[blank] * max(height - 1 - above, 0)]
    rules = ["─" * max(len(cells[row, column][0]) for row in rows) for column in columns]
    lines = ["┌" + "┬".join(rules) + "┐"]
    for k, row in enumerate(rows):
        if k:
            lines.append("├" + "┼".join(rules) + "┤")
        for level in zip(*(cells[row, column] for column in columns), strict=True):
            lines.append("│" + "│".join(text.ljust(len(rule)) for text, rule in zip(level, rules, strict=True)) + "│")
    lines.append("└" + "┴".join(rules) + "┘")
    print("\n".join(lines))
