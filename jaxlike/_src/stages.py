"""stages: a jitted function taken apart: Traced (a jaxpr), Lowered (ready to compile), Compiled."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from jaxlike._src.border import is_traced, tracer_kind, unwrap
from jaxlike._src.counts import count
from jaxlike._src.devices import default_torch_device
from jaxlike._src.graph.costs import operations_of
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.execute import Executable
from jaxlike._src.layout import Format, usual_layout
from jaxlike._src.partition_spec import P
from jaxlike._src.placement import PLACED, placed
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.sharding import NamedSharding, sharding_of
from jaxlike._src.transforms import jit_shardings
from jaxlike._src.transforms.arguments import flatten_typed
from jaxlike._src.transforms.compiler_options import check_compiler_options
from jaxlike._src.transforms.donation import check_donations, deleted_argument
from jaxlike._src.tree import equality_errors_pytreedef, keystr, tree_flatten, tree_leaves, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.transforms.jit import Entry, PjitFunction


@dataclasses.dataclass(frozen=True)
class ArgInfo:
    """What is known of one argument of a lowered function."""

    _aval: Any
    donated: bool = False

    @property
    def shape(self) -> Any:
        """Sizes of the axes."""
        return self._aval.shape

    @property
    def dtype(self) -> Any:
        """The numpy dtype."""
        return self._aval.dtype


class _Stage:
    """What the stages share: the trees and types of arguments and results."""

    def __init__(self, function: PjitFunction, entry: Entry, arrays: Sequence[Array], args: Any, kwargs: Any) -> None:
        self._function, self._entry, self._arrays = function, entry, arrays
        self._args, self._kwargs = args, kwargs
        self.in_tree = tree_flatten(function.split(tuple(args), dict(kwargs)))[1]
        self.out_tree = entry.out_tree

    @property
    def in_avals(self) -> Any:
        """Types of the arguments, in their tree."""
        return tree_unflatten(self.in_tree, self._entry.graph.own_avals[0])

    @property
    def args_info(self) -> Any:
        """An `ArgInfo` for each argument, in their tree."""
        donated = self._function.donated_leaves(tuple(self._args), dict(self._kwargs))
        return tree_unflatten(self.in_tree, list(map(ArgInfo, self._entry.graph.own_avals[0], donated)))

    @property
    def out_info(self) -> Any:
        """Shapes and dtypes of the result, in its tree."""
        from jaxlike._src.transforms.inspect import shapes_of  # which is built on this module

        return tree_map(lambda s: s.update(weak_type=False), shapes_of(self._entry))

    @property
    def donate_argnums(self) -> tuple[int, ...]:
        """Places of the leaves that were given to be donated."""
        donated = self._function.donated_leaves(tuple(self._args), dict(self._kwargs))
        return tuple(k for k, d in enumerate(donated) if d)


class Traced(_Stage):
    """A function traced for given arguments: has ``jaxpr``, ``out_info``, ``fun_name`` and `lower`."""

    @property
    def out_info(self) -> Any:
        """Shapes, dtypes and weak types of the result, in its tree."""
        from jaxlike._src.transforms.inspect import shapes_of

        return shapes_of(self._entry)

    @property
    def jaxpr(self) -> Any:
        """The closed jaxpr."""
        return jaxpr_of(self._entry.graph)

    @property
    def out_avals(self) -> Any:
        """Types of the results, in their tree."""
        return tree_unflatten(self.out_tree, self._entry.graph.own_avals[1])

    @property
    def fun_name(self) -> str:
        """The traced function's name."""
        return self._entry.graph.name

    @property
    def lojax(self) -> Traced:
        """The same in terms of arrays alone, which it is."""
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run what was traced."""
        return self.lower().compile()(*args, **kwargs)

    def lower(self, **_options: Any) -> Lowered:
        """The next stage."""
        return Lowered(self._function, self._entry, self._arrays, self._args, self._kwargs)


class Lowered(_Stage):
    """A function ready to compile: `as_text`, `cost_analysis`, `compile`."""

    def as_text(self, dialect: str | None = None, *, debug_info: bool = False) -> str:
        """The graph that will be compiled, as a jaxpr (there is no StableHLO here)."""
        del debug_info
        self.compiler_ir(dialect)
        name = self._entry.graph.name.replace("<", "_").replace(">", "_")
        return f"module @jit_{name}\n{jaxpr_of(self._entry.graph)}\n"

    def compiler_ir(self, dialect: str | None = None) -> Any:
        """The jaxpr, in whatever dialect of JAX's it is asked for."""
        if dialect not in (None, "stablehlo", "hlo"):
            raise ValueError(f"unknown dialect: {dialect}")
        return jaxpr_of(self._entry.graph)

    def cost_analysis(self) -> dict[str, float]:
        """Rough counts from the jaxpr, see `graph/costs.py`."""
        return cost_of(self._entry)

    def compile(self, compiler_options: dict[str, Any] | None = None, **_options: Any) -> Compiled:
        """Compile now, whatever the tier in force."""
        check_compiler_options(compiler_options)
        return Compiled(self._function, self._entry, self._arrays, self._args, self._kwargs)


