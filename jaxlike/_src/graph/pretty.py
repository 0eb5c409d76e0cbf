"""pretty: text that breaks where it does not fit.

A document is a str, or one of: `join` (parts one after another), `nest` (deeper by some columns), `brk` (a space
that may become a line break) and `group`. A group is set on one line if all of it fits there; otherwise its own
breaks, not those of the groups inside, become line breaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 80


class Brk(NamedTuple):
    """A possible line break, ``flat`` where it is none."""

    flat: str


class Nest(NamedTuple):
    """``inside`` deeper by ``columns``."""

    columns: int
    inside: Any


class Group(NamedTuple):
    """``inside`` on one line if it fits."""

    inside: Any


class Join(NamedTuple):
    """Parts one after another."""

    parts: Sequence[Any]


def join(*parts: Any) -> Join:
    """Parts one after another."""
    return Join(parts)


def separated(separator: Any, parts: Sequence[Any]) -> Join:
    """Parts with a document between them."""
    out: list[Any] = []
    for k, part in enumerate(parts):
        out += [separator, part] if k else [part]
    return Join(out)


def _fits(doc: Any, room: int) -> bool:
    stack = [doc]
    while stack and room >= 0:
        part = stack.pop()
        if isinstance(part, str):
            room -= len(part)
        elif isinstance(part, Brk):
            room -= len(part.flat)
        elif isinstance(part, Join):
            stack += reversed(part.parts)
        else:
            stack.append(part.inside)
    return room >= 0


def layout(doc: Any, width: int = WIDTH) -> str:
    """The document as text."""
    out: list[str] = []
    column, stack = 0, [(0, False, doc)]  # indentation, whether on one line, document
    while stack:
        indent, flat, part = stack.pop()
        if isinstance(part, str):
            out.append(part)
            column += len(part)
        elif isinstance(part, Brk):
            out.append(part.flat if flat else "\n" + " " * indent)
            column = column + len(part.flat) if flat else indent
        elif isinstance(part, Join):
            stack += [(indent, flat, p) for p in reversed(part.parts)]
        elif isinstance(part, Nest):
            stack.append((indent + part.columns, flat, part.inside))
        else:
            stack.append((indent, flat or _fits(part.inside, width - column), part.inside))
    return "".join(out)
