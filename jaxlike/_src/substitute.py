"""install: from now on `import jax` is jaxlike.

A finder at the head of sys.meta_path answers for `jax`, `jax.*` and `jaxlib` with the very module
objects of `jaxlike.*`, and importlib.metadata asks the same finder which version is installed. Of
`jax._src` it serves what has a meaning here (private_names.py). What is missing says so, with what
serves instead. uninstall() puts every entry back, so a test can use it.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import multiprocessing.spawn
import pkgutil
import re
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jaxlike._src.private_names import MIRRORS, PrivateModule, holds_modules
from jaxlike._src.said_modules import say_as_jax
from jaxlike._src.version import __version__ as served_version
from jaxlike._src.version import jaxlike_version

_OURS = "jaxlike"
SERVED = ("jax", "jaxlib")
_HOW_TO_START = (
    "Call jaxlike.install() before the first import of jax and of every library that imports it, or start "
    "the program with `python -m jaxlike script.py`; in a notebook, restart the kernel and run "
    "`%load_ext jaxlike` first."
)


def install() -> None:
    """Serve jaxlike as ``jax`` to every import from now on, in this process and those it spawns.

    Refused with RuntimeError once the real ``jax`` is imported: its objects are in use by then. Calling
    it again changes nothing. ``importlib.metadata.version("jax")`` is the version of JAX whose API this is.
    """
    with _lock:
        if _active:
            return
        _refuse_after_the_real_one()
        _active.append(_Substitution())


def uninstall() -> None:
    """Undo ``install``: the next ``import jax`` finds the real package again, if there is one.

    Names that were imported meanwhile stay what they are. Without an ``install`` before, does nothing.
    """
    with _lock:
        if _active:
            _active.pop().undo()


def _refuse_after_the_real_one() -> None:
    for name in SERVED:
        module = sys.modules.get(name)
        if module is not None:
            version = getattr(module, "__version__", "of unknown version")
            place = getattr(module, "__file__", None)
            raise RuntimeError(
                f"The real {name} is already imported ({version}, from {place}), so jaxlike cannot stand in "
                f"for it any more. {_HOW_TO_START}"
            )


class _Substitution(importlib.abc.MetaPathFinder):
    """Everything that one install changes, and the way back."""

    def __init__(self) -> None:
        self.blocked: list[str] = []  # names whose entry in sys.modules was None, which forbids the import
        self.patched: list[tuple[types.ModuleType, dict[str, Any]]] = []  # with the attributes from before
        self.renamed: list[tuple[Any, str]] = []  # objects, with the `__module__` from before
        ours = importlib.import_module(_OURS)
        # `jax` is the same object as `jaxlike`, whose `_src` must not pass for JAX's. Our own imports read
        # sys.modules, so they do not miss the attribute.
        self.patch(ours, _src=PrivateModule("jax._src"))
        for name in [name for name in sys.modules if name.partition(".")[0] in SERVED]:
            self.blocked.append(name)  # None, or _refuse_after_the_real_one had refused
            del sys.modules[name]
        for name, module in list(sys.modules.items()):
            if (name == _OURS or name.startswith(_OURS + ".")) and not _is_private(name):
                sys.modules[_as_jax(name)] = module
                self.serve(_as_jax(name), module)
        self.patch(multiprocessing.spawn, get_preparation_data=_tell_children(multiprocessing.spawn))
        sys.meta_path.insert(0, self)
        for name in MIRRORS:  # which `import jax` has imported: much of what is public says that it is there
            if name.startswith("jax._src"):
                importlib.import_module(name)

    def undo(self) -> None:
        sys.meta_path.remove(self)
        for module, before in reversed(self.patched):
            for name, value in before.items():
                if value is None:
                    vars(module).pop(name, None)
                else:
                    setattr(module, name, value)
        for value, before in self.renamed:
            value.__module__ = before
        for name in [name for name in sys.modules if name.partition(".")[0] in SERVED]:
            del sys.modules[name]
        modules: dict[str, Any] = sys.modules
        modules.update(dict.fromkeys(self.blocked))

    def patch(self, module: types.ModuleType, **attributes: Any) -> None:
        """Set attributes of ``module`` until undo; None deletes."""
        self.patched.append((module, {name: vars(module).get(name) for name in attributes}))
        for name, value in attributes.items():
            if value is None:
                vars(module).pop(name, None)
            else:
                setattr(module, name, value)

    def serve(self, name: str, module: types.ModuleType) -> None:
        """Have ``module``, imported as ``name``, say so, and what it does not serve; its names, where they are in JAX.

        Some programs know what they were given by ``xp.__name__ == "jax.numpy"``. The top says who is there.
        """
        if name != "jax":
            self.patch(module, __name__=name)
        self.renamed += say_as_jax(name, module)
        self.explain_missing(name, module)

    def explain_missing(self, name: str, module: types.ModuleType) -> None:
        """Have ``module``, imported as ``name``, say what it does not serve."""
        self.patch(module, __getattr__=_missing_attribute(name, module, vars(module).get("__getattr__")))

    # importlib asks: which module?

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a served module; ModuleNotFoundError for any other name under ``jax`` or ``jaxlib``.

        It is raised here, where others return None, because the next finder would look into the folder of
        jaxlike and import a second copy of a module, or a private one.
        """
        top = fullname.partition(".")[0]
        if top == "jaxlib":
            if fullname in _JAXLIB:
                loader = _JaxlibLoader(self)
                return importlib.machinery.ModuleSpec(fullname, loader, is_package=fullname == top)
            raise ModuleNotFoundError(_no_module(fullname), name=fullname)
        if top != "jax":
            return None
        if fullname in MIRRORS:
            return importlib.machinery.ModuleSpec(fullname, _PrivateLoader(), is_package=holds_modules(fullname))
        spec = None if _is_private(fullname) else importlib.util.find_spec(_as_ours(fullname))
        if spec is None:
            raise ModuleNotFoundError(_no_module(fullname), name=fullname)
        is_package = spec.submodule_search_locations is not None
        loader = _AliasLoader(self)
        return importlib.machinery.ModuleSpec(fullname, loader, origin=spec.origin, is_package=is_package)

    # importlib.metadata asks: which version?

    def find_distributions(
        self, context: importlib.metadata.DistributionFinder.Context
    ) -> Iterator[importlib.metadata.Distribution]:
        """``jax`` and ``jaxlib`` as installed distributions, where the whole of sys.path is searched."""
        if "path" in vars(context):
            return
        wanted = context.name and re.sub(r"[-_.]+", "-", context.name).lower()
        for name in SERVED:
            if wanted in (None, name):
                yield _ServedDistribution(name)


