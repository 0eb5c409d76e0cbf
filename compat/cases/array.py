"""jax.Array: operators, methods, properties, indexing and `.at[...]`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from compat.domains import DISTINCT, INDEX, NONZERO, REAL, SHIFT, TIED, Domain
from compat.same import Tolerance
from compat.table import (
    ALL,
    BOOL,
    COMPLEX,
    CUBES,
    FLOATS,
    INTEGRAL,
    INTS,
    MATRICES,
    NUMBERS,
    REALS,
    VECTORS,
    Case,
    Shapes,
    Table,
    vary,
)

SUM = Tolerance(factor=4, normwise=True)
SOME = ("float32", "int32", "bool", "complex64", "bfloat16", "uint8", "float64")
PLAIN = ("eager", "jit", "vmap", "grad")
NO_GRAD = ("eager", "jit", "vmap", "jvp")
DIFFERENTIABLE = (*NO_GRAD, "grad", "hvp")

# ------------------------------------------------------------------------------------------------ operators

OPERATORS: dict[str, tuple[Callable[[Any, Any], Any], tuple[str, ...], Any]] = {
    "add": (operator.add, ALL, REAL),
    "sub": (operator.sub, NUMBERS, REAL),
    "mul": (operator.mul, ALL, REAL),
    "truediv": (operator.truediv, NUMBERS, NONZERO),
    "floordiv": (operator.floordiv, FLOATS + INTS, NONZERO),
    "mod": (operator.mod, FLOATS + INTS, NONZERO),
    "divmod": (divmod, FLOATS + INTS, NONZERO),
    "and": (operator.and_, INTEGRAL, REAL),
    "or": (operator.or_, INTEGRAL, REAL),
    "xor": (operator.xor, INTEGRAL, REAL),
    "lshift": (operator.lshift, INTS, SHIFT),
    "rshift": (operator.rshift, INTS, SHIFT),
    "eq": (operator.eq, ALL, REAL),
    "ne": (operator.ne, ALL, REAL),
    "lt": (operator.lt, REALS, REAL),
    "le": (operator.le, REALS, REAL),
    "gt": (operator.gt, REALS, REAL),
    "ge": (operator.ge, REALS, REAL),
}
HAVE_REFLECTION = tuple(name for name in OPERATORS if name not in ("eq", "ne", "lt", "le", "gt", "ge"))


def binary(name: str) -> Case:
    """`x op y` with two arrays."""
    function, dtypes, domain = OPERATORS[name]
    smooth = name not in ("floordiv", "mod", "divmod")
    return Case(
        f"__{name}__",
        arity=2,
        dtypes=dtypes,
        domain=domain,
        grad=smooth,
        call=lambda jax, x, y: function(x, y),
        only=("eager", "promote", "jit", "vmap", "jvp", "grad"),
    )


def with_scalar(name: str, reflected: bool) -> Case:
    """`x op 3`, and `3 op x`."""
    function, dtypes, domain = OPERATORS[name]
    scalar = True if dtypes == BOOL else 3

    def call(jax: Any, x: Any) -> Any:
        return function(scalar, x) if reflected else function(x, scalar)

    return Case(
        f"__r{name}__" if reflected else f"__{name}__",
        dtypes=dtypes,
        domain=NONZERO if domain is NONZERO else domain,
        grad=name not in ("floordiv", "mod", "divmod"),
        call=call,
        only=PLAIN,
        label="3",
    )


def refused(name: str, other: Any, label: str) -> Case:
    """`x op other` with something that is no array: the exception is JAX's."""
    function, _, _ = OPERATORS[name]
    return Case(
        f"__{name}__",
        dtypes=("float32",),
        shapes=VECTORS[:1],
        call=lambda jax, x: function(x, other),
        only=("eager",),  # Python names the class: a traced value has another in jax
        label=label,
    )


