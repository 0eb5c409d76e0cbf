"""as_torch: a function of JAX's as an operation of torch.autograd, or as a module with parameters.

Forward is `vjp`, backward its pullback. A backward pass that is itself to be differentiated calls the derivative in
the same way on the saved tensors, so all orders are right. Tensors share their memory with the Arrays that stand for
them during the call; torch's own check of what was saved refuses a backward pass after one was written to.
"""

from __future__ import annotations

import contextlib
import functools
import re
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import border, config
from jaxlike._src.devices import default_torch_device, device_of
from jaxlike._src.frames import STATE
from jaxlike._src.interop.tensors import to_torch
from jaxlike._src.transforms.arguments import check_callable
from jaxlike._src.transforms.reverse import vjp
from jaxlike._src.tree import keystr, tree_flatten, tree_flatten_with_path, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.array import Array


def as_torch(fun: Callable[..., Any], parameters: Any = None) -> Any:
    """A function of JAX's as a function of torch tensors, which torch.autograd differentiates to any order.

    Tensors among the arguments, in trees, reach ``fun`` as Arrays, all else as it is; arrays that it returns come back
    as tensors. It may be jitted, and use all of JAX's transformations:

        loss = jaxlike.as_torch(jax.jit(lambda w, x: jnp.sum(jnp.tanh(x @ w) ** 2)))
        loss(weights, inputs).backward()

    It runs on the device of the tensors. Without 64-bit types float64 tensors are rounded to float32 on the way in; their gradients are float64 again.
    torch.func does not go through it (use JAX's transformations inside of it), and torch.compile breaks its graph there.

    Args:
        fun: the function.
        parameters: with it the result is an ``nn.Module`` that calls ``fun(parameters, *args)``: the inexact arrays of
            this tree are its parameters, the others its buffers.
    """
    check_callable(fun)
    if parameters is not None:
        return JaxModule(fun, parameters)

    @functools.wraps(fun)
    def on_tensors(*args: Any, **kwargs: Any) -> Any:
        leaves, tree = tree_flatten((args, kwargs))
        tensors = [x for x in leaves if isinstance(x, torch.Tensor)]
        call = _Call(fun, tree, leaves)
        if STATE.frame is None:
            results = list(_Operation.apply(call, *tensors))
        else:  # in a torch function that a transformation runs: the tensors are its values
            results = [border.unwrap(x) for x in call([border.from_tensor(t, copy=False) for t in tensors])]
        return call.rebuilt(results)

    return torch.compiler.disable(on_tensors, recursive=True)


class _Call:
    """One call of the function: where tensors stand among its arguments, and arrays among its results."""

    def __init__(self, fun: Callable[..., Any], tree: Any, leaves: Sequence[Any]) -> None:
        self.fun, self.tree, self.leaves = fun, tree, leaves
        self.x64: bool = config.enable_x64.value  # as it was at the call, wherever the pass backward runs
        self.out_tree: Any = None
        self.others: list[Any] = []  # the results, arrays left out

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """The arrays among the results."""
        given = iter(arrays)
        leaves = [next(given) if isinstance(x, torch.Tensor) else x for x in self.leaves]
        args, kwargs = tree_unflatten(self.tree, leaves)
        results, self.out_tree = tree_flatten(self.fun(*args, **kwargs))
        found = [hasattr(x, "shape") for x in results]
        self.others = [_ARRAY if is_array else x for x, is_array in zip(results, found, strict=True)]
        return [border.asarray(x) for x, is_array in zip(results, found, strict=True) if is_array]

    def rebuilt(self, results: Sequence[Any]) -> Any:
        """The function's result with these in the places of its arrays."""
        given = iter(results)
        return tree_unflatten(self.out_tree, [next(given) if x is _ARRAY else x for x in self.others])

    def on_their_device(self, tensors: Sequence[Tensor]) -> Any:
        """What the function makes inside is put on the device of its arguments."""
        places = {t.device for t in tensors if t.dim()} - {default_torch_device()}
        return contextlib.nullcontext() if len(places) != 1 else config.default_device(device_of(places.pop()))

    def derivative(self, arrays: Sequence[Array], by: Sequence[int]) -> tuple[list[Array], Any]:
        """The results, and the pullback from a list of cotangents of the inexact ones to those of ``by``."""

        def of_chosen(*chosen: Array) -> tuple[list[Array], list[tuple[int, Array]]]:
            replaced = list(arrays)
            for k, x in zip(by, chosen, strict=True):
                replaced[k] = x
            results = self(replaced)
            exact = [(k, x) for k, x in enumerate(results) if x.dtype.kind in "biu"]
            return [x for x in results if x.dtype.kind not in "biu"], exact

        inexact, pull, exact = vjp(of_chosen, *(arrays[k] for k in by), has_aux=True)
        results = list(inexact)
        for k, x in exact:
            results.insert(k, x)
        return results, pull


_ARRAY = object()


class _Operation(torch.autograd.Function):
    """A call, with its pullback as backward."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.call, ctx.by = call, [k for k, needed in enumerate(ctx.needs_input_grad[1:]) if needed]
        ctx.save_for_backward(*tensors)
        with torch.enable_grad(), call.on_their_device(tensors):
            arrays = [border.from_tensor(t.detach(), copy=False) for t in tensors]
            if ctx.by:
                results, ctx.pull = call.derivative(arrays, ctx.by)
            else:
                results = call(arrays)
        outs = tuple(map(to_torch, results))
        ctx.inexact = [o.is_floating_point() or o.is_complex() for o in outs]
        ctx.mark_non_differentiable(*(o for o, inexact in zip(outs, ctx.inexact, strict=True) if not inexact))
        return outs

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        tensors, call, by = ctx.saved_tensors, ctx.call, ctx.by
        # torch's cotangents are the conjugates of JAX's.
        given = [c.conj() for c, inexact in zip(cotangents, ctx.inexact, strict=True) if inexact]
        with config.enable_x64(call.x64), call.on_their_device(tensors):
            if torch.is_grad_enabled():  # this pass is to be differentiated
                pull = as_torch(lambda arrays, cotangents: call.derivative(arrays, by)[1](cotangents))
                grads = pull(list(tensors), given)
            else:
                with torch.enable_grad():
                    grads = ctx.pull([border.from_tensor(c.detach(), copy=False) for c in given])
                grads = [to_torch(g) for g in grads]
        all_grads: list[Tensor | None] = [None] * len(tensors)
        for k, grad in zip(by, grads, strict=True):
            all_grads[k] = grad.conj().to(tensors[k].dtype)
        return None, *all_grads


class JaxModule(torch.nn.Module):
    """``fun(parameters, *args)`` as a module; made by `as_torch`."""

    def __init__(self, fun: Callable[..., Any], parameters: Any) -> None:
        super().__init__()
        self.fun = as_torch(fun)
        paths, self.tree = tree_flatten_with_path(parameters)
        self.names: list[str] = []
        for path, leaf in paths:
            words = re.sub(r"\W+", "_", keystr(path)).strip("_") or "value"
            name = words if not hasattr(self, words) else f"{words}_{len(self.names)}"
            tensor = to_torch(leaf).clone()
            if tensor.is_floating_point() or tensor.is_complex():
                self.register_parameter(name, torch.nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)
            self.names.append(name)

    def tree_of_parameters(self) -> Any:
        """The parameters and buffers as a tree of tensors, in the shape that ``fun`` takes."""
        return tree_unflatten(self.tree, [getattr(self, name) for name in self.names])

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.fun(self.tree_of_parameters(), *args, **kwargs)
