"""page: a report as one HTML file: tables, and two plots as inline SVG: difference by variable, time by statement.

Nothing is fetched, so the file can be kept as the artifact of a build.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from jaxlike._src.compare.parting import Report
from jaxlike._src.compare.show import HEAD, number, row

COLORS = {"jax": "#3d6fb4", "jaxlike": "#e07b39"}
MOST_BARS = 60
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; color: #222; background: #fff }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin-top: 2em }
table { border-collapse: collapse; font-size: 13px } td, th { padding: 2px 10px; text-align: left; border-bottom: 1px solid #ddd }
td, pre { font-family: ui-monospace, monospace } .no { background: #fbe3e0 } .said { color: #a33 }
svg text { font: 11px ui-monospace, monospace; fill: #333 } .verdict { padding: .5em 1em; border-radius: 6px; background: #e3f3e3 }
.verdict.no { background: #fbe3e0 } .key b { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em }
"""


def page(report: Report) -> str:
    """The whole file."""
    verdict = "They agree." if report.agrees else f"They part first at {report.first}."
    parts = [
        f"<h1>{_text(report.program)} on jax and on jaxlike</h1>",
        f'<p class="verdict{"" if report.agrees else " no"}">{_text(verdict)} {_text(report.ending)}</p>',
        f"<p>{_text(report.times)}</p>",
        _variables(report),
        _times(report),
        _lines(report),
    ]
    title = f"<title>{_text(report.program)}: jax and jaxlike</title>"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{title}<style>{_STYLE}</style></head><body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _text(text: str) -> str:
    return html.escape(text)


def _variables(report: Report) -> str:
    if not report.variables:
        return "<p>The program left no arrays or numbers in its globals.</p>"
    head = "".join(f"<th>{title}</th>" for title in (*HEAD, ""))
    rows = [
        f'<tr class="{"" if v.agrees else "no"}">{"".join(f"<td>{_text(cell)}</td>" for cell in row(v))}<td class="said">{_text(v.verdict)}</td></tr>'
        for v in report.variables
    ]
    shown = [v for v in report.variables if math.isfinite(v.absolute)][:MOST_BARS]
    plot = _logarithmic([v.name for v in shown], [v.absolute for v in shown], [v.agrees for v in shown])
    return f"<h2>Variables</h2><p>Greatest difference, in the order in which they were assigned:</p>{plot}<table><tr>{head}</tr>{''.join(rows)}</table>"


def _logarithmic(names: Sequence[str], values: Sequence[float], agree: Sequence[bool]) -> str:
    """A dot for each value on a logarithmic axis; a zero stands at its left end."""
    positive = [v for v in values if v > 0]
    low = math.floor(math.log10(min(positive, default=1e-9)))
    high = max(math.ceil(math.log10(max(positive, default=1e-6))), low + 1)
    left, width, step = 190, 560, 18
    height = step * len(names) + 30

    def x(value: float) -> float:
        return left + width * (0 if value <= 0 else 0.06 + 0.94 * (math.log10(value) - low) / (high - low))

    every = max(1, (high - low) // 8)
    ticks = [(x(10.0**k), f"1e{k}") for k in range(low, high + 1, every)]
    marks = [f'<text x="{left}" y="12" text-anchor="middle">0</text>']
    marks += [f'<text x="{at:.0f}" y="12" text-anchor="middle">{said}</text><line x1="{at:.1f}" x2="{at:.1f}" y1="18" y2="{height}" stroke="#ddd"/>' for at, said in ticks]  # fmt: skip
    for k, (name, value, good) in enumerate(zip(names, values, agree, strict=True)):
        y = 30 + step * k
        color = "#3a8f4d" if good else "#c0392b"
        marks.append(f'<text x="{left - 12}" y="{y + 4}" text-anchor="end">{_text(name[-26:])}</text>')
        marks.append(f'<line x1="{left}" x2="{x(value):.1f}" y1="{y}" y2="{y}" stroke="{color}"/>')
        marks.append(
            f'<circle cx="{x(value):.1f}" cy="{y}" r="4" fill="{color}"><title>{_text(name)}: {number(value)}</title></circle>'
        )
    return f'<svg width="{left + width + 30}" height="{height}" role="img">{"".join(marks)}</svg>'


def _times(report: Report) -> str:
    """A pair of bars for each statement at the top of the program that took long."""
    spent: dict[int, dict[str, float]] = {}
    for name, ends in report.statements.items():
        before = 0.0
        for line, at in ends:
            taken = spent.setdefault(line, {})
            taken[name] = taken.get(name, 0.0) + at - before
            before = at
    longest = sorted(spent, key=lambda line: -max(spent[line].values()))[:20]
    if not longest:
        return ""
    most = max(max(spent[line].values()) for line in longest) or 1.0
    left, width, step = 80, 620, 26
    marks: list[str] = []
    for k, line in enumerate(sorted(longest)):
        y = step * k + 4
        marks.append(f'<text x="{left - 12}" y="{y + 14}" text-anchor="end">line {line}</text>')
        for which, name in enumerate(COLORS):
            seconds = spent[line].get(name, 0.0)
            size = max(1.0, width * seconds / most)
            marks.append(
                f'<rect x="{left}" y="{y + 10 * which}" width="{size:.1f}" height="9" fill="{COLORS[name]}"><title>{name}: {seconds:.4f} s</title></rect>'
            )
    key = "".join(f'<b style="background: {color}"></b>{name}' for name, color in COLORS.items())
    return (
        f'<h2>Time</h2><p>Seconds in each statement of the program, compiling included (longest bar: {most:.3g} s); JAX goes on before a result is there.<span class="key">{key}</span></p>'
        f'<svg width="{left + width + 20}" height="{step * len(longest) + 8}" role="img">{"".join(marks)}</svg>'
    )


def _lines(report: Report) -> str:
    if not report.lines:
        return ""
    rows = [
        f'<tr class="{"" if line.agrees else "no"}"><td>{line.number[0] or ""}</td><td>{_text(line.jax or "")}</td><td>{_text(line.jaxlike or "")}</td><td>{number(line.relative)}</td></tr>'
        for line in report.lines
    ]
    return (
        f"<h2>Printed</h2><table><tr><th></th><th>jax</th><th>jaxlike</th><th>relative</th></tr>{''.join(rows)}</table>"
    )