BINARY = [
    *[binary(name) for name in OPERATORS],
    *[with_scalar(name, False) for name in OPERATORS],
    *[with_scalar(name, True) for name in HAVE_REFLECTION],
    *[refused(name, [1, 2], "list") for name in ("add", "mul", "lt", "and", "eq")],
    *[refused(name, "text", "text") for name in ("add", "mul", "lt", "eq")],
    *[refused(name, None, "None") for name in ("add", "lt", "eq")],
    *[refused(name, np.arange(4), "numpy") for name in ("add", "mul", "lt", "eq")],
    *vary(
        Case("__pow__", dtypes=FLOATS + INTS, call=lambda jax, x, y: x**y),
        y=(0, 1, 2, 3, 0.0, 2.0),
    ),
    Case("__pow__", dtypes=FLOATS, domain=NONZERO, call=lambda jax, x: x**-1, label="-1"),
    Case("__rpow__", dtypes=FLOATS, call=lambda jax, x: 2.0**x, label="2.0", only=PLAIN),
    Case(
        "__matmul__",
        arity=2,
        dtypes=ALL,
        shapes=(((2, 3), (3,)),),
        call=lambda jax, x, y: x @ y,
        tolerance=SUM,
    ),
    Case(
        "__rmatmul__",
        dtypes=FLOATS,
        shapes=(((3, 2),),),
        call=lambda jax, x: np.ones((2, 3), np.float32) @ x,
        tolerance=SUM,
        only=PLAIN,
    ),
]
UNARY = [
    Case("__neg__", dtypes=NUMBERS, call=lambda jax, x: -x),
    Case("__pos__", dtypes=ALL, call=lambda jax, x: +x),
    Case("__abs__", dtypes=ALL, call=lambda jax, x: abs(x)),
    Case("__invert__", dtypes=INTEGRAL, call=lambda jax, x: ~x),
    *vary(Case("__round__", dtypes=FLOATS, call=lambda jax, x, n: round(x, n)), n=(0, 2)),
]


# -------------------------------------------------------------------------------------- methods, properties


def method(
    name: str,
    *args: Any,
    dtypes: tuple[str, ...] = SOME,
    shapes: tuple[Shapes, ...] = MATRICES,
    domain: Domain = REAL,
    label: str = "",
    **options: Any,
) -> Case:
    """`x.name(*args, **options)`."""
    only = options.pop("only", ("eager", "jit", "vmap", "jvp", "grad"))

    def call(jax: Any, x: Any, **options: Any) -> Any:
        return getattr(x, name)(*args, **options)

    text = label or ",".join(str(a).replace(" ", "") for a in args)
    return Case(
        name,
        dtypes=dtypes,
        shapes=shapes,
        domain=domain,
        call=call,
        options=options,
        label=text,
        only=only,
        tolerance=SUM,
    )


def attribute(name: str, shapes: tuple[Shapes, ...] = MATRICES, **options: Any) -> Case:
    """`x.name`."""
    return Case(name, dtypes=SOME, shapes=shapes, call=lambda jax, x: getattr(x, name), **options)


METHODS = [
    *[method(name) for name in ("sum", "prod", "mean", "all", "any", "max", "min", "argmax", "argmin", "ptp")],
    *[method(name, axis=0, keepdims=True) for name in ("sum", "mean", "max", "min", "all", "any", "prod", "var")],
    *[method(name, dtypes=("float32", "int32", "float64")) for name in ("std", "var")],
    *[method(name, axis=1) for name in ("argmax", "argmin", "cumsum", "cumprod")],
    method("sort", domain=DISTINCT),
    method("argsort", domain=TIED, axis=0),
    method("reshape", 3, -1, shapes=(((3, 4),), ((6,),))),
    method("reshape", (-1,)),
    method("reshape", (2, 6), shapes=(((3, 4),),), order="F"),
    method("ravel"),
    method("flatten"),
    method("transpose"),
    method("transpose", 1, 0),
    method("transpose", (1, 0)),
    method("swapaxes", 0, 1),
    method("squeeze", shapes=(((1, 3, 1),),)),
    method("squeeze", 0, shapes=(((1, 3, 1),),)),
    method("repeat", 2, axis=1),
    method("take", np.array([0, -1]), axis=0, label="0,-1"),
    method("astype", "float32"),
    method("astype", "int32", only=("eager", "jit")),
    method("astype", np.float16, label="float16"),
    method("view", "int32", dtypes=("float32", "int32"), only=("eager", "jit")),
    method("view", "uint8", dtypes=("int32", "uint8"), shapes=VECTORS, only=("eager", "jit")),
    method("clip", -1, 1, dtypes=("float32", "int32", "float64")),
    method("round", dtypes=("float32", "int32", "float64")),
    method("round", 1, dtypes=("float32", "float64")),
    method("conj"),
    method("conjugate"),
    method("copy"),
    method("trace"),
    method("diagonal"),
    method("dot", np.ones(4, np.float32), shapes=(((3, 4),),), label="ones"),
    method("nonzero", domain=TIED, only=("eager", "jit")),
    method("nonzero", domain=TIED, size=3, only=("eager", "jit", "vmap")),
    method("searchsorted", 0.5, dtypes=("float32",), shapes=VECTORS, only=("eager", "jit")),
    method(
        "choose",
        [1, 2, 3],
        dtypes=("int32",),
        domain=INDEX,
        shapes=VECTORS,
        mode="clip",
        only=("eager", "jit"),
    ),
    method("compress", np.array([True, False]), axis=0, shapes=(((2, 3),),), label="mask"),
    method("byteswap", dtypes=("int32", "uint8"), only=("eager",)),
    method("item", shapes=(((),), ((1, 1),)), only=("eager",)),
    method("item", 0, only=("eager",)),
    method("tolist", only=("eager",)),
    method("tobytes", only=("eager",)),
    method("argpartition", 1, shapes=(((4,),),), domain=DISTINCT, dtypes=("float32",), only=("eager",)),
]
PROPERTIES = [
    *[attribute(name, only=("eager", "jit", "vmap", "grad")) for name in ("T", "mT", "real", "imag")],
    *[attribute(name, only=("eager",)) for name in ("shape", "ndim", "size", "itemsize", "nbytes", "weak_type")],
    Case("dtype", dtypes=ALL, only=("eager",), call=lambda jax, x: (str(x.dtype), x.dtype == np.dtype(x.dtype))),
    Case("aval", dtypes=ALL, only=("eager",), call=lambda jax, x: str(x.aval)),
]


