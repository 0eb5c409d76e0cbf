"""distrax: distributions and bijectors."""

import distrax
import jax
import jax.numpy as jnp


def quick_start():
    key = jax.random.PRNGKey(1234)
    normal = distrax.MultivariateNormalDiag(jnp.array([-1.0, 1.0]), jnp.ones(2))
    samples = normal.sample(seed=key, sample_shape=(10,))
    return samples, normal.log_prob(samples), normal.entropy()


def distributions():
    key, out = jax.random.key(0), {}
    cases = {
        "normal": distrax.Normal(0.5, 2.0), "laplace": distrax.Laplace(0.0, 1.5), "gumbel": distrax.Gumbel(0.0, 2.0),
        "uniform": distrax.Uniform(-1.0, 2.0), "beta": distrax.Beta(2.0, 3.0), "gamma": distrax.Gamma(2.0, 1.5),
        "logistic": distrax.Logistic(0.0, 1.0), "bernoulli": distrax.Bernoulli(probs=jnp.array([0.2, 0.7])),
        "categorical": distrax.Categorical(logits=jnp.array([0.1, 0.5, -1.0])), "von_mises": distrax.VonMises(0.3, 2.0),
        "dirichlet": distrax.Dirichlet(jnp.array([1.0, 2.0, 3.0])),
        "multinomial": distrax.Multinomial(5, probs=jnp.array([0.2, 0.3, 0.5])),
        "mixture": distrax.MixtureSameFamily(
            distrax.Categorical(logits=jnp.zeros(3)), distrax.Normal(jnp.arange(3.0), jnp.ones(3))
        ),
        "tril": distrax.MultivariateNormalTri(jnp.zeros(2), jnp.array([[1.0, 0.0], [0.5, 2.0]])),
    }  # fmt: skip
    for name, d in cases.items():
        x, log_prob = d.sample_and_log_prob(seed=key, sample_shape=(4,))
        out[name] = x, log_prob, jax.jit(lambda d, x: d.log_prob(x))(d, x)
    return out


def bijectors():
    x = jnp.array([0.1, -0.4, 0.7])
    chain = distrax.Chain([distrax.Tanh(), distrax.ScalarAffine(0.5, 2.0)])
    flow = distrax.Transformed(distrax.Independent(distrax.Normal(jnp.zeros(3), jnp.ones(3)), 1), distrax.Block(chain, 1))
    spline = distrax.RationalQuadraticSpline(jax.random.normal(jax.random.key(0), (3, 13)), -1.0, 1.0)
    coupling = distrax.MaskedCoupling(
        jnp.array([True, False, True]), lambda h: jnp.stack([h, h * 0.1], -1),
        lambda p: distrax.ScalarAffine(p[..., 0], log_scale=p[..., 1]),
    )  # fmt: skip
    y, log_det = coupling.forward_and_log_det(x)
    return (
        chain.forward_and_log_det(x), chain.inverse(chain.forward(x)), flow.log_prob(jnp.tanh(x)),
        flow.sample(seed=jax.random.key(2), sample_shape=(2,)), spline.forward_and_log_det(x), y, log_det, coupling.inverse(y),
        jax.grad(lambda x: flow.log_prob(jnp.tanh(x)))(x),
    )  # fmt: skip


def divergences_and_training():
    p, q = distrax.Normal(0.0, 1.0), distrax.Normal(0.5, 2.0)

    def elbo(params, key):
        q = distrax.MultivariateNormalDiag(params["m"], jnp.exp(params["s"]))
        z, log_q = q.sample_and_log_prob(seed=key, sample_shape=(16,))
        return jnp.mean(log_q - distrax.MultivariateNormalDiag(jnp.ones(2), jnp.full(2, 0.5)).log_prob(z))

    params = {"m": jnp.zeros(2), "s": jnp.zeros(2)}
    step = jax.jit(lambda p, k: jax.tree.map(lambda a, g: a - 0.05 * g, p, jax.grad(elbo)(p, k)))
    for key in jax.random.split(jax.random.key(0), 10):
        params = step(params, key)
    return p.kl_divergence(q), q.cross_entropy(p), params


def hidden_markov_model():
    hmm = distrax.HMM(
        distrax.Categorical(probs=jnp.array([0.6, 0.4])), distrax.Categorical(probs=jnp.array([[0.7, 0.3], [0.2, 0.8]])),
        distrax.Normal(jnp.array([0.0, 2.0]), jnp.array([1.0, 0.5])),
    )  # fmt: skip
    obs = jnp.array([0.1, 1.9, 2.2, -0.3, 0.2])
    return hmm.forward(obs), hmm.viterbi(obs), hmm.forward_backward(obs)
