"""jax.numpy, entries moved: creation, shaping, stacking, repeating, indexing by function, sorting, sets."""

import numpy as np

from compat.domains import DISTINCT, INDEX, POSITIVE, REAL, TIED
from compat.table import (
    ALL,
    BOOL,
    CUBES,
    FLOATS,
    INTS,
    MATRICES,
    NUMBERS,
    REALS,
    SIGNED,
    SQUARES,
    VECTORS,
    Case,
    Shapes,
    Table,
    each,
    vary,
)  # fmt: skip

TWO_MATRICES: tuple[Shapes, ...] = (((2, 3), (2, 3)), ((1, 3), (1, 3)))
TWO_VECTORS: tuple[Shapes, ...] = (((3,), (3,)), ((1,), (1,)))
ANY_TWO: tuple[Shapes, ...] = TWO_VECTORS + TWO_MATRICES
SOME = ("float32", "int32", "bool", "complex64", "bfloat16", "uint8", "float64")
STATIC = ("eager", "jit")  # no array comes in


def sequence(name: str, shapes: tuple[Shapes, ...] = ANY_TWO, **options: object) -> Case:
    """A function of a sequence of arrays, given two of them and a third of another kind of number."""

    def call(jax, x, y, **options):
        return getattr(jax.numpy, name)([x, y, x], **options)

    return Case(name, arity=2, shapes=shapes, call=call, options=options, dtypes=SOME)


def made(name: str, *args: object, label: str = "", only: tuple[str, ...] = STATIC, **options: object) -> Case:
    """A function of Python values alone."""

    def call(jax, **options):
        return getattr(jax.numpy, name)(*args, **options)

    text = ",".join(str(a).replace(" ", "") for a in args)
    return Case(
        name,
        arity=0,
        dtypes=("float32", "float64"),
        only=only,
        call=call,
        options=options,
        label=label or text,
    )


CREATION = [
    made("zeros", 3),
    made("zeros", (2, 3), dtype="int32"),
    made("ones", ()),
    made("ones", (2,), dtype="bool"),
    made("empty", (2, 0)),
    made("full", (2, 2), 7),
    made("full", 3, 1.5),
    made("full", (2,), 1, dtype="float32"),
    made("full", (2, 3), np.arange(3)),
    made("arange", 5),
    made("arange", 1, 9, 3),
    made("arange", 0.0, 1.0, 0.25),
    made("arange", 5.5),
    made("arange", 3, 0, -1),
    made("arange", 4, dtype="float32"),
    made("arange", -3),
    made("linspace", 0, 1),
    made("linspace", -6, 6, 101),
    made("linspace", 0, 1, 5, endpoint=False),
    made("linspace", 0, 10, 4, retstep=True),
    made("linspace", 0, 10, 5, dtype="int32"),
    made("linspace", 2, 3, 1),
    made("linspace", 0, 1, 0),
    made("logspace", 0, 2, 5),
    made("geomspace", 1, 100, 4),
    made("eye", 3),
    made("eye", 2, 4, 1),
    made("eye", 3, k=-1, dtype="int32"),
    made("identity", 3),
    made("tri", 3),
    made("tri", 3, 4, 1),
    made("indices", (2, 3)),
    made("indices", (2, 3), sparse=True),
    made("diag_indices", 3),
    made("tril_indices", 3),
    made("triu_indices", 3, 1),
    made("mask_indices", 3, np.triu, label="triu"),
    made("bartlett", 5),
    made("blackman", 5),
    made("hamming", 5),
    made("hanning", 5),
    made("kaiser", 5, 2.0),
    made("array", [[1, 2], [3, 4]]),
    made("array", [1.0, 2]),
    made("array", 3),
    made("array", True),
    made("array", [1, 2.5j]),
    made("array", []),
    made("array", [[1, 2]], dtype="float32"),
    made("array", [1, 2], ndmin=3),
    made("asarray", [1.5, 2]),
    made("asarray", np.arange(3)),
    made("array", np.float64(2.5)),
    made("fromfunction", lambda i, j: i + j, (2, 3), label="sum"),
    made("broadcast_shapes", (2, 1), (3,), only=("eager",)),
    made("isscalar", 3.0, only=("eager",)),
    made("iterable", 3, only=("eager",)),
    made("ones", (2, -1)),
    made("array", [[1, 2], [3]], label="ragged"),
    made("array", "text"),
    made("frombuffer", b"\x01\x02\x03\x04", dtype="uint8"),
    made("fromiter", range(3), dtype="int32", label="range"),
    made("fromstring", "1 2 3", sep=" "),
]

