"""How flags work: values per process and per thread, their checks, and what is computed from them.

A `State` has a value for the process (`config.update`, `JAX_...` variables) and one for the thread
(`with enable_x64(True):`), which wins. Each State is the one instance of its own `threading.local`
subclass, the process value being a class attribute: reading `.value` is one attribute access in C.
What is computed from flags (jit's key, the default device) is cached per thread by `Derived`.
"""

from __future__ import annotations

import enum
import functools
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Protocol, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class _Unset:
    """The type of `UNSET`, for "no value was given"."""

    def __repr__(self) -> str:
        """For messages."""
        return "<unset>"


UNSET: Any = _Unset()
NoDefault = _Unset
_TRUE = ("y", "yes", "t", "true", "on", "1")
_FALSE = ("n", "no", "f", "false", "off", "0")


def bool_env(varname: str, default: bool) -> bool:
    """The environment variable as a truth value: y, yes, t, true, on, 1 or their opposites, in any case."""
    word = os.getenv(varname, str(default)).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"invalid truth value {word!r} for environment {varname!r}")


def int_env(varname: str, default: int) -> int:
    """The environment variable as an integer."""
    return int(os.getenv(varname, str(default)))


# ---------------------------------------------------------------------------------------------- states


class ValueHolder(Protocol):
    """What `config` holds for a name: a `State` or a `Flag`."""

    @property
    def value(self) -> Any:
        """The value now."""
        ...

    def _set(self, value: Any, /) -> None: ...


class State(threading.local, Generic[T]):
    """A flag with a process value and a thread value; called, a context manager for the latter."""

    value: T
    name: ClassVar[str]
    _default_context_manager_value: ClassVar[Any]
    _on_global: ClassVar[list[Callable[[], None]]]  # run when the process value changed
    _on_local: ClassVar[list[Callable[[], None]]]  # run when this thread's value changed

    def __bool__(self) -> NoReturn:
        """Always an error: `.value` was meant."""
        raise TypeError(
            "bool() not supported for instances of type 'State' (did you mean to use 'State.value' instead?)"
        )

    def __repr__(self) -> str:
        """Name and value."""
        return f"<State {self.name}={self.value!r}>"

    def __call__(self, new_val: Any = UNSET) -> StateContextManager:
        """A context manager (or decorator) under which this thread sees ``new_val``."""
        return StateContextManager(self, new_val)

    def get_global(self) -> T:
        """The process value, whatever this thread sees."""
        return type(self).value

    def set_global(self, value: T) -> None:
        """Change the process value; not checked."""
        type(self).value = value
        for react in self._on_global:
            react()

    def get_local(self) -> Any:
        """This thread's own value, or `UNSET`."""
        return self.__dict__.get("value", UNSET)

    def set_local(self, value: Any) -> None:
        """Change this thread's own value; `UNSET` removes it."""
        if value is UNSET:
            self.__dict__.pop("value", None)
        else:
            self.__dict__["value"] = value
        for react in self._on_local:
            react()

    def swap_local(self, value: Any) -> Any:
        """Change this thread's own value and return the one before."""
        previous = self.get_local()
        self.set_local(value)
        return previous

    def on_change(self, react: Callable[[], None]) -> None:
        """Call ``react()`` now, and in the thread that changes the process value or its own."""
        self._on_global.append(react)
        self._on_local.append(react)
        react()

    def _set(self, value: Any, /) -> None:
        self.set_global(self._parser(value))

    @staticmethod
    def _parser(new_val: Any) -> Any:
        """Check and convert a new value."""
        return new_val


