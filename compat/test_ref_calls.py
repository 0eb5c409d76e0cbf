"""Jaxprs of calls and loops that get refs: what they show, what they do when they are evaluated, and without refs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.frameworks import private
from compat.same import assert_same, run_both

X = np.arange(3, dtype=np.float32)

# Of refs ``r`` (given), ``s`` (closed over), ``t`` (made inside), arrays ``x`` and ``c`` (closed over).
PROGRAMS = """
    jax.jit(touch)(r, x); jax.jit(lambda y: touch(s, y))(x); jax.jit(touch)(t, x), t[...]; jax.jit(lambda y: y + s[...])(x)
    jax.jit(lambda y, r: touch(r, y) * c)(x, r); jax.jit(lambda y: touch(r, y) + touch(s, y))(x); (touch(r, x), jax.jit(touch)(r, x))
    jax.jit(lambda y: jax.jit(lambda z: touch(s, z) + c)(y))(x); jax.jit(lambda: s[0])(); jax.jit(lambda a: (s[0], a))(2.0)
    jax.jit(lambda y: s.__setitem__(0, y[0]))(x); jax.jit(lambda a, b: touch(a, b[...]))(r, s); (jax.jit(touch)(r, x), r[...])
    lax.scan(lambda k, y: (k, touch(s, y)), 0.0, x); lax.scan(lambda k, y: (k + s[...].sum(), y), 0.0, x)
    lax.scan(lambda k, y: (k + touch(t, y), y * c), x, x), t[...]; lax.scan(lambda k, y: (touch(s, k) + touch(r, y), None), x, x)
    lax.scan(lambda k, _: (k + 1, touch(s, s[0])), 0, None, length=2, reverse=True); lax.map(lambda y: touch(s, y), x)
    lax.fori_loop(0, 3, lambda i, y: touch(s, y), x); lax.fori_loop(0, 3, lambda i, y: y + s[i], 0.0)
    lax.while_loop(lambda y: y[0] < 3, lambda y: touch(s, y) + 1, x); lax.while_loop(lambda y: y < c[0], lambda y: y + s[0], 0.0)
    lax.cond(x[0] > 0, lambda y: touch(s, y), lambda y: y, x); lax.cond(x[0] > 0, touch, lambda r, y: y, r, x)
    lax.cond(x[0] > 0, lambda: touch(s, x), lambda: touch(r, x)); lax.switch(1, [lambda: s[0], lambda: r[0], lambda: x[0]])
    lax.cond(x[0] > 0, lambda: s.__setitem__(0, x[1]), lambda: None); jax.checkpoint(lambda y: touch(s, y) * 2)(x)
    jax.checkpoint(lambda y: y * s[...])(x); lax.scan(lambda k, y: (k, jax.jit(lambda z: touch(s, z))(y)), 0.0, x)
    lax.scan(lambda k, y: (k, lax.cond(y > 1, lambda: touch(s, y), lambda: s[...])), 0.0, x); [touch(s, x), jax.jit(touch)(s, x)]
"""


@pytest.mark.parametrize("line", [p.strip() for p in PROGRAMS.replace("\n", ";").split(";") if p.strip()])
def test_programs(line: str) -> None:
    def program(jax: Any) -> Any:
        def touch(r: Any, y: Any) -> Any:
            r[...] += y
            return r[...]

        def fun(r: Any, x: Any) -> Any:
            t = jax.new_ref(x * 2)
            return eval(line, known | {"r": r, "x": x, "t": t})

        r, s = jax.new_ref(jax.numpy.arange(3.0)), jax.new_ref(jax.numpy.ones(3))
        known = {"jax": jax, "jnp": jax.numpy, "lax": jax.lax, "s": s, "touch": touch, "c": jax.numpy.arange(3.0) + 5}
        closed = jax.make_jaxpr(fun)(r, X)
        refs = {id(v): k for k, v in enumerate([*closed.jaxpr.constvars, *closed.jaxpr.invars])}
        effects = sorted((type(e).__name__, refs.get(id(getattr(e, "input", None)), -1)) for e in closed.effects)
        private(jax, "jax._src.core", "check_jaxpr")(closed.jaxpr)
        shown = str(closed), effects, r[...], s[...]
        outs = [jax.numpy.asarray(x) for _ in range(2) for x in jax.core.eval_jaxpr(closed.jaxpr, closed.consts, r, X)]
        return shown, outs, r[...], s[...]

    assert_same(*run_both(program))
