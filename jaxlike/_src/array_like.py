"""`jax.typing.ArrayLike`, as a union that `isinstance` accepts."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from jaxlike._src.array import Array

ArrayLike: TypeAlias = Array | np.ndarray | np.bool | np.number | bool | int | float | complex
