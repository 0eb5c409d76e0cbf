"""Calls of every primitive, from the table that JAX's own tests of exporting use, against JAX: a sample by the seed."""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from jaxlike.testing import Tolerance, differences

TABLE = Path(jax.__file__).parent / "_src" / "internal_test_util" / "test_harnesses.py"
# Names of entries whose values are free, and why.
FREE = {
    r"sort_multiple_arrays.*isstable_False": "an unstable sort may give equal keys in any order",
    r"(svd|eigh|eig|schur|hessenberg|qr|lu|tridiagonal|householder).*": "vectors are determined up to a sign",
    r"approx_top_k": "of equal elements any may be given",
}


def run(tmp_path, launcher, *args):
    out = tmp_path / f"{len(launcher)}.pickle"
    # JAX alone in its process: a process with both would have two libraries of threads.
    subprocess.run([sys.executable, *launcher, "compat/harness_program.py", str(TABLE), *args, str(out)], check=True)
    return pickle.loads(out.read_bytes())


@pytest.mark.parametrize(
    ("x64", "count"),
    [("0", "60"), ("1", "60"), pytest.param("0", "1500", marks=pytest.mark.slow), pytest.param("1", "1500", marks=pytest.mark.slow)],
)
def test_harnesses(tmp_path, seed, x64, count):
    drawn = str(seed % 2**32)
    theirs, ours = (run(tmp_path, launcher, x64, drawn, count) for launcher in ([], ["-m", "jaxlike"]))
    assert list(ours) == list(theirs) and len(ours) == int(count)
    found = []
    for name, expected in theirs.items():
        loose = any(re.search(pattern, name) for pattern in FREE)
        different = differences(expected, ours[name], Tolerance(factor=10, normwise=True))
        if loose:
            different = [text for text in different if " differ" not in text and "apart" not in text]
        found += [f"{name}: {text}" for text in different]
    assert not found, "\n".join(found)
