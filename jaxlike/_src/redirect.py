"""jaxlike substitute on | off | status: `import jax` is jaxlike for every process of this environment.

`on` puts two packages into site-packages, `jax` and `jaxlib`, whose one line of work is `install()`, each with
the metadata of an installed distribution, so that installers find their requirement met and add no real JAX.
What was written is listed in the RECORD beside it: `off` removes that and nothing else, and so does
`pip uninstall jax jaxlib`. A process that never imports jax pays nothing.
"""

from __future__ import annotations

import csv
import importlib
import importlib.machinery
import io
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from jaxlike._src import substitute
from jaxlike._src.version import __version__ as served_version
from jaxlike._src.version import jaxlike_version

ACTIONS = ("on", "off", "status")

_PACKAGE = '''"""{name} is jaxlike in this environment: `jaxlike substitute off` removes this folder."""

import sys

del sys.modules[__name__]
try:
    from jaxlike._src.redirect import arrive
except ImportError as error:
    raise ImportError("jaxlike stands in for {name} here, but cannot be imported: " + str(error)) from error
arrive()
'''
_INSTALLER = "jaxlike\n"  # by which we know our own


def arrive() -> None:
    """What importing the placed ``jax`` or ``jaxlib`` does: serve jaxlike under both names from here on."""
    substitute.install()
    importlib.import_module("jaxlib")


def substitute_command(arguments: list[str]) -> int:
    """Carry out ``on``, ``off`` or ``status``; the exit code. Each prints one sentence.

    ``on`` is refused where another jax is installed. ``status`` gives 0 where jaxlike is on, else 1.
    """
    actions: dict[str, Callable[[Path], int]] = {"on": _on, "off": _off, "status": _status}
    if len(arguments) != 1 or arguments[0] not in actions:
        print(f"usage: jaxlike substitute {' | '.join(ACTIONS)}", file=sys.stderr)
        return 2
    place = Path(sysconfig.get_path("purelib"))
    try:
        return actions[arguments[0]](place)
    except PermissionError as error:
        print(
            f"{place} cannot be written to ({error.strerror}: {error.filename}). Use a virtual environment: "
            f"python -m venv .venv",
            file=sys.stderr,
        )
        return 1


def _on(place: Path) -> int:
    others = _real_ones(place)
    if others:
        print(
            f"The real {' and '.join(others)} {'is' if len(others) == 1 else 'are'} installed here "
            f"({', '.join(str(path) for path in others.values())}), and jaxlike does not write over "
            f"{'it' if len(others) == 1 else 'them'}. Run `pip uninstall {' '.join(others)}` first, or use "
            f"another environment; `python -m jaxlike script.py` stands in for it in one process.",
            file=sys.stderr,
        )
        return 1
    _remove_ours(place)
    for name in substitute.SERVED:
        _write(place, name)
    print(f"`import jax` is jaxlike {jaxlike_version} (the API of jax {served_version}) from now on, in {place}.")
    return 0


def _off(place: Path) -> int:
    removed = _remove_ours(place)
    print(
        f"`import jax` is no longer jaxlike in {place}."
        if removed
        else f"jaxlike does not stand in for jax in {place}."
    )
    return 0


def _status(place: Path) -> int:
    ours = [info for name in substitute.SERVED for info in _infos(place, name) if _is_ours(info)]
    if ours:
        print(f"on: `import jax` is jaxlike {jaxlike_version} (the API of jax {served_version}) in {place}.")
        return 0
    others = _real_ones(place)
    what = ", ".join(f"{name} is {path}" for name, path in others.items()) or "no jax is installed"
    print(f"off: {what}.")
    return 1


# Files


def _write(place: Path, name: str) -> None:
    info = place / f"{name}-{served_version}.dist-info"
    texts = {
        place / name / "__init__.py": _PACKAGE.format(name=name),
        info / "METADATA": substitute.metadata_text(name),
        info / "INSTALLER": _INSTALLER,
        info / "top_level.txt": f"{name}\n",
    }
    record = io.StringIO()
    csv.writer(record, lineterminator="\n").writerows(
        [path.relative_to(place).as_posix(), "", ""] for path in [*texts, info / "RECORD"]
    )
    texts[info / "RECORD"] = record.getvalue()
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _remove_ours(place: Path) -> bool:
    """Remove what an earlier ``on`` wrote, and what Python compiled of it; whether there was any."""
    infos = [info for name in substitute.SERVED for info in _infos(place, name) if _is_ours(info)]
    for info in infos:
        rows = csv.reader(io.StringIO((info / "RECORD").read_text(encoding="utf-8")))
        paths = [place / row[0] for row in rows]
        for path in paths:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths}:
            for compiled in (folder / "__pycache__").glob("__init__.*.pyc"):
                compiled.unlink()
            for empty in (folder / "__pycache__", folder):
                if empty.is_dir() and not any(empty.iterdir()):
                    empty.rmdir()
    return bool(infos)


def _infos(place: Path, name: str) -> list[Path]:
    return sorted(place.glob(f"{name}-*.dist-info"))


def _is_ours(info: Path) -> bool:
    installer = info / "INSTALLER"
    return installer.is_file() and installer.read_text(encoding="utf-8") == _INSTALLER


def _real_ones(place: Path) -> dict[str, Path]:
    """Where a ``jax`` or ``jaxlib`` that is not ours is installed; a folder of the program's own does not count."""
    found: dict[str, Path] = {}
    folders = [place, *(Path(entry) for entry in sys.path if entry.rstrip("/\\").endswith("-packages"))]
    for name in substitute.SERVED:
        for folder in dict.fromkeys(folders):
            infos = _infos(folder, name)
            if any(_is_ours(info) for info in infos):
                continue
            spec = importlib.machinery.PathFinder.find_spec(name, [str(folder)])
            # A namespace (an empty folder of that name) has no loader, and imports as nothing.
            module = spec.origin if spec is not None and spec.loader is not None else None
            if infos or module:
                found.setdefault(name, Path(module) if module else infos[0])
    return found
