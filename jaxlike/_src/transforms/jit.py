"""jit: run the Python once per key, then run the graph.

Key: argument tree; shape, dtype and weak type of each leaf; static values; the flags that change a trace.
Miss: trace to a closed graph (closed-over Arrays become extra inputs). Hit: run it; the Python stays silent.
Outside of transformations the graph runs through its `Executable` (replayed, later compiled); under grad or
vmap, or inside another trace, it is replayed as plain aten, so torch.func or the outer trace sees its ops.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from typing import TYPE_CHECKING, Any

from jaxlike._src import config
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import STATE, running
from jaxlike._src.graph.execute import Executable
from jaxlike._src.graph.trace import trace
from jaxlike._src.transforms import ref_state
from jaxlike._src.transforms.arguments import check_callable, check_leaf, is_float0, name_of, wraps
from jaxlike._src.transforms.static_args import Static, resolve, signature_of
from jaxlike._src.tree import (
    flatten_fast,
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_unflatten,
    treedef_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.graph.graph import Graph


class Entry:
    """What one key leads to: the graph, how to run it, how to build the result."""

    __slots__ = ("executable", "fixed", "graph", "in_tree", "kinds", "lifted_frames", "out_tree", "single")

    def __init__(self, graph: Graph, in_tree: Any, kinds: list[tuple[type[Array], Any]], out_tree: Any) -> None:
        self.graph = graph
        self.in_tree = in_tree
        self.kinds = kinds  # class and tag of each output leaf
        self.out_tree = out_tree
        self.executable: Executable | None = None
        self.lifted_frames = [x._frame for x in graph.lifted if x._frame is not None]
        self.fixed = [x._t for x in graph.lifted] if not self.lifted_frames else None
        self.single = type(out_tree) is not tuple and out_tree.num_leaves == 1 and out_tree.num_nodes == 1

    def run(self, tensors: list[Tensor]) -> Any:
        """The result for the leaves' tensors, in whatever frame is running."""
        if STATE.frame is None and self.fixed is not None:
            executable = self.executable
            if executable is None or executable.device is not default_torch_device():
                executable = self.executable = Executable(self.graph)
            outs = executable(tensors + self.fixed if self.fixed else tensors)
        else:
            lifted = [unwrap(x) for x in self.graph.lifted]
            outs = self.graph.replay()(default_torch_device(), *tensors, *lifted)
        if self.single:
            kind, tag = self.kinds[0]
            return kind(outs[0], tag)
        return tree_unflatten(
            self.out_tree, [kind(t, tag) for (kind, tag), t in zip(self.kinds, outs, strict=True)]
        )

    def usable(self) -> bool:
        """Whether every closed-over traced value is still inside its transformation."""
        return all(f.alive for f in self.lifted_frames)


_caches: weakref.WeakKeyDictionary[Any, dict[Any, dict[Any, Entry]]] = weakref.WeakKeyDictionary()
_wrappers: weakref.WeakSet[JitFunction] = weakref.WeakSet()


def _shared_cache(fun: Any, parameters: Any) -> dict[Any, Entry]:
    """The cache of a function and jit parameters: two wrappers of one function share it."""
    try:
        return _caches.setdefault(fun, {}).setdefault(parameters, {})
    except TypeError:  # not hashable, or cannot be referred to weakly
        return {}


