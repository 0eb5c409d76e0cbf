"""forward: jvp, linearize, jacfwd, hessian.

jvp runs the function once on dual numbers at a functorch level of its own. `linearize` needs the primal
evaluated once and the tangent map many times: it keeps the pullback of one reverse pass and transposes
that (the pullback is linear in the cotangent), so no part of the function runs again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.debug_checks import check_tensor
from jaxlike._src.frames import STATE, Frame, current_trace
from jaxlike._src.graph.source import PULLING
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms.arguments import (
    check_callable,
    checked_argnums,
    flatten,
    flatten_typed,
    is_float0,
    name_of,
    split_argnums,
    split_aux,
    wraps,
)
from jaxlike._src.transforms.hi_values import as_tangents, has_hi, lowered_values, of_arrays, raised, tangents_like
from jaxlike._src.transforms.linear_function import Linearized
from jaxlike._src.transforms.ref_arguments import MadeRefs, has_refs, jvp_of_refs, linearize_of_refs
from jaxlike._src.transforms.ref_state import was_made_here
from jaxlike._src.transforms.reverse import (
    LOOKING,
    LoweredRef,
    is_differentiable,
    jacrev,
    lower,
    output_array,
    raise_level,
    vjp,
    vjp_leaves,
    zeros_for_float0,
)
from jaxlike._src.transforms.standard_basis import columns_to_jacobian, standard_basis
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import tree_flatten, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor


def jvp_leaves(
    fun: Callable[[Sequence[Any]], Any], primals: Sequence[Any], tangents: Sequence[Any], fun_name: str
) -> tuple[list[Array], list[Any], Any, Any]:
    """Run ``fun`` on dual numbers.

    Returns:
        Output leaves, their tangents (float0 arrays for integers), the output tree, aux.
    """
    at = [k for k, p in enumerate(primals) if is_differentiable(p)]
    pairs = [(own_memory(unwrap(primals[k])), own_memory(unwrap(tangents[k]))) for k in at]
    with Frame("jvp", fun_name=fun_name) as frame, torch_private.forward_mode(True):
        level = frame.level = torch_private.enter_jvp()
        inside: list[Any] = list(primals)
        try:
            for k, (p, t) in zip(at, pairs, strict=True):
                inside[k] = Array(torch_private.make_dual(p, t), primals[k]._tag)
            out, aux = fun(inside)
            leaves, treedef = tree_flatten(out)
            leaves = [output_array(x) for x in leaves]
            results: list[tuple[Any, Any]] = [
                (x, None) if is_float0(x) else _split_dual(unwrap(x), level) for x in leaves
            ]
            aux_leaves, aux_tree = tree_flatten(aux)
            aux_values = [_lower_dual(x, level) for x in aux_leaves]
        finally:
            assert frame.made is not None
            alive = [x for r in frame.made if (x := r()) is not None and x._frame is frame]
            frame.escape(x for x in alive if torch_private.unpack_dual(x._t)[1] is not None)
            torch_private.exit_jvp()
    outs = [x if is_float0(x) else type(x)(p, x._tag) for x, (p, _) in zip(leaves, results, strict=True)]
    moved = [_tangent(x, p, t) for x, (p, t) in zip(leaves, results, strict=True)]
    if not STATE.plain:  # torch computes tangents beside values; what made one is most often a product
        for t in moved:
            if isinstance(t, Array):
                check_tensor("mul", t._t)
    return outs, moved, treedef, tree_unflatten(aux_tree, [raise_level(x) for x in aux_values])


def own_memory(tensor: Tensor) -> Tensor:
    """A primal or tangent that torch can make dual: no expanded view, which below levels of vmap shows."""
    held = tensor
    while torch_private.is_wrapped(held):
        held = torch_private.wrapped_value(held)
    return tensor.clone() if 0 in held.stride() else tensor


def _split_dual(tensor: Tensor, level: int) -> tuple[Tensor, Tensor | None]:
    primal, tangent = torch_private.unpack_dual(tensor)
    if tangent is not None:
        if tangent.dtype is not primal.dtype:  # torch lets a Python number widen a 0-d tangent
            tangent = tangent.to(primal.dtype)
        tangent = torch_private.unwrap_at(torch_private.materialized(tangent), level)
    return torch_private.unwrap_at(torch_private.materialized(primal), level), tangent


def _lower_dual(x: Any, level: int) -> Any:
    if isinstance(x, Array):
        return (type(x), x._tag, torch_private.unwrap_at(torch_private.unpack_dual(unwrap(x))[0], level))
    if was_made_here(x):
        return LoweredRef(type(x), _lower_dual(x.value(), level))
    return lower(x, level)


def _tangent(x: Array, primal: Tensor, tangent: Tensor | None) -> Any:
    if not is_differentiable(x):
        return np.zeros(x.shape, dtypes.float0)
    return Array(torch.zeros_like(primal) if tangent is None else tangent, x._tag)


@api_boundary
def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Value of ``fun(*primals)`` and its derivative in the direction ``tangents``.

    Args:
        fun: returns any tree of arrays (with ``has_aux``: a pair of it and anything).
        primals: tuple or list of arguments.
        tangents: the same tree, shapes and dtypes (float0 for integers).
        has_aux: whether ``fun`` returns ``(value, aux)``.

    Returns:
        ``(out, tangent_out)``, or ``(out, tangent_out, aux)``.
    """
    check_callable(fun)
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise TypeError(
            "primal and tangent arguments to jax.jvp must be tuples or lists; found "
            f"{type(primals).__name__} and {type(tangents).__name__}."
        )
    if has_hi(primals):
        low = lowered_values(primals, "differentiation by")
        outs = jvp(of_arrays(fun, has_aux), low, tangents_like(low, tangents), has_aux=has_aux)
        return raised(outs[0]), as_tangents(outs[1]), *outs[2:]
    if has_refs(primals):
        return jvp_of_refs(jvp, fun, primals, tangents, has_aux)
    ps, in_tree = flatten_typed(primals, "")
    ts, tangent_tree = flatten_typed(tangents, "")
    if in_tree != tangent_tree:
        raise TypeError(
            "primal and tangent arguments to jax.jvp must have the same tree structure; primals have tree structure "
            f"{in_tree} whereas tangents have tree structure {tangent_tree}."
        )
    for p, t in zip(ps, ts, strict=True):
        _check_tangent(p, t)

    made = MadeRefs()

    def on_leaves(arrays: Sequence[Any]) -> Any:
        out = fun(*tree_unflatten(in_tree, list(arrays)))
        out, aux = split_aux(out) if has_aux else (out, None)
        return made.values(out), aux

    outs, moved, out_tree, aux = jvp_leaves(on_leaves, ps, ts, name_of(fun))
    result = tree_unflatten(out_tree, made.refs(outs)), tree_unflatten(out_tree, made.refs(moved))
    return (*result, aux) if has_aux else result


