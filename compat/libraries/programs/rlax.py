"""rlax: what reinforcement learning is made of."""

import jax
import jax.numpy as jnp
import rlax


def _draws(*shapes):
    keys = jax.random.split(jax.random.key(0), len(shapes))
    return [jax.random.normal(k, s) for k, s in zip(keys, shapes, strict=True)]


def values_and_returns():
    r, v, rho = _draws((8,), (8,), (8,))
    discounts = jnp.full(8, 0.9)
    made = [rlax.lambda_returns(r, discounts, v, 0.8), rlax.n_step_bootstrapped_returns(r, discounts, v, 3)]
    made += [rlax.td_lambda(v, r, discounts, v[::-1], jnp.float32(0.7)), rlax.td_learning(v[0], r[0], 0.9, v[1])]
    return [*made, rlax.vtrace(v, v[::-1], r, discounts, jnp.exp(rho))]


def q_learning():
    q, q2 = _draws((5,), (5,))

    def loss(q):
        td = [rlax.q_learning(q, 2, 0.5, 0.9, q2), rlax.double_q_learning(q, 1, 0.5, 0.9, q2, q), rlax.sarsa(q, 0, 1.0, 0.9, q2, 3)]
        return sum(rlax.l2_loss(t) for t in td) + rlax.huber_loss(td[0] * 5)

    return jax.value_and_grad(loss)(q)


def policies_are_trained():
    w, obs, adv = _draws((4, 3), (16, 4), (16,))
    actions = jax.random.randint(jax.random.key(3), (16,), 0, 3)

    def loss(w):
        logits = obs @ w
        policy = rlax.policy_gradient_loss(logits, actions, adv, jnp.ones(16))
        ratios = jnp.exp(rlax.softmax().logprob(actions, logits) - rlax.softmax().logprob(actions, jax.lax.stop_gradient(logits)))
        return policy + 0.01 * rlax.entropy_loss(logits, jnp.ones(16)) + rlax.clipped_surrogate_pg_loss(ratios, adv, 0.2)

    step = jax.jit(lambda w: w - 0.1 * jax.grad(loss)(w))
    for _ in range(5):
        w = step(w)
    return w, loss(w)


def distributions_of_values():
    logits, target = _draws((11,), (11,))
    support = jnp.linspace(-1.0, 1.0, 11)
    projected = rlax.categorical_l2_project(support * 0.9 + 0.1, jax.nn.softmax(target), support)
    quantiles = rlax.quantile_regression_loss(logits, jnp.linspace(0.05, 0.95, 11), target)
    return projected, quantiles, rlax.signed_hyperbolic(target), rlax.transform_to_2hot(jnp.float32(0.3), -1.0, 1.0, 11)


def exploration():
    key, (q,) = jax.random.key(1), _draws((6,))
    made = [rlax.epsilon_greedy(0.1).sample(key, q), rlax.softmax(0.5).probs(q), rlax.greedy().probs(q)]
    noise = rlax.add_ornstein_uhlenbeck_noise(key, jnp.zeros(3), jnp.ones(3), 0.2, 0.1)
    return made, noise, rlax.categorical_kl_divergence(q, q[::-1])
