"""penzai: models as trees that are looked into."""

import jax
import jax.numpy as jnp
from penzai import pz


def _model():
    return pz.nn.Sequential([
        pz.nn.Affine.from_config("first", jax.random.key(0), {"features": 4}, {"hidden": 8}),
        pz.nn.Elementwise(jax.nn.gelu),
        pz.nn.Affine.from_config("second", jax.random.key(1), {"hidden": 8}, {"out": 2}),
    ])  # fmt: skip


def quick_start():
    x = pz.nx.wrap(jax.random.normal(jax.random.key(2), (3, 4)), "batch", "features")
    return _model()(x).unwrap("batch", "out")


def named_axes():
    x = pz.nx.wrap(jnp.arange(6.0).reshape(2, 3)).tag("a", "b")
    y = pz.nx.nmap(jnp.sin)(x) + pz.nx.wrap(jnp.ones(3)).tag("b")
    return y.unwrap("a", "b"), pz.nx.nmap(jnp.sum)(y.untag("b")).unwrap("a"), y.order_as("b", "a").unwrap("b", "a")


def parts_are_chosen_and_changed():
    model = _model()
    params = pz.select(model).at_instances_of(pz.Parameter).get_sequence()
    doubled = pz.select(model).at_instances_of(pz.Parameter).apply(
        lambda p: pz.Parameter(label=p.label, value=pz.nx.nmap(lambda v: 2 * v)(p.value)))  # fmt: skip
    x = pz.nx.wrap(jnp.ones((3, 4)), "batch", "features")
    return len(params), doubled(x).unwrap("batch", "out")


def training():
    model, x = _model(), pz.nx.wrap(jax.random.normal(jax.random.key(3), (16, 4)), "batch", "features")
    params, rest = pz.unbind_params(model, freeze=True)[1], pz.unbind_params(model)[0]

    @jax.jit
    def step(params):
        def loss(params):
            out = pz.bind_variables(rest, params)(x).unwrap("batch", "out")
            return jnp.mean((out - 1.0) ** 2)

        value, grads = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value

    losses = []
    for _ in range(5):
        params, value = step(params)
        losses.append(value)
    return jnp.stack(losses)
