"""staged: the stages of a jitted function that is traced as one of arrays: of refs' values, or of values of higher types.

Each stage is that of the function of arrays, which has their last states beside its result; a call of what is compiled
takes the arguments in and the states out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Staged:
    """A stage; ``run(stage, args, kwargs)`` calls what is compiled."""

    def __init__(self, stage: Any, run: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]) -> None:
        self._stage, self._run = stage, run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)

    @property
    def out_info(self) -> Any:
        """Shapes and dtypes of the result, without the states that go out."""
        return self._stage.out_info[0]

    def lower(self, **options: Any) -> Staged:
        """The next stage of what was traced."""
        return Staged(self._stage.lower(**options), self._run)

    def compile(self, *args: Any, **options: Any) -> Staged:
        """The next stage of what was lowered."""
        return Staged(self._stage.compile(*args, **options), self._run)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run what was compiled, or traced."""
        return self._run(self._stage, args, kwargs)
