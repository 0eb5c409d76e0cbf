"""Beside torch: arrays and tensors, torch functions inside JAX's transformations, JAX's functions inside autograd."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import jaxlike as jax
import jaxlike.numpy as jnp
from jaxlike.example_libraries import optimizers


@pytest.fixture(autouse=True)
def one_device() -> Iterator[None]:
    """torch makes its tensors where jaxlike makes its Arrays."""
    with torch.device(jax.to_torch(jnp.zeros(())).device):
        yield


def same(a: Any, b: Any, tolerance: float = 1e-6) -> bool:
    """Whether two arrays or tensors have one shape, and values that are nearly equal."""
    a, b = (np.asarray(x.detach().cpu() if isinstance(x, torch.Tensor) else x) for x in (a, b))
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance)


# Arrays and tensors


def test_from_torch_copies_unless_told_to_share() -> None:
    tensor = torch.arange(3.0)
    own, shared = jax.from_torch(tensor), jax.from_torch(tensor, copy=False)
    tensor[0] = 7.0
    assert own.tolist() == [0.0, 1.0, 2.0] and shared.tolist() == [7.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "int16", "int32", "float16", "bfloat16", "float32", "complex64"]
)
def test_dtypes_cross_as_they_are(dtype: str) -> None:
    tensor = torch.ones(2, dtype=getattr(torch, dtype))
    x = jax.from_torch(tensor)
    assert x.dtype == jnp.dtype(dtype) and not x.weak_type and torch.equal(jax.to_torch(x), tensor)


def test_wide_dtypes_follow_the_flag(each_x64: bool) -> None:
    assert jax.from_torch(torch.ones(1, dtype=torch.float64)).dtype == (jnp.float64 if each_x64 else jnp.float32)
    assert jnp.sin(jnp.asarray(torch.ones(1, dtype=torch.int64))).dtype == (jnp.float64 if each_x64 else jnp.float32)


def test_to_torch_shares_memory_until_somebody_writes() -> None:
    x = jnp.arange(1000.0)
    first, second = jax.to_torch(x), jax.to_torch(x)
    first.mul_(2)
    assert x[3] == 3 and second[3] == 3 and first[3] == 6
    second.view(-1)[0] = 5.0
    assert x[0] == 0
    view = jax.to_torch(x[2:].reshape(2, -1))
    view.zero_()
    assert x[2] == 2


def test_to_torch_of_other_array_likes_and_dtypes() -> None:
    assert jax.to_torch(np.ones(2, np.int32)).dtype is torch.int32
    assert jax.to_torch(1.5).dtype is torch.float32
    assert jax.to_torch(jnp.ones(2), dtype=torch.float64).dtype is torch.float64
    assert jax.to_torch(jnp.ones(2), dtype=jnp.bfloat16).dtype is torch.bfloat16
    for x in (jnp.ones(2, "int4"), jax.random.key(0)):
        with pytest.raises(TypeError, match="torch has no dtype like"):
            jax.to_torch(x)


def test_a_value_inside_a_transformation_has_no_tensor_of_its_own() -> None:
    for transform in (jax.jit, jax.vmap, jax.grad):
        with pytest.raises(jax.errors.ConcretizationTypeError, match="to_torch"):
            transform(lambda x: jax.to_torch(x) and x)(jnp.ones(2))


def test_tensors_stand_where_array_likes_do() -> None:
    t: Any = torch.arange(3.0)
    whole: Any = torch.tensor([0, 2])
    x: Any = jnp.ones(3)
    results = {
        "operators": [t + x, x + t, t * x, x - t, t @ x, x @ t, t / x, x < t, t == x, t**x, -t * x],
        "functions": [jnp.sin(t), jnp.concatenate([t, x]), jnp.where(t > 1, t, 0), jnp.einsum("i,i", t, x)],
        "creation": [jnp.asarray(t), jnp.array([t, x]), jnp.array(t, jnp.int32), jax.device_put(t)],
        "lax": [jax.lax.add(x, t), jax.lax.scan(lambda c, y: (c + y, c), t[0], t)[0]],
        "indices": [
            x[whole],
            x.at[whole].set(t[whole]),
            x.at[torch.tensor(1)].add(t[2]),
            x[torch.tensor([True, False, True])],
        ],
        "transformations": [
            jax.jit(lambda a: a * 2)(t),
            jax.grad(lambda a: (a**2).sum())(t),
            jax.vmap(lambda a: a + t)(t[None]),
        ],
    }
    for kind, values in results.items():
        assert all(type(v) is jax.Array for v in values), kind
    assert same(results["operators"][0], [1, 2, 3]) and same(results["indices"][1], [0, 1, 2])
    assert same(results["transformations"][1], [0, 2, 4])
    assert jax.tree.map(lambda a: a, {"t": t})["t"] is t


@pytest.mark.gpu
def test_devices() -> None:
    on_cpu: Any = torch.arange(3.0, device="cpu")
    x = jnp.ones(3)
    assert (x + on_cpu).device == jnp.asarray(on_cpu).device == x.device  # as numpy's data
    assert jax.from_torch(on_cpu).device.platform == "cpu" and jax.to_torch(x).is_cuda
    call = jax.as_torch(jax.jit(lambda w: jnp.sum(jnp.arange(3.0) * w**2)))
    for device in ("cpu", "cuda"):
        w = torch.ones(3, device=device, requires_grad=True)
        y = call(w)
        y.backward()
        assert y.device == w.device and w.grad is not None and same(w.grad, [0, 2, 4])
    written = jax.to_torch(x)
    written.zero_()
    assert same(x, [1, 1, 1])


def test_what_is_derived_of_a_tensor_does_not_change_with_it() -> None:
    t: Any = torch.arange(4.0)
    reshaped, closed_over = jnp.asarray(t).reshape(2, 2), jax.jit(lambda x: x + t)
    assert same(closed_over(0.0), [0, 1, 2, 3])
    t.zero_()
    assert same(reshaped, [[0, 1], [2, 3]]) and same(closed_over(0.0), [0, 1, 2, 3])


def test_tensors_that_cannot_be_arrays_say_so() -> None:
    weight: Any = torch.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match=r"requires grad was given.*jaxlike\.as_torch"):
        jnp.sin(weight)
    with torch.no_grad():
        assert jnp.sum(weight) == 2
    with pytest.raises(TypeError, match=r"layout torch\.sparse_coo is not a valid JAX type"):
        jnp.asarray(torch.eye(2).to_sparse())


# Torch functions inside


@pytest.fixture
def network() -> torch.nn.Module:
    """A small network with an operation in place."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(3, 4), torch.nn.LayerNorm(4), torch.nn.ELU(inplace=True), torch.nn.Linear(4, 1)]
    return torch.nn.Sequential(*layers)


