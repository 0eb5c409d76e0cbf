"""reverse: grad, value_and_grad, vjp, jacrev by reverse-mode differentiation.

One functorch level: inputs are wrapped there, the function runs once, torch's engine goes back. Results are
themselves differentiable, so levels nest to any order.
JAX's vjp is the transpose without conjugation: cotangents are conjugated on the way in, results on the way
out (torch multiplies by the conjugate transpose). Integers have tangents of dtype float0.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import conjugate, unwrap
from jaxlike._src.debug_checks import looking
from jaxlike._src.explicit_rules import ASKED
from jaxlike._src.frames import STATE, Frame
from jaxlike._src.graph.source import PULLING
from jaxlike._src.placement import PLACED
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms.arguments import (
    check_callable,
    checked_argnums,
    flatten,
    flatten_typed,
    is_float0,
    location_of,
    name_of,
    split_argnums,
    split_aux,
    to_array,
    wraps,
)
from jaxlike._src.transforms.hi_values import as_cotangents, cotangents_like, has_hi, lowered_values, of_arrays, raised
from jaxlike._src.transforms.linear_function import VJP
from jaxlike._src.transforms.mesh_types import split_like
from jaxlike._src.transforms.ref_arguments import MadeRefs, RefsToPull, has_refs
from jaxlike._src.transforms.ref_state import is_ref, was_made_here
from jaxlike._src.transforms.standard_basis import rows_to_jacobian, standard_basis
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import equality_errors_pytreedef, keystr, tree_flatten, tree_leaves, tree_map, tree_unflatten
from jaxlike._src.varying import shared, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor


def is_differentiable(x: Any) -> bool:
    """Whether ``x`` is a floating or complex Array."""
    if type(x) is not Array:  # keys, int4 and float0 have no tangents; narrow floats do not compute
        return False
    dtype = x._t.dtype
    return dtype.is_floating_point or dtype.is_complex


class _Looking(threading.local):
    """Whether a pullback is run for its structure, not for its values; a derivative inside of it is for its values."""

    now: bool = False

    @contextlib.contextmanager
    def set(self, now: bool) -> Iterator[None]:
        """It is so inside."""
        before, self.now = self.now, now
        try:
            yield
        finally:
            self.now = before


LOOKING = _Looking()


def vjp_leaves(
    fun: Callable[[Sequence[Any]], Any], primals: Sequence[Any], fun_name: str, linear: bool = False
) -> tuple[list[Array], Any, Callable[..., list[Any]], Any]:
    """Run ``fun`` on the primals' differentiable copies; give its results and its pullback.

    ``linear``: whether ``fun`` is known to be linear, so that what it calls is transposed.

    Returns:
        The output leaves (Arrays outside the level), the output tree, the pullback from cotangent leaves to
        input cotangent leaves, and whatever ``fun`` gave as aux.
    """
    at = [k for k, p in enumerate(primals) if is_differentiable(p)]
    tensors = [unwrap(primals[k]) for k in at]
    with Frame("grad", fun_name=fun_name) as frame:
        frame.linear = linear
        level = frame.level = torch_private.enter_grad()
        try:
            inputs = [torch_private.differentiable(t, level) for t in tensors]
            inside: list[Any] = list(primals)
            for k, t in zip(at, inputs, strict=True):
                inside[k] = Array(t, primals[k]._tag)
            if LOOKING.now and not linear:
                with LOOKING.set(False):
                    out, aux = fun(inside)
            else:
                out, aux = fun(inside)
            leaves, treedef = tree_flatten(out)
            leaves = [output_array(x) for x in leaves]
            made = [unwrap(x) for x in leaves]
            plain = [torch_private.unwrap_at(t, level) for t in made]
            aux_leaves, aux_tree = tree_flatten(aux)
            aux_values = [lower(x, level) for x in aux_leaves]
        finally:
            torch_private.exit_grad()
    outs = [type(x)(t, x._tag) for x, t in zip(leaves, plain, strict=True)]
    linked = [k for k, t in enumerate(made) if t.requires_grad]

    def pullback(cotangents: Sequence[Any], known_zeros: bool = False) -> list[Any]:
        """None stands for zero among the cotangents; with ``known_zeros`` among the results too."""
        given = [k for k in linked if cotangents[k] is not None]
        grads = run_backward([made[k] for k in given], [unwrap(cotangents[k]) for k in given], inputs)
        result: list[Any] = [None] * len(primals)
        for k, g, t in zip(at, grads, tensors, strict=True):
            if g is not None or not known_zeros:
                result[k] = Array(torch.zeros_like(t) if g is None else g, primals[k]._tag)
                if PLACED:
                    split_like(result[k], primals[k])
        if not known_zeros:
            for k, p in enumerate(primals):
                if result[k] is None:
                    result[k] = np.zeros(p.shape, dtypes.float0)
        return result

    rebuilt = tree_unflatten(aux_tree, [raise_level(x) for x in aux_values])
    return outs, treedef, pullback, rebuilt


def output_array(x: Any) -> Array:
    """An output leaf as an Array."""
    if type(x) is Array:
        return x
    try:
        return to_array(x)
    except TypeError as error:
        raise TypeError(str(error).removesuffix(".")) from None


def lower(x: Any, level: int) -> Any:
    """A leaf of an aux output, stripped of a level that is about to end: (class, tag, tensor) or itself."""
    if isinstance(x, Array):
        return (type(x), x._tag, torch_private.unwrap_at(unwrap(x), level))
    return LoweredRef(type(x), lower(x.value(), level)) if was_made_here(x) else x


class LoweredRef(NamedTuple):
    """A ref that was made in a level that is about to end: its class, and its value as `lower` gives that."""

    kind: Any
    value: Any


def raise_level(x: Any) -> Any:
    """Inverse of `lower`, outside the level."""
    if type(x) is tuple and len(x) == 3 and isinstance(x[0], type) and issubclass(x[0], Array):
        return x[0](x[2], x[1])
    return x.kind(raise_level(x.value)) if type(x) is LoweredRef else x


def run_backward(
    outputs: Sequence[Tensor], cotangents: Sequence[Tensor], inputs: Sequence[Tensor]
) -> list[Tensor | None]:
    """Transpose (without conjugation) of the recorded computation, applied to the cotangents; None for zero."""
    cotangents = [conjugate(c) if c.is_complex() else c for c in cotangents]
    if outputs and inputs:
        looks = contextlib.nullcontext() if STATE.plain else looking()
        with looks, ASKED, PULLING.run([torch_private.innermost(c) for c in cotangents]):  # cotangents are split as primals
            grads = PULLING.with_strays(inputs, torch_private.backward(outputs, cotangents, inputs))
    else:
        grads = [None] * len(inputs)
    stored = (g if g is None else torch_private.materialized(g) for g in grads)
    return [conjugate(g) if g is not None and g.is_complex() else g for g in stored]


# grad and value_and_grad


def check_input(name: str, x: Any, holomorphic: bool, allow_int: bool) -> None:
    """TypeError where an input of grad or jacrev has a dtype without gradients."""
    dtype = x.dtype
    if holomorphic:
        if not dtypes.issubdtype(dtype, np.complexfloating):
            raise TypeError(f"{name} with holomorphic=True requires inputs with complex dtype, but got {dtype.name}.")
    elif isinstance(dtype, dtypes.ExtendedDType) or dtypes.issubdtype(dtype, np.integer) or dtype == np.bool_:
        if not allow_int:
            raise TypeError(
                f"{name} requires real- or complex-valued inputs (input dtype that is a sub-dtype of np.inexact), but "
                f"got {getattr(dtype, 'name', dtype)}. If you want to use Boolean- or integer-valued inputs, use vjp "
                "or set allow_int to True."
            )
    elif not dtypes.issubdtype(dtype, np.inexact):
        raise TypeError(
            f"{name} requires numerical-valued inputs (input dtype that is a sub-dtype of np.bool_ or np.number), but "
            f"got {dtype.name}."
        )


def check_output(name: str, x: Any, holomorphic: bool) -> None:
    """TypeError where an output of grad or jacrev has a dtype that cannot be differentiated."""
    dtype = x.dtype
    if holomorphic:
        if not dtypes.issubdtype(dtype, np.complexfloating):
            raise TypeError(f"{name} with holomorphic=True requires outputs with complex dtype, but got {dtype.name}.")
        return
    if isinstance(dtype, dtypes.ExtendedDType):
        raise TypeError(f"{name} with output element type {dtype}")
    if dtypes.issubdtype(dtype, np.complexfloating):
        raise TypeError(
            f"{name} requires real-valued outputs (output dtype that is a sub-dtype of np.floating), but got "
            f"{dtype.name}. For holomorphic differentiation, pass holomorphic=True. For differentiation of "
            "non-holomorphic functions involving complex outputs, use jax.vjp directly."
        )
    if not dtypes.issubdtype(dtype, np.floating):
        raise TypeError(
            f"{name} requires real-valued outputs (output dtype that is a sub-dtype of np.floating), but got "
            f"{dtype.name}. For differentiation of functions with integer outputs, use jax.vjp directly."
        )


def check_scalar(x: Any, level: int = 0) -> None:
    """TypeError where the function to differentiate, at this level if it is one, did not return one scalar."""
    said = "Gradient only defined for scalar-output functions. Output "
    if is_ref(x):
        raise TypeError(f"{said}had abstract value {x.aval}.")
    if not isinstance(x, Array | np.ndarray | np.generic | bool | int | float | complex):
        for leaf in tree_leaves(x):
            if not hasattr(leaf, "is_ref"):
                output_array(leaf)
        raise TypeError(f"{said}was {tree_map(lambda leaf: raise_level(lower(leaf, level)), x) if level else x}.")
    if np.shape(x) if not isinstance(x, Array) else x.shape:
        shape = x.shape if isinstance(x, Array) else np.shape(x)
        raise TypeError(f"{said}had shape: {shape}.")


def value_and_grad(
    fun: Callable[..., Any],
    argnums: Any = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Any = (),
) -> Callable[..., Any]:
    """A function that gives ``(fun(...), gradient)``.

    Args:
        fun: returns a scalar (with ``has_aux``: a pair of it and anything).
        argnums: which positional arguments to differentiate by; a tuple gives a tuple of gradients.
        has_aux: whether ``fun`` returns ``(value, aux)``.
        holomorphic: promise that ``fun`` is holomorphic (complex in, complex out).
        allow_int: allow integer inputs, whose gradients have dtype float0.
        reduce_axes: must be empty.

    Returns:
        A function of the same arguments. Gradients have the tree, shapes and dtypes of the inputs.
    """
    return _value_and_grad(fun, argnums, has_aux, holomorphic, allow_int, reduce_axes, "value_and_grad")


def _value_and_grad(
    fun: Any, argnums: Any, has_aux: bool, holomorphic: bool, allow_int: bool, reduce_axes: Any, _name: str
) -> Callable[..., Any]:
    if tuple(reduce_axes):
        raise NotImplementedError("reduce_axes argument to grad is deprecated")
    check_callable(fun)
    argnums = checked_argnums(argnums)
    fun_name = name_of(fun)

    @api_boundary
    def value_and_grad_of(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = split_argnums(fun, argnums, args, kwargs, of_grad=True)
        if has_hi(chosen):
            by_arrays = _value_and_grad(
                lambda low: of_chosen(raised(low)), 0, has_aux, holomorphic, allow_int, reduce_axes, _name
            )
            value, gradient = by_arrays(lowered_values(chosen, "differentiation by"))
            return value, as_cotangents(gradient)
        if has_refs(chosen):
            return _differentiate_by_refs(of_chosen, chosen, has_aux)
        primals, in_tree = flatten_typed(chosen)
        for x in primals:
            check_input("grad", x, holomorphic, allow_int)
        return _differentiate(of_chosen, primals, in_tree, has_aux, holomorphic, fun_name)

    return wraps(
        fun,
        docstr="Value and gradient of {fun} with respect to positional argument(s) "
        f"{argnums}. Takes the same arguments as {{fun}} but returns a two-element tuple where the first element "
        "is the value of {fun} and the second element is the gradient, which has the same shape as the arguments at "
        f"positions {argnums}.",
    )(value_and_grad_of)


def _differentiate_by_refs(of_chosen: Callable[[Any], Any], chosen: Any, has_aux: bool) -> Any:
    """Value and gradient, refs among what it is by."""
    out, pullback, *aux = vjp(of_chosen, chosen, has_aux=has_aux)
    check_scalar(out)
    check_output("grad", out, False)
    (gradient,) = pullback(tree_map(lambda x: type(x)(torch.ones_like(unwrap(x)), False), out))
    return ((out, *aux) if has_aux else out), gradient


def _differentiate(
    of_chosen: Callable[[Any], Any],
    primals: list[Array],
    in_tree: Any,
    has_aux: bool,
    holomorphic: bool,
    fun_name: str,
) -> Any:
    """Value and gradient in one go. As in `vjp_leaves` the level is over before the backward pass, which then is not
    recorded to be differentiated by it again."""
    at = [k for k, p in enumerate(primals) if is_differentiable(p)]
    tensors = [unwrap(primals[k]) for k in at]
    with Frame("grad", fun_name=fun_name) as frame:
        level = frame.level = torch_private.enter_grad()
        try:
            inputs = [torch_private.differentiable(t, level) for t in tensors]
            inside: list[Any] = list(primals)
            for k, t in zip(at, inputs, strict=True):
                inside[k] = Array(t, primals[k]._tag)
            out = of_chosen(tree_unflatten(in_tree, inside))
            out, aux = split_aux(out) if has_aux else (out, None)
            check_scalar(out, level)
            value = output_array(out)
            check_output("grad", value, holomorphic)
            made = unwrap(value)
            plain = torch_private.unwrap_at(made, level)
            aux_leaves, aux_tree = tree_flatten(aux)
            aux_values = [lower(x, level) for x in aux_leaves]
        finally:
            torch_private.exit_grad()
    grads = None
    if made.requires_grad:
        one = shared(torch.ones_like(plain), plain)
        grads = [
            torch.zeros_like(t) if g is None else g
            for g, t in zip(run_backward([made], [one], inputs), tensors, strict=True)
        ]
    from_real = grads is not None and not made.is_complex()  # from the real part of a complex number it comes strong
    if grads is None:
        grads = [torch.zeros_like(t) for t in tensors]
    result: list[Any] = [None] * len(primals)
    for k, g in zip(at, grads, strict=True):
        result[k] = Array(g, False if from_real and g.is_complex() else primals[k]._tag)
        if PLACED:
            split_like(result[k], primals[k])
    for k, p in enumerate(primals):
        if result[k] is None:
            result[k] = np.zeros(p.shape, dtypes.float0)
    answer = type(value)(plain, value._tag)
    gradient = tree_unflatten(in_tree, summed(result, primals))
    if has_aux:
        return (answer, tree_unflatten(aux_tree, [raise_level(x) for x in aux_values])), gradient
    return answer, gradient


def grad(
    fun: Callable[..., Any],
    argnums: Any = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Any = (),
) -> Callable[..., Any]:
    """A function that gives the gradient of the scalar-valued ``fun``; arguments as `value_and_grad`.

    Returns:
        A function of the same arguments; with ``has_aux`` it gives ``(gradient, aux)``.
    """
    both = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int, reduce_axes)

    @api_boundary
    def grad_of(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wraps(
        fun,
        docstr=f"Gradient of {{fun}} with respect to positional argument(s) {argnums}. Takes the same arguments as "
        "{fun} but returns the gradient, which has the same shape as the arguments at "
        f"positions {argnums}.",
    )(grad_of)


# vjp


@api_boundary
def vjp(fun: Callable[..., Any], *primals: Any, has_aux: bool = False, reduce_axes: Any = ()) -> Any:
    """Value of ``fun(*primals)`` and its vector-Jacobian product.

    Returns:
        ``(out, pullback)`` or, with ``has_aux``, ``(out, pullback, aux)``. ``pullback(cotangent)`` takes the tree,
        shapes and dtypes of ``out`` and gives a tuple, one cotangent a primal (float0 for integers).
    """
    if tuple(reduce_axes):
        raise NotImplementedError("reduce_axes argument to vjp is deprecated")
    check_callable(fun)
    if has_hi(primals):
        out, pull, *aux = vjp(of_arrays(fun, has_aux), *lowered_values(primals, "differentiation by"), has_aux=has_aux)
        return raised(out), lambda ct: as_cotangents(pull(cotangents_like(out, ct))), *aux
    found = RefsToPull(tree_flatten(primals)[0]) if has_refs(primals) else None
    leaves, in_tree = flatten(primals if found is None else tree_unflatten(tree_flatten(primals)[1], found.values))

    made = MadeRefs()

    def on_leaves(arrays: Sequence[Any]) -> Any:
        out = fun(*tree_unflatten(in_tree, list(arrays)))
        out, aux = split_aux(out) if has_aux else (out, None)
        return made.values(out), aux

    of_values = on_leaves if found is None else found.calling(on_leaves)
    outs, out_tree, pull, aux = vjp_leaves(of_values, leaves, name_of(fun))
    if found is not None:
        aux, after = aux
        found.finish(after)
    avals, shapes = [o.aval for o in outs], [tuple(p.shape) for p in leaves]
    given, by = [is_differentiable(o) for o in outs], [is_differentiable(p) for p in leaves]

    def public(on_leaves: Callable[[Sequence[Any]], list[Any]], out_ct: Any, *more: Any) -> Any:
        if more:
            raise TypeError(_too_many_cotangents(name_of(fun), len(more) + 1))
        cotangents, tree = tree_flatten(out_ct)
        if tree != out_tree:
            raise ValueError(cotangent_tree_error(fun, out_tree, tree))
        made.check(cotangents, avals)
        cotangents = [c.value() if is_ref(c) else c for c in cotangents]
        checked = [checked_cotangent(c, a) for c, a in zip(cotangents, avals, strict=True)]
        grads = iter(on_leaves([c for c, g in zip(checked, given, strict=True) if g]))
        whole = [next(grads) if b else np.zeros(s, dtypes.float0) for b, s in zip(by, shapes, strict=True)]
        return tree_unflatten(in_tree, whole if found is None else found.as_refs(whole))

    def chosen(pull: Callable[..., list[Any]], cotangents: Sequence[Any]) -> list[Any]:
        rest = iter(cotangents)
        shares = [_share(next(rest), o) if g else None for g, o in zip(given, outs, strict=True)]
        grads = pull(shares) if found is None else found.check(pull(shares, known_zeros=True))
        return [x for x, b in zip(summed(grads, leaves), by, strict=True) if b]

    def joint(primals: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        return chosen(vjp_leaves(of_values, primals, name_of(fun))[2], cotangents)

    out = tree_unflatten(out_tree, made.refs(outs))
    types = [a for a, g in zip(avals, given, strict=True) if g]
    pullback = VJP(
        (in_tree, out_tree), avals, public, lambda cotangents: chosen(pull, cotangents), joint, leaves, types
    )
    return (out, pullback, aux) if has_aux else (out, pullback)


def _share(cotangent: Array, out: Array) -> Array:
    return type(cotangent)(shared(unwrap(cotangent), unwrap(out)), cotangent._tag)


def _too_many_cotangents(name: str, count: int) -> str:
    return (
        f"The function returned by `jax.vjp` applied to {name} was called with {count} arguments, but functions "
        "returned by `jax.vjp` must be called with a single argument corresponding to the single value returned by the "
        "function being differentiated (even if that returned value is a tuple or other container).\n\nFor example, "
        "if we have:\n\n  def f(x):\n    return (x, x)\n  _, f_vjp = jax.vjp(f, 1.0)\n\nthe function `f` returns "
        "a single tuple as output, and so we call `f_vjp` with a single tuple as its argument:\n\n  "
        "x_bar, = f_vjp((2.0, 2.0))"
    )


def cotangent_tree_error(fun: Any, expected: Any, got: Any) -> str:
    """What is said of a cotangent whose tree is not that of the output."""
    parts = "\n".join(
        f"  * out{keystr(path)} was a {was} in the original output, but a {now} here, so {why}."
        for path, was, now, why in equality_errors_pytreedef(expected, got)
    )
    return (
        "unexpected tree structure.\n\nThe argument to a VJP function returned by `jax.vjp` must match the pytree\n"
        f"structure of the differentiated function {location_of(fun)}.\n\nBut the tree structures differ:\n{parts}"
    )


def checked_cotangent(c: Any, aval: Any) -> Any:
    """A cotangent leaf as an Array of the output's shape and dtype."""
    x = flatten_typed(c, "")[0][0]
    want = aval.to_tangent_aval().strip_weak_type()
    if want.dtype == dtypes.float0:
        wrong = is_float0(x) and tuple(x.shape) != want.shape
    else:
        wrong = is_float0(x) or x.shape != want.shape or x.dtype != want.dtype
    if wrong:
        got = f"{'float0' if is_float0(x) else x.dtype.name}[{','.join(map(str, x.shape))}]"
        raise ValueError(
            f"unexpected JAX type (e.g. shape/dtype) for argument to VJP function: got {got}, but expected "
            f"{want.str_short()} because the corresponding output of the differentiated function had JAX type "
            f"{aval.strip_weak_type().str_short()}"
        )
    return x


