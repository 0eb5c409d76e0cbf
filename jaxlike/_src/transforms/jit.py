"""jit: run the Python once per key, then run the graph.

Key: argument tree; shape, dtype and weak type of each leaf; static values; the flags that change a trace.
Miss: trace to a closed graph (closed-over Arrays become extra inputs). Hit: run it; the Python stays silent.
Outside of transformations the graph runs through its `Executable` (replayed, later compiled). Under grad, jvp or
vmap, or inside another trace, it is one operation with rules made from the graph: see `call`.
"""

from __future__ import annotations

import functools
import inspect
import operator
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import config, key_uses
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.counts import count
from jaxlike._src.debug_checks import find_in, find_op
from jaxlike._src.devices import default_torch_device, get_backend
from jaxlike._src.frames import STATE, current_trace, named_axes
from jaxlike._src.graph.execute import Executable
from jaxlike._src.graph.ref_calls import NotingCall
from jaxlike._src.graph.trace import trace
from jaxlike._src.placement import PLACED, place, placed
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.torch_private import plain
from jaxlike._src.traceback_filter import as_boundary, simplify
from jaxlike._src.transforms import hi_jit, hi_values, jit_shardings, mesh_types, ref_jit, ref_state
from jaxlike._src.transforms.arguments import (
    check_callable,
    check_leaf,
    is_float0,
    location_of,
    name_of,
    wraps,
)
from jaxlike._src.transforms.cache_misses import explain_miss, signature_of
from jaxlike._src.transforms.call import JitCall
from jaxlike._src.transforms.compiler_options import check_compiler_options, check_nested_options
from jaxlike._src.transforms.donation import check_donations, deleted_argument, usable_donations
from jaxlike._src.transforms.jit_caches import forget_caches, shared_cache, siblings
from jaxlike._src.transforms.jit_logs import log_compile, log_trace
from jaxlike._src.transforms.leaf_names import as_argument, leaf_names
from jaxlike._src.transforms.leaks import check_leaks
from jaxlike._src.transforms.static_args import Static, resolve
from jaxlike._src.transforms.structured import apply
from jaxlike._src.tree import (
    flatten_fast,
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_unflatten,
    treedef_of,
)
from jaxlike._src.varying import signature as differing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.graph.graph import Graph
    from jaxlike._src.sharding import Sharding
    from jaxlike._src.transforms.cache_misses import Signature