def test_a_module_is_a_function_of_its_parameters(network: torch.nn.Module) -> None:
    f = jax.torch_function(network)
    x = jnp.arange(15.0).reshape(5, 3) / 15
    assert set(f.parameters) == {name for name, _ in network.named_parameters()}
    assert same(f(f.parameters, x), network(jax.to_torch(x)))

    def loss(p: Any, x: Any) -> Any:
        return jnp.mean(f(p, x) ** 2)

    network(jax.to_torch(x)).square().mean().backward()
    for gradient in (jax.grad(loss), jax.jit(jax.grad(loss))):
        found = gradient(f.parameters, x)
        assert all(same(found[name], p.grad) for name, p in network.named_parameters())
    assert same(jax.vmap(lambda row: f(f.parameters, row[None])[0])(x), f(f.parameters, x))
    forward, reverse = (jac(lambda row: f(f.parameters, row[None]).sum())(x[1]) for jac in (jax.jacfwd, jax.jacrev))
    assert same(forward, reverse)
    assert same(jax.hessian(lambda row: jnp.sin(f(f.parameters, row[None]).sum()))(x[1]), jax.jit(jax.hessian(lambda row: jnp.sin(f(f.parameters, row[None]).sum())))(x[1]))  # fmt: skip


@pytest.mark.parametrize("training", [False, True])
def test_buffers_are_constants_and_stay_as_they_are(network: torch.nn.Module, training: bool) -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm1d(3), network).train(training)
    before = copy.deepcopy(network.state_dict())
    f = jax.torch_function(network)
    x = jnp.arange(15.0).reshape(5, 3) / 15
    for run in (f, jax.jit(f)):
        found = run(f.parameters, x)
        assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
        assert same(found, copy.deepcopy(network)(jax.to_torch(x)))


