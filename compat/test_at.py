"""x.at[index]: every method, mode and kind of index, traced, repeated, batched, differentiated, refused: as JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import Tolerance, assert_same, run_both, same_in_both

X = np.arange(12, dtype=np.float32).reshape(3, 4) / 4 + 0.5
V = np.array([0.5, -1.0, 2.0, 4.0, 8.0], np.float32)
R = np.array([1, 3, 1, 1, 0])  # repeats
FAR = np.array([1, 7, -1, -9, 0])
S = np.s_
METHODS = ("set", "add", "subtract", "multiply", "divide", "power", "min", "max")
SMOOTH = ("set", "add", "subtract")
MODES = (None, "drop", "fill", "clip", "promise_in_bounds")
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128"
).split()
INDICES: dict[str, Any] = {
    "number": 1,
    "negative number": -1,
    "numbers": (1, 2),
    "number beyond": 9,
    "number far below": -9,
    "slice": S[1:],
    "steps": S[::2, 1:3],
    "backwards": S[::-1, ::-2],
    "column": S[:, 1],
    "ellipsis": (..., 0),
    "new axis": (None, 1, None),
    "nothing": (),
    "empty slice": S[3:1],
    "array": np.array([2, 0]),
    "array beyond": np.array([7, -8, 1]),
    "column array": (S[:], np.array([3, 1])),
    "arrays": (np.array([0, 2]), np.array([1, 1])),
    "arrays that broadcast": (np.array([[0], [2]]), np.array([1, 3])),
    "array and slice": (np.array([2, 0]), S[1:3]),
    "number and array": (1, np.array([3, 0])),
    "array and new axis": (np.array([0, 2]), None),
    "array 2-d": np.array([[0, 1], [2, -3]]),
    "backwards and array": (S[::-1], np.array([2, 0])),
    "mask": np.array([True, False, True]),
    "mask of two axes": X > 1.5,
    "mask of nothing": np.zeros(3, bool),
    "True": True,
    "False": False,
    "empty array": np.zeros(0, np.int32),
    "uint8 array": np.array([2, 0], np.uint8),
}
REPEATED: dict[str, Any] = {
    "rows": (np.array([1, 0, 1, 1]), S[:]),
    "columns": (S[:], np.array([3, 3, 0])),
    "elements": (np.array([0, 1, 0]), np.array([2, 2, 2])),
    "beyond too": (np.array([1, 5, 1, -1, 2]), 0),
}


def chosen(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Different values of a shape, none of which ties with those of X."""
    return (np.arange(np.prod(shape, dtype=int)).reshape(shape) * 0.37 + 0.61).astype(np.float32)


def reads(index: Any) -> tuple[int, ...]:
    """The shape that an index reads of X: numpy's, with what is out of bounds moved inside."""

    def inside(entry: Any) -> Any:
        if isinstance(entry, bool) or not isinstance(entry, int | np.ndarray) or np.asarray(entry).dtype == bool:
            return entry
        moved = np.clip(np.asarray(entry).astype(int), -3, 2)
        return moved if np.ndim(entry) else int(moved)

    entries = index if isinstance(index, tuple) else (index,)
    return X[tuple(map(inside, entries))].shape


def changed(index: Any) -> Any:
    """One index with every method, in every way."""
    y = chosen(reads(index))

    def program(jax: Any) -> Any:
        jnp = jax.numpy
        x = jnp.asarray(X)

        def with_method(name: str) -> Any:
            def update(x: Any, y: Any) -> Any:
                return getattr(x.at[index], name)(y)

            def total(x: Any, y: Any) -> Any:
                return (update(x, y) ** 3 * np.arange(1, 13).reshape(3, 4)).sum()

            found = [update(x, y), update(x, 2), jax.jit(update)(x, y)]
            found.append(jax.vmap(update)(jnp.stack([x, x + 1]), np.stack([y, y * 2])))
            found.append(jax.vmap(update, (None, 0))(x, np.stack([y, y * 2])))
            found.append(jax.vmap(update, (0, None))(jnp.stack([x, x + 1]), y))
            if name in SMOOTH:
                found.append(jax.grad(total, (0, 1))(x, y))
                found.append(jax.jvp(update, (x, y), (x * x, y * y)))
            return found

        return {name: with_method(name) for name in ("set", "add", "min")}

    return program


def derived(name: str, index: Any, **options: Any) -> Any:
    """Derivatives of one method, both orders, where positions do not repeat or sums are made."""
    y = chosen(reads(index))

    def program(jax: Any) -> Any:
        def total(x: Any, y: Any) -> Any:
            return (getattr(x.at[index], name)(y, **options) ** 3 * np.arange(1, 13).reshape(3, 4)).sum()

        def update(x: Any, y: Any) -> Any:
            return getattr(x.at[index], name)(y, **options)

        tangents = (X * X, y * y)
        return (
            jax.grad(total, (0, 1))(X, y),
            jax.jit(jax.grad(total, (0, 1)))(X, y),
            jax.vmap(jax.grad(total, (0, 1)), (0, None))(np.stack([X, X * 2]), y),
            jax.jvp(update, (X, y), tangents),
            jax.jvp(jax.grad(total, (0, 1)), (X, y), tangents),
        )

    return program