class Entry:
    """What one key leads to: the graph, how to run it, how to build the result."""

    __slots__ = ("_call", "calls", "donated", "executable", "fixed", "float0", "followed", "graph", "hi", "in_tree", "inline", "kinds",
                 "lifted_frames", "of_arrays", "out_tree", "places", "refs", "shapes_only", "shown", "signature", "single")  # fmt: skip

    def __init__(
        self,
        graph: Graph,
        in_tree: Any,
        kinds: list[tuple[type[Array], Any]],
        out_tree: Any,
        shown: dict[str, Any] | None = None,
        float0: dict[int, Any] | None = None,
    ) -> None:
        self.graph = graph
        self.signature: Signature | None = None  # what it was traced for, where a jitted function was
        self.float0 = float0 or {}  # results without values, by place: they are not of the graph
        self.hi = False  # whether there are values of higher types among the results
        self.shapes_only = False  # whether a result has a shape and no value: it can be looked at, not run
        self.places: list[Sharding | None] = []  # what results say of their sharding, where any does
        self.followed: dict[Any, jit_shardings.Followed] = {}  # the same, by where the arguments are
        self.donated: Sequence[int] = ()  # leaves whose Arrays are deleted after a call
        self.in_tree = in_tree
        self.kinds = kinds  # class and tag of each output leaf
        self.out_tree = out_tree
        self.shown = {} if shown is None else shown
        self.inline = bool(self.shown.get("inline"))
        self.executable: Executable | None = None
        self.lifted_frames = [x._frame for x in graph.lifted if x._frame is not None]
        self.refs = ref_state.ClosedRefs(graph) if graph.refs else None
        self.fixed = [x._t for x in graph.lifted] if not self.lifted_frames and self.refs is None else None
        self.single = (
            type(out_tree) is not tuple and out_tree.num_leaves == 1 and out_tree.num_nodes == 1 and not self.float0
        )
        self._call: tuple[JitCall, list[Array]] | None = None
        self.calls: set[Any] = set()  # what its arguments were outside of transformations: Arrays, numpy's, numbers
        self.of_arrays = False  # whether all of them were Arrays once

    def run(self, tensors: list[Tensor]) -> Any:
        """The result for the leaves' tensors, where no transformation runs."""
        executable = self.executable
        if executable is None or executable.device is not default_torch_device():
            count_made_ready()
            executable = self.executable = Executable(self.graph)
        outs = executable(tensors + self.fixed if self.fixed else tensors)
        if self.single and not self.places:
            kind, tag = self.kinds[0]
            return kind(outs[0], tag)
        return self.result([kind(t, tag) for (kind, tag), t in zip(self.kinds, outs, strict=True)])

    def result(self, outs: list[Any]) -> Any:
        """The tree of results."""
        for x, sharding in zip(outs, self.places, strict=False):
            if sharding is not None:
                place(x, sharding)
        for at, zeros in self.float0.items():
            outs.insert(at, zeros.copy())
        out = tree_unflatten(self.out_tree, outs)
        return hi_values.raised(out) if self.hi else out

    def apply(self, arrays: Sequence[Array]) -> Any:
        """The result for the leaves, in whatever frame is running."""
        frame = STATE.frame
        if frame is None and self.fixed is not None:
            return self.run([plain(unwrap(x)) for x in arrays])
        call, closed = self.call()
        given, args = ref_jit.refs_of_call(), [*closed, *arrays]
        if self.refs is not None:
            ref_jit.check_apart(given, self.refs.refs)
            with NotingCall(self.refs.refs, len(given)):
                outs = self.refs.finish(self._results(call, given, [*args, *self.refs.values()]))
        else:
            outs = self._results(call, given, args)
        return outs[0] if self.single and not self.places else self.result(outs)

    def _results(self, call: JitCall, refs: Any, args: list[Array]) -> list[Array]:
        frame = STATE.frame
        if self.inline and frame is not None and frame.trace is not None:
            return call.function(args)
        return apply(call.with_refs(refs) if refs else call, args)

    def call(self) -> tuple[JitCall, list[Array]]:
        """The graph as an operation, and the traced values that it takes before its arguments."""
        if self._call is None:
            closed = [x for x in self.graph.lifted if x._frame is not None]
            graph = self.graph.with_constants()
            call = JitCall(graph.of_values(), self.kinds, self.shown)
            call.ref_form = ref_jit.form_of(graph, len(closed), self.graph.refs)
            self._call = call, closed
        return self._call

    def usable(self) -> bool:
        """Whether every closed-over traced value, and every ref, is still inside its transformation."""
        return all(f.alive for f in self.lifted_frames) and (self.refs is None or self.refs.usable())


def count_made_ready() -> None:
    """A program was made ready to run, which in JAX means lowered and compiled."""
    for event in ("lower_jaxpr_to_module", "pxla_cached_compilation", "compile_after_persistent_compilation_miss"):
        count(event)


_wrappers: weakref.WeakSet[PjitFunction] = weakref.WeakSet()