LIKE = [
    *each(
        "zeros_like ones_like empty_like",
        dtypes=ALL,
        without=("grad", "kinks", "jvp", "hvp", "vmap_of_grad", "jit_of_grad"),
    ),
    *vary(
        Case("full_like", dtypes=SOME, grad=False, call=lambda jax, x, **o: jax.numpy.full_like(x, 2, **o)),
        dtype=(..., "float32"),
        shape=(..., (2,)),
    ),
    *vary(Case("zeros_like", dtypes=SOME, grad=False), dtype=("int32",)),
    *each("array asarray", dtypes=SOME),
    Case("array", dtypes=SOME, options={"ndmin": 3, "copy": False}),
    Case(
        "array",
        arity=2,
        dtypes=SOME,
        shapes=(((), ()), ((3,), (3,))),
        call=lambda jax, x, y: jax.numpy.array([[x, y], [y, x]]),
        label="of_arrays",
    ),
    Case(
        "array",
        dtypes=("float32", "int32"),
        shapes=(((3,),),),
        call=lambda jax, x: jax.numpy.array([x[1], 2 * x[0] + 1, 3.0]),
        label="of_scalars",
    ),
    *each("shape ndim size isscalar iscomplexobj isrealobj", dtypes=SOME, grad=False, only=("eager",)),
]