class JitFunction:
    """What `jit` returns: a function that runs compiled; also `lower`, `trace`, `eval_shape`, `clear_cache`."""

    # Own slots: `wraps` copies the __dict__ of what it wraps, which may be a JitFunction itself.
    __slots__ = ("__dict__", "__weakref__", "_cache", "_fun", "_options", "_plain", "_static_names", "_static_nums")

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
        self._plain = not self._static_nums and not self._static_names
        self._cache = _shared_cache(fun, (self._static_nums, self._static_names))
        wraps(fun)(self)
        _wrappers.add(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function on these arguments."""
        if self._plain and STATE.plain:
            leaves, tree = flatten_fast((args, kwargs) if kwargs else args)
            frame = STATE.frame
            key: list[Any] = [tree, bool(kwargs), config.trace_context()]
            tensors: list[Tensor] = []
            for x in leaves:
                if type(x) is not Array:
                    break
                t = x._t if x._frame is frame else unwrap(x)
                tensors.append(t)
                key += (t.shape, t.dtype, x._tag)
            else:
                entry = self._cache.get(tuple(key))
                if entry is not None and (frame is None or entry.usable()):
                    return entry.run(tensors)
        return self._general(args, kwargs)

    def _general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if config.disable_jit.value or not STATE.plain or _named_axis_outside():
            # Checks op by op, and collectives over an enclosing vmap's axis, need the Python itself.
            return self._fun(*args, **kwargs)
        return ref_state.call_jitted(self, self._of_arrays, _jitted_plainly, location_of(self._fun), args, kwargs)

    def _of_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arrays, key, call, in_tree, paths = self._prepare(args, kwargs)
        entry = self._cache.get(key)
        if entry is None or not entry.usable():
            entry = self._make(call, arrays, in_tree, paths)
            self._cache[key] = entry
        return entry.run([unwrap(x) for x in arrays])

    def _prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Arrays of the dynamic leaves, the key, a function of such Arrays, their tree, their paths."""
        n = len(args)
        nums = {k % n for k in self._static_nums if -n <= k < n} if n else set()
        static = tuple(Static(a) if k in nums else None for k, a in enumerate(args))
        static_kw = tuple((k, Static(v)) for k, v in sorted(kwargs.items()) if k in self._static_names)
        dynamic = tuple(a for k, a in enumerate(args) if k not in nums)
        dynamic_kw = {k: v for k, v in kwargs.items() if k not in self._static_names}
        leaves, tree = flatten_fast((dynamic, dynamic_kw) if dynamic_kw else dynamic)
        in_tree = treedef_of(tree)
        arrays = [self._argument(x, k, dynamic, dynamic_kw, nums, n) for k, x in enumerate(leaves)]
        key: list[Any] = [tree, bool(dynamic_kw), config.trace_context()]
        for x in arrays:
            t = x._t
            key += (t.shape, t.dtype, x._tag)
            if type(x) is not Array:
                key.append(type(x))
        if not self._plain:
            key += (static, static_kw)
        whole: list[Any] = [s.value if s is not None else None for s in static]
        places = [k for k in range(n) if k not in nums]
        fixed_kw = {k: s.value for k, s in static_kw}

        def call(inside: Sequence[Array]) -> Any:
            rebuilt = tree_unflatten(in_tree, list(inside))
            positional, named = rebuilt if dynamic_kw else (rebuilt, {})
            filled = list(whole)
            for k, value in zip(places, positional, strict=True):
                filled[k] = value
            return self._fun(*filled, **named, **fixed_kw)

        hashed = tuple(key)
        hash(hashed)  # a static value that cannot be hashed: now, with JAX's words
        return arrays, hashed, call, in_tree, lambda: self._paths(dynamic, dynamic_kw, nums, n)

    def _paths(self, dynamic: Any, dynamic_kw: Any, nums: set[int], n: int) -> list[str]:
        """How messages call each leaf: ``x``, ``state['w'][0]``."""
        signature = signature_of(self._fun)
        places = [k for k in range(n) if k not in nums]
        names: dict[int, str] = {}
        if signature is not None:
            parameters = list(signature.parameters.values())
            for k in places:
                if k < len(parameters) and parameters[k].kind in (
                    inspect.Parameter.POSITIONAL_ONLY,
                    inspect.Parameter.POSITIONAL_OR_KEYWORD,
                ):
                    names[k] = parameters[k].name
                else:
                    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
                    fixed = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
                    names[k] = f"{rest}[{k - fixed}]"
        out: list[str] = []
        for path, _ in tree_flatten_with_path(dynamic)[0]:
            place = places[path[0].idx]
            out.append(names.get(place, f"args[{place}]") + keystr(path[1:]))
        for path, _ in tree_flatten_with_path(dynamic_kw)[0] if dynamic_kw else ():
            out.append(str(path[0].key) + keystr(path[1:]))
        return out

    def _argument(self, x: Any, k: int, dynamic: Any, dynamic_kw: Any, nums: set[int], n: int) -> Array:
        if isinstance(x, Array):
            return x
        try:
            check_leaf(x)
        except TypeError:
            path = self._paths(dynamic, dynamic_kw, nums, n)[k]
            raise TypeError(
                f"Error interpreting argument to {self._fun} as an abstract array. The problematic value is of type "
                f"{type(x)} and was passed to the function at path {path}.\n"
                "This typically means that a jit-wrapped function was called with a non-array argument, and this "
                "argument was not marked as static using the static_argnums or static_argnames parameters of jax.jit."
            ) from None
        return _float0_stand_in(x) if is_float0(x) else asarray(x)

    def _make(self, call: Any, arrays: Sequence[Array], in_tree: Any, paths: Any) -> Entry:
        """Trace: the one run of the Python for this key."""
        return make_entry(call, arrays, in_tree, self._fun, paths())

    # Inspection

    def _entry_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Entry, list[Array]]:
        arrays, key, call, in_tree, paths = self._prepare(_concrete_like(args), _concrete_like(kwargs))
        entry = self._cache.get(key)
        if entry is None or not entry.usable():
            entry = self._cache[key] = self._make(call, arrays, in_tree, paths)
        return entry, arrays

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """Trace only; see `jax.stages.Traced`."""
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
        return len(self._cache)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<PjitFunction of {self._fun!r}>"

    def __reduce__(self) -> Any:
        return _rebuild, (self._fun, self._options)


