"""key_uses: under `jax.debug_key_reuse`, which keys were used, so that a second use of one is an error.

A key is told by the tensor that stores it, below the levels of transformations, so that what `vmap` or `grad` makes of
a key is that key. A trace notes uses in a layer of its own: which arguments and closed-over keys its function used is
kept with the graph (`KeyUses`), and each call of the graph uses them again. Samplers and `split` use a key; `fold_in`,
`key_data` and `clone` do not; taking a part of an array of keys by a static index uses that part of the array.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from torch.utils.weak import WeakTensorKeyDictionary

from jaxlike._src import config, torch_private
from jaxlike._src.errors import KeyReuseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.array import Array

FLAG = config.debug_key_reuse
_NOT_USES = frozenset(["fold_in", "key_data", "key_impl", "clone"])
_OWN_NAMES = {"bits": "random_bits", "split": "random_split"}  # the others are jitted functions in JAX


class _Layers(threading.local):
    def __init__(self) -> None:
        self.known: list[Any] = [WeakTensorKeyDictionary()]  # outside of traces, then one for each trace that runs


_LAYERS = _Layers()


class KeyUses(NamedTuple):
    """What a traced function did to keys: for each argument the part that was used (None: none), likewise for what it
    closed over; and which results are keys that it used or was given."""

    inputs: tuple[Any, ...]
    lifted: tuple[Any, ...]
    outputs: tuple[bool, ...]

    def spend(self, args: Sequence[Array], lifted: Sequence[Array], function: str, first: int = 0) -> None:
        """A call with these arguments: KeyReuseError where a key that it uses was used before."""
        given = [*enumerate(zip(self.inputs, args, strict=False), first)]
        given += enumerate(zip(self.lifted, lifted, strict=False), len(given) + first)
        for k, (mask, x) in given:
            if mask is not None:
                use(x._t, function, k, mask)


class Layer:
    """A trace's own record of uses."""

    def __enter__(self) -> Layer:
        self.known: Any = WeakTensorKeyDictionary()
        _LAYERS.known.append(self.known)
        return self

    def __exit__(self, *exc: object) -> None:
        _LAYERS.known.pop()

    def uses(self, stand_ins: Sequence[Tensor], lifted: Sequence[Array], outs: Sequence[Array]) -> KeyUses | None:
        """What was noted; None where no key was used."""
        if not len(self.known):
            return None
        given = {id(_root(t)) for t in stand_ins}
        results = [_root(o._t) for o in outs]
        return KeyUses(
            tuple(self.known.get(_root(t)) for t in stand_ins),
            tuple(self.known.get(_root(x._t)) for x in lifted),
            tuple(r in self.known or id(r) in given for r in results),
        )


def _root(tensor: Tensor) -> Tensor:
    while torch_private.is_wrapped(tensor):
        tensor = torch_private.wrapped_value(tensor)
    return tensor


def use(tensor: Tensor, function: str, index: int, mask: Any = True) -> None:
    """Use a key, or the part of an array of keys that ``mask`` says; KeyReuseError where it was used before."""
    known, root = _LAYERS.known[-1], _root(tensor)
    before = known.get(root)
    if before is not None and np.any(before & mask):
        if len(_LAYERS.known) > 1:
            name = "jit" if function == "jit-compiled function" else function
            raise KeyReuseError(f"In {name}, argument {index} is already consumed.")
        raise KeyReuseError(f"Previously-consumed key passed to {function} at index {index}")
    known[root] = mask if before is None else before | mask


def used_part(key: Array) -> Any:
    """Which part of a key, or of an array of keys, was used: True for all of it, None for nothing."""
    return _LAYERS.known[-1].get(_root(key._t))


def are_same(key: Array, other: Array) -> bool:
    """Whether two Arrays are of one key."""
    return _root(key._t) is _root(other._t)


def use_in(name: str, key: Array) -> None:
    """A function of `jax.random` was given a key."""
    if name not in _NOT_USES:
        use(key._t, _OWN_NAMES.get(name, "jit-compiled function"), 0)