SHAPING = [
    *vary(
        Case("reshape", shapes=(((2, 3),), ((6,),))),
        shape=((6,), (3, 2), (-1,), (3, -1), (1, 6, 1)),
        order=("C", "F"),
    ),
    Case(
        "reshape",
        shapes=(((2, 3),),),
        options={"shape": (4, 2)},
        dtypes=SOME,
        label="error",
        only=("eager", "jit"),
    ),
    *vary(Case("ravel", shapes=MATRICES + CUBES, dtypes=SOME), order=(..., "F")),
    *vary(Case("transpose", shapes=CUBES), axes=(..., (1, 0, 2), (-1, 0, 1))),
    *vary(Case("permute_dims", shapes=CUBES, dtypes=SOME), axes=((2, 0, 1),)),
    Case("matrix_transpose", shapes=MATRICES + CUBES, dtypes=SOME),
    *vary(Case("swapaxes", shapes=CUBES, dtypes=SOME), axis1=(0,), axis2=(2, -2)),
    *vary(Case("moveaxis", shapes=CUBES, dtypes=SOME), source=(0, (0, 1)), destination=(-1,)),
    *vary(Case("moveaxis", shapes=CUBES, dtypes=SOME), source=((0, 1),), destination=((1, 2),)),
    *vary(Case("rollaxis", shapes=CUBES, dtypes=SOME), axis=(2,), start=(..., 1)),
    *vary(Case("expand_dims", shapes=MATRICES, dtypes=SOME), axis=(0, -1, (0, 2))),
    *vary(Case("squeeze", shapes=(((1, 3, 1),),), dtypes=SOME), axis=(..., 0, (0, -1), 1)),
    *vary(Case("broadcast_to", shapes=(((3,),), ((1, 1),)), dtypes=SOME), shape=((2, 3), (4, 2, 3), (2,))),
    Case("broadcast_arrays", arity=2, dtypes=SOME),
    *vary(Case("flip", shapes=CUBES, dtypes=SOME), axis=(..., 0, (0, -1))),
    *each("fliplr flipud", shapes=MATRICES, dtypes=SOME),
    *vary(Case("rot90", shapes=MATRICES, dtypes=SOME), k=(1, 2, -1)),
    *vary(Case("roll", shapes=MATRICES, dtypes=SOME), shift=(1, -2), axis=(..., 0)),
    *vary(Case("roll", shapes=MATRICES, dtypes=SOME), shift=((1, 2),), axis=((0, 1),)),
    *each("atleast_1d atleast_2d atleast_3d", dtypes=SOME),
    *vary(Case("tile", shapes=VECTORS + MATRICES, dtypes=SOME), reps=(2, (2, 1), (1, 2, 2))),
    *vary(Case("repeat", shapes=MATRICES, dtypes=SOME), repeats=(2,), axis=(..., 0, -1)),
    Case(
        "repeat",
        shapes=(((3,),),),
        dtypes=SOME,
        options={"total_repeat_length": 6},
        label="counts",
        call=lambda jax, x, **o: jax.numpy.repeat(x, jax.numpy.array([1, 0, 4]), **o),
    ),
    Case("resize", shapes=MATRICES, dtypes=SOME, options={"new_shape": (3, 5)}),
    *vary(
        Case("pad", shapes=MATRICES, dtypes=SOME),
        pad_width=(1, (1, 2), ((0, 1), (2, 0))),
        mode=("constant", "edge", "wrap"),
    ),
    *vary(
        Case("pad", shapes=(((3, 4),),), dtypes=FLOATS, options={"pad_width": 2}),
        mode=("reflect", "symmetric", "mean", "maximum", "linear_ramp"),
    ),
    Case("pad", shapes=MATRICES, dtypes=FLOATS + INTS, options={"pad_width": 1, "constant_values": 3}),
    *vary(Case("diag", shapes=SQUARES[2:] + VECTORS + MATRICES, dtypes=SOME), k=(0, 1, -1)),
    Case("diagflat", shapes=VECTORS + MATRICES, dtypes=SOME),
    *vary(Case("diagonal", shapes=MATRICES + CUBES, dtypes=SOME), offset=(0, 1)),
    *vary(Case("trace", shapes=MATRICES + CUBES, dtypes=ALL), offset=(0, -1)),
    *vary(Case("tril", shapes=MATRICES + CUBES, dtypes=SOME), k=(0, 1)),
    *vary(Case("triu", shapes=MATRICES + CUBES, dtypes=SOME), k=(0, -1)),
    *vary(Case("vander", shapes=VECTORS, dtypes=FLOATS + INTS), N=(..., 3), increasing=(..., True)),
    *vary(
        Case("meshgrid", arity=2, shapes=(((3,), (4,)), ((1,), (2,))), dtypes=SOME),
        indexing=("xy", "ij"),
        sparse=(..., True),
    ),
    *vary(Case("unstack", shapes=MATRICES, dtypes=SOME), axis=(0, -1)),
    *[
        Case(
            name,
            shapes=(((4, 6, 2),),),
            dtypes=SOME,
            call=lambda jax, x, name=name: getattr(jax.numpy, name)(x, 2),
        )
        for name in ("split", "array_split", "hsplit", "vsplit", "dsplit")
    ],
    Case("split", shapes=(((6,),),), dtypes=SOME, call=lambda jax, x: jax.numpy.split(x, [1, 4]), label="at"),
    Case(
        "array_split",
        shapes=(((5, 2),),),
        dtypes=SOME,
        call=lambda jax, x: jax.numpy.array_split(x, 3),
        label="uneven",
    ),
    Case("split", shapes=(((5, 2),),), dtypes=SOME, call=lambda jax, x: jax.numpy.split(x, 3), label="uneven"),
]

STACKING = [
    sequence("concatenate"),
    sequence("concatenate", TWO_MATRICES, axis=1),
    sequence("concatenate", TWO_MATRICES, axis=None),
    sequence("concatenate", TWO_MATRICES, axis=-1, dtype="float32"),
    sequence("concat", axis=0),
    sequence("stack"),
    sequence("stack", axis=1),
    sequence("stack", axis=-1),
    sequence("hstack"),
    sequence("vstack"),
    sequence("dstack"),
    sequence("column_stack"),
    Case(
        "concatenate",
        arity=2,
        shapes=(((2, 3), (2, 4)),),
        dtypes=SOME,
        label="error",
        only=("eager", "jit"),
        call=lambda jax, x, y: jax.numpy.concatenate([x, y]),
    ),
    Case(
        "stack",
        arity=2,
        shapes=(((2, 3), (3, 2)),),
        dtypes=SOME,
        label="error",
        only=("eager", "jit"),
        call=lambda jax, x, y: jax.numpy.stack([x, y]),
    ),
    Case(
        "block",
        arity=2,
        shapes=(((2, 2), (2, 2)),),
        dtypes=SOME,
        call=lambda jax, x, y: jax.numpy.block([[x, y], [y, x]]),
    ),
    Case("append", arity=2, shapes=TWO_VECTORS, dtypes=SOME),
    Case("append", arity=2, shapes=TWO_MATRICES, dtypes=SOME, options={"axis": 1}),
    Case("insert", shapes=VECTORS, dtypes=SOME, call=lambda jax, x: jax.numpy.insert(x, 1, 2)),
    Case("delete", shapes=VECTORS, dtypes=SOME, call=lambda jax, x: jax.numpy.delete(x, 0)),
    Case("ix_", arity=2, shapes=(((2,), (3,)),), dtypes=INTS, grad=False),
]

