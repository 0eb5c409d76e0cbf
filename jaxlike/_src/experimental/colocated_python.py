"""colocated_python: Python functions that run where their arguments are, on the hosts of the devices.

There is one host here, the process itself, so such a function is called with its arguments as they are. What remains
is what JAX asks of it: Arrays in and out, one list of devices, and what a specialization has said before.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.devices import devices as devices_of_backend
from jaxlike._src.mesh import Mesh
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.devices import Device


def colocated_cpu_devices(devices_or_mesh: Any) -> Any:
    """The CPU device beside each device, in the same order; for a mesh, the mesh of those.

    A CPU device is beside itself. Raises ValueError where there are fewer CPU devices than others.
    """
    if isinstance(devices_or_mesh, Mesh):
        mesh = devices_or_mesh
        beside = np.array(colocated_cpu_devices(tuple(mesh.devices.flat)), dtype=object).reshape(mesh.devices.shape)
        return Mesh(beside, mesh.axis_names, axis_types=mesh.axis_types)
    given, there = list(devices_or_mesh), devices_of_backend("cpu")
    if all(d.platform == "cpu" for d in given):
        return given
    if len(given) > len(there):
        raise ValueError(f"Process {given[0].process_index} does not have enough local CPU devices")
    return there[: len(given)]


@dataclasses.dataclass(frozen=True)
class _Specialization:
    """What is known before a call."""

    in_specs: Any = None
    out_specs_fn: Callable[..., Any] | None = None
    devices: tuple[Device, ...] | None = None

    def update(self, **more: Any) -> _Specialization:
        """With what is said now; ValueError for what was said before."""
        said = {name: value for name, value in more.items() if value is not None}
        for name in said:
            if getattr(self, name) is not None:
                raise ValueError(f"{name} already specified")
        return dataclasses.replace(self, **said)


def _spec(x: Any) -> ShapeDtypeStruct:
    if not isinstance(x, Array):
        raise ValueError(f"colocated_python only supports jax.Array as input and output, but got {type(x)}.")
    return ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)


def _check_devices(leaves: Sequence[Any]) -> None:
    """All arguments are on the same devices."""
    lists = {tuple(x.sharding._device_assignment) for x in leaves}
    if len(lists) > 1:
        raise ValueError(
            f"All arguments must use the same device list, but got multiple device lists: {lists}."
        )  # fmt: skip


def colocated_python(fun: Callable[..., Any]) -> Any:
    """A function of Arrays that runs on the host of their devices.

    The result has ``specialize(in_specs, out_specs_fn, devices)``, which says before the first call what is given, what
    comes out and, for a function without arguments, where it runs.
    """
    return _callable(fun, _Specialization())


def make_callable(fun: Callable[..., Any], fun_sourceinfo: Any, fun_signature: Any) -> Any:
    """`colocated_python` of a function; what is known of its source is found anew."""
    del fun_sourceinfo, fun_signature
    return colocated_python(fun)


def _callable(fun: Callable[..., Any], known: _Specialization) -> Any:
    lock = threading.Lock()
    seen: dict[Any, list[ShapeDtypeStruct]] = {}  # what came out, by what went in

    def specialize(in_specs: Any = None, out_specs_fn: Any = None, devices: Sequence[Device] | None = None) -> Any:
        """The same function, of which more is known."""
        given = None if devices is None else tuple(devices)
        return _callable(fun, known.update(in_specs=in_specs, out_specs_fn=out_specs_fn, devices=given))

    @functools.wraps(fun)
    @api_boundary
    def call(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = tree_flatten((args, kwargs))
        if not leaves and known.devices is None:
            raise ValueError(
                "No devices found. colocated_python function without input arguments must be first specialized with "
                "devices."
            )
        specs = [_spec(x) for x in leaves]
        _check_devices(leaves)
        if known.in_specs is not None:
            _check(*tree_flatten(known.in_specs), specs, structure, "Input")
        out = fun(*args, **kwargs)
        found, out_structure = tree_flatten(out)
        out_specs = [_spec(x) for x in found]
        key = structure, tuple((s.shape, s.dtype) for s in specs)
        with lock:
            if key not in seen and known.out_specs_fn is not None:
                given_args, given_kwargs = tree_unflatten(structure, specs)
                wanted, wanted_structure = tree_flatten(known.out_specs_fn(*given_args, **given_kwargs))
                _check(wanted, wanted_structure, out_specs, out_structure, "Output")
            seen.setdefault(key, out_specs)
        return out

    made: Any = call
    made.specialize = specialize
    return made


def _check(wanted: Sequence[Any], structure: Any, found: Sequence[ShapeDtypeStruct], own: Any, kind: str) -> None:
    if structure != own:
        raise ValueError(f"{kind} pytree does not match the specialization: expected {structure}, got {own}")
    for a, b in zip(wanted, found, strict=True):
        if (tuple(a.shape), a.dtype) != (tuple(b.shape), b.dtype):
            raise ValueError(f"{kind} does not match the specialization: expected {a}, got {b}")


def colocated_python_class(cls: type[object]) -> type[object]:
    """A class whose objects live on the host of the devices of their methods' arguments: made at the first call."""

    class Wrapped:
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            made: list[Any] = []
            lock = threading.Lock()

            def method(name: str) -> Callable[..., Any]:
                @functools.wraps(getattr(cls, name))
                def at_host(*given: Any, **named: Any) -> Any:
                    with lock:
                        if not made:
                            made.append(cls(*args, **kwargs))
                    return getattr(made[0], name)(*given, **named)

                return colocated_python(at_host)

            for name, _ in inspect.getmembers(cls, inspect.isfunction):
                if name not in ("__init__", "__del__", "__reduce__", "__reduce_ex__"):
                    setattr(self, name, method(name))

    Wrapped.__name__, Wrapped.__doc__ = cls.__name__, cls.__doc__
    return Wrapped
