"""jax.nn: activations, softmax and its kin, one_hot, attention, initializers."""

from compat.domains import INDEX, KEY, NONZERO, POSITIVE, REAL
from compat.same import Tolerance
from compat.table import FLOATS, INTS, MATRICES, VECTORS, WIDE_FLOATS, Case, Shapes, Table, each, vary

LOOSE = Tolerance(factor=4)
SUM = Tolerance(factor=4, normwise=True)
ATTENTION: tuple[Shapes, ...] = (
    ((2, 4, 2, 8), (2, 5, 2, 8), (2, 5, 2, 8)),
    ((4, 2, 8), (5, 2, 8), (5, 2, 8)),
)

ACTIVATIONS = [
    *each(
        "relu relu6 sigmoid softplus sparse_plus sparse_sigmoid soft_sign silu swish log_sigmoid leaky_relu",
        dtypes=FLOATS,
        tolerance=LOOSE,
    ),
    *each(
        "hard_sigmoid hard_silu hard_swish hard_tanh elu celu selu mish squareplus tanh identity",
        dtypes=FLOATS,
        tolerance=LOOSE,
    ),
    *vary(Case("gelu", dtypes=FLOATS, tolerance=LOOSE), approximate=(..., False)),
    *each("relu identity", dtypes=INTS, label="integers"),
    *vary(Case("leaky_relu", dtypes=FLOATS), negative_slope=(0.2,)),
    *vary(Case("elu", dtypes=FLOATS, tolerance=LOOSE), alpha=(0.7,)),
    *vary(Case("celu", dtypes=FLOATS, tolerance=LOOSE), alpha=(0.7,)),
    *vary(Case("squareplus", dtypes=FLOATS), b=(2.0,)),
    Case("log1mexp", dtypes=WIDE_FLOATS, domain=POSITIVE, tolerance=LOOSE),
    Case("glu", dtypes=FLOATS, shapes=(((4,),), ((2, 6),)), tolerance=LOOSE),
]

NORMALIZED = [
    *vary(Case("softmax", dtypes=FLOATS, shapes=VECTORS + MATRICES, tolerance=SUM), axis=(..., 0)),
    *vary(Case("log_softmax", dtypes=FLOATS, shapes=VECTORS + MATRICES, tolerance=SUM), axis=(..., 0)),
    Case(
        "softmax",
        dtypes=("float32",),
        arity=2,
        shapes=(((2, 3), (2, 3)),),
        tolerance=SUM,
        label="where",
        call=lambda jax, x, m: jax.nn.softmax(x, where=m > -1),
    ),
    *vary(
        Case("logsumexp", dtypes=FLOATS, shapes=VECTORS + MATRICES, tolerance=SUM),
        axis=(..., 0),
        keepdims=(..., True),
    ),
    Case(
        "logsumexp",
        dtypes=WIDE_FLOATS,
        arity=2,
        shapes=(((4,), (4,)),),
        domain=(REAL, NONZERO),
        tolerance=SUM,
        label="weights",
        call=lambda jax, x, b: jax.nn.logsumexp(x, b=b, return_sign=True),
    ),
    Case("logmeanexp", dtypes=FLOATS, shapes=MATRICES, tolerance=SUM),
    *vary(
        Case(
            "standardize",
            dtypes=WIDE_FLOATS,
            shapes=(((4,),), ((3, 5),)),
            tolerance=Tolerance(40, normwise=True),
        ),
        axis=(..., 0),
    ),
    *vary(
        Case(
            "one_hot",
            domain=INDEX,
            dtypes=("int32",),
            shapes=VECTORS + MATRICES,
            call=lambda jax, i, **o: jax.nn.one_hot(i, 4, **o),
        ),
        dtype=(..., "int32"),
        axis=(..., 0),
    ),
    Case(
        "one_hot",
        dtypes=("int32",),
        shapes=VECTORS,
        call=lambda jax, i: jax.nn.one_hot(i, 3),
        label="out_of_range",
    ),
    Case("dot_product_attention", arity=3, dtypes=("float32",), shapes=ATTENTION, tolerance=SUM),
    *vary(
        Case("dot_product_attention", arity=3, dtypes=("float32",), shapes=ATTENTION[:1], tolerance=SUM),
        is_causal=(True,),
        scale=(..., 0.5),
    ),
]


def initializer(name: str, *args: object) -> Case:
    """One initializer, drawing a (3, 4) matrix."""

    def call(jax, key):
        return getattr(jax.nn.initializers, name)(*args)(key, (3, 4), "float32")

    label = ",".join(map(str, args))
    return Case(
        name,
        domain=KEY,
        shapes=(((2,),),),
        dtypes=("float32",),
        only=("eager", "jit"),
        call=call,
        label=label,
        tolerance=SUM,
    )


INITIALIZERS = [
    *[
        initializer(name)
        for name in (
            "glorot_normal",
            "glorot_uniform",
            "he_normal",
            "he_uniform",
            "kaiming_normal",
            "kaiming_uniform",
            "lecun_normal",
            "lecun_uniform",
            "xavier_normal",
            "xavier_uniform",
            "normal",
            "uniform",
            "truncated_normal",
            "orthogonal",
        )
    ],
    initializer("constant", 3.0),
    initializer("variance_scaling", 2.0, "fan_avg", "normal"),
    *[
        Case(
            name,
            domain=KEY,
            shapes=(((2,),),),
            dtypes=("float32",),
            only=("eager", "jit"),
            call=lambda jax, key, name=name: getattr(jax.nn.initializers, name)(key, (3, 4)),
        )
        for name in ("zeros", "ones")
    ],
    Case(
        "delta_orthogonal",
        domain=KEY,
        shapes=(((2,),),),
        dtypes=("float32",),
        only=("eager", "jit"),
        tolerance=SUM,
        call=lambda jax, key: jax.nn.initializers.delta_orthogonal()(key, (3, 3, 4)),
    ),
]

TABLES = (
    Table("nn", "jax.nn", [*ACTIVATIONS, *NORMALIZED]),
    Table("initializers", "jax.nn.initializers", INITIALIZERS),
)