def traced(name: str, mode: Any = None) -> Any:
    """Traced positions, some of them repeated or out of bounds."""

    def program(jax: Any) -> Any:
        jnp = jax.numpy
        y, i = jnp.asarray(chosen((5,))), jnp.asarray(FAR)

        def update(x: Any, i: Any, y: Any) -> Any:
            return getattr(jnp.asarray(x).at[i], name)(y, mode=mode)

        several = jnp.stack([i, jnp.asarray(R)])
        found = [
            jax.jit(update)(V, i, y),
            jax.jit(update)(V, jnp.asarray(R), y),
            jax.vmap(update, (None, 0, None))(V, several, y),
            jax.vmap(update, (0, 0, 0))(jnp.stack([V, V * 2]), several, jnp.stack([y, y * 2])),
            jax.vmap(update, (0, None, None))(jnp.stack([V, V * 2]), i, y),
            jax.vmap(update, (None, 0, None))(V, jnp.arange(-6, 7), 0.25),
            jax.jit(jax.vmap(update, (None, 1, None)))(V, several.T, y),
        ]
        if name in SMOOTH:

            def total(x: Any, i: Any, y: Any) -> Any:
                return (update(x, i, y) ** 3 * np.arange(1, 6)).sum()

            found.append(jax.grad(total, (0, 2))(V, jnp.asarray(R), y))
            found.append(jax.jit(jax.grad(total, (0, 2)))(V, i, y))
            found.append(jax.vmap(jax.grad(total, (0, 2)), (None, 0, None))(V, several, y))
            found.append(jax.jvp(lambda x, y: update(x, i, y), (V, y), (V * V, y * y)))
            found.append(jax.hessian(lambda y: total(V, i, y))(y))
        return found

    return program


def of_dtype(jax: Any, dtype: str) -> Any:
    jnp = jax.numpy
    x, y = jnp.asarray(abs(X.astype(int)) + 1).astype(dtype), jnp.asarray(np.array([3, 0, 2, 1])).astype(dtype)
    names = ("set", "min", "max") if dtype == "bool" else ("set", "add", "subtract", "multiply", "min", "max")
    if dtype.startswith("complex"):
        names = ("set", "add", "subtract", "multiply")
    return {
        name: (
            getattr(x.at[1], name)(y),
            getattr(x.at[np.array([0, 2, 0])], name)(y),
            jax.jit(lambda x, i, name=name: getattr(x.at[i], name)(y))(x, np.array([0, 2, 0, 5])),
            x.at[np.array([9, 0])].get(mode="fill"),
        )
        for name in names
    }