def _check_tangent(p: Any, t: Any) -> None:
    want = dtypes.float0 if is_float0(p) else p.aval.to_tangent_aval().dtype
    if t.dtype != want:
        raise TypeError(
            "primal and tangent arguments to jax.jvp do not match; dtypes must be equal, or in case of int/bool primal "
            f"dtype the tangent dtype must be float0.Got primal dtype {p.dtype} and so expected tangent dtype {want}, "
            f"but got tangent dtype {t.dtype} instead."
        )
    if tuple(p.shape) != tuple(t.shape):
        raise ValueError(
            f"jvp called with different primal and tangent shapes;Got primal shape {tuple(p.shape)} and tangent shape "
            f"as {tuple(t.shape)}"
        )


@api_boundary
def linearize(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Value of ``fun(*primals)`` and its derivative there as a linear function.

    Returns:
        ``(out, f_jvp)`` or ``(out, f_jvp, aux)``; ``f_jvp(*tangents)`` does not run ``fun`` again.
    """
    check_callable(fun)
    if has_hi(primals):
        low = lowered_values(primals, "differentiation by")
        out, push, *aux = linearize(of_arrays(fun, has_aux), *low, has_aux=has_aux)
        return raised(out), lambda *ts: as_tangents(push(*tangents_like(low, ts))), *aux
    if has_refs(primals):
        return linearize_of_refs(linearize, fun, primals, has_aux)
    leaves, in_tree = flatten_typed(primals, "")

    made = MadeRefs()

    def on_leaves(arrays: Sequence[Any]) -> Any:
        out = fun(*tree_unflatten(in_tree, list(arrays)))
        out, aux = split_aux(out) if has_aux else (out, None)
        return made.values(out), aux

    outs, out_tree, pull, aux = vjp_leaves(on_leaves, leaves, name_of(fun))
    push = _transpose_of(pull, [o.aval for o in outs], leaves)
    avals, results = [p.aval for p in leaves], [o.aval for o in outs]
    by, given = [is_differentiable(p) for p in leaves], [is_differentiable(o) for o in outs]

    def public(on_leaves: Callable[[Sequence[Any]], list[Any]], *tangents: Any) -> Any:
        ts, tree = flatten(tangents)
        if tree != in_tree:
            raise TypeError(f"expected {in_tree}, got {tree}")
        for p, t in zip(avals, ts, strict=True):
            want = p.to_tangent_aval()
            if tuple(t.shape) != want.shape or t.dtype != want.dtype:
                got = t.aval if isinstance(t, Array) else want.update(shape=t.shape, dtype=t.dtype)
                raise ValueError(
                    "linearized function called on tangent values inconsistent with the original primal values:\n"
                    f"Got tangent aval {got} for primal aval {p} but expected {want}."
                )
        moved = iter(on_leaves([t for t, b in zip(ts, by, strict=True) if b]))
        zeros = (next(moved) if g else np.zeros(a.shape, dtypes.float0) for g, a in zip(given, results, strict=True))
        return tree_unflatten(out_tree, made.refs(list(zeros)))

    def whole(tangents: Sequence[Any]) -> list[Any]:
        rest = iter(tangents)
        return [next(rest) if b else None for b in by]

    def chosen(moved: Sequence[Any]) -> list[Any]:
        return [t for t, g in zip(moved, given, strict=True) if g]

    def joint(primals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
        outs, _, pull, _ = vjp_leaves(on_leaves, primals, name_of(fun))
        return chosen(_transpose_of(pull, [o.aval for o in outs], primals)(whole(tangents)))

    out = tree_unflatten(out_tree, made.refs(outs))
    types = [a for a, b in zip(avals, by, strict=True) if b]
    f_jvp = Linearized(public, lambda tangents: chosen(push(whole(tangents))), joint, leaves, types)
    return (out, f_jvp, aux) if has_aux else (out, f_jvp)


def _transpose_of(
    pull: Callable[[Sequence[Any]], list[Any]], out_avals: Sequence[Any], primals: Sequence[Any]
) -> Callable[[Sequence[Any]], list[Any]]:
    """The map of which ``pull`` is the transpose: tangents of the primals to tangents of the outputs."""
    at = [k for k, p in enumerate(primals) if is_differentiable(p)]
    device = unwrap(primals[at[0]]).device if at else torch.device("cpu")

    def pull_chosen(cotangents: Sequence[Any]) -> Any:
        grads = pull(cotangents)
        return [grads[k] for k in at], None

    with LOOKING.set(True), PULLING.looked_at(current_trace()):
        zeros = [
            np.zeros(a.shape, dtypes.float0)
            if a.to_tangent_aval().dtype == dtypes.float0
            else Array(torch.zeros(a.shape, dtype=dtypes.to_torch(a.dtype), device=device), a.weak_type)
            for a in out_avals
        ]
        _, _, push, _ = vjp_leaves(pull_chosen, zeros, "linearize", linear=True)

    def apply(tangents: Sequence[Any]) -> list[Any]:
        with PULLING.pushed():
            return push([tangents[k] for k in at])

    return apply


def _check_jacfwd_input(x: Any, holomorphic: bool) -> None:
    dtype = x.dtype
    if isinstance(dtype, dtypes.ExtendedDType):
        raise TypeError(f"jacfwd with input element type {dtype}")
    if holomorphic:
        if not dtypes.issubdtype(dtype, np.complexfloating):
            raise TypeError(f"jacfwd with holomorphic=True requires inputs with complex dtype, but got {dtype.name}.")
    elif not dtypes.issubdtype(dtype, np.floating):
        raise TypeError(
            "jacfwd requires real-valued inputs (input dtype that is a sub-dtype of np.floating), but got "
            f"{dtype.name}. For holomorphic differentiation, pass holomorphic=True. For differentiation of "
            "non-holomorphic functions involving complex inputs or integer inputs, use jax.jvp directly."
        )


def jacfwd(
    fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """Jacobian of ``fun`` by columns: one jvp for each input element, under vmap.

    Returns:
        A function that gives the tree of the output, each leaf replaced by the tree of the input, whose leaves have
        shape ``output shape + input shape``.
    """
    check_callable(fun)
    argnums = checked_argnums(argnums)

    @api_boundary
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = split_argnums(fun, argnums, args, kwargs)
        primals, _ = flatten_typed(chosen)
        for x in primals:
            _check_jacfwd_input(x, holomorphic)

        def push(tangent: Any) -> Any:
            out, moved, *aux = jvp(of_chosen, (chosen,), (tangent,), has_aux=has_aux)
            if has_refs(out):
                raise ValueError("at vmap out_axes[0], got axis spec None but output was batched on axis 0")
            return out, tree_map(zeros_for_float0, moved, out), *aux

        if has_aux:
            out, columns, aux = vmap(push, out_axes=(None, -1, None))(standard_basis(chosen))
        else:
            out, columns = vmap(push, out_axes=(None, -1))(standard_basis(chosen))
            aux = None
        if holomorphic:
            tree_map(_check_jacfwd_output, out)
        jacobian = columns_to_jacobian(columns, chosen)
        return (jacobian, aux) if has_aux else jacobian

    return wraps(
        fun,
        docstr="Jacobian of {fun} with respect to positional argument(s) "
        f"{argnums}. Takes the same arguments as {{fun}} but returns the jacobian of the output with respect to the "
        f"arguments at positions {argnums}.",
    )(jacobian_of)


def _check_jacfwd_output(x: Any) -> None:
    if not dtypes.issubdtype(x.dtype, np.complexfloating):
        raise TypeError(f"jacfwd with holomorphic=True requires outputs with complex dtype, but got {x.dtype.name}.")


def jacobian(
    fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, holomorphic: bool = False, allow_int: bool = False
) -> Callable[..., Any]:
    """Alias of `jacrev`."""
    return jacrev(fun, argnums, has_aux, holomorphic, allow_int)


def hessian(
    fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """Second derivatives of ``fun`` as a nested tree: forward mode over reverse mode."""
    return jacfwd(jacrev(fun, argnums, has_aux, holomorphic), argnums, has_aux, holomorphic)


__all__ = ["hessian", "jacfwd", "jacobian", "jvp", "linearize", "vjp"]
