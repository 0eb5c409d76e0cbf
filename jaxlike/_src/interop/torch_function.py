"""torch_function: a torch function, or a module, called by functions of JAX's under any transformation.

Values inside grad, jvp, vmap and jit are torch tensors at torch.func's levels, or stand-ins that a trace records. What
torch computes with them is differentiated, batched and traced like jaxlike's own kernels; so all that is done here is to
take the tensors out of the Arrays, and to see to it that none of them is written to.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import torch_private
from jaxlike._src.array import Array, NarrowArray
from jaxlike._src.border import asarray, cast, from_tensor, is_arraylike, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.dtypes import FROM_TORCH, ExtendedDType, canonicalize_dtype, to_torch
from jaxlike._src.tree import tree_flatten, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def torch_function(fun: Callable[..., Any]) -> Any:
    """A torch function or ``nn.Module`` as a function of Arrays, which grad, jvp, vmap and jit go through.

    Arrays, numpy arrays and tensors among the arguments, in trees, reach ``fun`` as tensors; Python numbers, strings and
    the rest as they are. What it returns, a tensor or a tree of tensors, comes back as Arrays.

    A module becomes a function of its parameters, ``f(parameters, *args)``; its parameters as they are now are
    ``f.parameters``, a dict of Arrays by name, and its buffers are constants; those of a module on the CPU go to the
    default device:

        net = jaxlike.torch_function(torch.nn.Linear(3, 1))
        jax.grad(lambda p, x: net(p, x).sum())(net.parameters, jnp.ones((2, 3)))

    ``fun`` should be a function of its arguments: what it closes over is a constant, and may not require grad. Writes
    into arguments stay inside of it. Under vmap, torch's random functions raise; jit traces ``fun`` once for each
    shape and dtype.
    """
    torch_private.learn_forward_rules_of_layers()
    if isinstance(fun, torch.nn.Module):
        return _of_module(fun)

    @functools.wraps(fun)
    def on_arrays(*args: Any, **kwargs: Any) -> Any:
        leaves, tree = tree_flatten((args, kwargs))
        given, named = tree_unflatten(tree, [_enter(x) if _is_array(x) else x for x in leaves])
        with torch.set_grad_enabled(_differentiates()):
            return tree_map(_array_of, fun(*given, **named))

    return on_arrays


def _of_module(module: torch.nn.Module) -> Callable[..., Any]:
    def on_arrays(parameters: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        leaves, tree = tree_flatten((args, kwargs))
        given, named = tree_unflatten(tree, [_enter(x) if _is_array(x) else x for x in leaves])
        state = {name: _placed(buffer) for name, buffer in module.named_buffers()}
        state |= {name: unwrap(asarray(x)) for name, x in parameters.items()}
        with torch.set_grad_enabled(_differentiates()):
            return tree_map(_array_of, torch.func.functional_call(module, state, given, named))

    on_arrays.__name__ = on_arrays.__qualname__ = type(module).__name__
    on_arrays.__dict__["parameters"] = {
        name: from_tensor(_placed(p), copy=False) for name, p in module.named_parameters()
    }
    return on_arrays


def _placed(tensor: Tensor) -> Tensor:
    """A copy of a module's tensor; one that nobody has put on an accelerator goes where Arrays are."""
    device = default_torch_device() if tensor.device.type == "cpu" else tensor.device
    return tensor.detach().to(device, copy=True)


def _differentiates() -> bool:
    """Whether torch is to record gradients: not outside of all transformations, where nobody asks for them."""
    return torch_private.functorch_depth() > 0


def _is_array(x: Any) -> bool:
    return is_arraylike(x) and not isinstance(x, bool | int | float | complex)


def _enter(x: Any) -> Tensor:
    """The tensor of an array-like, in a form that may be written to."""
    array = asarray(x)
    if isinstance(array, NarrowArray) or isinstance(array.dtype, ExtendedDType):
        raise TypeError(f"torch has no dtype like {array.dtype}")
    tensor = unwrap(array)
    if torch_private.is_wrapped(tensor):
        return tensor.clone()
    if tensor.device.type == "meta":
        return torch.ops.aten.alias.default(tensor)  # a trace takes writes to it for those of another value
    return torch_private.lazy_clone(tensor)


def _array_of(x: Any) -> Any:
    """A leaf of what torch returned, as an Array."""
    if isinstance(x, tuple):  # what torch.max and its kin return is no node of JAX's trees
        return tuple(map(_array_of, x))
    if isinstance(x, Array | bool | int | float | complex | str):
        return x
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"A torch function in a function of JAX's must return tensors, in trees; got {type(x)}.")
    plain = x
    while torch_private.is_wrapped(plain):
        plain = torch_private.wrapped_value(plain)
    if plain.requires_grad:
        raise TypeError(
            "A torch function in a function of JAX's depends on a tensor that requires grad and is not among its arguments. "
            "Give a module itself to jaxlike.torch_function, which makes its parameters an argument, or detach the tensor."
        )
    return Array(cast(x, to_torch(canonicalize_dtype(FROM_TORCH[x.dtype]))))
