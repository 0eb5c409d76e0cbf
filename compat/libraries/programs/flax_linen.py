"""flax.linen: modules as functions of their variables."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from flax.training import train_state


def quick_start():
    class CNN(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.Conv(features=8, kernel_size=(3, 3))(x)
            x = nn.avg_pool(nn.relu(x), window_shape=(2, 2), strides=(2, 2))
            x = nn.Conv(features=16, kernel_size=(3, 3))(x)
            x = nn.avg_pool(nn.relu(x), window_shape=(2, 2), strides=(2, 2))
            x = x.reshape((x.shape[0], -1))
            return nn.Dense(features=10)(nn.relu(nn.Dense(features=32)(x)))

    cnn = CNN()
    images = jax.random.normal(jax.random.key(1), (8, 12, 12, 1))
    labels = jnp.arange(8) % 10
    params = cnn.init(jax.random.key(0), images)["params"]
    state = train_state.TrainState.create(apply_fn=cnn.apply, params=params, tx=optax.sgd(0.05, 0.9))

    @jax.jit
    def train_step(state):
        def loss_fn(params):
            logits = state.apply_fn({"params": params}, images)
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

        loss, grads = jax.value_and_grad(loss_fn)(state.params)
        return state.apply_gradients(grads=grads), loss

    losses = []
    for _ in range(5):
        state, loss = train_step(state)
        losses.append(loss)
    return jnp.stack(losses), state.params, state.step


def transformer_with_scan_remat_and_dropout():
    class Block(nn.Module):
        @nn.compact
        def __call__(self, x, _):
            y = nn.LayerNorm()(x)
            x = x + nn.MultiHeadDotProductAttention(num_heads=2, dropout_rate=0.1, deterministic=False)(
                y, y, mask=nn.make_causal_mask(jnp.ones(x.shape[:2]))
            )
            y = nn.Dense(16)(nn.gelu(nn.Dense(32)(nn.RMSNorm()(x))))
            return x + nn.Dropout(0.2, deterministic=False)(y), None

    class Model(nn.Module):
        @nn.compact
        def __call__(self, tokens):
            x = nn.Embed(20, 16)(tokens)
            stack = nn.scan(
                nn.remat(Block), variable_axes={"params": 0}, split_rngs={"params": True, "dropout": True}, length=3
            )
            x, _ = stack()(x, None)
            return nn.Dense(20)(x)

    tokens = jnp.arange(12).reshape(2, 6)
    model = Model()
    variables = model.init({"params": jax.random.key(0), "dropout": jax.random.key(1)}, tokens)

    @jax.jit
    def loss(params, key):
        logits = model.apply({"params": params}, tokens, rngs={"dropout": key})
        return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.roll(tokens, -1, 1)).mean()

    return jax.value_and_grad(loss)(variables["params"], jax.random.key(2))


def mutable_state_and_batch_statistics():
    class Net(nn.Module):
        features: int
        act: Callable = nn.silu

        @nn.compact
        def __call__(self, x, train: bool):
            x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(nn.Dense(self.features)(x))
            calls = self.variable("counter", "calls", lambda: jnp.zeros((), int))
            calls.value += 1
            self.sow("intermediates", "hidden", x)
            return nn.GroupNorm(num_groups=2)(self.act(x))

    net, x = Net(8), jax.random.normal(jax.random.key(3), (10, 4))
    variables = net.init(jax.random.key(0), x, train=False)
    out, updated = jax.jit(lambda v: net.apply(v, x, train=True, mutable=["batch_stats", "counter", "intermediates"]))(
        variables
    )
    return out, updated, net.apply({**variables, **updated}, x, train=False, mutable=["counter"])[0]


def recurrent_networks_and_vmapped_ensembles():
    x = jax.random.normal(jax.random.key(1), (2, 5, 3))
    outs = []
    for cell in (nn.LSTMCell(4), nn.GRUCell(4), nn.SimpleCell(4), nn.OptimizedLSTMCell(4)):
        rnn = nn.RNN(cell)
        variables = rnn.init(jax.random.key(0), x)
        grads = jax.grad(lambda v, rnn=rnn: jnp.sum(rnn.apply(v, x, seq_lengths=jnp.array([3, 5])) ** 2))(variables)
        outs.append((rnn.apply(variables, x), grads))
    ensemble = nn.vmap(
        nn.Dense, in_axes=None, out_axes=0, variable_axes={"params": 0}, split_rngs={"params": True}, axis_size=3
    )(features=2)
    variables = ensemble.init(jax.random.key(0), x)
    both = nn.Bidirectional(nn.RNN(nn.GRUCell(3)), nn.RNN(nn.GRUCell(3)))
    return outs, ensemble.apply(variables, x), both.init_with_output(jax.random.key(4), x)[0]


def initialisers_and_tables():
    key = jax.random.key(7)
    names = ["lecun_normal", "glorot_uniform", "he_normal", "xavier_normal", "kaiming_uniform", "orthogonal"]
    inits = [getattr(nn.initializers, n)()(key, (6, 6)) for n in names]
    table = nn.tabulate(nn.Dense(3), jax.random.key(0), console_kwargs={"width": 120})(jnp.ones((2, 4)))
    bound = nn.Dense(3).bind(nn.Dense(3).init(key, jnp.ones((1, 4))))
    weight = nn.WeightNorm(nn.Dense(2)).init_with_output(key, jnp.ones((1, 3)))[0]
    spectral = nn.SpectralNorm(nn.Dense(2)).init_with_output(key, jnp.ones((1, 3)), update_stats=False)[0]
    return inits, "Dense" in table and "15" in table, bound(jnp.ones((1, 4))), weight, spectral