class PjitFunction:
    """What `jit` returns: a function that runs compiled; also `lower`, `trace`, `eval_shape`, `clear_cache`."""

    # Own slots: `wraps` copies the __dict__ of what it wraps, which may be a PjitFunction itself.
    __slots__ = ("__dict__", "__weakref__", "_cache", "_donated", "_fast", "_fun", "_options", "_plain",
                 "_static_names", "_static_nums")  # fmt: skip

    def __init__(self, fun: Callable[..., Any], options: dict[str, Any]) -> None:
        self._fun = fun
        self._options = options
        self._static_nums, self._static_names = resolve(
            fun, options["static_argnums"], options["static_argnames"], "static"
        )
        donate = resolve(fun, options["donate_argnums"], options["donate_argnames"], "donate")
        both = set(donate[1]) & set(self._static_names)
        if both:
            raise ValueError(
                "static_argnames and donate_argnames cannot intersect. Argument names "
                f"{both} appear in both static_argnames and donate_argnames"
            )
        self._donated = donate
        self._plain = not self._static_nums and not self._static_names
        self._fast = self._plain and not donate[0] and not donate[1]
        self._fast &= all(options.get(name) is None for name in ("in_shardings", "device", "backend"))
        # What a trace keeps beside its graph: which arguments are deleted, how results are placed, what a jaxpr shows.
        kept = (
            *map(tuple, donate),
            jit_shardings.as_key(options.get("out_shardings")),
            options["keep_unused"],
            options["inline"],
        )
        self._cache = shared_cache(fun, (self._static_nums, self._static_names, *kept))
        wraps(fun)(self)
        _wrappers.add(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function on these arguments."""
        if self._fast and STATE.plain:
            leaves, tree = flatten_fast((args, kwargs) if kwargs else args)
            frame = STATE.frame
            key: list[Any] = [tree, bool(kwargs), config.trace_context()]
            if frame is not None and (axes := named_axes()):
                key.append(axes)
            tensors: list[Tensor] = []
            for x in leaves:
                if type(x) is not Array:
                    break
                t = x._t if x._frame is frame or frame is not None else unwrap(x)
                tensors.append(t)
                key += (t.shape, t.dtype, x._tag)
            else:
                if frame is not None and (differ := differing(leaves)):
                    key.append(differ)
                if PLACED and (split := mesh_types.signature(leaves)):
                    key.append(split)
                try:
                    entry = self._cache.get(tuple(key))
                except TypeError:  # metadata that cannot be hashed: the general key can
                    entry = None
                if entry is not None:
                    if entry.graph.key_uses is not None:
                        entry.graph.key_uses.spend(leaves, entry.graph.lifted, "jit-compiled function")
                    if frame is None and entry.fixed is not None:
                        if PLACED and (found := jit_shardings.followed(entry, leaves, self._fun, args, kwargs)):
                            if not found.counted:
                                entry.calls.add(jit_shardings.kinds_of(leaves))
                                found.counted = True
                            return jit_shardings.put(entry.run([*map(plain, tensors)]), found.where)
                        entry.of_arrays = True
                        return entry.run(tensors)
                    if entry.usable():
                        return entry.apply(leaves)
        try:
            return self._general(args, kwargs)
        except Exception as error:  # any: it goes on as it is
            simplify(error)
            raise

    def _general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if config.disable_jit.value:
            return self._fun(*args, **kwargs)
        if (low := hi_jit.lowered_call(self, PjitFunction, args, kwargs)) is not None:
            return low.call()
        return ref_jit.call_jitted(self, self._of_arrays, _jitted_plainly, location_of(self._fun), args, kwargs)

    def _of_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arrays, key, call, in_tree, paths, kinds = self._prepare(args, kwargs)
        self._check_places(arrays, args, kwargs)
        outside = STATE.frame is None
        asked = jit_shardings.of_device(self._options.get("device"), self._options.get("backend"))
        entry = self._cache.get(key)
        if entry is None or not entry.usable():
            get_backend(self._options.get("backend"))
            self._check_compiler_options()
            if STATE.frame is None:
                count("jit_cpp_cache_miss")
            entry = self._make(key, call, arrays, in_tree, paths, args, kwargs)
            if not self._fast:
                entry.donated = self._usable_donations(entry, args, kwargs)
            if entry.shapes_only:
                raise TypeError(
                    "A ShapeDtypeStruct does not have a value and cannot be used as a constant in a JAX function."
                )
            self._cache[key] = entry
            if STATE.frame is None:  # else what is derived of it runs
                log_compile(entry.graph)
        if entry.graph.key_uses is not None:
            entry.graph.key_uses.spend(arrays, entry.graph.lifted, "jit-compiled function")
        where = None if asked is None else [asked] * len(entry.kinds)
        if outside:
            split = self.asked_shardings(args, kwargs)
            if where is None and (PLACED or split):
                found = jit_shardings.followed(entry, arrays, self._fun, *self.split(args, kwargs), split)
                where = None if found is None else found.where
            entry.calls.add(kinds)
        if entry.donated and outside:
            check_donations(arrays, entry.donated)
        try:
            out = entry.apply(arrays)
        except RuntimeError:
            refused = deleted_argument(arrays)
            if refused is None:
                raise
            raise refused from None
        if outside:
            if key_uses.FLAG.value:
                given = {id(x._t) for x in arrays}
                out = tree_map(lambda x: key_uses.renewed(x, as_used=True) if id(getattr(x, "_t", None)) in given else x, out)
            if not STATE.plain and find_in(out) is not None:
                find_op(name_of(self._fun), self._fun, out, args, kwargs)
            copied = self._options.get("in_shardings") is not None  # what was not split as asked is given as a copy
            for k in entry.donated:
                if not copied or placed(arrays[k]) is not None:
                    arrays[k].delete()
            if where is not None:
                jit_shardings.put(out, where)
        return out

    def _check_compiler_options(self) -> None:
        options = self._options.get("compiler_options")
        if current_trace() is not None:
            check_nested_options(options, name_of(self._fun))
        check_compiler_options(options)

    def _check_places(self, arrays: Sequence[Array], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """What is wrong with `in_shardings` for these arguments."""
        given = self.asked_shardings(args, kwargs)
        if given is not None:
            jit_shardings.check_arguments(given, arrays, self.leaf_names(args, kwargs))

    def asked_shardings(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Sharding | None] | None:
        """What `in_shardings` says of each leaf; None where it was not given."""
        if self._options.get("in_shardings") is None:
            return None
        return jit_shardings.of_arguments(self._options["in_shardings"], *self.split(args, kwargs))

    def used_arguments(self, entry: Entry) -> list[bool]:
        """Whether each leaf is read, or kept although it is not."""
        graph = entry.graph
        read = {v for node in graph.nodes for v in node.reads()} | set(graph.outputs)
        return [self._options["keep_unused"] or v in read for v in graph.inputs]

    def split(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments without the static ones."""
        n = len(args)
        nums = {k % n for k in self._static_nums if -n <= k < n} if n else set()
        positional = tuple(a for k, a in enumerate(args) if k not in nums)
        return positional, {k: v for k, v in kwargs.items() if k not in self._static_names}

    def donated_leaves(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[bool]:
        """Which leaves of the arguments that are not static were given to be donated."""
        n, (numbers, names) = len(args), self._donated
        chosen = {k % n for k in numbers if -n <= k < n} if n else set()
        static = {k % n for k in self._static_nums if -n <= k < n} if n else set()
        flags: list[bool] = []
        for k, a in enumerate(args):
            if k not in static:
                flags += [k in chosen] * len(tree_leaves(a))
        for k in sorted(k for k in kwargs if k not in self._static_names):
            flags += [k in names] * len(tree_leaves(kwargs[k]))
        return flags

    def leaf_names(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        """How messages call the leaves of the arguments that are not static."""
        n = len(args)
        nums = {k % n for k in self._static_nums if -n <= k < n} if n else set()
        return leaf_names(self._fun, *self.split(args, kwargs), [k for k in range(n) if k not in nums])

    def _usable_donations(self, entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        donated = [k for k, d in enumerate(self.donated_leaves(args, kwargs)) if d]
        return usable_donations(entry.graph, donated, self._options["keep_unused"])

    def _prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Arrays of the dynamic leaves, the key, a function of such Arrays, their tree, their paths; what they were."""
        n = len(args)
        nums = {k % n for k in self._static_nums if -n <= k < n} if n else set()
        static = tuple(Static(a) if k in nums else None for k, a in enumerate(args))
        static_kw = tuple((k, Static(v)) for k, v in sorted(kwargs.items()) if k in self._static_names)
        dynamic, dynamic_kw = self.split(args, kwargs)
        leaves, tree = flatten_fast((dynamic, dynamic_kw) if dynamic_kw else dynamic)
        in_tree = treedef_of(tree)
        places = [k for k in range(n) if k not in nums]

        def names() -> list[str]:
            return leaf_names(self._fun, dynamic, dynamic_kw, places)

        kinds = jit_shardings.kinds_of(leaves)
        arrays = [x if isinstance(x, Array) else as_argument(x, self._fun, names, k) for k, x in enumerate(leaves)]
        key: list[Any] = [tree, bool(dynamic_kw), config.trace_context()]
        if STATE.frame is not None and (axes := named_axes()):
            key.append(axes)
        for x in arrays:
            t = x._t
            key += (t.shape, t.dtype, x._tag)
            if type(x) is not Array:
                key.append(type(x))
        if STATE.frame is not None and (differ := differing(arrays)):
            key.append(differ)
        if PLACED and (split := mesh_types.signature(arrays)):
            key.append(split)
        if any(map(is_float0, leaves)):
            key.append(tuple(map(is_float0, leaves)))
        if not self._plain:
            key += (static, static_kw)
        whole: list[Any] = [s.value if s is not None else None for s in static]
        fixed_kw = {k: s.value for k, s in static_kw}

        empty = {k: x.copy() for k, x in enumerate(leaves) if is_float0(x)}

        def call(inside: Sequence[Array]) -> Any:
            rebuilt = tree_unflatten(
                in_tree, [empty.get(k, x) for k, x in enumerate(inside)] if empty else list(inside)
            )
            positional, named = rebuilt if dynamic_kw else (rebuilt, {})
            filled = list(whole)
            for k, value in zip(places, positional, strict=True):
                filled[k] = value
            return self._fun(*filled, **named, **fixed_kw)

        try:
            hash(tree)
        except TypeError:
            key[0] = in_tree
        hashed = tuple(key)
        hash(hashed)  # a static value that cannot be hashed: now, with JAX's words
        return arrays, hashed, call, in_tree, names, kinds

    def _make(
        self, key: Any, call: Any, arrays: Sequence[Array], in_tree: Any, paths: Any, args: Any, kwargs: Any
    ) -> Entry:
        """Trace: the one run of the Python for this key; none where it ran with options that change no trace."""
        shown = self._shown(len(arrays), self.donated_leaves(args, kwargs))
        entry = self._traced_before(key, shown) or self._trace_now(call, arrays, in_tree, paths, args, kwargs, shown)
        if self._options.get("out_shardings") is not None:
            entry.places = jit_shardings.of_results(self._options["out_shardings"], entry)
        return entry

    def _traced_before(self, key: Any, shown: dict[str, Any]) -> Entry | None:
        """An entry of what a `jit` of the same function with other options traced."""
        static = self._static_nums, self._static_names
        for parameters, cache in siblings(self._fun):
            found = cache.get(key) if parameters[:2] == static and cache is not self._cache else None
            if found is not None and found.usable() and found.refs is None and not found.places:
                made = Entry(found.graph, found.in_tree, found.kinds, found.out_tree, shown, found.float0)
                made.signature, made.shapes_only = found.signature, found.shapes_only
                return made
        return None

    def _trace_now(
        self, call: Any, arrays: Sequence[Array], in_tree: Any, paths: Any, args: Any, kwargs: Any, shown: Any
    ) -> Entry:
        location = location_of(self._fun)
        if config.no_tracing.value:
            raise RuntimeError(f"re-tracing function {location} for `jit`, but 'no_tracing' is set")
        signature, names = signature_of(args, kwargs, self._static_nums, self._static_names, arrays), paths()
        if config.explain_cache_misses.value:
            explain_miss(self._fun, [e.signature for e in self._cache.values() if e.signature], signature, names)
        count("trace_to_jaxpr")
        start = time.perf_counter()
        entry = make_entry(call, arrays, in_tree, self._fun, names, shown)
        entry.signature = signature
        log_trace(entry.graph.name, "jit", time.perf_counter() - start)
        return entry

    def _shown(self, count: int, donated: Sequence[bool]) -> dict[str, Any]:
        """The parameters that a jaxpr shows."""
        options = self._options
        return {
            "donated_invars": tuple(donated) or (False,) * count,
            "inline": options["inline"],
            "keep_unused": options["keep_unused"],
        }

    # Inspection

    def _entry_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Entry, list[Array]]:
        arrays, key, call, in_tree, paths, _ = self._prepare(_concrete_like(args), _concrete_like(kwargs))
        self._check_places(arrays, args, kwargs)
        entry = self._cache.get(key)
        if entry is None or not entry.usable():
            entry = self._make(key, call, arrays, in_tree, paths, args, kwargs)
            if not entry.shapes_only:
                self._cache[key] = entry
            if not self._fast:
                entry.donated = self._usable_donations(entry, args, kwargs)
        return entry, arrays

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """Trace only; see `jax.stages.Traced`."""
        if (low := hi_jit.lowered_call(self, PjitFunction, args, kwargs)) is not None:
            return low.trace()
        return ref_jit.stage_jitted(self, self._traced, _jitted_plainly, location_of(self._fun), args, kwargs)

    def _traced(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from jaxlike._src.stages import Traced

        entry, arrays = self._entry_for(args, kwargs)
        return Traced(self, entry, arrays, args, kwargs)

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """Trace and make ready to compile; see `jax.stages.Lowered`."""
        return self.trace(*args, **kwargs).lower()

    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The tree of the result with `ShapeDtypeStruct` leaves."""
        return self.trace(*args, **kwargs).out_info

    def clear_cache(self) -> None:
        """Forget all traces of this function."""
        self._cache.clear()

    def _cache_size(self) -> int:
        """How many kinds of calls there were outside of transformations, as JAX's fast path tells them apart."""
        return sum(
            len(e.calls | {"a" * e.in_tree.num_leaves} if e.of_arrays else e.calls) for e in self._cache.values()
        )

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    # Its own, for those who ask with follow_wrapped=False.
    __signature__ = property(lambda self: inspect.signature(self._fun))

    def __repr__(self) -> str:
        return f"<PjitFunction of {self._fun!r}>"

    def __reduce__(self) -> Any:
        return _rebuild, (self._fun, self._options)


as_boundary(PjitFunction.__call__.__code__)


def _jitted_plainly(fun: Any) -> PjitFunction:
    names = ("static_argnums", "static_argnames", "donate_argnums", "donate_argnames")
    return PjitFunction(fun, {**dict.fromkeys(names), "keep_unused": False, "inline": False})


def _rebuild(fun: Any, options: dict[str, Any]) -> PjitFunction:
    return PjitFunction(fun, options)


def make_entry(
    call: Any,
    arrays: Sequence[Array],
    in_tree: Any,
    fun: Any,
    paths: Sequence[str],
    shown: Any = None,
) -> Entry:
    """Trace ``call`` on stand-ins for ``arrays``."""
    made: dict[str, Any] = {}
    _, location, *names = getattr(fun, "described", ("jit", location_of(fun)))

    def flat(inside: list[Array]) -> list[Array]:
        made["frame"] = STATE.frame
        out = call(inside)
        if made.setdefault("hi", hi_values.has_hi(out)):
            out = hi_values.lowered_result(out)
        leaves, made["tree"] = tree_flatten(out)
        made["places"] = [mesh_types.place_of(x) for x in leaves if not is_float0(x)] if PLACED else []
        made["float0"] = {k: x for k, x in enumerate(leaves) if is_float0(x)}
        made["shapes"] = any(isinstance(x, ShapeDtypeStruct) for x in leaves)
        return [_result(x, k, out, location) for k, x in enumerate(leaves) if not is_float0(x)]

    graph, outs = trace(flat, arrays, name_of(fun), names or paths, location, whole=True, refs=True)
    assert graph.origin is not None
    graph.origin, graph.shows_closed = graph.origin._replace(tree=made["tree"]), True
    kinds = [(type(o), o._tag) for o in outs]
    del outs
    check_leaks(made.pop("frame"))
    entry = Entry(graph, in_tree, kinds, made["tree"], shown, made["float0"])
    entry.shapes_only, entry.hi = made["shapes"], made["hi"]
    if any(s is not None for s in made["places"]):
        entry.places = made["places"]
    return entry


def _result(x: Any, k: int, out: Any, location: str) -> Array:
    if isinstance(x, Array):
        return x
    if isinstance(x, ShapeDtypeStruct):
        return x.stand_in()
    if ref_state.is_ref(x):
        ref_state.check_result(x, location, "jit", tree_flatten_with_path(out)[0][k][0])
    try:
        check_leaf(x)
    except TypeError:
        path = keystr(tree_flatten_with_path(out)[0][k][0])
        at = f" at output component {path}" if path else ""
        raise TypeError(
            f"function {location} traced for jit returned a value of type {type(x)}{at}, which is not a valid JAX type"
        ) from None
    return asarray(x)


def _concrete_like(tree: Any) -> Any:
    """Arguments with shapes in place of arrays (`ShapeDtypeStruct`) as Arrays without values."""
    leaves, treedef = tree_flatten(tree)
    stand_ins = [stand_in(x) for x in leaves]
    return tree if all(map(operator.is_, leaves, stand_ins)) else tree_unflatten(treedef, stand_ins)


def stand_in(x: Any) -> Any:
    """An Array without values for what has a shape and a dtype and is no array; else ``x``."""
    if isinstance(x, ShapeDtypeStruct):
        return x.stand_in()
    if isinstance(x, Array | np.ndarray | np.generic | bool | int | float | complex | torch.Tensor):
        return x
    if not hasattr(x, "shape") or not hasattr(x, "dtype"):
        return x
    return ShapeDtypeStruct(x.shape, x.dtype, weak_type=getattr(x, "weak_type", False)).stand_in()


_UNSPECIFIED: Any = object()


def jit(
    fun: Any = _UNSPECIFIED,
    /,
    *,
    in_shardings: Any = None,
    out_shardings: Any = None,
    static_argnums: Any = None,
    static_argnames: Any = None,
    donate_argnums: Any = None,
    donate_argnames: Any = None,
    keep_unused: bool = False,
    device: Any = None,
    backend: str | None = None,
    inline: bool = False,
    compiler_options: dict[str, Any] | None = None,
) -> Any:
    """Trace ``fun`` once for each kind of arguments, and run it compiled.

    Args:
        fun: a function of arrays without side effects; left out, `jit` is a decorator with these options.
        in_shardings: how arguments are split, which those that were put somewhere must be; a tree prefix of them.
        out_shardings: how results are split; a tree prefix of them.
        static_argnums: positions of arguments that are Python values; each value gets its own trace.
        static_argnames: the same by name.
        donate_argnums: positions of arguments whose memory may be reused (never needed here).
        donate_argnames: the same by name.
        keep_unused: accepted.
        device: where results are put.
        backend: the platform on whose first device results are put.
        inline: accepted.
        compiler_options: options of XLA's, accepted; others raise.

    Returns:
        A function of the same arguments, with `lower`, `trace`, `eval_shape` and `clear_cache`.
    """
    options = {
        "static_argnums": static_argnums,
        "static_argnames": static_argnames,
        "donate_argnums": donate_argnums,
        "donate_argnames": donate_argnames,
        "keep_unused": bool(keep_unused),
        "inline": bool(inline),
        "backend": backend,
        "device": device,
        "in_shardings": in_shardings,
        "out_shardings": out_shardings,
        "compiler_options": compiler_options,
    }
    if backend is not None or device is not None:
        warnings.warn(
            "backend and device argument on jit is deprecated. You can use `jax.device_put(..., jax.local_devices("
            'backend="cpu")[0])` on the inputs to the jitted function to get the same behavior.',
            DeprecationWarning,
            stacklevel=2,
        )
        if device is not None and backend is not None:
            raise ValueError(f"can't specify both a device and a backend for jit, got {device=} and {backend=}")
        for name, given in (("in_shardings", in_shardings), ("out_shardings", out_shardings)):
            if given is not None:
                raise ValueError(f"If backend or device is specified on jit, then {name} should not be specified.")
    jit_shardings.check_leaves(in_shardings=in_shardings, out_shardings=out_shardings)
    if fun is _UNSPECIFIED:
        return lambda fun: PjitFunction(_checked(fun), options)
    return PjitFunction(_checked(fun), options)


def _checked(fun: Any) -> Any:
    check_callable(fun)
    return fun


def clear_caches() -> None:
    """Forget every trace and compiled graph."""
    for wrapper in list(_wrappers):
        wrapper.clear_cache()
    forget_caches()