INDEXING = [
    *vary(
        Case("take", arity=2, shapes=(((4,), (3,)), ((3, 4), (2, 2))), domain=(REAL, INDEX), dtypes=SOME),
        axis=(..., 0, -1),
    ),
    *vary(
        Case(
            "take",
            shapes=(((4,),),),
            dtypes=SOME,
            call=lambda jax, x, **o: jax.numpy.take(x, jax.numpy.array([-1, 9, -7, 2]), **o),
            label="out_of_bounds",
        ),
        mode=(..., "clip", "wrap", "fill"),
        fill_value=(...,),
    ),
    Case(
        "take_along_axis",
        arity=2,
        shapes=(((3, 4), (2, 4)),),
        domain=(REAL, INDEX),
        dtypes=SOME,
        options={"axis": 0},
    ),
    Case(
        "take_along_axis",
        arity=2,
        shapes=(((3, 4), (3, 2)),),
        domain=(REAL, INDEX),
        dtypes=SOME,
        options={"axis": 1, "mode": "clip"},
    ),
    Case(
        "put_along_axis",
        arity=3,
        shapes=(((3, 4), (3, 2), (3, 2)),),
        domain=(REAL, INDEX, REAL),
        dtypes=FLOATS,
        options={"axis": 1, "inplace": False},
        grad=False,
    ),
    Case(
        "choose",
        arity=3,
        shapes=(((3,), (3,), (3,)),),
        dtypes=("float32", "int32"),
        call=lambda jax, i, x, y: jax.numpy.choose((i > 0).astype(int), [x, y], mode="clip"),
    ),
    Case(
        "compress",
        shapes=(((3, 2),),),
        dtypes=SOME,
        call=lambda jax, x: jax.numpy.compress(np.array([True, False, True]), x, axis=0),
    ),
    Case(
        "extract",
        shapes=(((3,),),),
        dtypes=SOME,
        call=lambda jax, x: jax.numpy.extract(np.array([True, False, True]), x),
    ),
    Case("nonzero", shapes=MATRICES, domain=TIED, dtypes=SOME, grad=False, only=("eager", "jit")),
    Case("nonzero", shapes=MATRICES, domain=TIED, dtypes=SOME, options={"size": 4, "fill_value": 9}, grad=False),
    *each("flatnonzero argwhere", shapes=MATRICES, domain=TIED, dtypes=SOME, options={"size": 5}, grad=False),
    *each("flatnonzero argwhere", shapes=MATRICES, domain=TIED, dtypes=SOME, only=("eager", "jit"), grad=False),
    Case("where", shapes=MATRICES, domain=TIED, dtypes=SOME, only=("eager", "jit"), label="one_argument"),
    Case("unravel_index", shapes=VECTORS, domain=INDEX, dtypes=("int32",), options={"shape": (3, 4)}),
    Case(
        "ravel_multi_index",
        arity=2,
        shapes=TWO_VECTORS,
        domain=INDEX,
        dtypes=("int32",),
        call=lambda jax, i, j: jax.numpy.ravel_multi_index((i, j), (3, 4), mode="clip"),
    ),
    Case(
        "fill_diagonal",
        shapes=(((3, 3),), ((2, 4),)),
        dtypes=SOME,
        call=lambda jax, x: jax.numpy.fill_diagonal(x, 7, inplace=False),
    ),
    Case("tril_indices_from", shapes=SQUARES[2:], dtypes=("float32",), only=("eager",)),
    Case("triu_indices_from", shapes=SQUARES[2:], dtypes=("float32",), only=("eager",)),
    Case("diag_indices_from", shapes=SQUARES[2:], dtypes=("float32",), only=("eager",)),
    Case(
        "put",
        shapes=VECTORS,
        dtypes=SOME,
        call=lambda jax, x: jax.numpy.put(x, jax.numpy.array([0]), 3, inplace=False),
    ),
    Case(
        "place",
        shapes=VECTORS,
        dtypes=SOME,
        grad=False,
        call=lambda jax, x: jax.numpy.place(x, x > 0, jax.numpy.ones(2, x.dtype), inplace=False),
    ),
    Case("trim_zeros", shapes=VECTORS, domain=TIED, dtypes=("float32", "int32"), only=("eager",)),
]

