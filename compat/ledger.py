"""The strict ledger: gaps.txt names what is known to differ, and a gap that is closed fails the run.

Sections: [tests] pytest ids below compat/; [checks] cells of the tables, by id, `*` allowed; [later] names of
the inventory that are not served yet; [never] names that have no meaning on PyTorch; [signatures] functions
whose parameters differ from JAX's. A row is a name, two
or more spaces, a reason.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

SECTIONS = ("tests", "checks", "signatures", "later", "never")
PATH = Path(__file__).with_name("gaps.txt")


@dataclass(frozen=True)
class Ledger:
    """Section name to rows; a row is name to reason."""

    rows: dict[str, dict[str, str]]

    def reason(self, section: str, name: str) -> str | None:
        """Why `name` is listed in the section (a row may end a name with `*`), or None."""
        rows = self.rows[section]
        if name in rows:
            return rows[name]
        for pattern in self._patterns(section):
            if fnmatch.fnmatchcase(name, pattern):
                return rows[pattern]
        return None

    def _patterns(self, section: str) -> list[str]:
        return [name for name in self.rows[section] if "*" in name]


class LedgerError(ValueError):
    """A row of the ledger that cannot be read."""


def parse(text: str) -> Ledger:
    """Read a ledger; every row needs a section, a name that is not listed twice, and a reason."""
    rows: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    section: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        header = re.fullmatch(r"\[(\w+)\]", line)
        if header:
            section = header[1]
            if section not in rows:
                raise LedgerError(f"line {number}: unknown section [{section}]; there are {', '.join(SECTIONS)}")
            continue
        name, _, reason = (part.strip() for part in _split(line))
        if section is None or not reason:
            raise LedgerError(f"line {number}: a row is `name  reason`, below a section: {line!r}")
        if name in rows[section]:
            raise LedgerError(f"line {number}: {name} is listed twice")
        rows[section][name] = reason
    return Ledger(rows)


def _split(line: str) -> tuple[str, str, str]:
    match = re.match(r"(\S.*?)(\s{2,}|\t+)(.*)", line)
    return (match[1], match[2], match[3]) if match else (line, "", "")


@lru_cache(maxsize=1)
def load() -> Ledger:
    """The ledger of this repository."""
    return parse(PATH.read_text(encoding="utf-8"))


def closed(ledger: Ledger, section: str, passed: Iterable[str]) -> list[str]:
    """Names among `passed` that the ledger calls gaps: rows to remove."""
    return [name for name in passed if ledger.reason(section, name) is not None]
