"""ad: derivatives by the values of sparse arguments; a gradient is sparse, at the places of its argument.

The arguments are taken apart into arrays, of which those are differentiated that an argument names; of a sparse array
only its values. What comes back is put together with the places that the argument had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.border import concrete_or_error
from jaxlike._src.experimental.sparse.base import JAXSparse
from jaxlike._src.numpy.arguments import index_tuple
from jaxlike._src.transforms import forward, reverse
from jaxlike._src.transforms.arguments import wraps
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def is_sparse(x: Any) -> bool:
    """Whether an argument is a sparse array."""
    return isinstance(x, JAXSparse)


def flatten_fun_for_sparse_ad(fun: Callable[..., Any], argnums: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """A function of arrays that an ordinary transformation can differentiate.

    Args:
        fun: the function.
        argnums: which arguments are differentiated.
        args: the arguments.

    Returns:
        The function of all arrays; which of them to differentiate; the arrays; and what makes of their gradients those
        of the arguments.
    """
    chosen = index_tuple(argnums)
    if not all(0 <= k < len(args) for k in chosen):
        raise AssertionError(f"argnums={argnums} of {len(args)} arguments")
    leaves, tree = tree_flatten(args, is_leaf=is_sparse)
    counts = [len(tree_leaves(a, is_leaf=is_sparse)) for a in args]
    owner = [k for k, count in enumerate(counts) for _ in range(count)]
    parts = [tree_flatten(x) for x in leaves]
    begins = [sum(len(b) for b, _ in parts[:k]) for k in range(len(parts))]
    wanted = [k for k, o in enumerate(owner) if o in chosen and parts[k][0]]

    def fun_flat(*flat: Any, **kwargs: Any) -> Any:
        given = [
            tree_unflatten(t, flat[begin : begin + len(b)]) for begin, (b, t) in zip(begins, parts, strict=True)
        ]
        return fun(*tree_unflatten(tree, given), **kwargs)

    def reconstruct(k: int, grad: Any) -> Any:
        buffers, structure = parts[k]
        whole: Callable[..., Any] = lambda g: tree_unflatten(structure, [g, *buffers[1:]])  # noqa: E731
        for _ in range(grad.ndim - buffers[0].ndim):
            whole = vmap(whole)
        return whole(grad)

    def postprocess_gradients(grads: Sequence[Any]) -> Any:
        found: list[Any] = [None] * len(leaves)
        for k, grad in zip(wanted, grads, strict=True):
            found[k] = reconstruct(k, grad)
        given = tuple(g for g in tree_unflatten(tree, found) if tree_leaves(g))
        return given[0] if len(given) == 1 else given

    flat = [b for buffers, _ in parts for b in buffers]
    return fun_flat, tuple(begins[k] for k in wanted), flat, postprocess_gradients


def _sparse(
    transform: Callable[..., Any], fun: Callable[..., Any], argnums: Any, has_aux: bool, more: dict[str, Any]
) -> Callable[..., Any]:
    """A transformation that gives a gradient, or a pair of it and more, of a function with sparse arguments."""
    plain = transform(fun, argnums=argnums, has_aux=has_aux, **more)
    argnums = concrete_or_error(_index, argnums)

    @wraps(fun, docstr=plain.__doc__)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        flat, at, leaves, together = flatten_fun_for_sparse_ad(fun, argnums, args)
        out = transform(flat, argnums=at, has_aux=has_aux, **more)(*leaves, **kwargs)
        if transform is reverse.value_and_grad:
            return out[0], together(out[1])
        return (together(out[0]), out[1]) if has_aux else together(out)

    return transformed


def _index(argnums: Any) -> Any:
    return argnums if isinstance(argnums, int) else index_tuple(argnums)


def value_and_grad(
    fun: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, **kwargs: Any
) -> Callable[..., Any]:
    """As `jax.value_and_grad`; by a sparse argument the gradient is sparse, at its places."""
    return _sparse(reverse.value_and_grad, fun, argnums, has_aux, kwargs)


def grad(
    fun: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, **kwargs: Any
) -> Callable[..., Any]:
    """As `jax.grad`; by a sparse argument the gradient is sparse, at its places."""
    return _sparse(reverse.grad, fun, argnums, has_aux, kwargs)


def jacfwd(
    fun: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, **kwargs: Any
) -> Callable[..., Any]:
    """As `jax.jacfwd`, for dense results; by a sparse argument the Jacobian is sparse, with batch axes of the result."""
    return _sparse(forward.jacfwd, fun, argnums, has_aux, kwargs)


def jacrev(
    fun: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, **kwargs: Any
) -> Callable[..., Any]:
    """As `jax.jacrev`, for dense results; by a sparse argument the Jacobian is sparse, with batch axes of the result."""
    return _sparse(reverse.jacrev, fun, argnums, has_aux, kwargs)


jacobian = jacrev
