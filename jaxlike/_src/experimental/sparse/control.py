"""control: loops, branches and calls where some of what they carry is sparse.

A body's jaxpr is gone through with its arguments as sparse arrays, made of the arrays that the loop carries. What goes
round is a list of arrays, so its places and values may change, and its shape and layout may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.experimental.sparse.transform import (
    SparsifyEnv,
    SparsifyValue,
    arrays_to_spvalues,
    eval_sparse,
    spvalues_to_arrays,
)
from jaxlike._src.lax.cond import switch
from jaxlike._src.lax.scan import scan
from jaxlike._src.lax.while_loop import while_loop
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.jaxpr import ClosedJaxpr


def _on_arrays(jaxpr: ClosedJaxpr) -> Callable[..., list[Any]]:
    """The function of arrays, dense and sparse, that a jaxpr is."""

    def run(*args: Any) -> list[Any]:
        spenv = SparsifyEnv()
        return spvalues_to_arrays(spenv, eval_sparse(jaxpr.jaxpr, jaxpr.consts, arrays_to_spvalues(spenv, args), spenv))

    return run


def jit_sparse(spenv: SparsifyEnv, *spvalues: SparsifyValue, jaxpr: ClosedJaxpr, **params: Any) -> Any:
    """A call of a jitted function, in line."""
    del params
    return arrays_to_spvalues(spenv, _on_arrays(jaxpr)(*spvalues_to_arrays(spenv, spvalues)))


def custom_jvp_sparse(spenv: SparsifyEnv, *spvalues: SparsifyValue, call_jaxpr: ClosedJaxpr, **params: Any) -> Any:
    """The function itself: its rule is for dense arguments."""
    return jit_sparse(spenv, *spvalues, jaxpr=call_jaxpr, **params)


def while_sparse(
    spenv: SparsifyEnv,
    *spvalues: SparsifyValue,
    cond_jaxpr: ClosedJaxpr,
    cond_nconsts: int,
    body_jaxpr: ClosedJaxpr,
    body_nconsts: int,
) -> Any:
    """A while loop; what the body gives decides what is said of the indices of the result."""
    args = spvalues_to_arrays(spenv, spvalues)
    split = cond_nconsts + body_nconsts
    for_cond, for_body, init = args[:cond_nconsts], args[cond_nconsts:split], args[split:]
    flat, tree = tree_flatten(list(init))
    out_tree: list[Any] = []

    def body(carry: Any) -> Any:
        out, after = tree_flatten(_on_arrays(body_jaxpr)(*for_body, *tree_unflatten(tree, carry)))
        out_tree[:] = [after]
        return tuple(out)

    def cond(carry: Any) -> Any:
        return _on_arrays(cond_jaxpr)(*for_cond, *tree_unflatten(tree, carry))[0]

    out = while_loop(cond, body, tuple(flat))
    return arrays_to_spvalues(spenv, tree_unflatten(out_tree[0] if out_tree else tree, out))


def scan_sparse(
    spenv: SparsifyEnv,
    *spvalues: SparsifyValue,
    jaxpr: ClosedJaxpr,
    length: int,
    num_consts: int,
    num_carry: int,
    reverse: bool = False,
    unroll: Any = 1,
    **params: Any,
) -> Any:
    """A scan without elements to scan over."""
    del params
    if len(spvalues) > num_consts + num_carry:
        # As JAX refuses: a row of a sparse array is not a slice of its arrays.
        raise NotImplementedError("sparse rule for scan with x values.")
    args = spvalues_to_arrays(spenv, spvalues)
    consts, init = args[:num_consts], args[num_consts:]
    flat, tree = tree_flatten(list(init))

    def step(carry: Any, _: Any) -> Any:
        out = _on_arrays(jaxpr)(*consts, *tree_unflatten(tree, carry))
        return tuple(tree_flatten(out[:num_carry])[0]), tuple(out[num_carry:])

    carry, ys = scan(step, tuple(flat), None, length, reverse, unroll)
    return arrays_to_spvalues(spenv, [*tree_unflatten(tree, carry), *ys])


def cond_sparse(
    spenv: SparsifyEnv, index: SparsifyValue, *operands: SparsifyValue, branches: Sequence[ClosedJaxpr], **params: Any
) -> Any:
    """A choice of branches, whose results have the same layout."""
    del params
    args = spvalues_to_arrays(spenv, operands)
    return arrays_to_spvalues(spenv, switch(spenv.data(index), [_on_arrays(b) for b in branches], *args))