@pytest.mark.parametrize(
    "run", [lambda f: f, jax.jit, jax.vmap, lambda f: jax.jit(jax.vmap(f))], ids=["eager", "jit", "vmap", "jit of vmap"]
)
def test_writes_into_arguments_stay_inside(run: Any) -> None:
    add = jax.torch_function(lambda x, k: x.add_(k))
    x = jnp.arange(3.0)
    assert all(map(same, run(lambda x: (add(x, 2), x, add(x, 1)))(x), ([2, 3, 4], [0, 1, 2], [1, 2, 3])))
    assert same(jax.grad(lambda x: (add(x, 2) * x).sum())(x), 2 * x + 2)
    assert same(x, [0, 1, 2])


def test_trees_keywords_and_other_values_pass_through() -> None:
    f = jax.torch_function(lambda pair, *, dim, name: {"max": torch.max(pair["a"], dim=dim), "n": 3, "name": name})
    found = f({"a": np.array([[1.0, 5.0]], np.float32)}, dim=1, name="it")
    assert found["n"] == 3 and found["name"] == "it"
    values, places = found["max"]
    assert same(values, [5]) and (values.dtype, places.dtype) == (jnp.float32, jnp.int32)


def test_jit_traces_a_torch_function_once() -> None:
    calls: list[Any] = []

    def fun(x: torch.Tensor) -> torch.Tensor:
        calls.append(x.shape)
        return torch.special.expit(x)

    jitted = jax.jit(jax.torch_function(fun))
    for _ in range(3):
        assert same(jitted(jnp.zeros(2)), [0.5, 0.5])
    assert calls == [(2,)]


def test_functions_of_jax_inside_torch_functions_inside() -> None:
    inner = jax.as_torch(lambda x: jax.lax.scan(lambda c, y: (c * y, c), jnp.float32(1.0), x)[0])
    f = jax.torch_function(lambda x: torch.sin(inner(x)))
    x = jnp.array([2.0, 3.0])
    assert same(jax.grad(f)(x), jax.grad(lambda x: jnp.sin(jnp.prod(x)))(x))
    assert same(jax.jit(jax.grad(f))(x), jax.grad(f)(x))


def test_what_a_torch_function_may_not_do() -> None:
    weight = torch.ones(2, requires_grad=True)
    f = jax.torch_function(lambda x: (x * weight).sum())
    assert f(jnp.ones(2)) == 2 and jax.jit(f)(jnp.ones(2)) == 2  # a constant
    with pytest.raises(TypeError, match="requires grad and is not among its arguments"):
        jax.grad(f)(jnp.ones(2))
    with pytest.raises(TypeError, match="must return tensors, in trees; got <class 'object'>"):
        jax.torch_function(lambda x: object())(jnp.ones(2))


