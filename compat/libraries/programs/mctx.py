"""mctx: Monte Carlo tree search."""

import dataclasses

import jax
import jax.numpy as jnp
import mctx


def _root(batch=3, actions=4):
    key = jax.random.key(0)
    return mctx.RootFnOutput(
        prior_logits=jax.random.normal(key, (batch, actions)), value=jnp.zeros(batch), embedding=jnp.arange(batch)
    )


def _recurrent(params, key, action, embedding):
    logits = jnp.sin(embedding[:, None] + jnp.arange(4.0) + params)
    out = mctx.RecurrentFnOutput(
        reward=jnp.cos(action + embedding), discount=jnp.full(action.shape, 0.9), prior_logits=logits,
        value=jnp.sin(embedding * 0.3 + action),
    )  # fmt: skip
    return out, embedding * 2 + action


def quick_start():
    out = mctx.muzero_policy(jnp.array(0.1), jax.random.key(1), _root(), _recurrent, num_simulations=12)
    return out.action, out.action_weights, vars(out.search_tree.summary())


def gumbel_policies():
    run = jax.jit(lambda key: mctx.gumbel_muzero_policy(
        0.1, key, _root(), _recurrent, num_simulations=16, max_num_considered_actions=3,
        qtransform=mctx.qtransform_completed_by_mix_value,
    ))  # fmt: skip
    out = run(jax.random.key(2))
    return out.action, out.action_weights, out.search_tree.node_visits, out.search_tree.node_values


def invalid_actions_and_depth():
    invalid = jnp.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    out = mctx.muzero_policy(
        0.3, jax.random.key(3), _root(), _recurrent, num_simulations=10, invalid_actions=invalid, max_depth=3,
        dirichlet_fraction=0.1, temperature=0.5,
    )  # fmt: skip
    return out.action, out.action_weights, out.search_tree.children_visits


def stochastic_muzero():
    decision = lambda p, k, a, s: (
        mctx.DecisionRecurrentFnOutput(chance_logits=jnp.sin(s[:, None] + jnp.arange(2.0)), afterstate_value=jnp.cos(s)),
        s + a,
    )
    chance = lambda p, k, c, s: (
        mctx.ChanceRecurrentFnOutput(
            action_logits=jnp.cos(s[:, None] * jnp.arange(4.0)), value=jnp.sin(s), reward=c * 0.5,
            discount=jnp.full(s.shape, 0.95),
        ),
        s * 0.5 + c,
    )  # fmt: skip
    root = dataclasses.replace(_root(), embedding=jnp.arange(3.0))
    out = mctx.stochastic_muzero_policy(0.0, jax.random.key(4), root, decision, chance, num_simulations=8)
    return out.action, out.action_weights
