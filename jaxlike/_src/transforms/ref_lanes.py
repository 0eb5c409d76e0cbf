"""ref_lanes: refs under vmap: a mapped ref is inside a ref to the lanes of its value, which are written back at the end.

A ref that is not mapped goes in as it is. One that comes out is the ref that was given, or one of all lanes where it
was made inside. A backward rule that runs later finds the lanes in the ref outside (`Lanes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src import torch_private
from jaxlike._src.border import unwrap
from jaxlike._src.frames import STATE, below
from jaxlike._src.transforms.ref_state import Outside, RefState, is_ref, refuse_twice, write_back
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.frames import Frame


class Lanes(Outside):
    """The lanes of a ref along an axis."""

    def __init__(self, ref: RefState, axis: int) -> None:
        super().__init__(ref)
        self.axis = axis

    def is_open(self, frame: Frame, owner: Frame) -> bool:
        """Where the same lanes run again."""
        return frame.origin is owner.origin

    def value(self, frame: Frame) -> Array:
        """The lane that runs."""
        with below(frame):
            whole = self.ref.value()
            axis = self.axis % whole.ndim
        return type(whole)(torch_private.add_batch_dim(unwrap(whole), axis, frame.level), whole._tag)

    def put(self, new: Array, frame: Frame) -> None:
        """Replace all lanes."""
        tensor = unwrap(new)
        with below(frame):
            axis = self.axis % len(self.ref.aval.shape)
            whole = torch_private.remove_batch_dim(tensor, frame.level, frame.axis_size, axis)
            self.ref.put(type(new)(whole, new._tag))


class RefLanes:
    """The refs of one call of a vmapped function."""

    def __init__(self, fun: Any, leaves: Sequence[Any], axes: Sequence[Any], args: Any, kwargs: Any) -> None:
        refuse_twice(fun, "vmap", leaves, args, kwargs)
        self._leaves, self._places = leaves, [k for k, x in enumerate(leaves) if is_ref(x) and axes[k] is not None]
        self._axes = axes
        self.axes = [axes[k] for k in self._places]  # of the last values
        self.values = list(leaves)
        for k in self._places:
            self.values[k] = leaves[k].value()
        self._inside: list[RefState] = []
        self._out: list[tuple[bool, Any]] = []  # for each result whether its ref was there, and that or its class

    def inside(self, given: Sequence[Any]) -> list[Any]:
        """The leaves that the function gets, for values with their lanes hidden."""
        filled = list(given)
        for k in self._places:
            ref = self._leaves[k]
            filled[k] = type(ref)(given[k], "", Lanes(ref, self._axes[k]))
        self._inside = [filled[k] for k in self._places]
        self._before = [given[k] for k in self._places]
        return filled

    def results(self, out: Any) -> Any:
        """Values for the refs among the results; with them the last values, if refs are mapped."""
        leaves, tree = tree_flatten(out)
        self._out = [self._told(x) for x in leaves]
        out = tree_unflatten(tree, [x.value() if is_ref(x) else x for x in leaves])
        return (out, [r.value() for r in self._inside]) if self._places else out

    def _told(self, x: Any) -> tuple[bool, Any]:
        if not is_ref(x):
            return False, None
        at = next((k for k, r in zip(self._places, self._inside, strict=True) if r is x), None)
        made_here = x._held[-1][1] is STATE.frame
        return (False, type(x)) if at is None and made_here else (True, x if at is None else self._leaves[at])

    def finish(self, found: Any) -> Any:
        """The results, after refs were written."""
        out = found
        if self._places:
            out, after = found
            kept = [r._held[-1][0] is x for r, x in zip(self._inside, self._before, strict=True)]
            write_back(
                [self._leaves[k] for k in self._places],
                [self.values[k] for k in self._places],
                [None if k else x for k, x in zip(kept, after, strict=True)],
            )
        leaves, tree = tree_flatten(out)
        pairs = zip(leaves, self._out, strict=True)
        return tree_unflatten(tree, [x if t is None else t if known else t(x) for x, (known, t) in pairs])