class StateContextManager:
    """What calling a State returns: sets the thread's value on entry, restores it on exit."""

    __slots__ = ("new_val", "prev", "state")

    def __init__(self, state: State[Any], new_val: Any) -> None:
        """Check ``new_val``; `UNSET` means the state's default for contexts."""
        if new_val is UNSET:
            new_val = state._default_context_manager_value
        if new_val is UNSET:
            raise TypeError(
                f"Context manager for {state.__name__} config option requires an argument representing"
                " the new value for the config option."
            )
        self.state = state
        self.new_val = state._parser(new_val)
        self.prev: Any = UNSET

    def __enter__(self) -> None:
        """Set the thread's value."""
        self.prev = self.state.swap_local(self.new_val)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the thread's value."""
        self.state.set_local(self.prev)

    def __call__(self, func: F) -> F:
        """Run ``func`` under this context each time that it is called."""

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with StateContextManager(self.state, self.new_val):
                return func(*args, **kwargs)

        return wrapper  # pyright: ignore[reportReturnType]


class Flag(Generic[T]):
    """A flag with a process value only; like JAX's, it takes any value."""

    __slots__ = ("_name", "_on_global", "value")

    def __init__(self, name: str, default: T) -> None:
        """Not registered: see `flag`."""
        self._name = name
        self._on_global: list[Callable[[], None]] = []
        self.value = default

    def __bool__(self) -> NoReturn:
        """Always an error: `.value` was meant."""
        raise TypeError(
            "bool() not supported for instances of type 'Flag' (did you mean to use 'Flag.value' instead?)"
        )

    def _set(self, value: T, /) -> None:
        self.value = value
        for react in self._on_global:
            react()


# -------------------------------------------------------------------------------------------- `config`


class Config:
    """`jax.config`: reads a flag as an attribute, changes it with `update`."""

    _HAS_DYNAMIC_ATTRIBUTES = True  # each State adds a property of its name

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """For type checkers."""

    def __init__(self) -> None:
        """No flags yet."""
        self._value_holders: dict[str, ValueHolder] = {}
        self._contextmanager_flags: set[str] = set()
        self._parsed_absl = False
        self.meta: dict[str, tuple[Any, Sequence[Any], dict[str, Any]]] = {}
        self.use_absl = False

    def update(self, name: str, val: Any) -> None:
        """Set the process value of the flag ``name``, after the flag's own check of ``val``."""
        if name not in self._value_holders:
            raise AttributeError(f"Unrecognized config option: {name}")
        self._value_holders[name]._set(val)

    def read(self, name: str) -> Any:
        """The value of a flag that has no context manager (the others are attributes)."""
        if name in self._contextmanager_flags:
            raise AttributeError(
                "For flags with a corresponding contextmanager, read their value via e.g. "
                f"`config.{name}` rather than `config.FLAGS.{name}`."
            )
        return self._read(name)

    def _read(self, name: str) -> Any:
        if name not in self._value_holders:
            raise AttributeError(f"Unrecognized config option: {name}")
        return self._value_holders[name].value

    @property
    def values(self) -> dict[str, Any]:
        """All flags and what this thread sees of them."""
        return {name: holder.value for name, holder in self._value_holders.items()}

    @property
    def x64_enabled(self) -> bool:
        """Old spelling of `jax_enable_x64`."""
        return self._read("jax_enable_x64")

    @property
    def jit_tier(self) -> str:
        """How `jit` executes here: "auto", "replay" or "compile" (the flag `jaxlike_jit_tier`)."""
        return self._read("jaxlike_jit_tier")

    @jit_tier.setter
    def jit_tier(self, tier: str) -> None:
        self.update("jaxlike_jit_tier", tier)

    def add_option(
        self,
        name: str,
        holder: ValueHolder,
        opt_type: Any,
        meta_args: Sequence[Any],
        meta_kwargs: dict[str, Any],
    ) -> None:
        """Register ``holder`` under ``name``; the rest describes it to absl."""
        if name in self._value_holders:
            raise Exception(f"Config option {name} already defined")
        self._value_holders[name] = holder
        self.meta[name] = (opt_type, meta_args, meta_kwargs)

    def config_with_absl(self) -> None:
        """Register every flag with absl, to be called before `absl.app.run`."""
        from absl import app, flags

        self.use_absl = True
        self.absl_flags = flags
        define = {
            bool: flags.DEFINE_bool,
            int: flags.DEFINE_integer,
            float: flags.DEFINE_float,
            str: flags.DEFINE_string,
            "enum": flags.DEFINE_enum,
            "enum_class": flags.DEFINE_enum_class,
        }
        for name, (opt_type, args, kwargs) in self.meta.items():
            define[opt_type](name, self._value_holders[name].value, *args, **kwargs)
        app.call_after_init(lambda: self.complete_absl_config(flags))

    def complete_absl_config(self, absl_flags: Any) -> None:
        """Take over what absl parsed from the command line."""
        for name, holder in self._value_holders.items():
            if name in absl_flags.FLAGS and absl_flags.FLAGS[name].present:
                holder._set(absl_flags.FLAGS[name].value)

    def parse_flags_with_absl(self) -> None:
        """Parse the ``--jax...`` arguments of the command line, once."""
        if self._parsed_absl:
            return
        from absl import flags

        before_dashes = itertools.takewhile(lambda argument: argument != "--", sys.argv)
        self.config_with_absl()
        flags.FLAGS(["", *(a for a in before_dashes if a.startswith("--jax"))], known_only=True)
        self.complete_absl_config(flags)
        self._parsed_absl = True


