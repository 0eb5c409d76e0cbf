"""equinox: neural networks as pytrees."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax


def quick_start():
    class Linear(eqx.Module):
        weight: jax.Array
        bias: jax.Array

        def __init__(self, in_size, out_size, key):
            wkey, bkey = jax.random.split(key)
            self.weight = jax.random.normal(wkey, (out_size, in_size))
            self.bias = jax.random.normal(bkey, (out_size,))

        def __call__(self, x):
            return self.weight @ x + self.bias

    @jax.jit
    @jax.grad
    def loss_fn(model, x, y):
        return jnp.mean((y - jax.vmap(model)(x)) ** 2)

    model = Linear(2, 3, key=jax.random.PRNGKey(0))
    grads = loss_fn(model, jnp.ones((100, 2)), jnp.zeros((100, 3)))
    return jax.tree.leaves(jax.tree.map(lambda m, g: m - 0.1 * g, model, grads))


def mlp_training():
    key = jax.random.key(0)
    model = eqx.nn.MLP(2, "scalar", 16, 2, activation=jax.nn.gelu, key=key)
    x = jax.random.normal(jax.random.key(1), (64, 2))
    y = jnp.prod(x, axis=1)
    optim = optax.adamw(1e-2)
    state = optim.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model, state):
        loss, grads = eqx.filter_value_and_grad(lambda m: jnp.mean((jax.vmap(m)(x) - y) ** 2))(model)
        updates, state = optim.update(grads, state, eqx.filter(model, eqx.is_inexact_array))
        return eqx.apply_updates(model, updates), state, loss

    losses = []
    for _ in range(30):
        model, state, loss = step(model, state)
        losses.append(loss)
    return jnp.stack(losses), jax.tree.leaves(eqx.filter(model, eqx.is_array))


def convolutions_norm_state_and_dropout():
    class Net(eqx.Module):
        conv: eqx.nn.Conv2d
        norm: eqx.nn.BatchNorm
        pool: eqx.nn.MaxPool2d
        drop: eqx.nn.Dropout
        out: eqx.nn.Linear

        def __init__(self, key):
            a, b = jax.random.split(key)
            self.conv = eqx.nn.Conv2d(1, 4, 3, key=a)
            self.norm = eqx.nn.BatchNorm(4, axis_name="batch", mode="batch")
            self.pool = eqx.nn.MaxPool2d(2, 2)
            self.drop = eqx.nn.Dropout(0.3)
            self.out = eqx.nn.Linear(36, 3, key=b)

        def __call__(self, x, state, key):
            x, state = self.norm(self.conv(x), state)
            return self.out(self.drop(self.pool(jax.nn.relu(x)).reshape(-1), key=key)), state

    model, state = eqx.nn.make_with_state(Net)(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (5, 1, 8, 8))
    keys = jax.random.split(jax.random.key(2), 5)

    @eqx.filter_jit
    def loss(model, state):
        out, state = jax.vmap(model, axis_name="batch", in_axes=(0, None, 0), out_axes=(0, None))(x, state, keys)
        return jnp.mean(out**2), state

    (value, state), grads = eqx.filter_value_and_grad(loss, has_aux=True)(model, state)
    inference = eqx.nn.inference_mode(model)
    out, _ = jax.vmap(inference, axis_name="batch", in_axes=(0, None, None), out_axes=(0, None))(x, state, None)
    return value, jax.tree.leaves(grads), out


def recurrent_and_attention():
    k1, k2, k3, k4 = jax.random.split(jax.random.key(5), 4)
    cell, attention = eqx.nn.GRUCell(3, 8, key=k1), eqx.nn.MultiheadAttention(2, 8, key=k2)
    lstm = eqx.nn.LSTMCell(8, 4, key=k3)
    embed = eqx.nn.Embedding(10, 3, key=k4)
    x = jax.vmap(embed)(jnp.arange(6))

    @eqx.filter_jit
    @eqx.filter_grad
    def grads(params):
        cell, attention, lstm = params
        _, hs = jax.lax.scan(lambda h, x: ((h := cell(x, h)), h), jnp.zeros(8), x)
        mixed = attention(hs, hs, hs, mask=jnp.tril(jnp.ones((6, 6), bool)))
        (h, c), _ = jax.lax.scan(lambda s, x: (lstm(x, s), None), (jnp.zeros(4), jnp.zeros(4)), mixed)
        return jnp.sum(h * c)

    return jax.tree.leaves(grads((cell, attention, lstm)))


def loops_checkpoints_and_errors():
    import equinox.internal as eqxi

    def bounded(x):
        return eqxi.while_loop(
            lambda c: c[0] < 5, lambda c: (c[0] + 1, jnp.sin(c[1]) * 1.5), (0, x), max_steps=8, kind="bounded"
        )[1]

    def checkpointed(x):
        return eqxi.while_loop(
            lambda c: c[0] < 5, lambda c: (c[0] + 1, jnp.sin(c[1]) * 1.5), (0, x), max_steps=8, kind="checkpointed"
        )[1]

    x = jnp.array([0.3, 0.9])
    out = [jax.jit(jax.value_and_grad(lambda x, f=f: f(x).sum()))(x) for f in (bounded, checkpointed)]
    caught = []
    for value in (1.0, -1.0):
        try:
            eqx.filter_jit(lambda x: eqx.error_if(x, x < 0, "must be positive"))(jnp.array(value))
            caught.append("")
        except RuntimeError as error:
            caught.append("must be positive" in str(error))
    return out, [c if c == "" else bool(c) for c in caught][1]


def filtered_transformations():
    f = lambda x, n: x**n
    dynamic, static = eqx.partition({"a": jnp.arange(3.0), "b": "text", "c": 2}, eqx.is_array)
    jaxpr_out = eqx.filter_eval_shape(lambda d: d["a"] * 2, eqx.combine(dynamic, static))
    primals, tangents = eqx.filter_jvp(f, (jnp.arange(3.0), 3), (jnp.ones(3), None))
    out, pullback = eqx.filter_vjp(lambda d: d["a"] ** d["c"], {"a": jnp.arange(3.0), "c": 2})
    hess = eqx.filter_hessian(lambda x: jnp.sum(x**3))(jnp.arange(2.0))
    vm = eqx.filter_vmap(lambda m, x: m(x), in_axes=(eqx.if_array(0), None))
    ensemble = eqx.filter_vmap(lambda key: eqx.nn.Linear(2, 2, key=key))(jax.random.split(jax.random.key(0), 3))
    return jaxpr_out.shape, primals, tangents, out, pullback(jnp.ones(3))[0]["a"], hess, vm(ensemble, jnp.ones(2))