def text_of(function: Callable[[Any], str], name: str, **options: Any) -> Case:
    """What Python prints for an array."""
    shapes: tuple[Shapes, ...] = (((),), ((3,),), ((2, 3),), ((0,),), ((2, 0),), ((40, 40),), ((1200,),))
    return Case(name, dtypes=ALL, shapes=shapes, only=("eager",), call=lambda jax, x: function(x), **options)


TEXT = [
    text_of(repr, "__repr__"),
    text_of(str, "__str__"),
    Case(
        "__format__",
        dtypes=("float32", "int32"),
        only=("eager",),
        call=lambda jax, x: f"{x:.3}",
        shapes=(((),), ((3,),)),
    ),
    Case(
        "__repr__",
        arity=0,
        dtypes=("float32", "float64"),
        only=("eager",),
        label="weak",
        call=lambda jax: [repr(jax.numpy.asarray(v)) for v in (1, 1.5, True, 2j)],
    ),
    *[
        Case(
            f"__{f.__name__}__",
            dtypes=("float32", "int32", "bool", "complex64"),
            only=("eager", "jit"),
            shapes=(((),), ((1,),), ((3,),)),
            call=lambda jax, x, f=f: f(x),
        )
        for f in (bool, int, float, complex, len, list, hash)
    ],
    *[
        Case(
            f"__{f.__name__}__",
            dtypes=("int32", "float32"),
            only=("eager", "jit"),
            domain=INDEX,
            shapes=(((),), ((3,),)),
            call=lambda jax, x, f=f: f(x),
        )
        for f in (hex, oct, operator.index)
    ],
    Case("__iter__", dtypes=SOME, shapes=(((3,),), ((2, 3),), ((),)), call=lambda jax, x: tuple(x), only=PLAIN),
    Case("__contains__", dtypes=SOME, shapes=VECTORS, domain=TIED, call=lambda jax, x: 1 in x, only=("eager",)),
    Case(
        "__setitem__",
        dtypes=("float32",),
        shapes=VECTORS,
        call=lambda jax, x: operator.setitem(x, 0, 1),
        only=("eager", "jit"),
    ),
]

# --------------------------------------------------------------------------------------- indexing, .at[...]

INDICES: dict[str, Any] = {
    "0": 0,
    "-1": -1,
    "9": 9,
    "-9": -9,
    "1:": np.s_[1:],
    "::-1": np.s_[::-1],
    "::2": np.s_[::2],
    "5:1": np.s_[5:1],
    "...": ...,
    "None": None,
    ":,0": np.s_[:, 0],
    "...,1": np.s_[..., 1],
    "0,1": (0, 1),
    "None,0": (None, 0),
    "array": np.array([2, 0, 0, -1]),
    "array,array": (np.array([0, 2, 0]), np.array([1, 1, 1])),
    "array,:": (np.array([1, 0]), slice(None)),
    ":,array": (slice(None), np.array([3, 0])),
    "outside": np.array([7, -8, 1]),
    "array2d": np.array([[0, 1], [2, 2]]),
    "mask": np.array([True, False, True]),
    "mask,0": (np.array([True, False, True]), 0),
    "()": (),
    "empty": np.array([], np.int32),
    "True": True,
    "False": False,
    "too_many": (0, 0, 0),
    "float": 1.0,
    "list": [0, 1],
    "text": "a",
    "float_array": np.array([0.0, 1.0]),
}
BAD = ("too_many", "float", "list", "text", "float_array")
ONE_MATRIX: tuple[Shapes, ...] = (((3, 4),),)
INDEXING = [
    Case(
        "__getitem__",
        dtypes=("float32", "int32", "complex64"),
        shapes=ONE_MATRIX,
        label=name,
        only=("eager", "jit") if name in BAD else ("eager", "jit", "vmap", "jvp", "grad"),
        call=lambda jax, x, index=index: x[index],
    )
    for name, index in INDICES.items()
] + [
    Case(
        "__getitem__",
        arity=2,
        dtypes=("float32",),
        shapes=(((4, 3), (2,)), ((5,), ())),
        domain=(REAL, INDEX),
        label="traced",
        call=lambda jax, x, i: x[i],
    ),
    Case(
        "__getitem__",
        arity=2,
        dtypes=("float32",),
        shapes=(((4, 3), ()),),
        domain=(REAL, INDEX),
        label="traced,slice",
        call=lambda jax, x, i: x[i, 1:],
    ),
    Case(
        "__getitem__",
        dtypes=("float32",),
        shapes=VECTORS,
        label="traced_mask",
        only=("eager", "jit"),
        call=lambda jax, x: x[x > 0],
    ),
]