# JAX's functions inside torch


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Random, and to be differentiated by."""
    torch.manual_seed(1)
    return torch.randn(shape, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: jnp.sin(x) * x,
        jax.jit(lambda x: jax.lax.scan(lambda c, y: (c * jnp.sin(y), c), x[0], x)),
        jax.grad(lambda x: jnp.sum(x**4)),
        jax.custom_jvp(lambda x: jnp.tanh(x) ** 2),
        lambda x: {"b": x[:2], "a": (x.sum(), jnp.argmax(x))},
    ],
    ids=["eager", "jit of scan", "grad", "custom_jvp", "tree with an integer"],
)  # fmt: skip
def test_derivatives_in_autograd(fun: Any) -> None:
    if isinstance(fun, jax.custom_jvp):
        fun.defjvp(lambda x, v: (jnp.tanh(x[0]) ** 2, 2 * jnp.tanh(x[0]) * (1 - jnp.tanh(x[0]) ** 2) * v[0]))
    with jax.enable_x64(True):
        call = jax.as_torch(fun)

        def flat(x: torch.Tensor) -> Any:
            return tuple(y for y in jax.tree.leaves(call(x)) if y.is_floating_point())

        assert torch.autograd.gradcheck(flat, numbers(3)) and torch.autograd.gradgradcheck(flat, numbers(3))


def test_complex_derivatives_in_autograd() -> None:
    with jax.enable_x64(True):
        call = jax.as_torch(lambda x, y: jnp.exp(1j * x) * y)
        x, y = numbers(3, dtype=torch.complex128), numbers(3)
        assert torch.autograd.gradcheck(call, (x, y)) and torch.autograd.gradgradcheck(call, (x, y))


def test_what_needs_no_gradient_gets_none() -> None:
    call = jax.as_torch(lambda w, x, *, scale, n: {"y": jnp.sum(x @ w) * scale, "n": n, "none": None})
    w, x = numbers(3, dtype=torch.float32), torch.ones(2, 3)
    out = call(w, x, scale=jnp.float32(2.0), n=5)
    assert (out["n"], out["none"]) == (5, None)
    out["y"].backward()
    assert same(w.grad, [4, 4, 4]) and x.grad is None
    assert not call(w.detach(), x, scale=2.0, n=5)["y"].requires_grad
    with torch.no_grad():
        assert not call(w, x, scale=2.0, n=5)["y"].requires_grad


def test_wide_tensors_get_wide_gradients() -> None:
    w = numbers(3)
    y = jax.as_torch(lambda w: jnp.sum(w**2))(w)
    y.backward()
    assert y.dtype is torch.float32 and w.grad is not None and w.grad.dtype is torch.float64 and same(w.grad, 2 * w)


def test_writing_to_a_saved_tensor_is_noticed() -> None:
    w = numbers(3, dtype=torch.float32)
    y = jax.as_torch(lambda w: jnp.sum(w**2))(w)
    with torch.no_grad():
        w.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_a_result_may_be_written_to() -> None:
    w = numbers(3, dtype=torch.float32)
    y = jax.as_torch(jnp.exp)(w)
    expected = torch.exp(w.detach())
    (y * 1.0).sum().backward()
    with torch.no_grad():
        jax.as_torch(jnp.exp)(w).zero_()
    assert same(w.grad, expected)


# Training


def data() -> tuple[torch.Tensor, torch.Tensor]:
    """A curve to be learnt."""
    x = torch.linspace(-1, 1, 64)[:, None]
    return x, torch.sin(3 * x)


def test_a_torch_model_trained_by_an_optimizer_of_jax() -> None:
    torch.manual_seed(0)
    f = jax.torch_function(torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)))
    x, y = map(jax.from_torch, data())
    start, update, parameters_of = optimizers.adam(0.02)

    def loss(p: Any) -> Any:
        return jnp.mean((f(p, x) - y) ** 2)

    @jax.jit
    def step(i: Any, state: Any) -> Any:
        value, gradient = jax.value_and_grad(loss)(parameters_of(state))
        return update(i, gradient, state), value

    state, losses = start(f.parameters), []
    for i in range(150):
        state, value = step(i, state)
        losses.append(float(value))
    assert losses[-1] < 0.1 * losses[0]


def test_a_model_of_jax_trained_by_torch() -> None:
    def model(p: Any, x: Any) -> Any:
        return jnp.tanh(x @ p["hidden"]["w"] + p["hidden"]["b"]) @ p["out"]

    keys = jax.random.split(jax.random.key(0), 2)
    hidden = {"w": jax.random.normal(keys[0], (1, 16)), "b": jnp.zeros(16)}
    module = jax.as_torch(
        jax.jit(model), {"hidden": hidden, "out": jax.random.normal(keys[1], (16, 1)) / 4, "steps": 3}
    )
    assert {name for name, _ in module.named_parameters()} == {"hidden_w", "hidden_b", "out"}
    assert [name for name, _ in module.named_buffers()] == ["steps"]
    whole = torch.nn.Sequential(module, torch.nn.Linear(1, 1))
    x, y = data()
    optimizer, losses = torch.optim.Adam(whole.parameters(), lr=0.02), []
    for _ in range(150):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(whole(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    other = jax.as_torch(jax.jit(model), module.tree_of_parameters())
    assert same(other(x), module(x))
