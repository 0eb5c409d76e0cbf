"""jraph: graph networks."""

import jax
import jax.numpy as jnp
import jraph


def _graph():
    return jraph.GraphsTuple(
        n_node=jnp.array([3, 2]), n_edge=jnp.array([4, 2]), nodes=jax.random.normal(jax.random.key(0), (5, 4)),
        edges=jax.random.normal(jax.random.key(1), (6, 2)), globals=jnp.ones((2, 3)),
        senders=jnp.array([0, 1, 2, 0, 3, 4]), receivers=jnp.array([1, 2, 0, 2, 4, 3]),
    )  # fmt: skip


def quick_start():
    batch = jraph.batch([jraph.unbatch(_graph())[0], jraph.unbatch(_graph())[1]])
    padded = jraph.pad_with_graphs(batch, 8, 10, 4)
    return padded, jraph.get_node_padding_mask(padded), jraph.unpad_with_graphs(padded)


def graph_network_is_trained():
    graph = _graph()
    w = {k: jax.random.normal(jax.random.key(i), s) * 0.3 for i, (k, s) in enumerate(
        {"e": (2 + 4 + 4 + 3, 2), "n": (4 + 2 + 2 + 3, 4), "g": (4 + 2 + 3, 3)}.items())}  # fmt: skip

    def loss(w):
        net = jraph.GraphNetwork(
            lambda e, s, r, g: jnp.tanh(jnp.concatenate([e, s, r, g], -1) @ w["e"]),
            lambda n, s, r, g: jnp.tanh(jnp.concatenate([n, s, r, g], -1) @ w["n"]),
            lambda n, e, g: jnp.concatenate([n, e, g], -1) @ w["g"],
        )
        return jnp.sum(net(net(graph)).globals ** 2)

    step = jax.jit(lambda w: jax.tree.map(lambda a, g: a - 0.01 * g, w, jax.grad(loss)(w)))
    for _ in range(3):
        w = step(w)
    return w, loss(w)


def attention_and_convolution():
    graph = _graph()
    gat = jraph.GAT(lambda n: n @ jnp.eye(4), lambda s, r, e: jnp.sum(s * r, -1, keepdims=True))
    gcn = jraph.GraphConvolution(lambda n: n @ jnp.ones((4, 2)), symmetric_normalization=True)
    deep = jraph.DeepSets(lambda n, g: n, lambda n: n.sum(-1, keepdims=True))
    return gat(graph).nodes, gcn(graph).nodes, deep(graph).globals


def segments():
    ids, data = jnp.array([0, 0, 1, 3, 3]), jnp.array([1.0, 3.0, -2.0, 5.0, 4.0])
    names = ("segment_sum", "segment_mean", "segment_max", "segment_min", "segment_variance", "segment_softmax",
             "segment_normalize", "segment_max_or_constant")  # fmt: skip
    out = {n: getattr(jraph, n)(data, ids, 4) for n in names}
    return out, jax.grad(lambda d: jnp.sum(jraph.segment_softmax(d, ids, 4) ** 2))(data)
