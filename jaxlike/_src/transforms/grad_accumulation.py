"""grad_accumulation: what a pullback's `with_refs` is told of each argument, and what it gives back for it."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

from jaxlike._src.tree import register_dataclass


@register_dataclass
@dataclasses.dataclass(frozen=True, slots=True)
class NotNeeded:
    """Stands for an argument that the backward pass does not read."""


@dataclasses.dataclass(frozen=True, slots=True)
class GradValue:
    """The argument's cotangent is wanted as a value."""


@register_dataclass
@dataclasses.dataclass(frozen=True, slots=True)
class GradRef:
    """Given back where the cotangent was added to a ref."""


@dataclasses.dataclass(frozen=True, slots=True)
class DontWant:
    """No cotangent is wanted of the argument."""


@register_dataclass
@dataclasses.dataclass(frozen=True, slots=True)
class DidntWant:
    """Given back where no cotangent was wanted."""


@dataclasses.dataclass(frozen=True, slots=True)
class RSpec:
    """Where a residual is: the number of an argument, or of what was kept beside them."""

    idx: int
    primal: bool


ad = SimpleNamespace(DontWant=DontWant, DidntWant=DidntWant, GradRef=GradRef, GradValue=GradValue)