SORTING = [
    *vary(Case("sort", dtypes=REALS, shapes=MATRICES), axis=(-1, 0, None), descending=(..., True)),
    *vary(
        Case("argsort", dtypes=REALS, shapes=MATRICES, domain=TIED, grad=False),
        axis=(-1, 0),
        descending=(..., True),
    ),
    *vary(
        Case(
            "partition",
            dtypes=FLOATS + INTS,
            shapes=(((5,),),),
            domain=DISTINCT,
            call=lambda jax, x, **o: jax.numpy.sort(jax.numpy.partition(x, 2, **o)[:3]),
        )
    ),
    Case(
        "argpartition",
        dtypes=FLOATS + INTS,
        shapes=(((5,),),),
        domain=DISTINCT,
        grad=False,
        call=lambda jax, x: jax.numpy.argpartition(x, 2)[2],
    ),
    Case(
        "lexsort",
        arity=2,
        dtypes=FLOATS + SIGNED,
        shapes=TWO_VECTORS,
        domain=TIED,
        grad=False,
        call=lambda jax, x, y: jax.numpy.lexsort((x, y)),
    ),
    Case("sort_complex", dtypes=("complex64", "float32"), shapes=VECTORS, grad=False),
    *vary(
        Case(
            "searchsorted",
            arity=2,
            dtypes=FLOATS + SIGNED,
            shapes=(((5,), (3,)), ((4,), ())),
            grad=False,
            call=lambda jax, a, v, **o: jax.numpy.searchsorted(jax.numpy.sort(a), v, **o),
        ),
        side=("left", "right"),
        method=(..., "sort"),
    ),
    *vary(
        Case(
            "digitize",
            dtypes=FLOATS,
            shapes=VECTORS,
            grad=False,
            call=lambda jax, x, **o: jax.numpy.digitize(x, jax.numpy.arange(-2.0, 3.0), **o),
        ),
        right=(..., True),
    ),
    *vary(
        Case(
            "bincount",
            dtypes=("int32", "uint8"),
            domain=INDEX,
            shapes=VECTORS,
            grad=False,
            without=("vmap", "jit_of_vmap"),
        ),
        length=(4,),
    ),
    *vary(
        Case(
            "histogram",
            dtypes=FLOATS,
            shapes=VECTORS,
            grad=False,
            call=lambda jax, x, **o: jax.numpy.histogram(x, 4, **o),
        ),
        range=(..., (-1.0, 1.0)),
        density=(..., True),
    ),
    Case("isin", arity=2, dtypes=FLOATS + INTS, domain=TIED, shapes=(((3, 2), (4,)),), grad=False),
    *vary(
        Case(
            "unique",
            dtypes=FLOATS + SIGNED + BOOL,
            domain=TIED,
            shapes=VECTORS + MATRICES,
            only=("eager", "jit"),
        ),
        return_index=(..., True),
        return_inverse=(..., True),
        return_counts=(..., True),
    ),
    *vary(
        Case("unique", dtypes=FLOATS + SIGNED, domain=TIED, shapes=VECTORS, grad=False),
        size=(3,),
        fill_value=(..., 0),
    ),
    *each(
        "union1d intersect1d setdiff1d setxor1d",
        arity=2,
        dtypes=FLOATS + SIGNED,
        domain=TIED,
        shapes=TWO_VECTORS,
        only=("eager",),
    ),
    *each(
        "unique_all unique_counts unique_inverse unique_values",
        dtypes=FLOATS,
        domain=TIED,
        shapes=VECTORS,
        only=("eager",),
    ),
    Case("packbits", dtypes=("bool", "uint8"), domain=TIED, shapes=(((9,),),), grad=False),
    Case("unpackbits", dtypes=("uint8",), domain=POSITIVE, shapes=VECTORS, grad=False),
]

TABLE = Table("shape", "jax.numpy", [*CREATION, *LIKE, *SHAPING, *STACKING, *INDEXING, *SORTING])
__all__ = ["NUMBERS", "TABLE"]
