"""layout: text that breaks into lines where it must: groups that fit stand on one line, others break throughout.

A document is a string, a list of documents, or one of `Break`, `Nest`, `Group`, `Note`. `render` is the algorithm of
C. Lindig, "Strictly pretty" (2000).
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Break(NamedTuple):
    """A line break, or ``text`` in a group that fits on its line."""

    text: str = " "


class Nest(NamedTuple):
    """A document whose lines are indented by two more."""

    doc: Any


class Group(NamedTuple):
    """A document that breaks at all of its breaks or at none."""

    doc: Any


def joined(separator: Any, docs: list[Any]) -> list[Any]:
    """The documents with a separator between each two."""
    out: list[Any] = []
    for k, doc in enumerate(docs):
        out += [doc] if k == 0 else [separator, doc]
    return out


class Note(NamedTuple):
    """A comment on the line where it stands; it takes no room."""

    text: str


def with_notes(text: str) -> str:
    """A rendered text with its notes at the end of their lines, beneath each other; more of a line have lines below."""
    if "\0" not in text:
        return text
    lines = [line.split("\0") for line in text.split("\n")]
    width = max(sum(map(len, parts[::2])) for parts in lines)
    out = []
    for parts in lines:
        bare, notes = "".join(parts[::2]), parts[1::2]
        for k, note in enumerate(notes):
            out.append(f"{'' if k else bare:{width}} # {note}")
        if not notes:
            out.append(bare)
    return "\n".join(out)


def render(doc: Any, width: int) -> str:
    """The document as text of at most ``width`` columns where that is possible."""
    parts: list[str] = []
    column = 0
    pending: list[tuple[int, bool, Any]] = [(0, False, Group(doc))]  # (indentation, flat, document), last first
    while pending:
        indent, flat, now = pending.pop()
        if isinstance(now, str):
            parts.append(now)
            column += len(now)
        elif isinstance(now, Note):
            parts.append(f"\0{now.text}\0")
        elif isinstance(now, list):
            pending.extend((indent, flat, d) for d in reversed(now))
        elif isinstance(now, Nest):
            pending.append((indent + 2, flat, now.doc))
        elif isinstance(now, Group):
            pending.append((indent, flat or _fits(now.doc, width - column), now.doc))
        elif flat:
            parts.append(now.text)
            column += len(now.text)
        else:
            parts.append("\n" + " " * indent)
            column = indent
    return "".join(parts)


def _fits(doc: Any, room: int) -> bool:
    """Whether the document, flat, stands in ``room`` columns. As in JAX, what follows it is not looked at."""
    todo = [doc]
    while todo and room >= 0:
        now = todo.pop()
        if isinstance(now, str):
            room -= len(now)
        elif isinstance(now, list):
            todo.extend(reversed(now))
        elif isinstance(now, Nest | Group):
            todo.append(now.doc)
        elif not isinstance(now, Note):
            room -= len(now.text)
    return room >= 0
