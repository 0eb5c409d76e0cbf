"""Annotations: what can stand for an array, what can stand for a dtype."""

from jaxlike._src.array_like import ArrayLike as ArrayLike
from jaxlike._src.typing import DTypeLike as DTypeLike