config = Config()


# ------------------------------------------------------------------------------- making states and flags


def make_state(
    name: str, default: Any, parser: Callable[[Any], Any], help: str, context_default: Any = UNSET
) -> State[Any]:
    """A State by itself, not part of `config`; ``parser`` checks and converts each new value."""
    body = {
        "__doc__": f"Context manager for `{name}` config option.\n\n{help}",
        "__name__": name.removeprefix("jax_"),
        "name": name,
        "value": default,
        "_parser": staticmethod(parser),
        "_default_context_manager_value": context_default,
        "_on_global": [],
        "_on_local": [],
    }
    return type("State", (State,), body)()


def _add_state(state: State[Any], opt_type: Any, **meta: Any) -> State[Any]:
    config.add_option(state.name, state, opt_type, [], {"help": state.__doc__, **meta})
    config._contextmanager_flags.add(state.name)
    setattr(Config, state.name, property(lambda _: state.value))
    return state


def bool_state(name: str, default: bool, help: str) -> State[bool]:
    """A truth value; anything is converted by `bool`."""
    default = bool_env(name.upper(), default)
    return _add_state(make_state(name, default, bool, help, context_default=True), bool)


def enum_state(
    name: str, enum_values: Sequence[str], default: str | None, help: str, *, optional: bool = False
) -> State[Any]:
    """One of ``enum_values``, or None if ``optional``."""
    values = list(enum_values)
    default = os.getenv(name.upper(), default)
    if default not in values and not (optional and default is None):
        raise ValueError(f'Invalid value "{default}" for JAX flag {name}')
    allowed = f"None or in {values}" if optional else f"in {values}"

    def parser(new_val: Any) -> Any:
        if optional and new_val is None:
            return new_val
        if type(new_val) is not str or new_val not in values:
            raise ValueError(f"new enum value must be {allowed}, got {new_val} of type {type(new_val)}.")
        return new_val

    return _add_state(make_state(name, default, parser, help), "enum", enum_values=values)


def optional_enum_state(name: str, enum_values: Sequence[str], default: str | None, help: str) -> State[Any]:
    """One of ``enum_values``, or None."""
    return enum_state(name, enum_values, default, help, optional=True)


def enum_class_state(name: str, enum_class: type[enum.Enum], default: enum.Enum, help: str) -> State[Any]:
    """A member of ``enum_class``, or a string that it converts."""
    word = os.getenv(name.upper())
    if word is not None:
        try:
            default = enum_class(word)
        except ValueError as error:
            raise ValueError(f'Invalid value "{word}" for JAX flag {name}') from error

    def parser(new_val: Any) -> Any:
        if isinstance(new_val, str):
            return enum_class(new_val)
        if not isinstance(new_val, enum_class):
            raise TypeError(
                f"new enum value must be an instance of {enum_class}, got {new_val} of type {type(new_val)}."
            )
        return new_val

    return _add_state(make_state(name, default, parser, help), "enum_class", enum_class=enum_class)