class _AliasLoader(importlib.abc.Loader):
    """Loads ``jax.numpy`` by handing out ``jaxlike.numpy``."""

    def __init__(self, substitution: _Substitution) -> None:
        self.substitution = substitution

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = importlib.import_module(_as_ours(spec.name))
        self.true_spec = module.__spec__
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        # importlib has just put the alias's spec on the module; reload and find_spec need its own.
        spec, module.__spec__ = module.__spec__, self.true_spec
        if spec is not None:
            self.substitution.serve(spec.name, module)


class _PrivateLoader(importlib.abc.Loader):
    """Loads the modules of ``jax._src`` that are served, made on the spot."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """A module that looks its names up."""
        return vars(sys.modules[_OURS])["_src"] if spec.name == "jax._src" else PrivateModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing to run."""


# What programs ask of jaxlib is its version, and classes to test for; torch does the rest of its work.
_CLASSES = {
    "ArrayImpl": "jaxlike._src.array:Array",
    "Client": "jaxlike._src.devices:Client",
    "Device": "jaxlike._src.devices:Device",
    "DeviceList": "jaxlike._src.devices:DeviceList",
    "NamedSharding": "jaxlike._src.sharding:NamedSharding",
    "Sharding": "jaxlike._src.sharding:Sharding",
    "SingleDeviceSharding": "jaxlike._src.sharding:SingleDeviceSharding",
}
_JAXLIB: dict[str, dict[str, str]] = {
    "jaxlib": {"__version__": served_version},
    "jaxlib.version": {"__version__": served_version},
    "jaxlib.xla_client": _CLASSES | {"XlaRuntimeError": "jaxlike._src.errors:JaxRuntimeError"},
    "jaxlib._jax": _CLASSES
    | {
        "JaxRuntimeError": "jaxlike._src.errors:JaxRuntimeError",
        "PjitFunction": "jaxlike._src.transforms.jit:PjitFunction",
    },
}


class _JaxlibLoader(importlib.abc.Loader):
    """Loads the few modules of ``jaxlib`` that are served, made on the spot."""

    def __init__(self, substitution: _Substitution) -> None:
        self.substitution = substitution

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """An ordinary empty module."""

    def exec_module(self, module: types.ModuleType) -> None:
        module.__doc__ = "What jaxlike serves of jaxlib, whose place it takes; torch does its work."
        for name, value in _JAXLIB[module.__name__].items():
            setattr(module, name, pkgutil.resolve_name(value) if ":" in value else value)
        self.substitution.explain_missing(module.__name__, module)


# Extras that name devices: torch brings its own, so they require nothing, and installers need not warn.
_EXTRAS = ("cpu", "cuda", "cuda12", "cuda12-local", "cuda13", "cuda13-local", "minimum-jaxlib", "rocm7-local", "tpu")


def metadata_text(name: str) -> str:
    """The METADATA of ``jax`` or ``jaxlib``: that jaxlike serves it, and in which version."""
    return (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {served_version}\n"
        f"Summary: jaxlike {jaxlike_version} in the place of {name}\nRequires-Dist: jaxlike\n"
    ) + "".join(f"Provides-Extra: {extra}\n" for extra in _EXTRAS if name == "jax")


class _ServedDistribution(importlib.metadata.Distribution):
    """The metadata of ``jax`` or ``jaxlib``: that jaxlike serves it, and in which version."""

    def __init__(self, name: str) -> None:
        self.served_name = name

    def read_text(self, filename: str) -> str | None:
        """The text of METADATA and top_level.txt; there are no other files."""
        if filename == "METADATA":
            return metadata_text(self.served_name)
        return f"{self.served_name}\n" if filename == "top_level.txt" else None

    def locate_file(self, path: Any) -> Path:
        """Where ``path``, which is relative to site-packages, would be."""
        return Path(__file__).parents[2] / path