VALUES: dict[str, Any] = {
    "float into int": lambda jax: jax.numpy.arange(4).at[1].set(2.5),
    "int into float": lambda jax: jax.numpy.asarray(V).at[1].set(2),
    "int beyond int8": lambda jax: jax.numpy.zeros(3, "int8").at[1].set(300),
    "int beyond uint8": lambda jax: jax.numpy.zeros(3, "uint8").at[1].add(-1),
    "complex into float": lambda jax: jax.numpy.asarray(V).at[1].set(1j),
    "bool into float": lambda jax: jax.numpy.asarray(V).at[1].add(True),
    "float32 into float16": lambda jax: jax.numpy.zeros(3, "float16").at[1].set(V[2]),
    "float into bool": lambda jax: (jax.numpy.zeros(3) > 1).at[1].set(2.0),
    "int into bool": lambda jax: (jax.numpy.zeros(3) > 1).at[1].set(2),
    "add to bool": lambda jax: (jax.numpy.zeros(3) > 1).at[1].add(True),
    "multiply bool": lambda jax: (jax.numpy.zeros(3) > 1).at[1].multiply(True),
    "int32 into uint8": lambda jax: jax.numpy.zeros(3, "uint8").at[1].set(np.int32(7)),
    "weak": lambda jax: (
        jax.numpy.asarray(1.0)[None].at[0].set(2.0),
        jax.numpy.asarray(1)[None].at[0].add(2),
        jax.numpy.asarray(1)[None].at[0].set(np.float32(2.5)),
    ),
    "list": lambda jax: jax.numpy.asarray(V).at[:2].set([1.0, 2.0]),
    "list of Arrays": lambda jax: jax.numpy.asarray(V).at[:2].set([jax.numpy.ones(()), 2.0]),
    "None": lambda jax: jax.numpy.asarray(V).at[:2].set(None),
    "text": lambda jax: jax.numpy.asarray(V).at[:2].set("a"),
    "shape": lambda jax: jax.numpy.asarray(V).at[:2].set(np.ones(3)),
    "shape of a number": lambda jax: jax.numpy.asarray(X).at[0].add(np.ones(3)),
    "more axes": lambda jax: jax.numpy.asarray(V).at[:2].set(np.ones((1, 2))),
    "broadcast": lambda jax: jax.numpy.asarray(X).at[:, 1:].set(np.ones((3, 1))),
    "keys": lambda jax: jax.random.key_data(
        jax.random.split(jax.random.key(0), 3).at[np.array([0, 5])].set(jax.random.key(9))
    ),
    "keys add": lambda jax: jax.random.split(jax.random.key(0), 3).at[0].add(jax.random.key(9)),
    "keys set number": lambda jax: jax.random.split(jax.random.key(0), 3).at[0].set(1),
    "int4": lambda jax: jax.numpy.arange(4).astype("int4").at[1].set(3),
    "int4 add": lambda jax: jax.numpy.arange(4).astype("int4").at[1].add(7),
    "float8": lambda jax: jax.numpy.arange(4.0).astype("float8_e4m3fn").at[np.array([1, 1])].set(3),
    "tracer": lambda jax: jax.jit(lambda y: jax.numpy.asarray(V).at[0].set(y))(2.0),
    "in place of a closed-over array": lambda jax: jax.jit(lambda i: jax.numpy.asarray(V).at[i].set(0))(3),
}
REFUSED: dict[str, Any] = {
    "float": 1.0,
    "text": "a",
    "list": [0, 1],
    "too many": (0, 0, 0),
    "two ellipses": (..., ...),
    "mask of another size": np.array([True, False]),
    "float array": np.array([0.0]),
    "shapes": (np.array([0, 1]), np.array([0, 1, 2])),
}

