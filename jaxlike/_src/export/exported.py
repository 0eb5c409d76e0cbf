"""exported: a jitted function that can be saved, and loaded where its Python is not.

The form is this package's own: a zip archive with the function's graph as JSON (operations of torch by name), its
constants as raw bytes, and as many of its pullbacks as were asked for, each such a function again. It has nothing of
StableHLO and does not depend on torch.export. A loaded function runs, is jitted, and is differentiated as often as
pullbacks were saved.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.border import unwrap
from jaxlike._src.devices import default_backend
from jaxlike._src.export.graph_format import Reader, Writer, read_aval, read_kind, write_aval, write_kind
from jaxlike._src.export.tree_format import read_tree, write_tree
from jaxlike._src.graph.effects import Effect
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.graph import Graph, vars_in
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.arguments import is_float0, to_array
from jaxlike._src.transforms.custom_vjp import custom_vjp
from jaxlike._src.transforms.jit import PjitFunction, jit
from jaxlike._src.transforms.reverse import is_differentiable, vjp_leaves
from jaxlike._src.transforms.structured import GraphFunction
from jaxlike._src.tree import (
    equality_errors,
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_unflatten,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

minimum_supported_calling_convention_version = 9
maximum_supported_calling_convention_version = 10


def default_export_platform() -> str:
    """The platform that functions are exported for: that of the default device."""
    if default_backend() == "gpu":
        return "rocm" if torch.version.hip else "cuda"
    return default_backend()


class DisabledSafetyCheck:
    """A check that is left out when an exported function is called."""

    def __init__(self, _impl: str) -> None:
        self._impl = _impl

    @classmethod
    def platform(cls) -> DisabledSafetyCheck:
        """That it runs on a platform that it was exported for."""
        return cls("platform")

    @classmethod
    def custom_call(cls, target_name: str) -> DisabledSafetyCheck:
        """That it calls nothing from outside; there are no such calls here."""
        return cls(f"custom_call:{target_name}")

    def is_custom_call(self) -> str | None:
        """The target, for a check of `custom_call`."""
        match = re.match(r"custom_call:(.+)$", self._impl)
        return match.group(1) if match else None

    def __str__(self) -> str:
        return self._impl

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DisabledSafetyCheck) and self._impl == other._impl

    def __hash__(self) -> int:
        return hash(self._impl)


class Exported:
    """A function for arguments of given types: `call` it, `serialize` it, ask for its `vjp`.

    Fields: ``fun_name``; trees and types of arguments and results (``in_tree``, ``in_avals``, ``out_tree``,
    ``out_avals``); ``platforms``; ``ordered_effects``, ``unordered_effects``; ``module_kept_var_idx``, the arguments
    that are used; ``mlir_module_serialized``, the bytes of the graph.
    """

    nr_devices = 1
    calling_convention_version = maximum_supported_calling_convention_version
    uses_global_constants = False
    _has_named_shardings = True

    def __init__(
        self,
        function: GraphFunction,
        fun_name: str,
        in_tree: Any,
        out_tree: Any,
        platforms: Sequence[str],
        disabled: Sequence[DisabledSafetyCheck],
        get_vjp: Callable[[Exported], Exported] | None,
    ) -> None:
        graph = function.graph
        self._function, self._get_vjp = function, get_vjp
        self.fun_name, self.in_tree, self.out_tree = fun_name, in_tree, out_tree
        self.in_avals, self.out_avals = tuple(graph.in_avals), tuple(graph.out_avals)
        self.platforms, self.disabled_safety_checks = tuple(platforms), tuple(disabled)
        self.ordered_effects, self.unordered_effects = _by_order(graph)
        used = {*graph.outputs, *(v for n in graph.nodes for v in vars_in((n.args, n.kwargs)))}
        self.module_kept_var_idx = tuple(k for k, v in enumerate(graph.inputs) if v in used)
        self._in_named_shardings = self.in_shardings_hlo = (None,) * len(self.in_avals)
        self._out_named_shardings = self.out_shardings_hlo = (None,) * len(self.out_avals)

    def __str__(self) -> str:
        return f"Exported(fun_name={self.fun_name}, ...)"

    def __repr__(self) -> str:
        return (
            f"Exported(fun_name={self.fun_name!r}, in_tree={self.in_tree}, in_avals={self.in_avals}, "
            f"out_tree={self.out_tree}, out_avals={self.out_avals}, platforms={self.platforms})"
        )

    @property
    def mlir_module_serialized(self) -> bytes:
        """The bytes of the graph (this package's form, not MLIR)."""
        return bytes(_pack([self]))

    def mlir_module(self) -> str:
        """The graph as a jaxpr (there is no MLIR here)."""
        return f"module @jit_{self.fun_name}\n{jaxpr_of(self._function.graph)}\n"

    def in_shardings_jax(self, mesh: Any) -> Sequence[Any]:
        """Shardings of the arguments: none is asked for."""
        del mesh
        return (None,) * len(self.in_avals)

    def out_shardings_jax(self, mesh: Any) -> Sequence[Any]:
        """Shardings of the results: none is promised."""
        del mesh
        return (None,) * len(self.out_avals)

    def has_vjp(self) -> bool:
        """Whether its pullback is known."""
        return self._get_vjp is not None

    def vjp(self) -> Exported:
        """Its pullback: takes the leaves of the arguments and of the cotangents, gives a tuple of cotangents."""
        if self._get_vjp is None:
            raise ValueError("No VJP is available")
        return self._get_vjp(self)

    def serialize(self, vjp_order: int = 0) -> bytearray:
        """The function as bytes, for `deserialize`.

        Args:
            vjp_order: how often the loaded function can be differentiated in reverse mode.
        """
        chain: list[Exported] = [self]
        for _ in range(vjp_order):
            chain.append(chain[-1].vjp())
        return bytearray(_pack(chain))

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, on arguments of the types that it was exported for."""
        leaves, tree = tree_flatten((args, kwargs))
        if tree != self.in_tree:
            raise ValueError(_tree_message(self, args, kwargs))
        arrays = [to_array(x) for x in leaves]
        paths = [keystr(p) for p, _ in tree_flatten_with_path((args, kwargs))[0]]
        for x, aval, path in zip(arrays, self.in_avals, paths, strict=True):
            _check_argument(x, aval, _spoken(path))
        here = default_export_platform()
        if here not in self.platforms and DisabledSafetyCheck.platform() not in self.disabled_safety_checks:
            raise ValueError(
                f"Function '{self.fun_name}' was exported for platforms '{self.platforms}' but it is used on "
                f"'{(here,)}'."
            )
        return tree_unflatten(self.out_tree, list(self._flat(*arrays)))

    def _flat(self, *arrays: Array) -> tuple[Array, ...]:
        run = custom_vjp(lambda *args: tuple(self._run(args)))

        def backward(primals: Any, cotangents: Any) -> Any:
            pulled = self.vjp()
            given = [*primals, *(c for c, a in zip(cotangents, self.out_avals, strict=True) if _is_inexact(a))]
            rest = iter(pulled.call(*given))
            return tuple(next(rest) if _is_inexact(a) else None for a in self.in_avals)

        run.defvjp(lambda *args: (tuple(self._run(args)), args), backward)
        return run(*arrays)

    def _run(self, args: Sequence[Any]) -> list[Array]:
        return self._function([to_array(x) for x in args])


def _by_order(graph: Graph) -> tuple[tuple[Effect, ...], tuple[Effect, ...]]:
    effects = sorted(graph.effects, key=str)
    ordered = tuple(e for e in effects if str(e).startswith("Ordered"))
    return ordered, tuple(e for e in effects if e not in ordered)


def _is_inexact(aval: ShapedArray) -> bool:
    return aval.to_tangent_aval().dtype == aval.dtype


def _spoken(path: str) -> str:
    """The path of an argument as messages say it: ``args[0]['a']``, ``kwargs['y']``."""
    return f"args{path[3:]}" if path.startswith("[0]") else f"kwargs{path[3:]}"


def _check_argument(x: Any, aval: ShapedArray, name: str) -> None:
    shape = tuple(x.shape)
    if len(shape) != len(aval.shape):
        raise ValueError(f"Rank mismatch for {name}: expected {aval.shape} and called with {shape}")
    if x.dtype != aval.dtype and not is_float0(x):
        raise ValueError(f"Dtype mismatch for {name}: expected {aval.dtype} and called with {x.dtype}")
    for axis, (want, got) in enumerate(zip(aval.shape, shape, strict=True)):
        if want != got:
            raise ValueError(
                f"Shape mismatch for {name}.shape[{axis}] (expected same constant): expected {aval.shape} and called "
                f"with {shape}"
            )


def _tree_message(exported: Exported, args: Any, kwargs: Any) -> str:
    tree = exported.in_tree
    found = equality_errors((args, kwargs), tree_unflatten(tree, [0] * tree.num_leaves))
    lines = [
        f"   - {_spoken(keystr(path)) if path else 'the arguments'} is a {was} in the invocation and a {now} when "
        f"exported, so {why}.\n"
        for path, was, now, why in found
    ]
    return (
        "The invocation args and kwargs must have the same pytree structure as when the function "
        f"'{exported.fun_name}' was exported, but they have the following structural differences:\n{''.join(lines)}"
    )


def export(
    fun_jit: Any,
    *,
    platforms: Sequence[str] | None = None,
    disabled_checks: Sequence[DisabledSafetyCheck] = (),
    _override_lowering_rules: Any = None,
) -> Callable[..., Exported]:
    """A function that exports ``fun_jit`` for arguments of given types.

    Args:
        fun_jit: what `jax.jit` returned.
        platforms: the platforms that it may be called on ("cpu", "cuda", ...); by default the present one.
        disabled_checks: checks to leave out.

    Returns:
        A function of arrays, or of `ShapeDtypeStruct` in their place, that gives an `Exported`.
    """
    del _override_lowering_rules
    if not isinstance(fun_jit, PjitFunction):
        raise ValueError(f"Function to be exported must be the result of `jit` but is: {fun_jit}")

    def do_export(*args: Any, **kwargs: Any) -> Exported:
        chosen = (default_export_platform(),) if platforms is None else tuple(platforms)
        traced = fun_jit.trace(*args, **kwargs)
        entry = traced._entry
        return exported_graph(entry.graph, entry.kinds, traced.in_tree, entry.out_tree, chosen, disabled_checks)

    return do_export


def exported_graph(
    graph: Graph,
    kinds: Sequence[tuple[type[Array], Any]],
    in_tree: Any,
    out_tree: Any,
    platforms: Sequence[str],
    disabled: Sequence[DisabledSafetyCheck] = (),
) -> Exported:
    """A traced function, exported; ``kinds`` are those of its results."""
    function = GraphFunction(_closed(graph), kinds)
    return Exported(function, graph.name, in_tree, out_tree, platforms, disabled, _export_vjp)


def _closed(graph: Graph) -> Graph:
    """The graph with what it closed over as constants."""
    if not graph.lifted:
        return graph
    from jaxlike._src.graph.graph import Const

    known = {v: Const(unwrap(x), None) for v, x in zip(graph.lifted_vars, graph.lifted, strict=True)}
    return Graph(
        graph.nodes, graph.inputs, [], {**graph.constants, **known}, graph.outputs, graph.in_avals, graph.out_avals,
        graph.name,
    )  # fmt: skip


def _export_vjp(primal: Exported) -> Exported:
    """The pullback of an exported function, exported."""
    n = len(primal.in_avals)

    def fun_vjp_jax(*args: Any) -> Any:
        primals, cotangents = list(args[:n]), iter(args[n:])
        flat = lambda inside: (primal._run(inside), None)  # noqa: E731
        outs, _, pull, _ = vjp_leaves(flat, [to_array(x) for x in primals], primal.fun_name)
        given = [next(cotangents) if is_differentiable(o) else None for o in outs]
        grads = pull(given)
        return tuple(g for g, a in zip(grads, primal.in_avals, strict=True) if _is_inexact(a))

    specs = [_spec(a) for a in (*primal.in_avals, *(a for a in primal.out_avals if _is_inexact(a)))]
    return export(jit(fun_vjp_jax), platforms=primal.platforms, disabled_checks=primal.disabled_safety_checks)(*specs)


def _spec(aval: ShapedArray) -> ShapeDtypeStruct:
    return ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type)


# Bytes

_PROGRAM, _FORMAT = "program.json", 1


def _pack(chain: Sequence[Exported]) -> bytes:
    """A function and its pullbacks as an archive."""
    writer = Writer()
    functions = [
        {
            "fun_name": e.fun_name,
            "in_tree": write_tree(e.in_tree),
            "out_tree": write_tree(e.out_tree),
            "platforms": list(e.platforms),
            "disabled": [str(c) for c in e.disabled_safety_checks],
            "kinds": [write_kind(k) for k in e._function.kinds],
            "graph": writer.graph(e._function.graph),
            "in_avals": [write_aval(a) for a in e.in_avals],
        }
        for e in chain
    ]
    arrays = [[name, list(shape)] for name, shape, _ in writer.arrays]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_PROGRAM, json.dumps({"format": _FORMAT, "functions": functions, "arrays": arrays}))
        for k, (_, _, data) in enumerate(writer.arrays):
            archive.writestr(f"array_{k}", data)
    return out.getvalue()


def deserialize(blob: bytes | bytearray) -> Exported:
    """The exported function that `Exported.serialize` wrote.

    Args:
        blob: its bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(bytes(blob))) as archive:
            program = json.loads(archive.read(_PROGRAM))
            arrays = [(name, shape, archive.read(f"array_{k}")) for k, (name, shape) in enumerate(program["arrays"])]
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError("these bytes are not a function that jaxlike exported") from error
    if program["format"] != _FORMAT:
        raise ValueError(f"format {program['format']} of an exported function; this version reads {_FORMAT}")
    reader, made = Reader(arrays), None
    for text in reversed(program["functions"]):
        made = _loaded(reader, text, made)
    assert made is not None
    return made


def _loaded(reader: Reader, text: Any, pullback: Exported | None) -> Exported:
    graph = reader.graph(text["graph"])
    graph.in_avals = [read_aval(a) for a in text["in_avals"]]
    function = GraphFunction(graph, [read_kind(k) for k in text["kinds"]])
    disabled = [DisabledSafetyCheck(c) for c in text["disabled"]]
    trees = read_tree(text["in_tree"]), read_tree(text["out_tree"])
    get_vjp = None if pullback is None else lambda _: pullback
    return Exported(function, text["fun_name"], *trees, text["platforms"], disabled, get_vjp)


