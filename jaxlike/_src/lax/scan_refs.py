"""scan_refs: loops that read and write refs: row by row, and in backward rules of their bodies."""

from __future__ import annotations

from typing import Any

from jaxlike._src.frames import current_trace
from jaxlike._src.transforms.arguments import location_of
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.ref_state import (
    Outside,
    RefState,
    Touched,
    is_ref,
    refuse_given,
    refuse_twice,
    write_back,
    written,
)
from jaxlike._src.tree import tree_flatten, tree_unflatten


class Row(Outside):
    """The row of a ref that a loop goes over."""


class TouchedRefs:
    """Refs that a backward rule in a loop's body reads or writes: carried along, or rows of refs that it goes over."""

    def __init__(self) -> None:
        self.carried: list[RefState] = []
        self.rows: list[RefState] = []

    def add(self, touched: Touched) -> None:
        """One more; the error itself where it is known, and so from further out."""
        ref = touched.ref
        if ref in self.carried or ref in self.rows:
            raise touched
        (self.rows if isinstance(ref.outside, Row) else self.carried).append(ref)


def rows_of(ref: RefState) -> RefState:
    """The ref outside of the loop that a ref in its body is a row of."""
    assert ref.outside is not None
    return ref.outside.ref


def over_rows(scan: Any, f: Any, init: Any, xs: Any, *options: Any) -> Any:
    """A loop over refs: each step has a ref to its row."""
    leaves, tree = tree_flatten(xs)
    all_leaves = [*tree_flatten(init)[0], *leaves]
    refuse_twice(f, "scan", all_leaves, (init, xs), {})
    refs, before = [x for x in leaves if is_ref(x)], [x.value() for x in leaves if is_ref(x)]

    def step(carry: Any, rows: Any) -> Any:
        filled = [type(x)(v, "", Row(x)) if is_ref(x) else v for v, x in zip(rows, leaves, strict=True)]
        carry, y = f(carry, tree_unflatten(tree, filled))
        if current_trace() is not None:
            refuse_given(f, "scan", all_leaves, (init, xs))
        values = [v for v, x in zip(rows, leaves, strict=True) if is_ref(x)]
        return carry, (y, written(values, [x.value() for x in filled if is_ref(x)]))

    step.described = "scan", location_of(f), *leaf_names(f, (init, xs), {})  # type: ignore[attr-defined]
    carry, (ys, after) = scan(step, init, [x.value() if is_ref(x) else x for x in leaves], *options)
    write_back(refs, before, after)
    return carry, ys
