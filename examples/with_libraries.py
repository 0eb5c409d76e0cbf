"""JAX's libraries and torch in one program: `python examples/with_libraries.py` (needs optax, equinox and diffrax).

Three bridges: a torch module that optax trains, an equinox model that torch.optim trains, and a differential equation
that diffrax solves as a layer of a torch network. It needs jaxlike, which stands in for jax for the three libraries.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch

import jaxlike

jaxlike.install()  # from here on `import jax` is jaxlike, in the libraries too

import diffrax  # noqa: E402
import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import optax  # noqa: E402


def torch_model_by_optax(steps: int) -> list[float]:
    """The parameters of a torch module are a tree, which optax updates as any other."""
    torch.manual_seed(0)
    net = jaxlike.torch_function(torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)))
    x = jnp.linspace(-1.0, 1.0, 32)[:, None]
    optimizer = optax.adamw(0.02)

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((net(p, x) - jnp.sin(3 * x)) ** 2))(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    params, losses = net.parameters, []
    state = optimizer.init(params)
    for _ in range(steps):
        params, state, loss = step(params, state)
        losses.append(float(loss))
    return losses


def trained_by_torch(module: torch.nn.Module, steps: int) -> list[float]:
    """The losses of a torch module that learns a sine."""
    optimizer, losses = torch.optim.Adam(module.parameters(), lr=0.02), []
    x = torch.linspace(-1, 1, 32)[:, None]
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (module(x) - torch.sin(3 * x)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def equinox_model_by_torch(steps: int) -> list[float]:
    """The arrays of an equinox model are the parameters of a torch module; the rest of it is closed over."""
    model = eqx.nn.MLP(1, 1, 16, 2, key=jax.random.key(0))
    arrays, rest = eqx.partition(model, eqx.is_array)
    leaves, structure = jax.tree.flatten(arrays)

    def apply(parameters: Any, x: Any) -> Any:
        whole = eqx.combine(jax.tree.unflatten(structure, [parameters[f"p{k}"] for k in range(len(leaves))]), rest)
        return jax.vmap(whole)(x)

    module = jaxlike.as_torch(jax.jit(apply), {f"p{k}": leaf for k, leaf in enumerate(leaves)})
    return trained_by_torch(module, steps)


def diffrax_layer_in_torch(steps: int) -> list[float]:
    """A layer between two of torch's that follows a vector field for a unit of time."""

    def flow(parameters: Any, y: Any) -> Any:
        term = diffrax.ODETerm(lambda t, y, w: jnp.tanh(y @ w))
        solve = diffrax.diffeqsolve(
            term, diffrax.Heun(), 0.0, 1.0, 0.25, y, parameters["w"], saveat=diffrax.SaveAt(t1=True), max_steps=8
        )
        return solve.ys[0]

    torch.manual_seed(0)
    layer = jaxlike.as_torch(jax.jit(flow), {"w": 0.5 * jax.random.normal(jax.random.key(1), (8, 8))})
    net = torch.nn.Sequential(torch.nn.Linear(1, 8), layer, torch.nn.Linear(8, 1))
    return trained_by_torch(net, steps)


def main() -> None:
    """Run the three, tell how the losses went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps")
    parser.add_argument("--plot", metavar="FILE", help="where to write the picture")
    steps = 30 if (options := parser.parse_args()).quick else 300
    courses = {}
    for bridge in (torch_model_by_optax, equinox_model_by_torch, diffrax_layer_in_torch):
        name = bridge.__name__.replace("_", " ")
        losses = courses[name] = bridge(steps)
        print(f"{name}: {losses[0]:.3f} -> {losses[-1]:.5f}")
        assert losses[-1] < 0.5 * losses[0]
    if options.plot:
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
        for name, losses in courses.items():
            axes.semilogy(losses, label=name)
        axes.set(xlabel="step of Adam", ylabel="loss")
        axes.legend(frameon=False)
        figure.savefig(options.plot, dpi=90)


if __name__ == "__main__":
    main()
