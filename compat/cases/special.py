"""jax.scipy.special: error functions, the gamma family, entropies, Bessel functions."""

import numpy as np

from compat.domains import NONZERO, POSITIVE, PROBABILITY, REAL, UNIT, between
from compat.same import Tolerance
from compat.table import COMPLEX, FLOATS, INTS, MATRICES, REALS, VECTORS, WIDE_FLOATS, Case, Shapes, Table, each, vary

LOOSE = Tolerance(factor=20)
SUM = Tolerance(factor=8, normwise=True)
HIGH = between(2.5, 6)
LARGE = between(5, 30)
SMALL = between(-5, 5)
SHAPES: tuple[Shapes, ...] = (((), ()), ((3,), (3,)), ((2, 1), (3,)))


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
    *each("boxcox boxcox1p", arity=2, dtypes=FLOATS, domain=(POSITIVE, REAL), tolerance=LOOSE),
    *vary(Case("softmax", dtypes=FLOATS, shapes=VECTORS + MATRICES, tolerance=SUM), axis=(..., 0)),
    *vary(Case("log_softmax", dtypes=FLOATS, shapes=VECTORS + MATRICES, tolerance=SUM), axis=(..., 0)),
    *vary(Case("logsumexp", dtypes=FLOATS, shapes=VECTORS + MATRICES, tolerance=SUM), axis=(..., 0)),
]

BESSEL = [*each("i0 i0e i1 i1e", dtypes=FLOATS, tolerance=LOOSE)]

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

TABLE = Table("special", "jax.scipy.special", [*ERRORS, *GAMMAS, *LOGARITHMS, *BESSEL, *AT_THE_ENDS])