def use_part(keys: Array, index: Any, part: Array) -> None:
    """A part of an array of keys was taken, or all of them in another shape, which are used as the array is."""
    parts = index if isinstance(index, tuple) else (index,)
    if torch_private.is_wrapped(keys._t) or not all(isinstance(p, int | slice | type(None) | type(...)) for p in parts):
        return
    if all(p is None or p is Ellipsis for p in parts):
        hand_on(keys, part, lambda used: used[index])
        return
    mask = np.zeros(tuple(keys._t.shape), bool)
    mask[index] = True
    use(keys._t, "slice", 0, mask)


def hand_on(key: Array, other: Array, moved: Callable[[Any], Any] = lambda used: used) -> Array:
    """``other``, whose keys are those of ``key``, used as they are; ``moved`` puts marks where their keys now are."""
    known = _LAYERS.known[-1]
    before = known.get(_root(key._t))
    if before is not None:
        known[_root(other._t)] = before if before is True else moved(before)
    return other


def use_joined(keys: Sequence[Array], function: str) -> None:
    """Arrays that may be of keys were joined to one, which takes their place; outside of traces one may come twice."""
    seen: set[int] = set()
    for k, x in enumerate(keys):
        if hasattr(x, "_impl") and (len(_LAYERS.known) > 1 or id(x) not in seen):
            use(x._t, function, k)
            seen.add(id(x))


def renewed(x: Any, as_used: bool) -> Any:
    """A key as another Array, used as the first is or not at all; anything else as it is."""
    if not hasattr(x, "_impl") or len(_LAYERS.known) > 1:  # in a trace it is the same value
        return x
    made = type(x)(x._t.view_as(x._t), x._tag)
    if as_used:
        hand_on(x, made)
    return made


# Loops and branches


def check_loop(uses: KeyUses | None, n_carry: int, which: str) -> None:
    """KeyReuseError where a body that runs again and again uses the same key each time."""
    if uses is None:
        return
    said = f"{which} function leads to key reuse when repeatedly executed"
    again = [k for k in range(n_carry) if uses.inputs[k] is not None and k < len(uses.outputs) and uses.outputs[k]]
    if any(mask is not None for mask in uses.lifted) or again:
        raise KeyReuseError(f"{said}, because key constants are repeatedly consumed:\n  {uses}")


def check_while(cond: KeyUses | None, body: KeyUses | None, n_carry: int) -> None:
    """The same for a condition and a body, which must not use the same key either."""
    check_loop(body, n_carry, "while_loop body")
    if cond is None:
        return
    if any(mask is not None for mask in cond.lifted):
        raise KeyReuseError(f"while_loop cond function leads to key reuse when repeatedly executed:\n  {cond}")
    if body is not None and any(c is not None and b is not None for c, b in zip(cond.inputs, body.inputs, strict=False)):
        raise KeyReuseError(f"while_loop cond and body functions both use the same key:\n  {cond}\n  {body}")
    kept = [True] * n_carry if body is None else body.outputs
    if any(mask is not None and k for mask, k in zip(cond.inputs, kept, strict=False)):
        raise KeyReuseError(f"while_loop cond function leads to key reuse when repeatedly executed:\n  {cond}")


def spend_branches(several: Sequence[tuple[KeyUses | None, Sequence[Array]]], operands: Sequence[Array]) -> None:
    """A call of one of several branches: what any of them uses is used, once."""
    masks: dict[int, tuple[Any, Array, int]] = {}
    for uses, lifted in several:
        if uses is not None:
            given = [*zip(uses.inputs, operands, strict=False), *zip(uses.lifted, lifted, strict=False)]
            for k, (mask, x) in enumerate(given):
                if mask is not None:
                    old = masks.get(id(_root(x._t)))
                    masks[id(_root(x._t))] = (mask if old is None else old[0] | mask, x, k)
    for mask, x, k in masks.values():
        use(x._t, "cond", k + 1, mask)