def number_state(
    name: str,
    kind: type[int] | type[float],
    default: float,
    help: str,
    validator: Callable[[Any], None] | None = None,
) -> State[Any]:
    """An int or a float (``kind``), or None."""
    word = os.getenv(name.upper())
    if word is not None:
        try:
            default = kind(word)
        except ValueError:
            raise ValueError(f'Invalid value "{word}" for JAX flag {name}') from None
    accepted = int if kind is int else (float, int)

    def parser(new_val: Any) -> Any:
        if new_val is not None and not isinstance(new_val, accepted):
            raise ValueError(
                f"new {kind.__name__} config value must be None or of type {kind.__name__},"
                f" got {new_val} of type {type(new_val)}"
            )
        if new_val is not None and validator is not None:
            validator(new_val)
        return new_val

    return _add_state(make_state(name, default, parser, help), kind)


def int_state(name: str, default: int, help: str, *, validator: Callable[[Any], None] | None = None) -> State[Any]:
    """An int, or None."""
    return number_state(name, int, default, help, validator)


def float_state(name: str, default: float, help: str, *, validator: Callable[[Any], None] | None = None) -> State[Any]:
    """A float, or None."""
    return number_state(name, float, default, help, validator)


def object_state(
    name: str, default: Any, help: str, validator: Callable[[Any], None] | None = None
) -> State[Any]:
    """Any object that passes ``validator``; a string when it comes from the environment."""

    def parser(new_val: Any) -> Any:
        if validator is not None:
            validator(new_val)
        return new_val

    default = parser(os.getenv(name.upper(), default))
    return _add_state(make_state(name, default, parser, help), str)


def string_state(name: str, default: str | None, help: str, *, optional: bool = False) -> State[Any]:
    """A string, or None if ``optional``."""

    def validator(new_val: Any) -> None:
        if isinstance(new_val, str) or (optional and new_val is None):
            return
        kind, allowed = (ValueError, "None or of type str") if optional else (TypeError, "of type str")
        raise kind(f"new string config value must be {allowed}, got {new_val} of type {type(new_val)}.")

    return object_state(name, default, help, validator)


def optional_string_state(name: str, default: str | None, help: str) -> State[Any]:
    """A string, or None."""
    return string_state(name, default, help, optional=True)


def flag(name: str, default: T, help: str, kind: Any = None) -> Flag[T]:
    """A `Flag`, registered."""
    holder = Flag(name, default)
    config.add_option(name, holder, kind or type(default), [], {"help": help})
    return holder


# ------------------------------------------------------------------------- values computed from flags


class _Slot(threading.local):
    value: Any = UNSET


class Derived(Generic[T]):
    """``compute()``, cached per thread until one of the flags that it `watch`es changes."""

    __slots__ = ("_compute", "_slot")

    def __init__(self, compute: Callable[[], T], states: Iterable[State[Any] | Flag[Any]]) -> None:
        """Nothing is computed before the first `read`."""
        self._compute = compute
        self._slot = _Slot()
        for state in states:
            self.watch(state)

    def watch(self, state: State[Any] | Flag[Any]) -> None:
        """Recompute when ``state`` changes, too."""
        state._on_global.append(self.forget)
        if isinstance(state, State):
            state._on_local.append(self._forget_in_this_thread)
        self.forget()

    def read(self) -> T:
        """The value now."""
        slot = self._slot  # `forget` replaces it: what another thread computes meanwhile is dropped
        value = slot.value
        if value is UNSET:
            value = slot.value = self._compute()
        return value

    def forget(self) -> None:
        """Recompute at the next `read` in each thread."""
        self._slot = _Slot()

    def _forget_in_this_thread(self) -> None:
        self._slot.value = UNSET
