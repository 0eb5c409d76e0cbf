"""flax.nnx: modules as Python objects."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx


def quick_start():
    class Model(nnx.Module):
        def __init__(self, din, dmid, dout, rngs: nnx.Rngs):
            self.linear = nnx.Linear(din, dmid, use_bias=False, rngs=rngs)  # the norm takes a bias away
            self.bn = nnx.BatchNorm(dmid, rngs=rngs)
            self.dropout = nnx.Dropout(0.2, rngs=rngs)
            self.linear_out = nnx.Linear(dmid, dout, rngs=rngs)

        def __call__(self, x):
            return self.linear_out(nnx.relu(self.dropout(self.bn(self.linear(x)))))

    model = Model(2, 16, 3, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)
    x, y = jax.random.normal(jax.random.key(1), (10, 2)), jnp.ones((10, 3))

    @nnx.jit
    def train_step(model, optimizer, x, y):
        def loss_fn(model):
            return jnp.mean((model(x) - y) ** 2)

        loss, grads = nnx.value_and_grad(loss_fn)(model)
        optimizer.update(model, grads)
        return loss

    losses = [train_step(model, optimizer, x, y) for _ in range(10)]
    model.eval()
    return jnp.stack(losses), model(x), jax.tree.leaves(nnx.state(model, nnx.Param))


def split_merge_and_state():
    class Counter(nnx.Module):
        def __init__(self, rngs):
            self.w = nnx.Param(rngs.params.uniform((2, 3)))
            self.count = nnx.Variable(jnp.array(0))

        def __call__(self, x):
            self.count[...] += 1
            return x @ self.w

    model = Counter(nnx.Rngs(params=1))
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    @jax.jit
    def f(params, rest, x):
        model = nnx.merge(graphdef, params, rest)
        out = model(x)
        return out, nnx.split(model, nnx.Param, ...)[1:]

    out, (params, rest) = f(params, rest, jnp.ones((1, 2)))
    nnx.update(model, params, rest)
    clone = nnx.clone(model)
    return out, model.count[...], jax.tree.leaves(nnx.state(clone)), jax.grad(
        lambda p: f(p, rest, jnp.ones((1, 2)))[0].sum()
    )(params)["w"][...]


def attention_and_convolutions():
    rngs = nnx.Rngs(0, dropout=1)
    attention = nnx.MultiHeadAttention(num_heads=2, in_features=8, qkv_features=8, decode=False, rngs=rngs)
    conv, deconv = nnx.Conv(3, 4, (3, 3), rngs=rngs), nnx.ConvTranspose(4, 2, (2, 2), strides=(2, 2), rngs=rngs)
    embed, norm = nnx.Embed(10, 8, rngs=rngs), nnx.LayerNorm(8, rngs=rngs)
    image = jax.random.normal(jax.random.key(3), (1, 6, 6, 3))

    @nnx.jit
    def f(attention, embed, norm, tokens):
        return norm(attention(embed(tokens), mask=nnx.make_causal_mask(tokens)))

    grads = nnx.grad(lambda m: jnp.sum(m(image) ** 2))(conv)
    return f(attention, embed, norm, jnp.arange(5)[None]), deconv(conv(image)), jax.tree.leaves(grads)


def scanned_layers_and_ensembles():
    class Block(nnx.Module):
        def __init__(self, rngs):
            self.linear = nnx.Linear(4, 4, rngs=rngs)
            self.dropout = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x):
            return self.dropout(nnx.gelu(self.linear(x)))

    @nnx.split_rngs(splits=3)
    @nnx.vmap(in_axes=0, out_axes=0)
    def make(rngs):
        return Block(rngs)

    @nnx.scan(in_axes=(0, nnx.Carry), out_axes=nnx.Carry)
    def forward(block, x):
        return block(x)

    blocks, x = make(nnx.Rngs(0)), jnp.ones((2, 4))
    out = forward(blocks, x)
    grads = nnx.grad(lambda b: jnp.sum(forward(b, x) ** 2))(blocks)
    many = nnx.vmap(lambda b, x: b.linear(x), in_axes=(0, None))(blocks, x)
    return out, many, jax.tree.leaves(grads)


def recurrent_cells_and_metrics():
    cell = nnx.GRUCell(3, 5, rngs=nnx.Rngs(0))
    rnn = nnx.RNN(cell)
    x = jax.random.normal(jax.random.key(0), (2, 4, 3))
    metrics = nnx.MultiMetric(accuracy=nnx.metrics.Accuracy(), loss=nnx.metrics.Average("loss"))
    logits, labels = jax.random.normal(jax.random.key(1), (6, 3)), jnp.array([0, 1, 2, 0, 1, 2])
    for _ in range(2):
        metrics.update(logits=logits, labels=labels, loss=logits.sum())
    return rnn(x), metrics.compute(), nnx.Sequential(nnx.Linear(3, 2, rngs=nnx.Rngs(1)), nnx.tanh)(x)
