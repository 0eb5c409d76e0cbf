"""jax.numpy, one result entry per entry: unary, binary, comparison, logical, bitwise, selection."""

from compat.domains import ABOVE_ONE, NONZERO, POSITIVE, PROBABILITY, REAL, SHIFT, UNIT, between
from compat.same import Tolerance
from compat.table import BOOL, COMPLEX, FLOATS, INEXACT, INTEGRAL, INTS, REALS, Case, Table, each, vary

LOOSE = Tolerance(factor=8)

UNARY = [
    *each("sin cos tan sinh cosh exp"),
    *each("tanh arctan arcsinh atan asinh"),
    *each("arcsin arccos arctanh asin acos atanh", dtypes=REALS, domain=UNIT),
    *each("arcsin arccos arctanh", dtypes=COMPLEX, tolerance=LOOSE, label="complex", without=("kinks",)),  # poles at ±1
    *each("arccosh acosh", dtypes=REALS, domain=ABOVE_ONE),
    *each("log sqrt", domain=POSITIVE),
    *each("log2 log10 log1p", dtypes=REALS, domain=POSITIVE),
    *each("exp2 expm1", dtypes=REALS),
    Case("cbrt", dtypes=REALS, domain=NONZERO),
    Case("sinc", tolerance=LOOSE, without=("hvp",)),
    *each("abs absolute negative positive square sign conj conjugate"),
    Case("reciprocal", domain=NONZERO),
    *each("fabs deg2rad rad2deg degrees radians", dtypes=FLOATS + INTS),
    *each("real imag"),
    *each("angle", dtypes=REALS + COMPLEX, grad=False, domain=NONZERO),
    Case("angle", options={"deg": True}, dtypes=FLOATS, grad=False, domain=NONZERO),
    *each("floor ceil rint trunc", dtypes=REALS),
    *vary(Case("round"), decimals=(0, 2)),
    Case("round", options={"decimals": -1}, dtypes=FLOATS + INTS),
    Case("around", options={"decimals": 1}, dtypes=FLOATS),
    *each("isnan isinf isfinite iscomplex isreal logical_not"),
    *each("isneginf isposinf signbit", dtypes=FLOATS + INTS),
    *each("bitwise_not bitwise_invert invert", dtypes=INTEGRAL),
    Case("bitwise_count", dtypes=INTS),
    Case("i0", dtypes=FLOATS, tolerance=LOOSE),
    Case("nan_to_num"),
    Case("nan_to_num", options={"nan": 1.5, "posinf": 7.0, "neginf": -7.0}, dtypes=FLOATS),
    Case("spacing", dtypes=FLOATS, grad=False),
    *each("frexp modf", dtypes=FLOATS, grad=False),
    Case("copy"),
    *vary(Case("astype", call=lambda jax, x, dtype: jax.numpy.astype(x, dtype)), dtype=("float32", "complex64")),
    *vary(
        Case("astype", dtypes=REALS, grad=False, call=lambda jax, x, dtype: jax.numpy.astype(x, dtype)),
        dtype=("int32", "uint8", "bool", "float16"),
    ),
    Case("unwrap", dtypes=FLOATS, shapes=(((5,),), ((2, 4),)), grad=False),
]

