"""placement_words: what a program says of where and how XLA should compute a part of it. Here torch decides.

The words are checked as JAX checks them, and have no other effect: results are the same wherever they are computed.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from jaxlike._src.transforms.arguments import to_array
from jaxlike._src.transforms.types import type_of
from jaxlike._src.tree import tree_flatten, tree_map


def _check_compute_type(compute_type: Any) -> None:
    if not isinstance(compute_type, str):
        raise TypeError("`compute_on`'s compute_type argument must be a string.")
    if compute_type not in ("device_host", "device", "tpu_sparsecore") and not compute_type.startswith("gpu_stream:"):
        raise ValueError(
            f"Invalid compute type {compute_type}. Current supported values are `device_host`, `device`, "
            "`tpu_sparsecore`, and `gpu_stream:#`."
        )


@contextlib.contextmanager
def compute_on(compute_type: str) -> Iterator[None]:
    """A context, or decorator, for what the host or another part of a device should compute.

    Args:
        compute_type: "device_host", "device", "tpu_sparsecore" or "gpu_stream:" and a number.
    """
    _check_compute_type(compute_type)
    yield


def compute_on2(
    f: Callable[..., Any] | None = None, *, compute_type: str, out_memory_spaces: Any, compiler_options: Any = None
) -> Any:
    """A function that the host or another part of a device should compute.

    Args:
        f: the function; left out, this is a decorator.
        compute_type: as `compute_on`'s.
        out_memory_spaces: where its results should be.
        compiler_options: accepted.
    """
    if f is None:
        return functools.partial(
            compute_on2, compute_type=compute_type, out_memory_spaces=out_memory_spaces, compiler_options=compiler_options
        )
    _check_compute_type(compute_type)
    fun = f

    @functools.wraps(fun)
    def wrapped(*args: Any) -> Any:
        return tree_map(to_array, fun(*args))

    return wrapped


class _Metadata(contextlib.ContextDecorator):
    def __enter__(self) -> None:
        """Nothing is set."""

    def __exit__(self, *exc: object) -> None:
        """Nothing is unset."""


def set_xla_metadata(x: Any = None, **kwargs: Any) -> Any:
    """Notes for XLA: on the values of the tree ``x``, which come back; without one a context, or decorator."""
    del kwargs
    return _Metadata() if x is None else tree_map(to_array, x)


def xla_metadata_call(f: Callable[..., Any] | None = None, **meta: Any) -> Any:
    """A function with such notes on all that it does; without one, a decorator."""
    if f is None:
        return functools.partial(xla_metadata_call, **meta)
    fun = f
    return lambda *args, **kwargs: tree_map(to_array, fun(*args, **kwargs))


def scheduling_group(name: Any) -> Any:
    """A decorator of functions whose operations XLA should schedule together."""
    return xla_metadata_call(scheduling_group=name)


def shard_alike(x: Any, y: Any) -> tuple[Any, Any]:
    """The trees, of the same structure and shapes, whose leaves should be split in the same way."""
    (ours, tree), (theirs, other) = tree_flatten(x), tree_flatten(y)
    if tree != other:
        raise ValueError(f"Trees should be equal. Got x_tree: {tree}, y_tree: {other}")
    for a, b in zip(map(type_of, ours), map(type_of, theirs), strict=True):
        if a.shape != b.shape:
            raise ValueError(
                "The leaves shapes of `x` and `y` should match. Got `x` leaf shape: "
                f"{a.shape} and `y` leaf shape: {b.shape}. File an issue at https://github.com/jax-ml/jax/issues if you "
                "want this feature."
            )
    return tree_map(to_array, x), tree_map(to_array, y)