COMMON = ("0", "1:", ":,0", "array,:", "mask", "9")
UPDATES = ("set", "add", "subtract", "multiply", "divide", "power", "min", "max")


def update(name: str, index_name: str, value: Any = 2, **options: Any) -> Case:
    """`x.at[index].name(value)` with a fixed index."""
    index = INDICES[index_name]
    repeated = index_name in ("array", "array,array", "array2d")
    columns = NO_GRAD if name in ("multiply", "divide", "power") else DIFFERENTIABLE
    return Case(
        name,
        dtypes=("float32", "int32", "float16") if name not in ("divide", "power") else ("float32",),
        shapes=ONE_MATRIX,
        domain=NONZERO if name == "power" else REAL,
        call=lambda jax, x, **options: getattr(x.at[index], name)(value, **options),
        options=options,
        label=index_name,
        only=columns if not (repeated and name in ("min", "max")) else ("eager", "jit", "vmap"),
    )


def scatter_of_array(name: str, index_name: str, shape: tuple[int, ...]) -> Case:
    """`x.at[index].name(y)`: differentiated with respect to both."""
    index = INDICES[index_name]
    columns = ("eager", "jit", "vmap", "jvp") if name == "multiply" else ("eager", "jit", "vmap", "jvp", "grad", "hvp")
    return Case(
        name,
        arity=2,
        dtypes=("float32", "float64", "int32"),
        shapes=(((3, 4), shape),),
        call=lambda jax, x, y: getattr(x.at[index], name)(y),
        label=f"{index_name},array",
        only=columns,
    )


AT = [
    *[update(name, index) for name in UPDATES for index in COMMON],
    *[update("set", index) for index in INDICES if index not in (*BAD, *COMMON, "array")],
    *[update("add", index) for index in "array array,array outside array2d ... ::-1 -9 empty".split()],
    *[update("set", "outside", mode=mode) for mode in ("drop", "clip")],
    *[update("add", "array,:", unique_indices=True), update("add", ":,array", indices_are_sorted=False)],
    *[scatter_of_array(name, "array,array", (3,)) for name in ("add", "multiply")],
    *[scatter_of_array(name, ":,0", (3,)) for name in ("set", "add", "multiply", "min", "max")],
    scatter_of_array("set", "0", (4,)),
    *[
        Case(
            "get",
            dtypes=("float32", "int32", "uint8", "bool", "complex64"),
            shapes=ONE_MATRIX,
            options=options,
            call=lambda jax, x, **o: x.at[np.array([7, -8, 1])].get(**o),
            only=PLAIN,
        )
        for options in (
            {},
            {"mode": "fill"},
            {"mode": "clip"},
            {"mode": "fill", "fill_value": 5},
            {"wrap_negative_indices": False, "mode": "fill"},
        )
    ],
    Case(
        "apply",
        dtypes=("float32",),
        shapes=ONE_MATRIX,
        only=("eager", "jit", "vmap"),
        call=lambda jax, x: x.at[1:].apply(jax.numpy.sin),
    ),
    Case("mul", dtypes=("float32",), shapes=ONE_MATRIX, only=PLAIN[:3], call=lambda jax, x: x.at[0].mul(2.0)),
    Case(
        "set",
        dtypes=("int32", "uint8", "bool"),
        shapes=ONE_MATRIX,
        only=("eager",),
        label="narrowing",
        call=lambda jax, x: x.at[0].set(1.5),
    ),
    Case(
        "add",
        dtypes=("float32",),
        shapes=ONE_MATRIX,
        only=("eager",),
        label="wrong_shape",
        call=lambda jax, x: x.at[0].add(jax.numpy.ones(3)),
    ),
]

TABLES = (
    Table("array", "jax.Array", [*BINARY, *UNARY, *METHODS, *PROPERTIES, *TEXT, *INDEXING]),
    Table("at", "jax.Array.at[...]", AT),
)
__all__ = ["COMPLEX", "CUBES", "TABLES"]
