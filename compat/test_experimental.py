"""Small modules of `jax.experimental`: LSTMs, words about places, the folder of compiled programs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from compat.same import Tolerance, same_in_both
from jaxlike._src import compilation_cache, config

RNG = np.random.RandomState(0)
X, H = RNG.randn(2, 5, 3).astype("float32"), RNG.randn(4, 2, 4).astype("float32")


def rnn(jax):
    """The module, of either framework."""
    return __import__(f"{jax.__name__}.experimental.rnn", fromlist=["rnn"])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_lstm(layers, bidirectional):
    states = H[: layers * (1 + bidirectional)]

    @same_in_both(tolerance=Tolerance(factor=10))
    def program(jax):
        module, sizes = rnn(jax), (3, 4, layers, bidirectional)
        weights = module.init_lstm_weight(jax.random.key(0), *sizes)
        parts = module.unpack_lstm_weights(weights, *sizes)
        lengths = [jax.numpy.array(n, "int32") for n in ((5, 5), (3, 5))]
        runs = [
            jax.vjp(lambda x, h, n=n: module.lstm_ref(x, h, h, *parts, n, *sizes[:3], 0.0, bidirectional), X, states)
            for n in lengths
        ]
        return (
            module.get_num_params_in_lstm(*sizes),
            weights,
            parts,
            [outs for outs, _ in runs],
            [pull(outs) for outs, pull in runs],
            module.swap_lstm_gates(weights, *sizes) if layers == 1 and not bidirectional else None,
        )

    program()


def test_lstm_of_flat_weights():
    """JAX has it on GPUs alone: it is what its reference gives."""
    import jaxlike as jax

    module, sizes = rnn(jax), (3, 4, 2, True)
    weights = module.init_lstm_weight(jax.random.key(0), *sizes)
    lengths = jax.numpy.array((3, 5), "int32")
    out = module.lstm(X, H, H, weights, lengths, 3, 4, 2, 0.0, True)
    parts = module.unpack_lstm_weights(weights, *sizes)
    expected = module.lstm_ref(X, H, H, *parts, lengths, 3, 4, 2, 0.0, True)
    for a, b in zip(out, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(NotImplementedError, match="bfloat16"):  # JAX's refusal, which its lstm makes on GPUs
        module.lstm(X, H, H, weights, lengths, 3, 4, 2, 0.0, True, jax.lax.Precision.DEFAULT)


@pytest.mark.parametrize(("dropout", "dtype"), [(0.5, "int32"), (0.0, "int8")])
def test_lstms_that_are_refused(dropout, dtype):
    @same_in_both
    def program(jax):
        module = rnn(jax)
        parts = module.unpack_lstm_weights(module.init_lstm_weight(jax.random.key(0), 3, 4, 1, False), 3, 4, 1, False)
        return module.lstm_ref(X, H[:1], H[:1], *parts, jax.numpy.array((5, 5), dtype), 3, 4, 1, dropout, False)

    program()


def double(x):
    """Any function."""
    return x * 2


def untouched(f):
    """No transformation."""
    return f


WORDS = {
    "computed on the host": lambda jax, m: [t(m.compute_on("device_host")(double))(3.0) for t in (untouched, jax.jit, jax.grad)],
    "a number": lambda jax, m: m.compute_on(3).__enter__(),
    "no such place": lambda jax, m: m.compute_on("attic").__enter__(),
    "a stream": lambda jax, m: m.compute_on("gpu_stream:1").__enter__(),
    "a function in no such place": lambda jax, m: m.compute_on2(lambda x: x, compute_type="attic", out_memory_spaces=None),
}


@pytest.mark.parametrize("name", WORDS)
def test_words_about_places(name):
    @same_in_both
    def program(jax):
        return WORDS[name](jax, __import__(f"{jax.__name__}.experimental.compute_on", fromlist=["compute_on"]))

    program()


@same_in_both
def test_notes_for_xla(jax):
    note = __import__(f"{jax.__name__}.experimental.xla_metadata", fromlist=["xla_metadata"]).set_xla_metadata
    with note(a=1):
        inside = jax.numpy.sin(1.0)
    marked = jax.jit(lambda x: note({"a": x}, b=2))
    return inside, marked(2.0), note(c=3)(lambda x: x)(2), jax.grad(lambda x: note(x, b=2) * x)(3.0)


def test_the_folder_of_compiled_programs(tmp_path, monkeypatch):
    """A folder that the flag names is where torch looks, until the flag names none."""
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    import os

    from jaxlike.experimental.compilation_cache import compilation_cache as public

    assert not compilation_cache.is_persistent_cache_enabled()
    public.set_cache_dir(tmp_path)
    try:
        assert config.config.jax_compilation_cache_dir == str(tmp_path) and compilation_cache.is_persistent_cache_enabled()
        compilation_cache.use_folder()
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path)
    finally:
        public.set_cache_dir(None)
    compilation_cache.use_folder()
    assert "TORCHINDUCTOR_CACHE_DIR" not in os.environ
    public.reset_cache()


@pytest.mark.slow
def test_a_second_process_finds_what_the_first_compiled(tmp_path):
    """The compiled code, which takes longest, is not made again."""
    program = """
import jaxlike as jax, jaxlike.numpy as jnp
jax.config.update("jaxlike_jit_tier", "compile")
print(float(jax.jit(lambda x: jnp.sum(jnp.tanh(x) ** 2 + jnp.cos(x)))(jnp.arange(99.0))))
"""
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path)}
    seen = []
    for _ in range(2):
        ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment)
        seen.append((ended.stdout, {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.so")}))
    assert seen[0] == seen[1] and seen[0][1]


def covering(test: Any, module: str, *names: str) -> None:
    """Say what a test is about that reaches it by way of whichever framework it is given."""
    test.covers = tuple(f"jax.experimental.{module}.{name}" for name in names)


covering(test_lstm, "rnn", "get_num_params_in_lstm", "init_lstm_weight", "lstm_ref", "unpack_lstm_weights", "swap_lstm_gates")
covering(test_lstm_of_flat_weights, "rnn", "lstm")
covering(test_words_about_places, "compute_on", "compute_on", "compute_on2")
covering(test_notes_for_xla, "xla_metadata", "set_xla_metadata")
covering(
    test_the_folder_of_compiled_programs, "compilation_cache.compilation_cache", "reset_cache", "set_cache_dir"
)