BINARY = [
    *each("add multiply subtract", arity=2),
    *each("divide true_divide", arity=2, domain=(REAL, NONZERO)),
    *each("add subtract multiply divide", arity=2, dtypes=INTS, label="integers"),
    *each("power pow", arity=2, dtypes=FLOATS, domain=(POSITIVE, REAL)),
    Case("power", arity=2, dtypes=INTS, domain=(REAL, between(0, 4)), label="integers"),
    Case("power", arity=2, dtypes=COMPLEX, domain=(NONZERO, REAL), tolerance=LOOSE, label="complex"),
    Case("power", arity=2, dtypes=FLOATS, only=("edges", "promote"), label="edges"),
    Case("power", call=lambda jax, x: jax.numpy.power(x, 3), dtypes=FLOATS + INTS, label="cube"),
    Case("power", call=lambda jax, x: x**2, label="square"),
    Case("power", call=lambda jax, x: x**0.5, dtypes=FLOATS, domain=POSITIVE, label="root"),
    Case("power", call=lambda jax, x: x**-2, dtypes=FLOATS, domain=NONZERO, label="inverse_square"),
    Case("float_power", arity=2, dtypes=FLOATS, domain=(POSITIVE, REAL)),
    *each("maximum minimum", arity=2),
    *each("fmax fmin", arity=2, dtypes=REALS),
    *each("floor_divide remainder mod fmod divmod", arity=2, dtypes=FLOATS, domain=(REAL, NONZERO), grad=False),
    *each("floor_divide remainder mod fmod divmod", arity=2, dtypes=INTS, label="integers"),
    *each("remainder fmod", arity=2, dtypes=FLOATS, domain=(REAL, ABOVE_ONE), label="smooth"),
    *each("arctan2 atan2 hypot", arity=2, dtypes=FLOATS + INTS, tolerance=Tolerance(2)),
    *each("logaddexp logaddexp2", arity=2, dtypes=FLOATS),
    *each("copysign nextafter", arity=2, dtypes=FLOATS, grad=False),
    Case("heaviside", arity=2, dtypes=FLOATS, grad=False),
    *each("gcd lcm", arity=2, dtypes=INTS, without=("edges",)),  # jax itself does not end at the least integer
    Case("ldexp", arity=2, dtypes=FLOATS, grad=False, call=lambda jax, x, n: jax.numpy.ldexp(x, n.astype(int))),
    *each("equal not_equal less less_equal greater greater_equal", arity=2),
    *each("logical_and logical_or logical_xor", arity=2),
    *each("bitwise_and bitwise_or bitwise_xor", arity=2, dtypes=INTEGRAL),
    *each(
        "left_shift right_shift bitwise_left_shift bitwise_right_shift",
        arity=2,
        dtypes=INTS,
        domain=(REAL, SHIFT),
    ),
    *each("left_shift right_shift", arity=2, dtypes=INTS, only=("edges",), label="edges"),
    *each("isclose", arity=2, grad=False),
    *each("allclose array_equal array_equiv", arity=2, grad=False, without=("edges",)),
    Case("array_equal", options={"equal_nan": True}, arity=2, dtypes=FLOATS, grad=False),
]

SELECTION = [
    Case("where", arity=3, call=lambda jax, c, x, y: jax.numpy.where(c > 0, x, y), dtypes=REALS),
    Case(
        "where",
        arity=3,
        call=lambda jax, c, x, y: jax.numpy.where(c, x, 0),
        dtypes=FLOATS + INTS,
        label="scalar",
    ),
    Case(
        "where",
        call=lambda jax, x: jax.numpy.where(x > 0, jax.numpy.sqrt(x), 0.0),
        dtypes=FLOATS,
        domain=NONZERO,
        label="guarded_root",
    ),
    Case("clip", arity=3, dtypes=REALS),
    Case("clip", options={"min": -1, "max": 1}, dtypes=FLOATS + INTS),
    Case("clip", options={"max": 0.5}, dtypes=FLOATS),
    Case(
        "select",
        arity=2,
        dtypes=FLOATS + INTS,
        call=lambda jax, x, y: jax.numpy.select([x > 1, y > 0], [x, y * 2], 7),
    ),
    Case(
        "piecewise",
        dtypes=FLOATS + INTS,
        call=lambda jax, x: jax.numpy.piecewise(x, [x < -1, x > 1], [-1, lambda v: v * v, lambda v: v + 3]),
    ),
    Case(
        "interp",
        arity=1,
        dtypes=FLOATS,
        shapes=(((),), ((5,),)),
        call=lambda jax, x: jax.numpy.interp(x, jax.numpy.arange(-2.0, 3.0), jax.numpy.array([0.0, 1, -1, 2, 5])),
    ),
    Case("polyval", arity=2, dtypes=FLOATS + INTS + COMPLEX, shapes=(((3,), (4,)), ((1,), ()))),
    Case("select", arity=2, dtypes=BOOL, label="bool", call=lambda jax, x, y: jax.numpy.select([x, y], [y, x])),
    Case("logaddexp", arity=2, dtypes=COMPLEX, label="complex", grad=False),
    Case("log", dtypes=FLOATS, domain=PROBABILITY, label="entropy", call=lambda jax, p: p * jax.numpy.log(p)),
    Case("square", dtypes=INEXACT, label="modulus", call=lambda jax, z: jax.numpy.abs(z) ** 2),
]

TABLE = Table("elementwise", "jax.numpy", [*UNARY, *BINARY, *SELECTION])