# jacrev


def zeros_for_float0(gradient: Any, like: Any) -> Any:
    """The Jacobian by or of an integer has its dtype, as in JAX."""
    if not is_float0(gradient):
        return gradient
    primal = to_array(like)
    return type(primal)(torch.zeros_like(unwrap(primal)), primal._tag)


def jacrev(
    fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, holomorphic: bool = False, allow_int: bool = False
) -> Callable[..., Any]:
    """Jacobian of ``fun`` by rows, one pullback for each output element, under vmap.

    Returns:
        A function that gives the tree of the output, each leaf replaced by the tree of the input, whose leaves have
        shape ``output shape + input shape``.
    """
    check_callable(fun)
    argnums = checked_argnums(argnums)

    @api_boundary
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = split_argnums(fun, argnums, args, kwargs)
        primals, _ = flatten(chosen)
        for x in primals:
            check_input("jacrev", x, holomorphic, allow_int)
        answer = vjp(of_chosen, chosen, has_aux=has_aux)
        out, pullback = answer[0], answer[1]
        tree_map(lambda x: check_output("jacrev", x, holomorphic), out)
        rows = vmap(lambda c: tree_map(zeros_for_float0, pullback(c)[0], chosen))(standard_basis(out))
        jacobian = rows_to_jacobian(rows, out)
        return (jacobian, answer[2]) if has_aux else jacobian

    return wraps(
        fun,
        docstr="Jacobian of {fun} with respect to positional argument(s) "
        f"{argnums}. Takes the same arguments as {{fun}} but returns the jacobian of the output with respect to the "
        f"arguments at positions {argnums}.",
    )(jacobian_of)
