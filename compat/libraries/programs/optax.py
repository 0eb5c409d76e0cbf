"""optax: gradient transformations."""

import jax
import jax.numpy as jnp
import optax


def _problem():
    k1, k2, k3 = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(k1, (64, 8))
    y = jnp.sin(x @ jax.random.normal(k2, (8, 2)))
    params = {"w1": jax.random.normal(k3, (8, 16)) / 3, "b1": jnp.zeros(16), "w2": jnp.full((16, 2), 0.1)}

    def loss(p, x=x, y=y):
        return jnp.mean((jnp.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] - y) ** 2)

    return params, loss


def quick_start():
    params, loss = _problem()
    solver = optax.adam(1e-2)
    state = solver.init(params)

    @jax.jit
    def step(params, state):
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = solver.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    values = []
    for _ in range(50):
        params, state, value = step(params, state)
        values.append(value)
    return params, state, jnp.stack(values)


def every_optimiser():
    params, loss = _problem()
    schedule = optax.warmup_cosine_decay_schedule(0.0, 0.05, 5, 20)
    solvers = {
        "sgd": optax.sgd(0.1, momentum=0.9, nesterov=True),
        "adamw": optax.adamw(schedule, weight_decay=1e-2),
        "adagrad": optax.adagrad(0.1), "adabelief": optax.adabelief(1e-2), "adafactor": optax.adafactor(1e-2),
        "adamax": optax.adamax(1e-2), "amsgrad": optax.amsgrad(1e-2), "lamb": optax.lamb(1e-2),
        "lars": optax.lars(1e-1), "lion": optax.lion(1e-3), "nadam": optax.nadam(1e-2),
        "novograd": optax.novograd(1e-2), "radam": optax.radam(1e-2), "rmsprop": optax.rmsprop(1e-2),
        "rprop": optax.rprop(1e-2), "sm3": optax.sm3(1e-1), "yogi": optax.yogi(1e-2), "adan": optax.adan(1e-2),
        "fromage": optax.fromage(1e-2), "noisy": optax.noisy_sgd(1e-2), "sign": optax.sign_sgd(1e-2),
        "clipped": optax.chain(optax.clip_by_global_norm(0.1), optax.scale_by_adam(), optax.scale(-1e-2)),
    }  # fmt: skip
    out = {}
    for name, solver in solvers.items():

        def body(carry, _, solver=solver):
            p, s = carry
            value, g = jax.value_and_grad(loss)(p)
            u, s = solver.update(g, s, p)
            return (optax.apply_updates(p, u), s), value

        (p, _), values = jax.lax.scan(body, (params, solver.init(params)), length=10)
        out[name] = values, p["w2"]
    return out


def lbfgs_with_line_search():
    def rosenbrock(x):
        return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    solver = optax.lbfgs()
    value_and_grad = optax.value_and_grad_from_state(rosenbrock)

    @jax.jit
    def run(x):
        def step(carry):
            x, state = carry
            value, grad = value_and_grad(x, state=state)
            updates, state = solver.update(grad, state, x, value=value, grad=grad, value_fn=rosenbrock)
            return optax.apply_updates(x, updates), state

        def more(carry):
            state = carry[1]
            count = optax.tree.get(state, "count")
            grad = optax.tree.get(state, "grad")
            return (count == 0) | ((count < 100) & (optax.tree.norm(grad) > 1e-3))

        return jax.lax.while_loop(more, step, (x, solver.init(x)))[0]

    return run(jnp.zeros(4))


def masks_accumulation_and_injected_parameters():
    params, loss = _problem()
    solver = optax.MultiSteps(
        optax.inject_hyperparams(lambda learning_rate: optax.multi_transform(
            {"a": optax.adam(learning_rate), "b": optax.masked(optax.sgd(0.1), {"w1": False, "b1": True, "w2": False})},
            {"w1": "a", "b1": "b", "w2": "a"},
        ))(learning_rate=optax.exponential_decay(1e-2, 5, 0.9)),
        every_k_schedule=2,
    )  # fmt: skip
    state = solver.init(params)
    step = jax.jit(lambda p, s: (lambda u: (optax.apply_updates(p, u[0]), u[1]))(solver.update(jax.grad(loss)(p), s, p)))
    for _ in range(6):
        params, state = step(params, state)
    return params, state.gradient_step


def losses():
    k1, k2 = jax.random.split(jax.random.key(3))
    logits, labels = jax.random.normal(k1, (6, 5)), jax.random.randint(k2, (6,), 0, 5)
    hot = jax.nn.one_hot(labels, 5)
    log_probs = jax.nn.log_softmax(jax.random.normal(k1, (2, 7, 5)))
    pads = jnp.zeros((2, 7)), jnp.zeros((2, 3))
    return (
        optax.softmax_cross_entropy_with_integer_labels(logits, labels),
        jax.grad(lambda x: optax.softmax_cross_entropy(x, hot).sum())(logits),
        optax.sigmoid_binary_cross_entropy(logits, hot), optax.huber_loss(logits, hot), optax.log_cosh(logits, hot),
        optax.cosine_similarity(logits, hot), optax.hinge_loss(logits, 2 * hot - 1),
        optax.kl_divergence(jax.nn.log_softmax(logits), jax.nn.softmax(logits[::-1])),
        optax.ctc_loss(log_probs, pads[0], jnp.array([[1, 2, 3], [2, 2, 4]]), pads[1]),
        jax.grad(lambda x: optax.losses.sigmoid_focal_loss(x, hot).sum())(logits),
    )  # fmt: skip