def cost_of(entry: Entry) -> dict[str, float]:
    """Floating-point operations and bytes that the program's operations handle."""
    return {"flops": 0.0, "bytes accessed": 0.0} | {k: float(n) for k, n in operations_of(jaxpr_of(entry.graph).jaxpr).items()}


def _numel(shape: Sequence[int]) -> int:
    n = 1
    for size in shape:
        n *= size
    return n


class MemoryAnalysis(NamedTuple):
    """Bytes of arguments, results and intermediate values of a compiled function."""

    argument_size_in_bytes: int
    output_size_in_bytes: int
    temp_size_in_bytes: int
    alias_size_in_bytes: int = 0
    generated_code_size_in_bytes: int = 0


class CompilerOptions(dict[str, Any]):
    """Options for `Lowered.compile`, by name."""


@runtime_checkable
class Wrapped(Protocol):
    """What `jax.jit` returns: a function that can also be traced and lowered."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function."""
        ...

    def trace(self, *args: Any, **kwargs: Any) -> Traced:
        """Trace for arguments of these types."""
        ...

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Make ready to compile for arguments of these types."""
        ...

    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The tree of the result with `ShapeDtypeStruct` leaves."""
        ...


class Compiled(_Stage):
    """A compiled function for arguments of one kind; call it with those."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        graph = self._entry.graph
        self._executable = Executable(graph)
        if self._entry.fixed is not None and all(a._t.device.type != "meta" for a in self._arrays):
            self._executable.compile([unwrap(a) for a in self._arrays] + self._entry.fixed)
        else:
            self._executable.eager_to_compile = True  # shapes only so far: at the first call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run; TypeError where the arguments are not of the kind that was compiled for."""
        count("stages_compiled_call")
        leaves, in_tree = tree_flatten((args, kwargs))
        if in_tree != self.in_tree:
            shown = []
            for (first, *rest), now, was, why in equality_errors_pytreedef(in_tree, self.in_tree):
                where = f"{('args', 'kwargs')[first.idx]}{keystr(tuple(rest))}"
                shown.append(f"    * at {where}, seen {was} but now given {now}, so {why}")
            raise TypeError(
                "Function compiled with input pytree does not match the input pytree it was called with. There are "
                f"{len(shown)} mismatches, including:\n" + "\n".join(shown)
            )
        for x in leaves:
            if is_traced(x):
                raise TypeError(
                    "Cannot apply JAX transformations to a function lowered and compiled for a particular signature. "
                    f"Detected argument of Tracer type <class '{tracer_kind(x)}'>."
                )
        arrays, _ = flatten_typed(leaves, end="")
        wrong = [
            f"Argument '{name}' compiled with {a.strip_weak_type()} and called with {x.aval.strip_weak_type()}"
            for name, a, x in zip(self._names(), self._entry.graph.own_avals[0], arrays, strict=True)
            if a.strip_weak_type() != x.aval.strip_weak_type()
        ]
        if wrong:
            which = f"first 5 of {len(wrong)} mismatches" if len(wrong) > 5 else "mismatches"
            raise TypeError(
                "Argument types differ from the types for which this computation was compiled. Perhaps you are calling "
                f"the compiled executable with a different enable_x64 mode than when it was AOT compiled? The {which} "
                "are:\n" + "\n".join(wrong[:5])
            )
        entry = self._entry
        refused = deleted_argument(arrays)
        if refused is not None:
            raise refused
        if PLACED:
            jit_shardings.check_compiled(self._names(), arrays, self._places_of_arguments)
        check_donations(arrays, entry.donated)
        if entry.fixed is None:
            return entry.apply(arrays)
        outs = self._executable([unwrap(x) for x in arrays] + entry.fixed)
        for k in entry.donated:
            arrays[k].delete()
        out = entry.result([k(t, tag) for (k, tag), t in zip(entry.kinds, outs, strict=True)])
        return jit_shardings.put(out, self._places_of_results) if any(self._places_of_results) else out

    @staticmethod
    def call(*args: Any, **kwargs: Any) -> Any:
        """``call(compiled, *args)`` is ``compiled(*args)``."""
        compiled, *rest = args
        return compiled(*rest, **kwargs)

    def _names(self) -> list[str]:
        """How messages call the leaves."""
        return self._function.leaf_names(tuple(self._args), dict(self._kwargs))

    def as_text(self) -> str:
        """The graph that was compiled."""
        return f"{jaxpr_of(self._entry.graph)}\n"

    def cost_analysis(self) -> dict[str, float]:
        """As `Lowered.cost_analysis`."""
        return cost_of(self._entry)

    def memory_analysis(self) -> MemoryAnalysis:
        """Bytes by kind; temporaries as if none were fused."""
        graph = self._entry.graph
        temporary = sum(
            _numel(o.shape) * o.dtype.itemsize
            for n in graph.nodes
            for o in n.outs
            if o is not None and o not in graph.outputs
        )
        size = lambda avals: sum(a.size * a.dtype.itemsize for a in avals)  # noqa: E731
        return MemoryAnalysis(size(graph.in_avals), size(graph.out_avals), temporary)

    def runtime_executable(self) -> Any:
        """What runs the graph."""
        return self._executable

    @property
    def input_shardings(self) -> Any:
        """How each argument is to be placed, in their tree; None for one that is not used."""
        return tree_unflatten(self.in_tree, self._places_of_arguments)

    @property
    def output_shardings(self) -> Any:
        """How each result is placed, in their tree."""
        known = self._places_of_results
        meshes = [s.mesh for s in (*self._places_of_arguments, *known) if isinstance(s, NamedSharding)]
        # Of a result of which nobody says anything, every device of the mesh has all.
        rest = NamedSharding(meshes[0], P()) if meshes else sharding_of(default_torch_device())
        return tree_unflatten(self.out_tree, [rest if s is None else s for s in known])

    @property
    def input_formats(self) -> Any:
        """Layout and sharding of each argument, in their tree; of one that is not used nothing is said."""
        places = self._places_of_arguments
        avals = self._entry.graph.own_avals[0]
        return tree_unflatten(
            self.in_tree,
            [Format(None if p is None else usual_layout(a.ndim), p) for a, p in zip(avals, places, strict=True)],
        )

    @property
    def output_formats(self) -> Any:
        """Layout and sharding of each result, in its tree."""
        places, avals = tree_leaves(self.output_shardings), self._entry.graph.own_avals[1]
        return tree_unflatten(
            self.out_tree, [Format(usual_layout(a.ndim), p) for a, p in zip(avals, places, strict=True)]
        )

    @property
    def out_info(self) -> Any:
        """Shapes, dtypes and formats of the result, in its tree."""
        avals, formats = self._entry.graph.own_avals[1], tree_leaves(self.output_formats)
        return tree_unflatten(
            self.out_tree,
            [ShapeDtypeStruct(a.shape, a.dtype, sharding=f) for a, f in zip(avals, formats, strict=True)],
        )

    @functools.cached_property
    def _places_of_results(self) -> Sequence[Any]:
        """What is said of each result, else where its operands are; None where neither is."""
        entry, default = self._entry, sharding_of(default_torch_device())
        said = entry.places or [None] * len(entry.graph.own_avals[1])
        given = [None if place is default else place for place in self._places_of_arguments]
        if not any(place is not None and place.num_devices > 1 for place in given):
            return said  # what runs on one device is not split
        return [s or f for s, f in zip(said, jit_shardings.through(entry.graph, given), strict=True)]

    @functools.cached_property
    def _places_of_arguments(self) -> list[Any]:
        """What `in_shardings` says of each, else what the argument does, else the default device."""
        args, kwargs = tuple(self._args), dict(self._kwargs)
        leaves, default = tree_flatten(self._function.split(args, kwargs))[0], sharding_of(default_torch_device())
        own = [leaf.sharding if isinstance(leaf, ShapeDtypeStruct) else placed(leaf) or default for leaf in leaves]
        used = self._function.used_arguments(self._entry)
        asked = self._function.asked_shardings(args, kwargs) or [None] * len(leaves)
        return [(a or o or default) if u else None for a, o, u in zip(asked, own, used, strict=True)]