def _jitted_plainly(fun: Any) -> JitFunction:
    return JitFunction(fun, dict.fromkeys(("static_argnums", "static_argnames", "donate_argnums", "donate_argnames")))


def _rebuild(fun: Any, options: dict[str, Any]) -> JitFunction:
    return JitFunction(fun, options)


def make_entry(call: Any, arrays: Sequence[Array], in_tree: Any, fun: Any, paths: Sequence[str]) -> Entry:
    """Trace ``call`` on stand-ins for ``arrays``."""
    made: dict[str, Any] = {}
    location = location_of(fun)

    def flat(inside: list[Array]) -> list[Array]:
        out = call(inside)
        leaves, made["tree"] = tree_flatten(out)
        return [_result(x, k, out, location) for k, x in enumerate(leaves)]

    graph, outs = trace(flat, arrays, name_of(fun), paths, location)
    return Entry(graph, in_tree, [(type(o), o._tag) for o in outs], made["tree"])


def location_of(fun: Any) -> str:
    """``name at file:line``, as messages name a function."""
    inner: Any = fun
    while hasattr(inner, "__wrapped__") or isinstance(inner, functools.partial):
        inner = inner.func if isinstance(inner, functools.partial) else inner.__wrapped__
    code = getattr(inner, "__code__", None)
    where = f" at {code.co_filename}:{code.co_firstlineno}" if code is not None else ""
    return f"{name_of(fun)}{where}"


def _result(x: Any, k: int, out: Any, location: str) -> Array:
    if isinstance(x, Array):
        return x
    ref_state.check_result(x, location)
    try:
        check_leaf(x)
    except TypeError:
        path = keystr(tree_flatten_with_path(out)[0][k][0])
        at = f" at output component {path}" if path else ""
        raise TypeError(
            f"function {location} traced for jit returned a value of type {type(x)}{at}, which is not a valid JAX type"
        ) from None
    return _float0_stand_in(x) if is_float0(x) else asarray(x)


def _float0_stand_in(x: Any) -> Array:
    """float0 has no values: a bool array of its shape stands for it inside a graph."""
    return asarray(x.astype(bool) if hasattr(x, "astype") else x)


def _concrete_like(tree: Any) -> Any:
    """Arguments with shapes in place of arrays (`ShapeDtypeStruct`) as Arrays without values."""
    from jaxlike._src.shape_struct import ShapeDtypeStruct

    leaves, treedef = tree_flatten(tree)
    if not any(isinstance(x, ShapeDtypeStruct) for x in leaves):
        return tree
    return tree_unflatten(treedef, [x.stand_in() if isinstance(x, ShapeDtypeStruct) else x for x in leaves])


def _named_axis_outside() -> bool:
    """Whether a vmap with an axis name runs, with no trace inside of it."""
    for frame in running():
        if frame.trace is not None:
            return False
        if frame.axis_name is not None:
            return True
    return False


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
        in_shardings: accepted; arrays stay where they are.
        out_shardings: accepted.
        static_argnums: positions of arguments that are Python values; each value gets its own trace.
        static_argnames: the same by name.
        donate_argnums: positions of arguments whose memory may be reused (never needed here).
        donate_argnames: the same by name.
        keep_unused: accepted.
        device: accepted, as JAX does.
        backend: accepted.
        inline: accepted.
        compiler_options: accepted.

    Returns:
        A function of the same arguments, with `lower`, `trace`, `eval_shape` and `clear_cache`.
    """
    options = {
        "static_argnums": static_argnums,
        "static_argnames": static_argnames,
        "donate_argnums": donate_argnums,
        "donate_argnames": donate_argnames,
    }
    del in_shardings, out_shardings, keep_unused, device, backend, inline, compiler_options
    if fun is _UNSPECIFIED:
        return lambda fun: JitFunction(_checked(fun), options)
    return JitFunction(_checked(fun), options)


def _checked(fun: Any) -> Any:
    check_callable(fun)
    return fun


def clear_caches() -> None:
    """Forget every trace and compiled graph."""
    for wrapper in list(_wrappers):
        wrapper.clear_cache()
    for by_parameters in list(_caches.values()):
        for cache in by_parameters.values():
            cache.clear()
