"""Flags: scope, checks, environment, and what is computed from them."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
import timeit
from types import SimpleNamespace
from typing import Any

import pytest

import jaxlike as jax
from jaxlike._src import config
from jaxlike._src.config_state import UNSET, Config, Derived, Flag, bool_state


def in_thread(program: Any) -> Any:
    """What ``program()`` returns in a thread of its own."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(program()))
    thread.start()
    thread.join()
    return results[0]


def test_a_context_is_seen_by_its_thread_only():
    assert not jax.enable_x64.value
    with jax.enable_x64(True):
        assert jax.enable_x64.value and jax.config.jax_enable_x64 and jax.config.x64_enabled
        assert not in_thread(lambda: jax.enable_x64.value)
    assert not jax.enable_x64.value
    assert jax.enable_x64.get_local() is UNSET


def test_contexts_unwind_through_exceptions():
    with pytest.raises(KeyError), jax.enable_x64(True), jax.enable_x64(False):
        raise KeyError
    assert jax.enable_x64.get_local() is UNSET


def test_every_flag_is_readable_and_settable_to_its_own_value():
    for name, value in jax.config.values.items():
        jax.config.update(name, value)
    assert len(jax.config.values) > 130


def test_our_own_flag():
    assert jax.config.jit_tier == "auto"
    before = config.trace_context()
    jax.config.jit_tier = "replay"
    try:
        assert jax.config.jaxlike_jit_tier == "replay"
        assert config.trace_context() is before  # how a trace is run does not change the trace
        with config.jit_tier("compile"):
            assert jax.config.jit_tier == "compile"
        with pytest.raises(ValueError, match=r"must be in \['auto', 'replay', 'compile'\], got fast"):
            jax.config.jit_tier = "fast"
    finally:
        jax.config.jit_tier = "auto"


def test_trace_context_is_one_object_per_combination():
    plain = config.trace_context()
    with jax.enable_x64(True):
        x64 = config.trace_context()
        assert x64 is not plain
        assert in_thread(config.trace_context) is plain
        with jax.enable_x64(False):
            assert config.trace_context() is plain
        assert config.trace_context() is x64
    assert config.trace_context() is plain


def test_trace_context_sees_process_wide_changes_in_every_thread():
    plain = config.trace_context()
    go, seen = threading.Event(), threading.Event()
    results: list[Any] = []

    def other() -> None:
        results.append(config.trace_context())
        seen.set()
        go.wait()
        results.append(config.trace_context())

    thread = threading.Thread(target=other)
    thread.start()
    seen.wait()
    jax.config.update("jax_numpy_rank_promotion", "warn")
    try:
        go.set()
        thread.join()
        assert results[0] is plain
        assert results[1] is config.trace_context() is not plain
    finally:
        jax.config.update("jax_numpy_rank_promotion", "allow")


def test_flags_that_do_not_change_a_trace_leave_its_key():
    plain = config.trace_context()
    with jax.log_compiles(True), jax.transfer_guard("log"):
        assert config.trace_context() is plain


def test_a_user_context_is_part_of_the_key():
    plain = config.trace_context()
    context = jax.make_user_context("a")
    first = config.trace_context()
    assert first is not plain
    with context("b"):
        assert config.trace_context() is not first
        assert context.value == "b"
    assert config.trace_context() is first


def test_derived_is_computed_once_until_a_flag_changes():
    calls: list[int] = []
    state = bool_state("jaxlike_test_of_derived", False, "For a test.")
    flag: Flag[str] = Flag("jaxlike_test_of_flag", "a")
    both = Derived(lambda: calls.append(1) or (state.value, flag.value), [state, flag])
    assert both.read() == both.read() == (False, "a")
    assert len(calls) == 1
    with state(True):
        assert both.read() == (True, "a")
    flag._set("b")
    assert both.read() == (False, "b")
    state.set_global(True)
    assert both.read() == (True, "b")
    assert len(calls) == 4
    jax.config._value_holders.pop("jaxlike_test_of_derived")


def test_on_change_is_called_at_once_and_with_each_change():
    seen: list[bool] = []
    state = bool_state("jaxlike_test_of_on_change", False, "For a test.")
    state.on_change(lambda: seen.append(state.value))
    with state(True):
        state.set_global(True)
    state.set_global(False)
    assert seen == [False, True, True, True, False]
    jax.config._value_holders.pop("jaxlike_test_of_on_change")


def test_reading_a_flag_is_one_attribute_access():
    """Promotion reads the flag on every op: a Python function in the way would cost far more than this."""
    plain = SimpleNamespace(value=1)
    state = jax.enable_x64

    def cost(subject: Any) -> float:
        return min(timeit.repeat("s.value", globals={"s": subject}, number=20_000, repeat=20))

    assert cost(state) < 6 * cost(plain)


def test_the_names_of_states():
    assert jax.enable_x64.__name__ == "enable_x64"
    assert "jax_enable_x64" in (jax.enable_x64.__doc__ or "")
    assert repr(jax.enable_x64) == "<State jax_enable_x64=False>"


def test_flags_from_the_command_line():
    """absl itself is not installed with the tests: its parsed flags are."""
    parsed = SimpleNamespace(
        FLAGS={
            "jax_numpy_rank_promotion": SimpleNamespace(present=1, value="warn"),
            "jax_debug_nans": SimpleNamespace(present=0, value=True),
        }
    )
    try:
        jax.config.complete_absl_config(parsed)
        assert jax.config.jax_numpy_rank_promotion == "warn"
        assert not jax.config.jax_debug_nans
    finally:
        jax.config.update("jax_numpy_rank_promotion", "allow")


def test_logging_flags(capsys: pytest.CaptureFixture[str]):
    logger = logging.getLogger("jaxlike.of_a_test")
    logger.info("not shown")
    jax.config.update("jax_logging_level", "INFO")
    logger.info("shown once")
    jax.config.update("jax_logging_level", None)
    logger.info("not shown")
    jax.config.update("jax_debug_log_modules", "jaxlike.of_a_test")
    logger.debug("shown twice")
    jax.config.update("jax_debug_log_modules", "")
    logger.debug("not shown")
    jax.config.update("jax_logging_level", "NOTSET")
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == ["shown once", "shown twice"]
    assert lines[0].startswith("INFO:")


def run(program: str, **variables: str) -> str:
    """What a new process prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_environment():
    program = "from jaxlike._src.config import config; print(config.jax_enable_x64, config.jit_tier)"
    assert run(program, JAX_ENABLE_X64="1", JAXLIKE_JIT_TIER="compile") == "True compile"


def test_a_config_of_ones_own():
    own = Config()
    with pytest.raises(AttributeError, match="Unrecognized config option: jax_enable_x64"):
        own.update("jax_enable_x64", True)


def test_errors_name_the_package_that_has_them():
    """So that a pickle of an exception class finds it."""
    assert pickle.loads(pickle.dumps(jax.errors.KeyReuseError)) is jax.errors.KeyReuseError
