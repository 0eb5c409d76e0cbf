"""orbax: checkpoints."""

import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp


def _folder():
    return Path(tempfile.mkdtemp())


def _state():
    keys = jax.random.split(jax.random.key(0), 2)
    return {
        "params": {"w": jax.random.normal(keys[0], (8, 3)), "b": jnp.zeros(3, jnp.bfloat16)},
        "list": [jnp.arange(5), np.float32(2.5), 7],
        "key": jax.random.key_data(keys[1]),
    }


def quick_start():
    path, state = _folder() / "checkpoint", _state()
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path, state)
        checkpointer.wait_until_finished()
        return checkpointer.restore(path)


def into_shapes_and_dtypes():
    path, state = _folder() / "checkpoint", _state()
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])

    def wanted(x):
        dtype = jnp.float32 if x.dtype == jnp.bfloat16 else x.dtype
        return jax.ShapeDtypeStruct(x.shape, dtype, sharding=place)

    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path, state)
        checkpointer.wait_until_finished()
        shapes = {"params": jax.tree.map(wanted, state["params"]), "list": [wanted(state["list"][0]), 0.0, 0], "key": wanted(state["key"])}
        restored = checkpointer.restore(path, shapes)
    return restored, jax.jit(lambda p: p["w"] @ p["b"])(restored["params"])


def a_training_that_goes_on():
    folder, optimizer = _folder(), optax.adam(0.1)
    x = jax.random.normal(jax.random.key(1), (16, 8))

    @jax.jit
    def step(state):
        params, opt = state
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((jnp.tanh(x @ p["w"]) - 0.5) ** 2))(params)
        updates, opt = optimizer.update(grads, opt)
        return (optax.apply_updates(params, updates), opt), loss

    params = {"w": jax.random.normal(jax.random.key(2), (8, 3))}
    state = params, optimizer.init(params)
    options = ocp.CheckpointManagerOptions(max_to_keep=2, save_interval_steps=2)
    with ocp.CheckpointManager(folder, options=options) as manager:
        for k in range(6):
            state, _ = step(state)
            manager.save(k, args=ocp.args.StandardSave(state))
        manager.wait_until_finished()
        steps = manager.all_steps()
    with ocp.CheckpointManager(folder, options=options) as manager:
        again = manager.restore(manager.latest_step(), args=ocp.args.StandardRestore(state))
    for _ in range(3):
        again, loss = step(again)
    return np.array(steps), again, loss


def the_best_and_what_else_is_known():
    options = ocp.CheckpointManagerOptions(best_fn=lambda m: m["loss"], best_mode="min", max_to_keep=2)
    with ocp.CheckpointManager(_folder(), options=options) as manager:
        for k, loss in enumerate([0.5, 0.1, 0.3, 0.2]):
            items = {"state": ocp.args.StandardSave({"x": jnp.full(3, loss)}), "note": ocp.args.JsonSave({"step": k})}
            manager.save(k, args=ocp.args.Composite(**items), metrics={"loss": loss})
        manager.wait_until_finished()
        best = manager.best_step()
        parts = ocp.args.Composite(state=ocp.args.StandardRestore(), note=ocp.args.JsonRestore())
        found = manager.restore(best, args=parts)
        return best, sorted(manager.all_steps()), found["state"], found["note"]["step"]


def trees_of_numpy_and_parts_of_them():
    path, state = _folder() / "tree", _state()
    checkpointer = ocp.PyTreeCheckpointer()
    checkpointer.save(path, state)
    as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), state)
    whole = checkpointer.restore(path, restore_args=as_numpy)
    shapes = jax.tree.map(lambda m: np.array(m.shape), checkpointer.metadata(path).item_metadata.tree["params"])
    return whole, shapes
