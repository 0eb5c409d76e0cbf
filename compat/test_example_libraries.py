"""jax.example_libraries.stax and optimizers, jax.experimental.ode: programs, run on both."""

from __future__ import annotations

import numpy as np
import pytest

from compat.same import Tolerance, assert_same, run_both, same_in_both

CLOSE = Tolerance(200, normwise=True)
RNG = np.random.default_rng(4)
IMAGES = RNG.normal(size=(2, 8, 9, 3)).astype("float32")
ROWS = RNG.normal(size=(4, 5)).astype("float32")


def modules(jax):
    """stax, optimizers and odeint, which are imported by name."""
    import importlib

    names = ("example_libraries.stax", "example_libraries.optimizers", "experimental.ode")
    return [importlib.import_module(f"{jax.__name__}.{name}") for name in names]


def layer(jax, make, x=IMAGES, **kwargs):
    """A layer's output shape, parameters and output."""
    init, apply = make(modules(jax)[0])
    shape, params = init(jax.random.key(0), x.shape)
    return jax.tree.map(int, shape), params, apply(params, x, **kwargs)  # JAX's sizes are numpy's, of convolutions


def trained(jax, make):
    """Three steps on a small problem, and the state in between as a tree."""
    _, optimizers, _ = modules(jax)
    method = make(optimizers)
    params = {"w": jax.numpy.asarray(ROWS[:2]), "b": (jax.numpy.ones(3), jax.numpy.float32(0.5))}
    state = method.init_fn(params)
    for i in range(3):
        grads = jax.tree.map(lambda x: x * 0.3 + 1, method.params_fn(state))
        state = jax.jit(method.update_fn)(i, grads, state) if i else method.update_fn(i, grads, state)
    again = optimizers.pack_optimizer_state(optimizers.unpack_optimizer_state(state))
    return method.params_fn(state), again.packed_state


LAYERS = {
    "dense": lambda jax: layer(jax, lambda s: s.Dense(7), ROWS),
    "conv": lambda jax: layer(jax, lambda s: s.Conv(4, (3, 3), (2, 1), padding="SAME")),
    "general conv": lambda jax: layer(jax, lambda s: s.GeneralConv(("NCHW", "OIHW", "NHWC"), 4, (2, 3))),
    "conv transpose": lambda jax: layer(jax, lambda s: s.ConvTranspose(4, (3, 3), (2, 2))),
    "conv 1d transpose": lambda jax: layer(jax, lambda s: s.Conv1DTranspose(4, (3,), padding="SAME"), IMAGES[0]),
    "batch norm": lambda jax: [
        layer(jax, lambda s, o=o: s.BatchNorm(**o))
        for o in ({}, {"center": False}, {"scale": False}, {"axis": 0}, {"center": False, "scale": False})
    ],
    "pools": lambda jax: [
        layer(jax, lambda s, name=name, o=o: getattr(s, name)((2, 3), **o))
        for name in ("MaxPool", "SumPool", "AvgPool")
        for o in ({}, {"strides": (2, 2), "padding": "SAME"}, {"spec": "NCHW"})
    ],
    "elementwise": lambda jax: [
        layer(jax, lambda s, name=name: getattr(s, name), ROWS)[2]
        for name in "Tanh Relu Exp LogSoftmax Softmax Softplus Sigmoid Elu LeakyRelu Selu Gelu Identity Flatten".split()
    ],
    "own function": lambda jax: layer(jax, lambda s: s.elementwise(lambda x, k: x * k, k=2), ROWS),
    "dropout": lambda jax: [
        layer(jax, lambda s, mode=mode: s.Dropout(0.5, mode), ROWS, rng=jax.random.key(1)) for mode in ("train", "test")
    ],
    "dropout without a key": lambda jax: layer(jax, lambda s: s.Dropout(0.5), ROWS),
    "residual": lambda jax: layer(
        jax,
        lambda s: s.serial(
            s.FanOut(2), s.parallel(s.serial(s.Dense(5), s.Relu), s.Identity), s.FanInSum, s.FanOut(3), s.FanInConcat()
        ),
        ROWS,
    ),
    "shape dependent": lambda jax: layer(jax, lambda s: s.shape_dependent(lambda shape: s.Dense(shape[-1])), ROWS),
    "initializers": lambda jax: [
        getattr(modules(jax)[0], name)()(jax.random.key(0), (3, 4)) for name in ("glorot", "randn")
    ],
    "log softmax": lambda jax: modules(jax)[0].logsoftmax(ROWS),
}

