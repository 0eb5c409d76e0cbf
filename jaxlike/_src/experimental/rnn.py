"""rnn: LSTMs over padded sequences, with the weights of all layers in one flat array, in cuDNN's order.

Each layer and direction is a `lax.scan`; steps behind a sequence's end give zeros, and the final state is that of its
last step. Equations as in Hochreiter & Schmidhuber (1997) with a forget gate, gates in the order i, f, g, o.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.lax.precision import Precision, canonicalize_precision
from jaxlike._src.lax.scan import scan
from jaxlike._src.nn.activations import sigmoid
from jaxlike._src.numpy.create import asarray
from jaxlike._src.numpy.ranges import arange
from jaxlike._src.numpy.scalar_types import float32, int32
from jaxlike._src.numpy.select import where
from jaxlike._src.numpy.shape import roll
from jaxlike._src.numpy.stacking import concatenate, split, stack
from jaxlike._src.numpy.trig import tanh
from jaxlike._src.random.basic import uniform
from jaxlike._src.transforms.jit import jit
from jaxlike._src.transforms.vmap import vmap

if TYPE_CHECKING:
    from jaxlike._src.array import Array

Weights = dict[int, "Array"]  # by layer; for both directions, forward and backward layers take turns


def _shapes(input_size: int, hidden_size: int, num_layers: int, bidirectional: bool) -> list[tuple[int, ...]]:
    """Shapes in the flat array: the matrices of each layer for inputs and states, then the biases likewise."""
    directions = 2 if bidirectional else 1
    matrices: list[tuple[int, ...]] = []
    for layer in range(num_layers * directions):
        width = input_size if layer < directions else directions * hidden_size
        matrices += [(4 * hidden_size, width), (4 * hidden_size, hidden_size)]
    return matrices + [(4 * hidden_size,)] * len(matrices)


def get_num_params_in_lstm(input_size: int, hidden_size: int, num_layers: int, bidirectional: bool) -> int:
    """How many weights there are."""
    return sum(map(math.prod, _shapes(input_size, hidden_size, num_layers, bidirectional)))


def init_lstm_weight(rng: Any, input_size: int, hidden_size: int, num_layers: int, bidirectional: bool) -> Array:
    """Flat weights, uniform between ``-sqrt(1 / hidden_size)`` and ``sqrt(1 / hidden_size)``, under the key ``rng``."""
    count = get_num_params_in_lstm(input_size, hidden_size, num_layers, bidirectional)
    bound = np.sqrt(1.0 / hidden_size)
    return uniform(rng, shape=(count,), dtype=float32, minval=-bound, maxval=bound)


def unpack_lstm_weights(
    weights: Array, input_size: int, hidden_size: int, num_layers: int, bidirectional: bool
) -> tuple[Weights, Weights, Weights, Weights]:
    """The parts of the flat weights: of inputs and of states, then their biases, each by layer."""
    parts: list[Array] = []
    start = 0
    for shape in _shapes(input_size, hidden_size, num_layers, bidirectional):
        end = start + math.prod(shape)
        parts.append(weights[start:end].reshape(shape))
        start = end
    matrices, biases = parts[: len(parts) // 2], parts[len(parts) // 2 :]
    ih, hh, b_ih, b_hh = (dict(enumerate(some)) for some in (matrices[::2], matrices[1::2], biases[::2], biases[1::2]))
    return ih, hh, b_ih, b_hh


def swap_lstm_gates(
    weights: Any, input_size: int, hidden_size: int, num_layers: int, bidirectional: bool
) -> Array:
    """Flat weights with the last two gates of every part exchanged, as another library has them."""
    weights, out = asarray(weights), []
    start = 0
    for shape in _shapes(input_size, hidden_size, num_layers, bidirectional):
        end = start + math.prod(shape)
        i, f, g, o = split(weights[start:end].reshape(shape), 4)
        out.append(concatenate([i, f, o, g]).ravel())
        start = end
    return concatenate(out)


def _layer(xs: Array, h: Array, c: Array, weights: tuple[Array, ...], lengths: Array) -> tuple[Array, Array, Array]:
    """(outputs ``[steps, batch, hidden]``, last h, last c) of one layer in one direction."""
    w_ih, w_hh, b_ih, b_hh = weights

    def step(carry: tuple[Array, Array], x: Array) -> Any:
        h, c = carry
        i, f, g, o = split(x @ w_ih.T + b_ih[None] + h @ w_hh.T + b_hh[None], 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        return (h, c), (h, c)

    _, (hs, cs) = scan(step, (h, c), xs)
    lanes = arange(hs.shape[1])
    inside = lengths[None] > arange(hs.shape[0], dtype=int32)[:, None]
    return where(inside[..., None], hs, 0), hs[lengths - 1, lanes], cs[lengths - 1, lanes]


def _reversed(xs: Array, lengths: Array) -> Array:
    """Every sequence backwards, its padding still at the end."""
    by = xs.shape[0] - lengths
    return vmap(lambda x, n: roll(x, n, axis=0), in_axes=(1, 0), out_axes=1)(xs, by)[::-1]


def _lstm(
    x: Array, h_0: Array, c_0: Array, parts: tuple[Weights, ...], lengths: Array, num_layers: int, bidirectional: bool
) -> tuple[Array, Array, Array]:
    xs, last_h, last_c = x.transpose(1, 0, 2), list[Any](), list[Any]()
    directions = 2 if bidirectional else 1
    for layer in range(num_layers):
        outs = list[Any]()
        for k in range(directions * layer, directions * (layer + 1)):
            backwards = bidirectional and k % 2 == 1
            given = _reversed(xs, lengths) if backwards else xs
            weights = tuple(part[k] for part in parts)
            ys, h, c = _layer(given, h_0[k], c_0[k], weights, lengths)
            outs.append(_reversed(ys, lengths) if backwards else ys)
            last_h.append(h)
            last_c.append(c)
        xs = concatenate(outs, axis=-1) if bidirectional else outs[0]
    return xs.transpose(1, 0, 2), stack(last_h), stack(last_c)


def _lstm_ref(
    x: Array,
    h_0: Array,
    c_0: Array,
    W_ih: Weights,
    W_hh: Weights,
    b_ih: Weights,
    b_hh: Weights,
    seq_lengths: Array,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    dropout: float,
    bidirectional: bool,
) -> tuple[Array, Array, Array]:
    """An LSTM whose weights are apart, as `unpack_lstm_weights` gives them; otherwise as `lstm`."""
    del input_size, hidden_size
    if seq_lengths.dtype != np.int32:
        raise NotImplementedError("`seq_lengths` can only be int32.")  # JAX's refusal, in its words
    if dropout != 0.0:
        raise NotImplementedError(  # likewise: which units drop out would be another choice than cuDNN's
            "Dropout not supported in LSTM reference because we cannot determine CUDNN dropout mask."
        )
    return _lstm(x, h_0, c_0, (W_ih, W_hh, b_ih, b_hh), seq_lengths, num_layers, bidirectional)


_lstm_ref.__name__ = "lstm_ref"
lstm_ref = jit(_lstm_ref, static_argnums=(8, 9, 10, 11, 12))


def lstm(
    x: Array,
    h_0: Array,
    c_0: Array,
    weights: Array,
    seq_lengths: Array,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    dropout: float,
    bidirectional: bool,
    precision: Any = None,
) -> tuple[Array, Array, Array]:
    """An LSTM of several layers. (JAX's runs on GPUs alone.)

    Args:
        x: ``[batch, steps, input_size]``.
        h_0, c_0: states at the start, ``[layers * directions, batch, hidden_size]``.
        weights: flat, as `init_lstm_weight` makes them.
        seq_lengths: how many steps each sequence has, int32 ``[batch]``.
        input_size, hidden_size, num_layers, bidirectional: sizes of the network.
        dropout: must be 0.
        precision: of the products; bfloat16 is refused, as by JAX.

    Returns:
        Outputs ``[batch, steps, directions * hidden_size]``, and the states at each sequence's end.
    """
    asked = canonicalize_precision(precision)
    if (asked[0] if isinstance(asked, tuple) else asked) == Precision.DEFAULT:
        raise NotImplementedError("bfloat16 support not implemented for LSTM")  # JAX's refusal, in its words
    parts = unpack_lstm_weights(weights, input_size, hidden_size, num_layers, bidirectional)
    return lstm_ref(x, h_0, c_0, *parts, seq_lengths, input_size, hidden_size, num_layers, dropout, bidirectional)
