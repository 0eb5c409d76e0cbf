"""jax.scipy.special: error functions, the gamma family, entropies, Bessel functions."""

import warnings

import numpy as np

from compat.domains import EDGES, NONZERO, POSITIVE, PROBABILITY, REAL, TIED, UNIT, between
from compat.same import Tolerance
from compat.table import COMPLEX, FLOATS, INTS, MATRICES, REALS, VECTORS, WIDE_FLOATS, Case, Shapes, Table, each, vary

LOOSE = Tolerance(factor=20)
SUM = Tolerance(factor=8, normwise=True)
HIGH = between(2.5, 6)
LARGE = between(5, 30)
SMALL = between(-5, 5)
SOME: tuple[Shapes, ...] = (((),), ((2, 3),))
PAIRS: tuple[Shapes, ...] = (((3,), (3,)), ((2, 1), (3,)))
TRIPLES: tuple[Shapes, ...] = (((3,), (3,), (3,)), ((), (2, 1), (3,)))


def deprecated(jax, name: str):
    """A function that warns when it is first looked up, without that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(jax.scipy.special, name)


def whole(dtype: str) -> np.ndarray:
    """Small whole numbers, for functions of a number and a count."""
    return np.arange(4).astype(dtype)


ERRORS = [
    *each("erf erfc", dtypes=REALS, tolerance=LOOSE),
    Case("erfinv", dtypes=FLOATS, domain=UNIT, tolerance=LOOSE),
    Case("erfcx", dtypes=WIDE_FLOATS, tolerance=LOOSE),
    Case("dawsn", dtypes=FLOATS, domain=SMALL, tolerance=LOOSE),
    Case("wofz", dtypes=COMPLEX, tolerance=LOOSE, grad=False),
    Case("erfcx", dtypes=COMPLEX, tolerance=LOOSE, grad=False, label="complex"),
    *each("ndtr log_ndtr", dtypes=WIDE_FLOATS, tolerance=LOOSE),
    Case("log_ndtr", dtypes=WIDE_FLOATS, domain=between(-40, -8), tolerance=LOOSE, label="tail"),
    Case("log_ndtr", options={"series_order": 1}, dtypes=WIDE_FLOATS, domain=between(-40, -8), tolerance=LOOSE),
    Case("ndtri", dtypes=WIDE_FLOATS, domain=PROBABILITY, tolerance=Tolerance(100)),
]

GAMMAS = [
    *each("gammaln digamma gamma", dtypes=REALS, domain=POSITIVE, tolerance=LOOSE),
    *each("gamma gammaln", dtypes=FLOATS, domain=NONZERO, tolerance=Tolerance(100), label="negative", only=("eager",)),
    Case("gammasgn", dtypes=REALS, grad=False),
    Case("loggamma", dtypes=FLOATS, domain=POSITIVE, tolerance=LOOSE),
    *each("loggamma gamma", dtypes=COMPLEX, tolerance=Tolerance(100), grad=False, label="complex"),
    Case("factorial", dtypes=FLOATS + INTS, domain=between(0, 6), tolerance=LOOSE),
    *each("betaln beta", arity=2, dtypes=FLOATS, domain=POSITIVE, tolerance=LOOSE),
    Case("betaln", arity=2, dtypes=WIDE_FLOATS, domain=(POSITIVE, LARGE), tolerance=LOOSE, label="large"),
    *vary(
        Case("comb", arity=2, dtypes=FLOATS + INTS, domain=(between(3, 6), between(1, 3)), tolerance=Tolerance(100)),
        repetition=(..., True),
    ),
    Case(
        "multigammaln",
        dtypes=WIDE_FLOATS,
        domain=HIGH,
        tolerance=LOOSE,
        call=lambda jax, a: jax.scipy.special.multigammaln(a, 3),
    ),
    # jax has no second derivative of them
    *each(
        "gammainc gammaincc", arity=2, dtypes=WIDE_FLOATS, domain=POSITIVE, tolerance=Tolerance(100), without=("hvp",)
    ),
    Case("zeta", arity=2, dtypes=WIDE_FLOATS, domain=(HIGH, POSITIVE), tolerance=Tolerance(100)),
    *[
        Case(
            "polygamma",
            dtypes=WIDE_FLOATS,
            domain=POSITIVE,
            tolerance=Tolerance(200),
            label=f"order{n}",
            call=lambda jax, x, n=n: jax.scipy.special.polygamma(n, x),
        )
        for n in (0, 1, 3)
    ],
    Case(
        "polygamma",
        dtypes=WIDE_FLOATS,
        domain=POSITIVE,
        tolerance=Tolerance(200),
        shapes=(((4,),), ((2, 4),)),
        label="orders",
        call=lambda jax, x: jax.scipy.special.polygamma(whole("int32"), x),
    ),
]

LOGARITHMS = [
    Case("expit", tolerance=LOOSE, dtypes=REALS),
    Case("logit", dtypes=FLOATS, domain=PROBABILITY, tolerance=LOOSE),
    Case("logit", dtypes=COMPLEX, domain=NONZERO, tolerance=LOOSE, label="complex"),
    *each("xlogy xlog1py", arity=2, dtypes=FLOATS, domain=(REAL, POSITIVE), tolerance=LOOSE),
    Case("entr", dtypes=FLOATS, domain=POSITIVE, tolerance=LOOSE),
    *each("rel_entr kl_div", arity=2, dtypes=FLOATS, domain=POSITIVE, tolerance=LOOSE),
    # near lambda = 0 a second derivative is a difference of large numbers: there the value alone
    *each("boxcox boxcox1p", arity=2, dtypes=FLOATS, domain=(POSITIVE, NONZERO), tolerance=LOOSE),
    *each("boxcox boxcox1p", arity=2, dtypes=FLOATS, domain=(POSITIVE, between(-0.1, 0.1)), tolerance=LOOSE,
          only=("eager", "jit"), label="small"),
    *vary(Case("softmax", dtypes=FLOATS, shapes=VECTORS + MATRICES, tolerance=SUM), axis=(..., 0)),
    *vary(Case("log_softmax", dtypes=FLOATS, shapes=VECTORS + MATRICES, tolerance=SUM), axis=(..., 0)),
    *vary(Case("logsumexp", dtypes=FLOATS, shapes=VECTORS + MATRICES, tolerance=SUM), axis=(..., 0)),
]

BESSEL = [
    *each("i0 i0e i1 i1e", dtypes=FLOATS, tolerance=LOOSE),
    *[
        Case(
            "bessel_jn",
            dtypes=dtypes,
            domain=between(0.5, 8),
            shapes=(((),), ((3,),), ((2, 2),)),
            tolerance=Tolerance(400, normwise=True),
            label=f"order{v} {dtypes[0]}",
            grad="float32" not in dtypes,  # there JAX's derivative of the recurrence is lost in rounding
            call=lambda jax, x, v=v: jax.scipy.special.bessel_jn(x, v=v),
        )
        for v in (0, 3)
        for dtypes in (("float32",), ("float64",))
    ],
]

INTEGRALS = [
    Case("expi", dtypes=WIDE_FLOATS, domain=NONZERO, tolerance=Tolerance(100), shapes=SOME),
    Case("expi", dtypes=WIDE_FLOATS, domain=between(1, 80), tolerance=Tolerance(100), shapes=SOME, label="large"),
    Case("expi", only=("eager", "jit"), dtypes=WIDE_FLOATS, tolerance=Tolerance(100), domain=EDGES, label="edges"),
    *each("expn", arity=2, dtypes=WIDE_FLOATS, domain=(between(0, 7), POSITIVE), tolerance=Tolerance(100),
          shapes=PAIRS, grad=False),
    *[
        Case("expn", dtypes=WIDE_FLOATS, domain=POSITIVE, tolerance=Tolerance(100), shapes=SOME, label=f"order{n}",
             call=lambda jax, x, n=n: jax.scipy.special.expn(n, x), without=("hvp",))  # JAX fails in hvp
        for n in (1, 3, 6000)
    ],
    Case("exp1", dtypes=WIDE_FLOATS, domain=POSITIVE, tolerance=Tolerance(100), shapes=SOME, without=("hvp",)),
    Case("exp1", label="integers", dtypes=INTS, domain=between(1, 5), tolerance=Tolerance(100), shapes=SOME),
    Case("sici", dtypes=WIDE_FLOATS, tolerance=Tolerance(100), shapes=SOME),
    Case("sici", dtypes=WIDE_FLOATS, domain=between(-40, 40), tolerance=Tolerance(100), shapes=SOME, label="wide"),
    Case("sici", only=("eager", "jit"), dtypes=WIDE_FLOATS, domain=EDGES, tolerance=Tolerance(100), label="edges"),
    Case("fresnel", dtypes=FLOATS, tolerance=Tolerance(100), shapes=SOME),
    Case("fresnel", dtypes=WIDE_FLOATS, domain=between(-20, 20), tolerance=Tolerance(400), shapes=SOME, label="wide"),
    Case("fresnel", only=("eager", "jit"), dtypes=WIDE_FLOATS, domain=EDGES, tolerance=Tolerance(100), label="edges"),
    # JAX's slope is NaN from 1 to 2, where a branch that is not taken has the logarithm of a negative number
    Case("spence", dtypes=WIDE_FLOATS, domain=between(0.05, 6), tolerance=Tolerance(200), shapes=SOME, grad=False),
    Case("spence", dtypes=WIDE_FLOATS, domain=between(0.1, 0.9), tolerance=Tolerance(400), shapes=SOME, label="slope"),
    Case("spence", only=("eager", "jit"), dtypes=WIDE_FLOATS, domain=TIED, tolerance=Tolerance(100), label="edges"),
    Case("owens_t", arity=2, dtypes=FLOATS, tolerance=Tolerance(100), shapes=PAIRS),
    Case("owens_t", arity=2, only=("eager", "jit"), dtypes=WIDE_FLOATS, domain=(EDGES, REAL), shapes=(((), ()),),
         tolerance=Tolerance(100), label="edges"),
]

HYPERGEOMETRIC = [
    Case("betainc", arity=3, dtypes=FLOATS, domain=(POSITIVE, POSITIVE, PROBABILITY), tolerance=Tolerance(100),
         shapes=TRIPLES, grad=False),
    Case("betainc", dtypes=WIDE_FLOATS, domain=PROBABILITY, tolerance=Tolerance(100), shapes=SOME, label="x",
         call=lambda jax, x: jax.scipy.special.betainc(2.5, 1.5, x)),
    Case("betainc", arity=3, dtypes=("float32",), domain=(POSITIVE, POSITIVE, PROBABILITY), only=("grad",),
         shapes=TRIPLES[:1], label="refused"),
    Case("poch", arity=2, dtypes=FLOATS, domain=POSITIVE, tolerance=Tolerance(400), shapes=PAIRS),
    Case("hyp1f1", arity=3, dtypes=WIDE_FLOATS, domain=(POSITIVE, POSITIVE, SMALL), tolerance=Tolerance(400),
         shapes=TRIPLES, without=("hvp",)),
    Case("hyp1f1", arity=3, dtypes=WIDE_FLOATS, domain=TIED, tolerance=Tolerance(400), shapes=TRIPLES, grad=False,
         label="integers"),
    Case("hyp2f1", arity=4, dtypes=WIDE_FLOATS, domain=(POSITIVE, POSITIVE, HIGH, UNIT), tolerance=Tolerance(2000),
         shapes=(((3,), (3,), (3,), (3,)), ((), (2, 1), (), (2, 3))), without=("hvp",)),
    Case("hyp2f1", arity=4, dtypes=WIDE_FLOATS, domain=TIED, tolerance=Tolerance(2000), grad=False,
         shapes=(((9,), (9,), (9,), (9,)),), label="integers"),
    Case("hyp2f1", arity=4, dtypes=("float64",), domain=(between(0.3, 2), between(0.3, 2), HIGH, between(0.9, 0.99)),
         tolerance=Tolerance(10**6), grad=False, shapes=(((9,), (9,), (9,), (9,)),), label="near_one"),
]

LEGENDRE = [
    *[
        Case("lpmn", dtypes=WIDE_FLOATS, domain=UNIT, shapes=(((3,),),), tolerance=Tolerance(400, normwise=True),
             label=f"degree{n}", call=lambda jax, x, n=n: deprecated(jax, "lpmn")(n, n, x), without=("vmap", "hvp"))
        for n in (1, 2, 5)
    ],
    *[
        Case("lpmn_values", dtypes=WIDE_FLOATS, domain=UNIT, shapes=(((3,),),), tolerance=Tolerance(400, normwise=True),
             label=f"degree{n}{'normalized' if scaled else ''}",
             call=lambda jax, x, n=n, scaled=scaled: deprecated(jax, "lpmn_values")(n, n, x, scaled))
        for n in (0, 1, 4)
        for scaled in (False, True)
    ],
    Case("sph_harm_y", arity=2, dtypes=WIDE_FLOATS, domain=UNIT, shapes=(((4,), (4,)),), tolerance=Tolerance(200),
         call=lambda jax, theta, phi: jax.scipy.special.sph_harm_y(
             jax.numpy.array([0, 1, 2, 3]), jax.numpy.array([0, -1, 2, -3]), theta, phi, n_max=3)),
    Case("bernoulli", arity=0, dtypes=("float32", "float64"), only=("eager", "jit"), tolerance=Tolerance(100),
         call=lambda jax: [jax.scipy.special.bernoulli(n) for n in (0, 1, 2, 3, 8, 15)]),
]  # fmt: skip

AT_THE_ENDS = [
    # Slopes where the function's own formula is 0 * inf.
    Case(
        "xlogy",
        dtypes=WIDE_FLOATS,
        shapes=(((3,),),),
        only=("grad", "jvp", "eager", "jit_of_grad"),
        label="first_is_zero",
        call=lambda jax, y: jax.scipy.special.xlogy(0.0 * y, 1.0 + y * y),
    ),
    Case(
        "entr",
        dtypes=WIDE_FLOATS,
        shapes=(((),),),
        only=("grad", "jvp", "eager"),
        label="at_zero",
        call=lambda jax, x: jax.scipy.special.entr(x - jax.lax.stop_gradient(x)),
    ),
]

TABLE = Table("special", "jax.scipy.special", [*ERRORS, *GAMMAS, *LOGARITHMS, *BESSEL, *INTEGRALS, *HYPERGEOMETRIC, *LEGENDRE, *AT_THE_ENDS])
