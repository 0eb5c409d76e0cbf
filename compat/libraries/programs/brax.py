"""brax: simulated robots, and what trains them."""

import jax
import jax.numpy as jnp
from brax import base, envs, math
from brax.training import distribution, networks, types
from brax.training.acme import running_statistics, specs


def quick_start():
    env = envs.get_environment("inverted_pendulum", backend="generalized")
    state, step = jax.jit(env.reset)(jax.random.key(0)), jax.jit(env.step)
    for k in range(5):
        state = step(state, jnp.array([0.1 * k]))
    return state.obs, state.reward, state.done


def rotations():
    q = math.quat_rot_axis(jnp.array([0.0, 0.0, 1.0]), 0.3)
    t = base.Transform.create(pos=jnp.array([1.0, 2.0, 3.0]), rot=q)
    return math.rotate(jnp.array([1.0, 0.0, 0.0]), q), t.vmap().do(t.vmap()) if t.pos.ndim > 1 else t.do(t), math.quat_to_3x3(q)


def networks_are_trained():
    policy = networks.make_policy_network(4, 3, hidden_layer_sizes=(8, 8))
    params = policy.init(jax.random.key(0))
    obs = jax.random.normal(jax.random.key(1), (16, 3))
    head = distribution.NormalTanhDistribution(event_size=2)

    def loss(params):
        logits = policy.apply(None, params, obs)
        return jnp.mean(head.log_prob(logits, jnp.zeros((16, 2)))) + jnp.mean(head.entropy(logits, jax.random.key(2)))

    step = jax.jit(lambda p: jax.tree.map(lambda a, g: a - 0.01 * g, p, jax.grad(loss)(p)))
    for _ in range(4):
        params = step(params)
    return params, loss(params)


def statistics():
    state = running_statistics.init_state(specs.Array((3,), jnp.float32))
    for k in range(3):
        state = running_statistics.update(state, jax.random.normal(jax.random.key(k), (8, 3)) * (k + 1))
    return state.mean, state.std, running_statistics.normalize(jnp.ones(3), state), types.identity_observation_preprocessor(1.0, None)


def episodes():
    env = envs.training.wrap(envs.get_environment("inverted_pendulum", backend="spring"), episode_length=4)
    state = jax.jit(env.reset)(jax.random.split(jax.random.PRNGKey(0), 2))  # whose shapes it reads
    step, rewards = jax.jit(env.step), []
    for _ in range(5):
        state = step(state, jnp.full((2, env.action_size), 0.2))
        rewards.append(state.reward)
    return jnp.stack(rewards), state.done, state.obs
