"""effects: what an operation does beside computing its results: it prints, reads a file, checks a value.

A graph keeps every operation that has an effect, in order, whether its results are used or not, and a compiler does
not get such a graph. What only looks at values (`jax.debug.print`, a check) is silent where a function runs again
to be differentiated: it has spoken when the function ran.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Effect:
    """Something that an operation does."""

    of_one_device = False  # whether its order means something on one device alone


class JaxprInputEffect(Effect):
    """Something done with what comes in: the variable of a jaxpr, or the place of an operand."""

    def __init__(self, input: Any) -> None:
        self.input = input

    def replace(self, input: Any) -> JaxprInputEffect:
        """The same, done with something else."""
        return type(self)(input)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.input})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, JaxprInputEffect) and self.input == other.input

    def __hash__(self) -> int:
        return hash((type(self), self.input))


class OwnEffect(Effect):
    """One of ours: equal to others of its class, and shown by its name."""

    def __str__(self) -> str:
        return type(self).__name__.removesuffix("Effect")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class EffectTypeSet:
    """Classes of effects; an effect is in it if its class, or one that it derives from, is."""

    def __init__(self) -> None:
        self._types: set[type[Effect]] = set()

    def __repr__(self) -> str:
        return f"EffectTypeSet({self._types})"

    def add_type(self, effect_type: type[Effect]) -> None:
        """Put a class in."""
        self._types.add(effect_type)

    def contains(self, eff: Effect) -> bool:
        """Whether the class of an effect is in."""
        return isinstance(eff, tuple(self._types))

    def filter_in(self, effects: Iterable[Effect]) -> list[Effect]:
        """Those of ``effects`` that are in."""
        return [effect for effect in effects if self.contains(effect)]

    def filter_not_in(self, effects: Iterable[Effect]) -> list[Effect]:
        """Those of ``effects`` that are not in."""
        return [effect for effect in effects if not self.contains(effect)]


# What may have which effects. Programs add classes of their own; what is not in a set is refused where it would be
# in a loop or branch, or in a function that is computed again. The others are for programs to
# read: every effect keeps its order here, and whatever a primitive's rule computes can be lowered.
no_effects: frozenset[Effect] = frozenset()
ordered_effects = EffectTypeSet()
shardable_ordered_effects = EffectTypeSet()
lowerable_effects = EffectTypeSet()
control_flow_allowed_effects = EffectTypeSet()
custom_derivatives_allowed_effects = EffectTypeSet()
remat_allowed_effects = EffectTypeSet()
partial_eval_kept_effects = EffectTypeSet()


def allow(effect_type: type[Effect], *sets: EffectTypeSet) -> None:
    """Put a class of effects in several sets."""
    for known in sets:
        known.add_type(effect_type)


def check_allowed(effects: Iterable[Effect], allowed: EffectTypeSet, what: str) -> None:
    """NotImplementedError, as JAX's, where ``what`` has effects that are not in ``allowed``."""
    refused = allowed.filter_not_in(effects)
    if refused:
        raise NotImplementedError(f"Effects not supported in {what}: {refused}")  # JAX refuses them


class IOEffect(OwnEffect):
    """A callback may do anything."""

    def __str__(self) -> str:
        return "IO"


class OrderedIOEffect(OwnEffect):
    """A callback that must be called in the order of the program."""

    def __str__(self) -> str:
        return "OrderedIO"


allow(IOEffect, lowerable_effects, control_flow_allowed_effects)
allow(OrderedIOEffect, lowerable_effects, control_flow_allowed_effects, ordered_effects, shardable_ordered_effects)


class _State(threading.local):
    silent: bool = False


_STATE = _State()


class silenced:
    """No operation that only looks at values runs inside, or is recorded."""

    def __enter__(self) -> None:
        self._before, _STATE.silent = _STATE.silent, True

    def __exit__(self, *exc: object) -> None:
        _STATE.silent = self._before


def are_silenced() -> bool:
    """Whether what only looks at values is to be left out."""
    return _STATE.silent


def effects_in(params: dict[str, Any]) -> frozenset[Effect]:
    """The effects of the graphs among the parameters of a call."""
    return frozenset(e for value in params.values() for e in _of(value))


def _of(value: Any) -> Iterable[Effect]:
    if isinstance(value, tuple | list):
        return _of_all(value)
    return getattr(value, "effects", ())


def _of_all(values: Iterable[Any]) -> Iterator[Effect]:
    for value in values:
        yield from _of(value)
