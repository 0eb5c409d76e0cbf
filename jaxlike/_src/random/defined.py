"""defined: generators made of functions of Arrays, as `jax.extend.random.define_prng_impl` takes them.

Such functions are for one key, an Array of uint32 words of the key's shape. The operators of the samplers call a
generator with int32 words that have any leading axes: so each function is lifted here, words flat to words in the
key's shape and back, with a vmap over the leading axes. It runs as an operator's kernel does, outside of every trace
and transformation; a trace notes the operator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from jaxlike._src import config, torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.frames import no_frame
from jaxlike._src.graph.metadata import Unsupported
from jaxlike._src.random.generators import STREAMS, PRNGImpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.random.generators import Shape

_NUMBERS_OF_WORDS = (1, 2, 4)  # those that one element of a tensor has room for


def defined(
    key_shape: Shape,
    seed: Callable[[Array], Array],
    split: Callable[[Array, Shape], Array],
    random_bits: Callable[[Array, int, Shape], Array],
    fold_in: Callable[[Array, Array], Array],
    name: str = "<unnamed>",
    tag: str = "?",
) -> PRNGImpl:
    """The generator of these functions.

    Args:
        key_shape: the shape K of the uint32 words of a key.
        seed: an integer to uint32 K.
        split: K and a shape to uint32 [*shape, *K].
        random_bits: K, a width in bits and a shape to unsigned integers of that width and shape.
        fold_in: K and a uint32 to K.
        name, tag: what messages and dtypes (``key<tag>``) call it.
    """
    n = math.prod(key_shape)
    if n not in _NUMBERS_OF_WORDS:
        # JAX takes any number: here a key is one element of a tensor.
        said = f"keys have {_NUMBERS_OF_WORDS} words here; key_shape {tuple(key_shape)} has {n}"
        raise NotImplementedError(said)  # torch has no element type of so many words

    def keys_of(words: Tensor) -> Tensor:
        return words.view(torch.uint32).reshape(-1, *key_shape)

    def seeded(high: Tensor, low: Tensor) -> Tensor:
        wide = (high.to(torch.int64) << 32) | (low.to(torch.int64) & 0xFFFFFFFF)
        seeds = wide if config.enable_x64.value else low
        return _over_lanes(seed, seeds.reshape(-1)).view(torch.int32).reshape(*high.shape, n)

    def divided(words: Tensor, shape: Shape) -> Tensor:
        made = _over_lanes(lambda key: split(key, shape), keys_of(words))
        return made.view(torch.int32).reshape(*words.shape[:-1], *shape, n)

    def folded(words: Tensor, data: Tensor) -> Tensor:
        made = _over_lanes(fold_in, keys_of(words), data.view(torch.uint32).reshape(-1))
        return made.view(torch.int32).reshape(words.shape)

    def drawn(words: Tensor, width: int, shape: Shape) -> Tensor:
        made = _over_lanes(lambda key: random_bits(key, width, shape), keys_of(words))
        return made.reshape((*words.shape[:-1], *shape))

    stream = f"{name}/defined/{len(STREAMS)}"
    STREAMS[stream] = impl = PRNGImpl(name, tag, tuple(key_shape), seeded, divided, folded, drawn, stream)
    return impl


def _over_lanes(fun: Callable[..., Array], *args: Tensor) -> Tensor:
    from jaxlike._src.transforms.vmap import vmap  # above this layer; what it maps over is a user's function

    if args[0].device.type == "meta":
        raise Unsupported("a generator's own functions, whose results are not known without values")
    with torch_private.as_at_first(), no_frame():
        return unwrap(vmap(fun)(*map(Array, args))).contiguous()