# Names


def _as_ours(name: str) -> str:
    return _OURS + name.removeprefix("jax")


def _as_jax(name: str) -> str:
    return "jax" + name.removeprefix(_OURS)


def _is_private(name: str) -> bool:
    return any(part.startswith("_") for part in name.split("."))


def _no_module(name: str) -> str:
    if name.startswith("jaxlib."):
        return (
            f"No module named {name!r}: jaxlib is JAX's compiled part, and jaxlike, which stands in for JAX "
            f"here, has torch in its place. Of jaxlib only {' and '.join(map(repr, _JAXLIB))} are served."
        )
    if _is_private(name):
        return (
            f"No module named {name!r}: it is private to JAX, and jaxlike, which stands in for JAX here, "
            f"has nothing that it could stand for. What it holds may be public: for a name in jax._src.numpy "
            f"look in jax.numpy, and so on."
        )
    return (
        f"No module named {name!r}: jaxlike {jaxlike_version}, which stands in for jax {served_version} "
        f"here, does not serve it. {_nearest_module(name)} is the nearest that it serves."
    )


def _nearest_module(name: str) -> str:
    """The longest beginning of ``name`` that is a served module."""
    while name != "jax" and not _module_exists(name):
        name = name.rpartition(".")[0]
    return name


def _module_exists(name: str) -> bool:
    if name.startswith("jaxlib."):
        return name in _JAXLIB
    try:
        return importlib.util.find_spec(_as_ours(name)) is not None
    except ModuleNotFoundError:  # a part before the last is no package
        return False


def _missing_attribute(
    name: str, module: types.ModuleType, own: Callable[[str], Any] | None
) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that says what is not served; the module's ``own`` is asked first."""

    def __getattr__(attribute: str) -> Any:
        if own is not None:
            try:
                return own(attribute)
            except AttributeError as error:
                if "has no attribute" not in str(error):
                    raise  # it has more to say, such as what took the place of a removed name
        plain = f"module {name!r} has no attribute {attribute!r}"
        if attribute.startswith("__"):  # Python's own questions, asked of every module
            raise AttributeError(plain, name=attribute, obj=module)
        # `from jax import x` asks hasattr first, then imports `jaxlike.x`, then drops what this text says.
        importing = sys._getframe(1).f_code.co_name == "_handle_fromlist"
        whole = f"{name}.{attribute}"
        if whole in MIRRORS or whole in _JAXLIB:
            return importlib.import_module(whole)
        if importing and not _is_private(attribute) and _module_exists(whole):
            raise AttributeError(plain, name=attribute, obj=module)
        advice = _advice(name, attribute, module)
        if importing:
            raise ImportError(f"cannot import name {attribute!r} from {name!r}: {advice}", name=name)
        raise AttributeError(f"{plain}: {advice}", name=attribute, obj=module)

    return __getattr__


def _advice(name: str, attribute: str, module: types.ModuleType) -> str:
    """Why it is missing, and what to use: a name like it, its namesake elsewhere, or the module's list."""
    if name.startswith("jaxlib"):
        return f"of jaxlib jaxlike serves the version and some classes ({' and '.join(_JAXLIB)}); torch does its work."
    if attribute.startswith("_"):
        return "it is private to JAX, and jaxlike, which stands in for JAX here, serves the public names."
    if _module_exists(f"{name}.{attribute}"):
        return f"it is a module that is not imported yet; `import {name}.{attribute}` imports it."
    elsewhere = [
        f"{other}.{attribute}"
        for other, served in sorted(sys.modules.items())
        if other.partition(".")[0] == "jax" and served is not module and attribute in vars(served)
    ]
    public = [public for public in dir(module) if not public.startswith("_")]
    instead = [f"{name}.{like}" for like in difflib.get_close_matches(attribute, public, n=1, cutoff=0.8)]
    serves = " or ".join(instead + elsewhere[:1])
    why = f"jaxlike {jaxlike_version}, which stands in for jax {served_version} here, does not serve it"
    return f"{why}; {serves} may serve instead." if serves else f"{why}; dir({name}) lists what it serves."


# Spawned processes


class _InstallsOnArrival(str):
    """A process's name that, unpickled in a spawned process, installs the substitution there first.

    A spawned process unpickles the preparation data, then runs the main module again, which imports jax.
    """

    def __reduce__(self) -> tuple[Callable[[str], str], tuple[str]]:
        return _arrive, (str(self),)


def _arrive(name: str) -> str:
    install()
    return name


def _tell_children(spawn: Any) -> Callable[..., dict[str, Any]]:
    """multiprocessing's get_preparation_data, with word to the child that jaxlike stands in for jax."""
    prepare = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        return prepare(name) | {"name": _InstallsOnArrival(name)}

    return get_preparation_data


_lock = threading.RLock()
_active: list[_Substitution] = []
