"""jax.image: the names; bodies are in `jaxlike._src.image`."""

from jaxlike._src.image.resize import ResizeMethod as ResizeMethod
from jaxlike._src.image.resize import resize as resize
from jaxlike._src.image.resize import scale_and_translate as scale_and_translate
