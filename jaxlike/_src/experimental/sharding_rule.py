"""sharding_rule: which axes of a function's arguments and results are split alike, as objects or in einsum's way.

An axis has a factor, a name; or several, of which it is the product. `...` stands for leading axes. Rules are checked
when they are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

BATCHING = "…"  # how a mapping writes `...`


def _is_batching(factor: str) -> bool:
    return factor[:1] == BATCHING and (len(factor) == 1 or factor[1:].isdigit())


def _check_factor(factor: str) -> None:
    if not factor[0].isalpha():
        raise ValueError(f"Factor names have to start with a letter, but got '{factor[0]}'")
    for char in factor[1:]:
        if not (char == "_" or char.isdigit() or char.isalpha()):
            raise ValueError(f"Unknown character '{char}'")


class CompoundFactor(tuple[str, ...]):
    """The factors whose product an axis is: ``CompoundFactor('b', 'c')``."""

    def __new__(cls, *factors: str) -> CompoundFactor:
        """Two at least."""
        if len(factors) < 2:
            raise ValueError("A compound factor should contain at least two factors")
        for factor in factors:
            if not isinstance(factor, str):
                raise ValueError(f"Each element of CompoundFactor must be a str, but got {type(factor)}")
            if _is_batching(factor):
                raise ValueError("Ellipsis can't be used in a compound factor")
            _check_factor(factor)
        return tuple.__new__(cls, factors)


class ArrayMapping(tuple[Any, ...]):
    """A factor for each axis of an array: ``ArrayMapping(BATCHING, 'a', CompoundFactor('b', 'c'))``."""

    def __new__(cls, *dim_mappings: str | CompoundFactor) -> ArrayMapping:
        """`BATCHING` may come first."""
        for k, factor in enumerate(dim_mappings):
            if not isinstance(factor, str | CompoundFactor):
                raise ValueError(f"Each element of ArrayMapping must be a str or CompoundFactor, but got {type(factor)}")
            if isinstance(factor, CompoundFactor):
                continue
            if not _is_batching(factor):
                _check_factor(factor)
            elif k:
                raise ValueError("Ellipsis can only be used at the beginning of a dimension")
        return tuple.__new__(cls, dim_mappings)


class SdyShardingRule:
    """The mappings of all arguments and results, and which factors are not simply passed through.

    Args:
        operand_mappings: one for each argument.
        result_mappings: one for each result.
        reduction_factors: what is summed over.
        need_replication_factors: what may not be split.
        permutation_factors: what is permuted along, if it is split.
        factor_sizes: of the factors that are part of products only.
    """

    def __init__(
        self,
        operand_mappings: tuple[ArrayMapping, ...],
        result_mappings: tuple[ArrayMapping, ...],
        *,
        reduction_factors: tuple[str, ...] = (),
        need_replication_factors: tuple[str, ...] = (),
        permutation_factors: tuple[str, ...] = (),
        **factor_sizes: int,
    ) -> None:
        axes = [axis for mapping in (*operand_mappings, *result_mappings) for axis in mapping]
        whole = {axis for axis in axes if isinstance(axis, str)}
        factors = list(dict.fromkeys(f for axis in axes for f in ((axis,) if isinstance(axis, str) else axis)))
        for factor in factor_sizes:
            if factor not in factors:
                raise ValueError(f"Factor {factor} is not used in the rule, but size is provided")
        for factor in factors:
            if factor in whole and factor in factor_sizes:
                raise ValueError(f"Factor {factor} represents a whole dimension; do not specify its size")
            if factor not in whole and factor not in factor_sizes:
                raise ValueError(f"Factor {factor} is only used in compound factors; must specify its size")
        self.operand_mappings, self.result_mappings, self.factor_sizes = operand_mappings, result_mappings, factor_sizes
        self.reduction_factors, self.need_replication_factors = reduction_factors, need_replication_factors
        self.permutation_factors = permutation_factors
        seen: set[str] = set()
        for kind, special in self._special().items():
            if not isinstance(special, tuple):
                raise ValueError(f"{kind} must be a tuple of factors")
            if len(set(special)) < len(special):
                raise ValueError(f"{kind} contains duplicated factors")
            for factor in special:
                if factor not in factors:
                    raise ValueError(f"Factor {factor} in {kind} is not used in the rule")
                if factor in seen:
                    raise ValueError(
                        f"Factor {factor} can only be in one of the reduction, need replication, or permutation factor "
                        "sets."
                    )
                seen.add(factor)

    def _special(self) -> dict[str, Any]:
        kinds = ("reduction_factors", "need_replication_factors", "permutation_factors")
        return {kind: getattr(self, kind) for kind in kinds}

    def __str__(self) -> str:
        special = "".join(f" {kind}={factors}" for kind, factors in self._special().items() if factors)
        return f"SdyShardingRule({self.operand_mappings}, {self.result_mappings}, {self.factor_sizes}{special})"


def str_to_sdy_sharding_rule(
    rule: str,
    *,
    reduction_factors: tuple[str, ...] = (),
    need_replication_factors: tuple[str, ...] = (),
    permutation_factors: tuple[str, ...] = (),
    **factor_sizes: int,
) -> SdyShardingRule:
    """``"... i j, k -> (i j) k"`` as a rule; see it for the other arguments."""
    if not isinstance(rule, str):
        raise TypeError(f"rule must be a str, but got {type(rule)}")
    if not all(isinstance(size, int) for size in factor_sizes.values()):
        raise TypeError(f"factor_sizes must be a dict of str to int, but got {factor_sizes}")
    if BATCHING in rule:
        raise ValueError(f"Unknown character '{BATCHING}'")
    if "." in rule.replace("...", ""):
        raise ValueError("Character '.' must be used inside ellipsis '...'")
    sides = rule.replace("...", BATCHING).split("->")
    if len(sides) != 2:
        raise ValueError(f"There is no -> in rule: '{rule.replace('...', BATCHING)}'")
    return SdyShardingRule(
        *map(_mappings, sides),
        reduction_factors=reduction_factors,
        need_replication_factors=need_replication_factors,
        permutation_factors=permutation_factors,
        **factor_sizes,
    )


def _mappings(side: str) -> tuple[ArrayMapping, ...]:
    side = " ".join(side.split())
    return tuple(_mapping(array, side) for array in side.split(","))


def _mapping(array: str, side: str) -> ArrayMapping:
    found: list[Any] = []
    inside: list[str] | None = None  # the factors of a product that is open
    for token in _tokens(array):
        if token == "(":
            if inside is not None:
                raise ValueError("Compound factors should be one level, nested brackets are not allowed")
            inside = []
        elif token == ")":
            if inside is None:
                raise ValueError("Brackets are not balanced")
            if len(inside) < 2:
                raise ValueError("Brackets should contain at least two factors")
            found.append(CompoundFactor(*inside))
            inside = None
        elif token[0] == BATCHING:
            if found or inside is not None:
                raise ValueError("Ellipsis can only be used at the beginning of a dimension")
            found.append(f"{BATCHING}{int(token[1:] or 0)}")
        else:
            (found if inside is None else inside).append(token)
    if inside is not None:
        raise ValueError(f"Brackets are not balanced in rule: '{side}'")
    return ArrayMapping(*found)


def _tokens(array: str) -> Iterable[str]:
    for match in re.finditer(rf"[()]|{BATCHING}\d*|\w+|\S", array):
        token = match[0]
        if token not in "()" and token[0] != BATCHING and not (token[0] == "_" or token[0].isalnum()):
            raise ValueError(f"Unknown character '{token}'")
        if token[0].isdigit():
            raise ValueError(f"Factor names have to start with a letter, but got '{token[0]}'")
        yield token


def checked_rule(rule: Any, special: dict[str, Sequence[str]], sizes: dict[str, int]) -> Any:
    """What `def_partition` is given for a rule: a string, a rule, or a function that gives one when it is known."""
    if rule is not None and not callable(rule) and not isinstance(rule, SdyShardingRule):
        return str_to_sdy_sharding_rule(rule, **special, **sizes)  # pyright: ignore[reportArgumentType]
    unknown = {**sizes, **{kind: factors for kind, factors in special.items() if len(factors)}}
    if unknown:
        raise ValueError(f"Unknown keyword arguments: {unknown}")
    return rule
