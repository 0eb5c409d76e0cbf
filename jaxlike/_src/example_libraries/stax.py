"""stax: neural networks as pairs of functions.

A layer is ``(init_fun, apply_fun)``: ``init_fun(key, input_shape)`` gives the output's shape and parameters,
``apply_fun(params, inputs, **kwargs)`` the output. `serial` and `parallel` combine layers to layers.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxlike._src.lax import elementwise as lax
from jaxlike._src.lax.conv import conv_general_dilated, conv_transpose
from jaxlike._src.lax.conv_dims import conv_general_shape_tuple, conv_transpose_shape_tuple, padtype_to_pads
from jaxlike._src.lax.window import reduce_window, reduce_window_shape_tuple
from jaxlike._src.nn.activations import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    selu,
    sigmoid,
    softmax,
    softplus,
    standardize,
)
from jaxlike._src.nn.initializers import glorot_normal, normal, ones, zeros
from jaxlike._src.numpy.complex_parts import isscalar
from jaxlike._src.numpy.exponential import exp
from jaxlike._src.numpy.filled import ones as ones_array
from jaxlike._src.numpy.products import dot
from jaxlike._src.numpy.select import where
from jaxlike._src.numpy.shape import expand_dims, ndim, reshape
from jaxlike._src.numpy.stacking import concatenate
from jaxlike._src.numpy.trig import tanh
from jaxlike._src.random.basic import bernoulli
from jaxlike._src.random.keys import split

glorot = glorot_normal
randn = normal
logsoftmax = log_softmax


def Dense(out_dim: int, W_init: Any = glorot_normal(), b_init: Any = normal()) -> Any:  # noqa: B008  # as JAX's
    """``inputs @ W + b``."""

    def init_fun(rng: Any, input_shape: Any) -> Any:
        k1, k2 = split(rng)
        return (*input_shape[:-1], out_dim), (W_init(k1, (input_shape[-1], out_dim)), b_init(k2, (out_dim,)))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        W, b = params
        return dot(inputs, W) + b

    return init_fun, apply_fun


def _convolution(
    apply: Callable[..., Any],
    shape_of: Callable[..., Any],
    dimension_numbers: Any,
    out_chan: int,
    filter_shape: Any,
    strides: Any,
    padding: Any,
    W_init: Any,
    b_init: Any,
) -> Any:
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    strides = strides or (1,) * len(filter_shape)
    W_init = W_init or glorot_normal(rhs_spec.index("I"), rhs_spec.index("O"))

    def init_fun(rng: Any, input_shape: Any) -> Any:
        sizes = iter(filter_shape)
        channels = {"O": out_chan, "I": input_shape[lhs_spec.index("C")]}
        kernel_shape = [channels[c] if c in channels else next(sizes) for c in rhs_spec]
        output_shape = shape_of(input_shape, kernel_shape, strides, padding, dimension_numbers)
        k1, k2 = split(rng)
        bias_shape = [out_chan if c == "C" else 1 for c in out_spec]
        return output_shape, (W_init(k1, kernel_shape), b_init(k2, bias_shape))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        W, b = params
        return apply(inputs, W, strides, padding, dimension_numbers=dimension_numbers) + b

    return init_fun, apply_fun


def GeneralConv(
    dimension_numbers: Any,
    out_chan: int,
    filter_shape: Any,
    strides: Any = None,
    padding: Any = "VALID",
    W_init: Any = None,
    b_init: Any = normal(1e-6),  # noqa: B008  # as JAX's
) -> Any:
    """A convolution with a bias, for any order of the axes."""
    given = dimension_numbers, out_chan, filter_shape, strides, padding, W_init, b_init
    return _convolution(conv_general_dilated, conv_general_shape_tuple, *given)


Conv = functools.partial(GeneralConv, ("NHWC", "HWIO", "NHWC"))


def GeneralConvTranspose(
    dimension_numbers: Any,
    out_chan: int,
    filter_shape: Any,
    strides: Any = None,
    padding: Any = "VALID",
    W_init: Any = None,
    b_init: Any = normal(1e-6),  # noqa: B008  # as JAX's
) -> Any:
    """A transposed convolution with a bias, for any order of the axes."""
    given = dimension_numbers, out_chan, filter_shape, strides, padding, W_init, b_init
    return _convolution(conv_transpose, conv_transpose_shape_tuple, *given)


Conv1DTranspose = functools.partial(GeneralConvTranspose, ("NHC", "HIO", "NHC"))
ConvTranspose = functools.partial(GeneralConvTranspose, ("NHWC", "HWIO", "NHWC"))


def BatchNorm(
    axis: Any = (0, 1, 2),
    epsilon: float = 1e-5,
    center: bool = True,
    scale: bool = True,
    beta_init: Any = zeros,
    gamma_init: Any = ones,
) -> Any:
    """Mean 0 and variance 1 over ``axis``, then a scale and a shift per remaining entry."""
    axes = (axis,) if isscalar(axis) else axis

    def init_fun(rng: Any, input_shape: Any) -> Any:
        shape = tuple(n for d, n in enumerate(input_shape) if d not in axes)
        k1, k2 = split(rng)
        return input_shape, (beta_init(k1, shape) if center else (), gamma_init(k2, shape) if scale else ())

    def apply_fun(params: Any, x: Any, **kwargs: Any) -> Any:
        beta, gamma = params
        spread = tuple(None if d in axes else slice(None) for d in range(ndim(x)))
        z = standardize(x, axes, epsilon=epsilon)
        if scale:
            z = gamma[spread] * z
        return z + beta[spread] if center else z

    return init_fun, apply_fun


def elementwise(fun: Callable[..., Any], **fun_kwargs: Any) -> Any:
    """A layer without parameters of a function that keeps the shape."""
    return lambda rng, input_shape: (input_shape, ()), lambda params, inputs, **kwargs: fun(inputs, **fun_kwargs)


Tanh = elementwise(tanh)
Relu = elementwise(relu)
Exp = elementwise(exp)
LogSoftmax = elementwise(log_softmax, axis=-1)
Softmax = elementwise(softmax, axis=-1)
Softplus = elementwise(softplus)
Sigmoid = elementwise(sigmoid)
Elu = elementwise(elu)
LeakyRelu = elementwise(leaky_relu)
Selu = elementwise(selu)
Gelu = elementwise(gelu)


def _pooling_layer(reducer: Any, init_val: float, averaged: bool = False) -> Any:
    def PoolingLayer(window_shape: Any, strides: Any = None, padding: Any = "VALID", spec: Any = None) -> Any:
        """A layer that reduces windows; ``spec`` names the axes, "NHWC" by default."""
        sizes = tuple(window_shape), tuple(strides or (1,) * len(window_shape))
        window, steps = sizes
        others = (0, len(window) + 1) if spec is None else (spec.index("N"), spec.index("C"))
        for d in sorted(others):
            window, steps = (*window[:d], 1, *window[d:]), (*steps[:d], 1, *steps[d:])

        def init_fun(rng: Any, input_shape: Any) -> Any:
            pads, one = padtype_to_pads(input_shape, window, steps, padding), (1,) * len(window)
            return reduce_window_shape_tuple(input_shape, window, steps, pads, one, one), ()

        def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
            out = reduce_window(inputs, init_val, reducer, window, steps, padding)
            if not averaged:
                return out
            spatial = tuple(n for d, n in enumerate(inputs.shape) if d not in others)
            counts = reduce_window(ones_array(spatial, dtype=inputs.dtype), 0.0, lax.add, *sizes, padding)
            for d in sorted(others):
                counts = expand_dims(counts, d)
            return out / counts

        return init_fun, apply_fun

    return PoolingLayer


MaxPool = _pooling_layer(lax.max, -np.inf)
SumPool = _pooling_layer(lax.add, 0.0)
AvgPool = _pooling_layer(lax.add, 0.0, averaged=True)


Flatten = (
    lambda rng, input_shape: ((input_shape[0], math.prod(input_shape[1:])), ()),
    lambda params, inputs, **kwargs: reshape(inputs, (inputs.shape[0], -1)),
)
Identity = elementwise(lambda x: x)


def FanOut(num: int) -> Any:
    """The input ``num`` times."""
    return lambda rng, input_shape: ([input_shape] * num, ()), lambda params, inputs, **kwargs: [inputs] * num


FanInSum = (lambda rng, input_shape: (input_shape[0], ()), lambda params, inputs, **kwargs: sum(inputs))


def FanInConcat(axis: int = -1) -> Any:
    """Several inputs one behind the other."""

    def init_fun(rng: Any, input_shape: Any) -> Any:
        d = axis % len(input_shape[0])
        total = sum(shape[d] for shape in input_shape)
        return (*input_shape[0][:d], total, *input_shape[0][d + 1:]), ()

    return init_fun, lambda params, inputs, **kwargs: concatenate(inputs, axis)


def Dropout(rate: float, mode: str = "train") -> Any:
    """Zero all but a share ``rate`` of the entries, drawn by the key ``rng``; nothing unless ``mode`` is "train"."""

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        rng = kwargs.get("rng")
        if rng is None:
            raise ValueError(
                "Dropout layer requires apply_fun to be called with a PRNG key argument. That is, instead of "
                "`apply_fun(params, inputs)`, call it like `apply_fun(params, inputs, rng)` where `rng` is a PRNG key "
                "(e.g. from `jax.random.key`)."
            )
        return where(bernoulli(rng, rate, inputs.shape), inputs / rate, 0) if mode == "train" else inputs

    return lambda rng, input_shape: (input_shape, ()), apply_fun


def _keys(kwargs: dict[str, Any], count: int) -> Any:
    rng = kwargs.pop("rng", None)
    return (None,) * count if rng is None else split(rng, count)


def serial(*layers: Any) -> Any:
    """Layers one after the other; parameters are a list."""
    init_funs, apply_funs = zip(*layers, strict=True)

    def init_fun(rng: Any, input_shape: Any) -> Any:
        params = []
        for init in init_funs:
            rng, layer_rng = split(rng)
            input_shape, param = init(layer_rng, input_shape)
            params.append(param)
        return input_shape, params

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        keys = _keys(kwargs, len(layers))
        for fun, param, rng in zip(apply_funs, params, keys, strict=True):
            inputs = fun(param, inputs, rng=rng, **kwargs)
        return inputs

    return init_fun, apply_fun


def parallel(*layers: Any) -> Any:
    """Layers side by side, each with an input of its own."""
    init_funs, apply_funs = zip(*layers, strict=True)

    def init_fun(rng: Any, input_shape: Any) -> Any:
        keys = split(rng, len(layers))
        pairs = [init(key, shape) for init, key, shape in zip(init_funs, keys, input_shape, strict=True)]
        return list(zip(*pairs, strict=True))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        keys = _keys(kwargs, len(layers))
        return [f(p, x, rng=k, **kwargs) for f, p, x, k in zip(apply_funs, params, inputs, keys, strict=True)]

    return init_fun, apply_fun


def shape_dependent(make_layer: Callable[[Any], Any]) -> Any:
    """A layer that is made when its input's shape is known."""

    def init_fun(rng: Any, input_shape: Any) -> Any:
        return make_layer(input_shape)[0](rng, input_shape)

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        return make_layer(inputs.shape)[1](params, inputs, **kwargs)

    return init_fun, apply_fun
