"""dm-haiku: modules as pure functions."""

import haiku as hk
import jax
import jax.numpy as jnp
import optax


def quick_start():
    def forward(x):
        mlp = hk.Sequential([hk.Flatten(), hk.Linear(16), jax.nn.relu, hk.Linear(4)])
        return mlp(x)

    net = hk.without_apply_rng(hk.transform(forward))
    x, y = jax.random.normal(jax.random.key(1), (8, 2, 3)), jnp.arange(8) % 4
    params = net.init(jax.random.PRNGKey(0), x)
    opt = optax.adam(1e-2)
    state = opt.init(params)

    def loss(params):
        return optax.softmax_cross_entropy_with_integer_labels(net.apply(params, x), y).mean()

    @jax.jit
    def step(params, state):
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = opt.update(grads, state)
        return optax.apply_updates(params, updates), state, value

    values = []
    for _ in range(10):
        params, state, value = step(params, state)
        values.append(value)
    return params, jnp.stack(values)


def convolutions_with_state():
    def forward(x, train):
        x = hk.BatchNorm(True, True, 0.9)(hk.Conv2D(4, 3)(x), train)
        x = hk.max_pool(jax.nn.relu(x), 2, 2, "VALID")
        return hk.Linear(3)(hk.dropout(hk.next_rng_key(), 0.2, hk.Flatten()(x)))

    net = hk.transform_with_state(forward)
    x = jax.random.normal(jax.random.key(0), (4, 6, 6, 2))
    params, state = net.init(jax.random.PRNGKey(1), x, True)
    apply = jax.jit(net.apply, static_argnums=4)
    out, state = apply(params, state, jax.random.PRNGKey(2), x, True)
    return out, state, net.apply(params, state, jax.random.PRNGKey(3), x, False)[0]


def recurrent_and_attention():
    def forward(x):
        h, _ = hk.dynamic_unroll(hk.LSTM(6), x, hk.LSTM(6).initial_state(x.shape[1]))
        h = hk.LayerNorm(-1, True, True)(h)
        a = hk.MultiHeadAttention(2, 3, w_init=hk.initializers.VarianceScaling(1.0))(h, h, h)
        return hk.Linear(1)(a).sum()

    net = hk.without_apply_rng(hk.transform(forward))
    x = jax.random.normal(jax.random.key(0), (5, 2, 3))
    params = net.init(jax.random.PRNGKey(0), x)
    return jax.jit(jax.value_and_grad(net.apply))(params, x)


def control_flow_and_lifting():
    def forward(x):
        x = hk.Embed(10, 4)(x)
        w = hk.get_parameter("w", (4, 4), init=hk.initializers.Orthogonal())
        counter = hk.get_state("counter", [], init=jnp.zeros)
        hk.set_state("counter", counter + 1)
        out, _ = hk.scan(lambda c, t: (jnp.tanh(c @ w + t), None), x[:, 0], jnp.swapaxes(x, 0, 1))
        stack = hk.experimental.layer_stack(2)(lambda y: hk.Linear(4)(jax.nn.relu(y)))
        return hk.cond(True, stack, lambda y: stack(y) * 2, out) if not hk.running_init() else stack(out)

    net = hk.transform_with_state(forward)
    tokens = jnp.arange(6).reshape(2, 3)
    params, state = net.init(jax.random.PRNGKey(0), tokens)
    out, state = jax.jit(net.apply)(params, state, None, tokens)
    return out, state, jax.grad(lambda p: net.apply(p, state, None, tokens)[0].sum())(params)


def remat_vmap_and_many():
    def forward(x):
        big = hk.remat(hk.nets.MLP([8, 8]))
        y = hk.vmap(lambda r: hk.Linear(3)(r), split_rng=False)(big(x))
        return y.sum()

    net = hk.without_apply_rng(hk.transform(forward))
    x = jnp.linspace(-1, 1, 12).reshape(4, 3)
    params = net.init(jax.random.PRNGKey(0), x)
    big, small = hk.data_structures.partition(lambda m, n, v: n == "w", params)
    return jax.grad(net.apply)(params, x), hk.data_structures.tree_size(big), hk.data_structures.tree_bytes(small)