PROGRAMS: dict[str, Any] = {
    **{f"index {name}": changed(index) for name, index in INDICES.items()},
    **{
        f"{method} at {name}": derived(method, index)
        for method in SMOOTH
        for name, index in REPEATED.items()
    },
    **{
        f"{method} at a row, derived": derived(method, index)
        for method in ("divide", "power", "min", "max", "multiply")
        for index in (S[1], S[:, 1:3])
    },
    **{
        f"{method} at unique positions": derived(method, (np.array([2, 0]), S[:]), unique_indices=True)
        for method in ("set", "add", "multiply", "min", "max")
    },
    **{
        f"repeats {method}": lambda jax, method=method: [
            getattr(jax.numpy.asarray(X).at[index], method)(chosen(reads(index)))
            for index in REPEATED.values()
        ]
        for method in METHODS
    },
    **{f"traced {method}": traced(method) for method in METHODS},
    **{f"traced set in mode {mode}": traced("set", mode) for mode in MODES[1:4]},
    **{f"traced add in mode {mode}": traced("add", mode) for mode in MODES[1:4]},
    **{f"dtype {d}": lambda jax, d=d: of_dtype(jax, d) for d in DTYPES},
    **VALUES,
    **{
        f"refused {name}": lambda jax, index=index: jax.numpy.asarray(X).at[index].set(1.0)
        for name, index in REFUSED.items()
    },
    **{
        f"refused get {name}": lambda jax, index=index: jax.numpy.asarray(X).at[index].get()
        for name, index in REFUSED.items()
    },
    **{
        f"{method} in mode {mode}": lambda jax, method=method, mode=mode: (
            getattr(jax.numpy.asarray(V).at[FAR], method)(chosen((5,)), mode=mode),
            getattr(jax.numpy.asarray(V).at[7], method)(2.0, mode=mode),
            getattr(jax.numpy.asarray(X).at[1, 9], method)(2.0, mode=mode),
        )
        for method in METHODS
        for mode in MODES[:4]
    },
    **{
        f"get in mode {mode}": lambda jax, mode=mode: (
            jax.numpy.asarray(V).at[FAR].get(mode=mode),
            jax.numpy.asarray(X).at[9, 1].get(mode=mode),
            jax.jit(lambda i: jax.numpy.asarray(X).at[i, 1:].get(mode=mode))(FAR),
            jax.grad(lambda x: (x.at[FAR].get(mode=mode, fill_value=3) ** 2).sum())(V),
        )
        for mode in MODES
    },
    "mode unknown": lambda jax: jax.numpy.asarray(V).at[0].set(1, mode="other"),
    "get mode unknown": lambda jax: jax.numpy.asarray(V).at[0].get(mode="other"),
    "get fill_value": lambda jax: jax.numpy.asarray(V).at[FAR].get(mode="fill", fill_value=7),
    "get fill_value of an array": lambda jax: jax.numpy.asarray(V).at[FAR].get(mode="fill", fill_value=V),
    "get options": lambda jax: jax.numpy.asarray(V).at[R].get(indices_are_sorted=True, unique_indices=True),
    "get not wrapped": lambda jax: (
        jax.numpy.asarray(V).at[FAR].get(mode="fill", wrap_negative_indices=False),
        jax.numpy.asarray(V).at[FAR].get(wrap_negative_indices=False),
    ),
    "set not wrapped": lambda jax: jax.numpy.asarray(V).at[FAR].set(9.0, wrap_negative_indices=False),
    "multiply gradient": lambda jax: jax.grad(lambda y: jax.numpy.asarray(V).at[R].multiply(y).sum())(2.0),
    "multiply gradient of the array": lambda jax: jax.grad(lambda x: x.at[R].multiply(2.0).sum())(V),
    "min gradient of repeats": lambda jax: jax.grad(
        lambda x, y: (x.at[R].min(y) ** 2).sum(), (0, 1)
    )(V, chosen((5,))),
    "max gradient of ties": lambda jax: jax.grad(
        lambda x, y: (x.at[np.array([1, 1, 2])].max(y) ** 2).sum(), (0, 1)
    )(np.ones(4, np.float32), np.array([1.0, 1.0, 2.0], np.float32)),
    "apply": lambda jax: (
        jax.numpy.asarray(V).at[1:3].apply(jax.numpy.exp),
        jax.numpy.asarray(V).at[R].apply(lambda x: x * 2),
        jax.numpy.asarray(V).at[FAR].apply(lambda x: x * 2),
    ),
    "apply in jit": lambda jax: jax.jit(lambda x: x.at[1:].apply(jax.numpy.sin))(V),
    "apply in vmap": lambda jax: jax.vmap(lambda x: x.at[1].apply(jax.numpy.sin))(X),
    "mul": lambda jax: jax.numpy.asarray(V).at[1].mul(3.0),
    "no such method": lambda jax: jax.numpy.asarray(V).at[1].append(3.0),
    "array unchanged": lambda jax: (lambda x: (x.at[0].set(9.0), x))(jax.numpy.asarray(V)),
    "of a scalar": lambda jax: (jax.numpy.asarray(1.0).at[()].set(2.0), jax.numpy.asarray(1.0).at[...].add(2)),
    "of an empty array": lambda jax: jax.numpy.zeros((0, 3)).at[:, 1].set(2.0),
    "number of an empty axis": lambda jax: jax.numpy.zeros((0, 3)).at[0].set(2.0),
    "mask of traced values": lambda jax: jax.jit(lambda x: x.at[x > 1].set(0))(V),
    "scalar into a mask of traced values": lambda jax: jax.jit(lambda x: x.at[x > 1].add(1.0))(V),
    "mask in grad": lambda jax: jax.grad(lambda x: (x.at[x > 1].set(0) ** 2).sum())(V),
    "second order": lambda jax: jax.hessian(lambda x: (x.at[R].set(x) ** 3).sum())(V),
    "second order add": lambda jax: jax.hessian(lambda x: (x.at[R].add(x * x) ** 2).sum())(V),
    "loop of updates": lambda jax: jax.jit(
        lambda x: [x := x.at[i].set(x[i] + i) for i in range(4)][-1]
    )(V),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_at(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    # Derivatives of cubes are sums of terms that are a hundred times as large.
    assert_same(expected, actual, Tolerance(normwise="derived" in name), name)


@pytest.mark.sample(0.25)
@pytest.mark.parametrize("name", [*VALUES, *(n for n in PROGRAMS if n.startswith(("dtype", "repeats", "get")))])
def test_at_x64(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.enable_x64(True):
            return PROGRAMS[name](jax)

    expected, actual = run_both(program)
    assert_same(expected, actual, title=name)


@same_in_both
def test_derivatives_where_complex_numbers_are_put(jax: Any) -> Any:
    jnp = jax.numpy
    v = np.array([1.0, 2.0], np.float32)
    indices: list[Any] = [0, (np.s_[::-2], 1), ([2, 0], 1)]

    def of(index: Any, kind: str) -> Any:
        def f(v: Any) -> Any:
            made = getattr((jnp.ones((3, 2), complex) * v[0]).at[index], kind)(v.astype(complex) * 1j)
            return (jnp.abs(made * (1 + 2j) + jnp.conj(made)) ** 2).sum()

        grad = jax.grad(f)
        return grad(v), jax.jit(grad)(v), jax.vmap(grad)(np.stack([v, v + 1])), jax.hessian(f)(v), jax.jvp(f, (v,), (v,))

    return [of(index, kind) for index in indices for kind in ("set", "multiply")]