OPTIMIZERS = {
    "sgd": lambda jax: trained(jax, lambda o: o.sgd(0.1)),
    "momentum": lambda jax: trained(jax, lambda o: o.momentum(0.1, 0.9)),
    "nesterov": lambda jax: trained(jax, lambda o: o.nesterov(o.constant(0.1), 0.9)),
    "adagrad": lambda jax: trained(jax, lambda o: o.adagrad(0.1)),
    "rmsprop": lambda jax: trained(jax, lambda o: o.rmsprop(0.1)),
    "rmsprop_momentum": lambda jax: trained(jax, lambda o: o.rmsprop_momentum(0.1)),
    "adam": lambda jax: trained(jax, lambda o: o.adam(o.exponential_decay(0.1, 2, 0.5))),
    "adamax": lambda jax: trained(jax, lambda o: o.adamax(o.inverse_time_decay(0.1, 2, 0.5))),
    "sm3": lambda jax: modules(jax)[1].sm3(0.1).update_fn(0, ROWS, modules(jax)[1].sm3(0.1).init_fn(ROWS)).packed_state,
    "schedules": lambda jax: [
        schedule(i)
        for o in [modules(jax)[1]]
        for schedule in (
            o.inverse_time_decay(0.1, 2, 0.5, staircase=True),
            o.polynomial_decay(0.1, 4, 0.01, 2.0),
            o.piecewise_constant([2, 4], [1.0, 0.5, 0.1]),
            o.make_schedule(0.3),
        )
        for i in (0, 3, 7)
    ],
    "no schedule": lambda jax: modules(jax)[1].make_schedule(np.ones(2)),
    "boundaries": lambda jax: modules(jax)[1].piecewise_constant([2, 4], [1.0]),
    "boundaries of two axes": lambda jax: modules(jax)[1].piecewise_constant([[2, 4]], [1.0]),
    "norms": lambda jax: (modules(jax)[1].l2_norm([ROWS, ROWS]), modules(jax)[1].clip_grads({"a": ROWS}, 0.5)),
    "another tree": lambda jax: modules(jax)[1].sgd(0.1).update_fn(0, [ROWS], modules(jax)[1].sgd(0.1).init_fn(ROWS)),
    "own method": lambda jax: trained(
        jax, lambda o: o.optimizer(lambda s: (lambda x: (x, x), lambda i, g, s2: (s2[0] - s * g, g), lambda s2: s2[1]))(0.1)
    ),
    "map and zip": lambda jax: (
        modules(jax)[1].map(lambda a, b: a + b, [1, 2], [3, 4]), modules(jax)[1].zip([1, 2], [3, 4])
    ),
}  # fmt: skip

TIMES = np.linspace(0.0, 1.5, 4).astype("float32")


def pendulum(jax):
    def derivative(y, t, m, g):
        theta, omega = y
        return [omega, -m * omega - g * jax.numpy.sin(theta)]

    return derivative


def swing(jax, start, times, m, g, **options):
    return modules(jax)[2].odeint(pendulum(jax), [start, start * 0.0], times, m, g, **options)


SOLVED = {
    "pendulum": lambda jax: swing(jax, jax.numpy.float32(2.0), jax.numpy.array(TIMES), 0.25, 9.8),
    "tolerances": lambda jax: swing(
        jax, jax.numpy.float32(2.0), jax.numpy.array(TIMES), 0.25, 9.8, rtol=1e-4, atol=1e-4, hmax=0.1, mxstep=200
    ),
    "gradient": lambda jax: jax.grad(
        lambda *args: sum(v.sum() for v in swing(jax, *args, rtol=1e-5, atol=1e-5)), (0, 1, 2, 3)
    )(jax.numpy.float32(2.0), jax.numpy.array(TIMES), jax.numpy.float32(0.25), jax.numpy.float32(9.8)),
    "vmap": lambda jax: jax.vmap(lambda y: swing(jax, y, jax.numpy.array(TIMES), 0.25, 9.8, rtol=1e-5, atol=1e-5))(
        jax.numpy.array([1.0, 2.0])
    ),
    "jit": lambda jax: jax.jit(lambda y, t: swing(jax, y, t, 0.25, 9.8, rtol=1e-5, atol=1e-5))(1.0, TIMES),
    "closed-over values": lambda jax: jax.grad(
        lambda k: modules(jax)[2].odeint(lambda y, t: -k * y, jax.numpy.float32(1.0), jax.numpy.array(TIMES))[-1]
    )(jax.numpy.float32(0.7)),
    "complex": lambda jax: modules(jax)[2].odeint(
        lambda y, t: 1j * y, jax.numpy.complex64(1.0), jax.numpy.array(TIMES), rtol=1e-5, atol=1e-5
    ),
    "no array": lambda jax: modules(jax)[2].odeint(lambda y, t, x: y, jax.numpy.ones(2), jax.numpy.array(TIMES), "x"),
    "whole times": lambda jax: modules(jax)[2].odeint(lambda y, t: y, jax.numpy.ones(2), jax.numpy.arange(3)),
}


@pytest.mark.parametrize(
    "programs",
    [
        pytest.param(LAYERS, id="stax", marks=pytest.mark.slow),
        pytest.param(OPTIMIZERS, id="optimizers"),
        pytest.param(SOLVED, id="ode", marks=pytest.mark.slow),
    ],
)
def test_programs(programs) -> None:
    failures = []
    for name, program in programs.items():
        try:
            assert_same(*run_both(program), CLOSE, title=name)
        except AssertionError as error:
            failures.append("\n".join(str(error).splitlines()[:6]))
    assert not failures, "\n".join(failures)


NAMES = {
    "jax.example_libraries.optimizers": (
        "InitFn ParamsFn Schedule UpdateFn adagrad adam adamax clip_grads constant exponential_decay "
        "inverse_time_decay l2_norm make_schedule map momentum nesterov optimizer pack_optimizer_state "
        "piecewise_constant polynomial_decay rmsprop rmsprop_momentum sgd sm3 unpack_optimizer_state zip"
    ).split(),
    "jax.example_libraries.stax": (
        "AvgPool BatchNorm Conv Conv1DTranspose ConvTranspose Dense Dropout FanInConcat FanOut "
        "GeneralConv GeneralConvTranspose MaxPool SumPool elementwise glorot logsoftmax parallel randn "
        "serial shape_dependent"
    ).split(),
    "jax.experimental.ode": (
        "odeint"
    ).split(),
}


@same_in_both(covers=[f"{module}.{name}" for module, names in NAMES.items() for name in names])
def test_names(jax):
    """The programs above use them; here is that each is there, and whether it can be called."""
    import importlib

    modules = [(importlib.import_module(m.replace("jax", jax.__name__, 1)), names) for m, names in NAMES.items()]
    return [callable(getattr(module, name)) for module, names in modules for name in names]
