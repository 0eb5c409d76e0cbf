"""callback: Python functions that run while a traced program runs: pure_callback, io_callback.

A callback is one `Structured` operation. It gets Arrays on the CPU and returns anything that numpy understands; its
results must be of the promised shapes and dtypes. In a graph it is a node, called at each run in the order of the
program; a node with an effect is kept though nothing uses its results. It has no derivative; vmap calls it for
each lane, or once for all, as its ``vmap_method`` says.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import config, dtypes
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.border import astype, from_numpy, unwrap
from jaxlike._src.device_put import device_put
from jaxlike._src.devices import default_torch_device, get_backend
from jaxlike._src.errors import JaxRuntimeError
from jaxlike._src.graph.effects import IOEffect, OrderedIOEffect
from jaxlike._src.lax.scan import scan
from jaxlike._src.random.key_array import PRNGKeyArray, key_words
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.sharding import SingleDeviceSharding
from jaxlike._src.transforms.custom import flatten_arguments
from jaxlike._src.transforms.structured import Structured, apply
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame

logger = logging.getLogger("jax._src.callback")  # the name that programs configure
VMAP_METHODS = ["sequential", "sequential_unrolled", "expand_dims", "broadcast_all", "legacy_vectorized", None]


class FlatCallback:
    """A Python function of flat arguments, with flat results."""

    def __init__(self, fun: Callable[..., Any], in_tree: Any) -> None:
        self.fun, self.in_tree = fun, in_tree

    def __call__(self, args: Sequence[Array]) -> list[Any]:
        """The leaves of what the function returns."""
        positional, named = tree_unflatten(self.in_tree, list(args))
        return tree_leaves(self.fun(*positional, **named))

    def __repr__(self) -> str:
        return f"_FlatCallback(callback_func={self.fun!r}, in_tree={self.in_tree})"


class Callback(Structured):
    """A callback on flat arguments; what it is called for decides where its errors show."""

    sharding: Any = None  # where it is to run

    def __init__(self, call: Callable[[Sequence[Array]], Sequence[Any]], results: Sequence[ShapedArray]) -> None:
        self.call, self.results = call, tuple(results)
        self.in_graph = False

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Call it with values on the CPU, and check what it gives."""
        if self.sharding is not None and not isinstance(self.sharding, SingleDeviceSharding):
            raise NotImplementedError(  # JAX's words, for a mesh too
                f"pure_callback only supports SingleDeviceSharding, but got {type(self.sharding)}"
            )
        try:
            leaves = on_host(lambda inside: [np.asarray(x) for x in self.call(inside)], bare(args))
            return self._checked(leaves)
        except Exception as error:
            logger.exception("jax.%s failed", self.name)  # it may be a program's thread that gets to see the error
            raise callback_error(error) from error

    def _checked(self, leaves: Sequence[Any]) -> list[Array]:
        if len(leaves) != len(self.results):
            raise RuntimeError(
                f"Mismatched number of outputs from callback. Expected: {len(self.results)}, Actual: {len(leaves)}"
            )
        made = [x.astype(dtypes.canonicalize_dtype(x.dtype)) for x in leaves]
        for k, (x, aval) in enumerate(zip(made, self.results, strict=True)):
            for what, expected, actual in (("shape", aval.shape, x.shape), ("dtype", aval.dtype, x.dtype)):
                if expected != actual:
                    raise RuntimeError(
                        f"Incorrect output {what} for return value #{k}: Expected: {expected}, Actual: {actual}"
                    )
        return [from_numpy(x) for x in made]

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node, of which a compiler gets nothing."""
        del args
        op = self.like(self.results)
        op.in_graph = True
        return op, lambda: None, [], [ShapeDtypeStruct(a.shape, a.dtype).stand_in() for a in self.results]

    def like(self, results: Sequence[ShapedArray]) -> Callback:
        """The same callback, where it gives other shapes."""
        raise NotImplementedError

    def one_by_one(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> list[Array]:
        """A loop over the lanes."""
        if frame.axis_size == 0:
            return no_lanes(self.results)
        chosen = [a for a, m in zip(args, mapped, strict=True) if m]

        def step(_: Any, lane: Any) -> Any:
            rest = iter(lane)
            return (), apply(self, [next(rest) if m else a for a, m in zip(args, mapped, strict=True)])

        return scan(step, (), chosen)[1]


def bare(args: Sequence[Array]) -> list[Array]:
    """What a compiled program knows of its values: no weak types, and the words of keys."""
    return [key_words(a) if isinstance(a, PRNGKeyArray) else astype(a, a.dtype) for a in args]


def on_host(call: Callable[[Sequence[Array]], Any], args: Sequence[Array]) -> Any:
    """Call a function with values on the CPU, where it also computes."""
    if default_torch_device().type == "cpu" and all(a._t.device.type == "cpu" for a in args):
        return call(args)
    cpu = get_backend("cpu").local_devices()[0]
    with config.default_device(cpu):
        return call([device_put(a, cpu) for a in args])


def callback_error(error: BaseException) -> JaxRuntimeError:
    """What a program sees of an error inside of a callback that it calls."""
    text = "".join(traceback.format_exception(error))
    return JaxRuntimeError(f"INTERNAL: CpuCallback error calling callback: {text}")


def no_lanes(results: Sequence[ShapedArray]) -> list[Array]:
    """Results for a vmap over nothing, which is computed as one lane that is left out."""
    return [from_numpy(np.zeros((1, *a.shape), a.dtype)) for a in results]  # pyright: ignore[reportArgumentType, reportCallIssue]


class PureCallback(Callback):
    """A callback without side effects: it may be left out, or called more often."""

    name = "pure_callback"
    is_executed = True

    def __init__(
        self, call: Any, results: Sequence[ShapedArray], vmap_method: str | None = None, sharding: Any = None
    ) -> None:
        super().__init__(call, results)
        self.vmap_method, self.sharding = vmap_method, sharding

    def like(self, results: Sequence[ShapedArray]) -> PureCallback:
        """The same callback, where it gives other shapes."""
        return PureCallback(self.call, results, self.vmap_method, self.sharding)

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {
            "callback": self.call,
            "result_avals": self.results,
            "sharding": self.sharding,
            "vmap_method": self.vmap_method,
        }

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
        """None: a function with a rule of its own may wrap it."""
        raise ValueError(
            "Pure callbacks do not support JVP. Please use `jax.custom_jvp` to use callbacks while taking gradients."
        )

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """None."""
        return self.jvp(primals, perturbed)

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """None."""
        raise ValueError(
            "Pure callbacks do not support transpose. Please use `jax.custom_vjp` to use callbacks while taking "
            "gradients."
        )

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], Sequence[bool]]:
        """As ``vmap_method`` says."""
        method, size = self.vmap_method, frame.axis_size
        if frame.manual or method in ("sequential", "sequential_unrolled"):  # the devices of a mesh call it one by one
            return self.one_by_one(frame, args, mapped), [True] * len(self.results)
        if method is None:
            raise NotImplementedError(
                f"vmap is only supported for the {self.name} primitive when vmap_method is one of 'sequential', "
                "'sequential_unrolled', 'expand_dims', 'broadcast_all', or 'legacy_vectorized'. Got vmap_method=None."
            )
        lanes = {"expand_dims": 1, "broadcast_all": size}.get(method)
        whole = [a if m or lanes is None else _with_axis(a, lanes) for a, m in zip(args, mapped, strict=True)]
        if size == 0:
            whole = [type(a)(unwrap(a)[:0], a._tag) if m else a for a, m in zip(whole, mapped, strict=True)]
        outs = apply(self.like([a.update(shape=(size, *a.shape)) for a in self.results]), whole)
        return outs if size else no_lanes(self.results), [True] * len(outs)


def _with_axis(x: Array, size: int) -> Array:
    tensor = unwrap(x)
    return type(x)(tensor.expand([size, *tensor.shape]), x._tag)


class IOCallback(Callback):
    """A callback with side effects."""

    name = "io_callback"
    is_executed = True

    def __init__(self, call: Any, results: Sequence[ShapedArray], ordered: bool, sharding: Any = None) -> None:
        super().__init__(call, results)
        self.ordered, self.sharding = ordered, sharding
        self.only_looks = not self.results
        self.effects = frozenset([OrderedIOEffect() if ordered else IOEffect()])

    def like(self, results: Sequence[ShapedArray]) -> IOCallback:
        """The same callback, where it gives other shapes."""
        return IOCallback(self.call, results, self.ordered, self.sharding)

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {
            "callback": self.call,
            "ordered": self.ordered,
            "result_avals": self.results,
            "sharding": self.sharding,
        }

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
        """None."""
        raise ValueError("IO callbacks do not support JVP.")

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """None."""
        return self.jvp(primals, perturbed)

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """None."""
        raise ValueError("IO callbacks do not support transpose.")

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], Sequence[bool]]:
        """One call a lane, unless the order is to be kept; the devices of a mesh have one."""
        if self.ordered and not frame.manual:
            raise ValueError("Cannot `vmap` ordered IO callback.")
        return self.one_by_one(frame, args, mapped), [True] * len(self.results)


# The public functions


def result_types(result_shape_dtypes: Any) -> tuple[list[ShapedArray], Any]:
    """What a callback promises: the types of its results, and their tree."""

    def check(x: Any) -> None:
        dtype = np.dtype(x.dtype)
        if dtypes.canonicalize_dtype(dtype) != dtype:
            raise ValueError("result_shape_dtypes cannot specify 64-bit types when `jax_enable_x64` is disabled")

    tree_map(check, result_shape_dtypes)
    leaves, out_tree = tree_flatten(result_shape_dtypes)
    return [ShapedArray(x.shape, x.dtype) for x in leaves], out_tree


def pure_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    vmap_method: str | None = None,
    **kwargs: Any,
) -> Any:
    """Call a Python function without side effects, in jit too, where it runs with the values of each call.

    Args:
        callback: takes ``*args`` and ``**kwargs`` as Arrays on the CPU; returns a tree of arrays or numbers.
        result_shape_dtypes: tree of anything with ``shape`` and ``dtype``: what ``callback`` gives.
        *args: trees of arrays.
        sharding: where it runs: None, or a `SingleDeviceSharding`.
        vmap_method: under vmap, "sequential" or "sequential_unrolled" call it for each lane, "expand_dims" calls it
            once with a leading axis on all arguments (of size 1 where they are not mapped), "broadcast_all" with
            all arguments at full size, "legacy_vectorized" without an axis on those that are not mapped.
        **kwargs: trees of arrays.

    Returns:
        The tree of ``result_shape_dtypes`` with Arrays. It cannot be differentiated; `jax.custom_jvp` may wrap it.
    """
    if vmap_method not in VMAP_METHODS:
        raise ValueError(f"vmap_method must be on of the allowed methods {VMAP_METHODS}, but got: {vmap_method}")
    results, out_tree = result_types(result_shape_dtypes)
    arrays, in_tree = flatten_arguments(PureCallback.name, (args, kwargs))
    outs = apply(PureCallback(FlatCallback(callback, in_tree), results, vmap_method, sharding), arrays)
    return tree_unflatten(out_tree, outs)


def io_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    ordered: bool = False,
    **kwargs: Any,
) -> Any:
    """Call a Python function that may have side effects: in jit at each run, whether its results are used or not.

    Args:
        callback: takes ``*args`` and ``**kwargs`` as Arrays on the CPU; returns a tree of arrays or numbers.
        result_shape_dtypes: tree of anything with ``shape`` and ``dtype``: what ``callback`` gives; None for nothing.
        *args: trees of arrays.
        sharding: where it runs: None, or a `SingleDeviceSharding`.
        ordered: refuse vmap, whose lanes have no order. Calls are always made in the order of the program.
        **kwargs: trees of arrays.

    Returns:
        The tree of ``result_shape_dtypes`` with Arrays. It cannot be differentiated.
    """
    results, out_tree = result_types(result_shape_dtypes)
    arrays, in_tree = flatten_arguments(IOCallback.name, (args, kwargs))
    outs = apply(IOCallback(FlatCallback(callback, in_tree), results, bool(ordered), sharding), arrays)
    return tree_unflatten(out_tree, outs)


class _RuntimeTokens:
    """What JAX keeps of the effects that were started: nothing is kept here, for calls are made as their turn comes."""

    def clear(self) -> None:
        """Forget them."""

    def block_until_ready(self) -> None:
        """Wait for them."""
        effects_barrier()


runtime_tokens = _RuntimeTokens()


def effects_barrier() -> None:
    """Wait until the callbacks of all programs so far have run: they have, and so has the device's work."""
    if default_torch_device().type != "cpu":
        torch.accelerator.synchronize()
