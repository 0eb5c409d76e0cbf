"""The tables, one file per family of functions: each file's `TABLE` (or `TABLES`) is found here by itself.

To add a function, add one line to the file of its family.
"""

from __future__ import annotations

import importlib
import pkgutil

from compat.table import Table


def _all() -> tuple[Table, ...]:
    tables: list[Table] = []
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{__name__}.{found.name}")
        one, several = getattr(module, "TABLE", None), getattr(module, "TABLES", ())
        if one is None and not several:
            raise TypeError(f"{module.__name__} defines neither TABLE nor TABLES")
        tables += [one, *several] if one is not None else list(several)
    return tuple(tables)


TABLES = _all()
