"""Arrays and trees of arrays on disk, and Python functions on the host of their arguments, next to JAX."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.same import assert_same, run_both, same_in_both

BOTH = (frameworks.EXPECTED, frameworks.ACTUAL)


def module_of(jax: Any, name: str) -> Any:
    """A module of `jax.experimental.array_serialization`."""
    return importlib.import_module(f"{jax.__name__}.experimental.array_serialization.{name}")


def arrays_of(jax: Any) -> list[Any]:
    """Of several dtypes and ranks, one empty."""
    jnp = jax.numpy
    made = [jnp.arange(24.0).reshape(4, 6), jnp.float32(2.5), jnp.arange(5, dtype="int8"), jnp.zeros((0, 3))]
    return [*made, jnp.linspace(0, 1, 7).astype("bfloat16"), jnp.array([True, False]), jnp.array([1 + 2j, 3j])]


def place_of(jax: Any) -> Any:
    """The one device."""
    return jax.sharding.SingleDeviceSharding(jax.devices()[0])


@pytest.mark.parametrize("reader", BOTH, ids=lambda jax: jax.__name__)
@pytest.mark.parametrize("writer", BOTH, ids=lambda jax: jax.__name__)
def test_what_one_writes_the_other_reads(writer: Any, reader: Any, tmp_path: Path) -> None:
    arrays = arrays_of(writer)
    paths = [str(tmp_path / str(k)) for k in range(len(arrays))]
    said: list[str] = []
    manager = module_of(writer, "serialization").GlobalAsyncCheckpointManager()
    manager.serialize_with_paths(arrays, paths, on_commit_callback=lambda: said.append("done"))
    manager.wait_until_finished()
    manager.check_for_errors()
    places = [place_of(reader)] * len(arrays)
    found = module_of(reader, "serialization").GlobalAsyncCheckpointManager().deserialize_with_paths(places, paths)
    assert said == ["done"]
    for a, b in zip(arrays, found, strict=True):
        assert isinstance(b, reader.Array) and (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def tree_of(jax: Any) -> Any:
    """A tree with None in it."""
    return {"a": jax.numpy.arange(6).reshape(2, 3), "b": [None, (jax.numpy.ones(2, "bfloat16"), jax.numpy.arange(3))]}


def saved_and_loaded(jax: Any, folder: Path) -> Any:
    """The tree, its shapes, a part of it."""
    trees = module_of(jax, "pytree_serialization")
    trees.save(tree_of(jax), folder)
    place = place_of(jax)
    shapes = jax.tree.map(lambda s: (s.shape, str(s.dtype)), trees.load_pytreedef(folder))
    part = trees.load(folder, place, mask={"a": False, "b": [True, (False, True)]})
    cast = trees.load(folder, jax.ShapeDtypeStruct((2, 3), "float32", sharding=place), mask={"a": True, "b": False})
    return trees.load(folder, place), shapes, part, cast


def test_trees(tmp_path: Path) -> None:
    expected, actual = run_both(lambda jax: saved_and_loaded(jax, tmp_path / jax.__name__))
    assert expected.error is None
    assert_same(expected, actual)


def test_trees_while_the_program_goes_on(tmp_path: Path) -> None:
    def program(jax: Any) -> Any:
        trees, folder = module_of(jax, "pytree_serialization"), tmp_path / jax.__name__
        saving = trees.nonblocking_save(tree_of(jax), folder)
        shapes = jax.tree.map(lambda s: s.shape, saving.pytree)
        done = saving.result(), saving.done()
        loading = trees.nonblocking_load(folder, place_of(jax))

        async def waited() -> Any:
            return await trees.nonblocking_load(folder, place_of(jax))

        return shapes, done[1], loading.result(), jax.tree.map(lambda s: s.shape, loading.pytree), asyncio.run(waited())

    assert_same(*run_both(program))


def refused(jax: Any, folder: Path, what: str) -> Any:
    """A call that is to fail."""
    trees, store = module_of(jax, "pytree_serialization"), module_of(jax, "tensorstore_impl")
    x = jax.numpy.ones((4, 2))
    spec = store.get_tensorstore_spec(folder / "x", arr=x)
    calls: dict[str, Any] = {
        "a leaf": lambda: trees.save({"a": 1}, folder),
        "something else there": lambda: trees.save({"a": x}, folder),
        "not to be overwritten": lambda: trees.save({"a": x}, folder, overwrite=False),
        "no folder": lambda: trees.load(folder / "none", place_of(jax)),
        "a relative path": lambda: store.get_tensorstore_spec("here/x"),
        "a bucket alone": lambda: store.get_tensorstore_spec("gs://bucket", ocdbt=False),
        "a bucket and a name": lambda: store.get_tensorstore_spec("gs://bucket/x"),
        "no sharding": lambda: asyncio.run(store.async_deserialize("cpu", spec)),
        "another dtype": lambda: store.verify_tensorstore_spec(spec, x.astype(int), folder, ocdbt=True),
        "another shape": lambda: store.verify_tensorstore_spec(spec, x[:2], folder, ocdbt=True),
        "no array": lambda: store.verify_tensorstore_spec(spec, None, folder, ocdbt=True),
        "no store": lambda: store.verify_tensorstore_spec({}, x, folder, ocdbt=True),
        "chunks that do not divide": lambda: store.verify_tensorstore_spec(
            store.merge_nested_ts_specs(
                spec,
                {"metadata": spec["metadata"] | {"chunk_grid": {"configuration": {"chunk_shape": [3, 2]}}}},
            ),
            x,
            folder,
            ocdbt=True,
        ),
    }
    return calls[what]()


@pytest.mark.parametrize("what", ["a leaf", "something else there", "not to be overwritten", "no folder", "a relative path",
                                  "a bucket alone", "a bucket and a name", "no sharding", "another dtype", "another shape",
                                  "no array", "no store", "chunks that do not divide"])  # fmt: skip
def test_what_is_refused(what: str, tmp_path: Path) -> None:
    if what in ("something else there", "not to be overwritten"):
        (tmp_path / "other").write_text("here")
    expected, actual = run_both(lambda jax: refused(jax, tmp_path, what))
    assert expected.error is not None
    assert_same(expected, actual)


@pytest.mark.parametrize("path", ["/a/b/x", "gs://bucket/a/b/x", "s3://bucket/a//b/x/"])
def test_specs(path: str) -> None:
    def program(jax: Any) -> Any:
        store, serialization = module_of(jax, "tensorstore_impl"), module_of(jax, "serialization")
        x = jax.numpy.ones((4, 6), "bfloat16")
        told = [store.get_tensorstore_spec(path, ocdbt=o, process_idx=p, arr=x, driver=d)
                for o in (True, False) for p in (None, 3) for d in ("zarr", "zarr3")]  # fmt: skip
        told += [serialization.get_tensorstore_spec(path), store.merge_nested_ts_specs({"driver": "zarr"}, None)]
        remote = [serialization.is_remote_storage(s) for s in (path, told[0], told[2]["kvstore"])]
        chunks = [store._compute_chunk_shape(s, "float32", 1000) for s in ((100, 30), (7, 11, 13), (97, 89), (), (0, 2))]
        leaves = [store.is_tensorstore_spec_leaf(s) for s in (None, told[0], {"a": 1}, 3)]
        return repr((told, remote, chunks, leaves))

    assert_same(*run_both(program))


def test_arrays_over_several_devices(tmp_path: Path) -> None:
    """Each device's part is written once and read on its own; a larger shape is filled with zeros."""
    code = f"""
import asyncio
import jaxlike as jax, numpy as np
from jaxlike.experimental.array_serialization import tensorstore_impl as store
jax.config.update("jax_num_cpu_devices", 4)
P = jax.sharding.PartitionSpec
rows = jax.sharding.NamedSharding(jax.make_mesh((4,), ("i",)), P("i"))
columns = jax.sharding.NamedSharding(jax.make_mesh((2, 2), ("i", "j")), P(None, "j"))
x = jax.device_put(np.arange(32.0).reshape(8, 4), rows)
spec = store.get_tensorstore_spec({str(tmp_path / "x")!r}, arr=x)
assert spec["metadata"]["chunk_grid"]["configuration"]["chunk_shape"] == [2, 4]
asyncio.run(store.async_serialize(x, spec))
for place, shape in ((columns, None), (rows, None), (columns, (10, 4))):
    y = asyncio.run(store.async_deserialize(place, dict(spec), shape))
    want = np.zeros(shape or (8, 4)); want[:8] = np.asarray(x)
    assert y.sharding == place and (np.asarray(y) == want).all()
"""
    import subprocess
    import sys

    subprocess.run([sys.executable, "-c", code], check=True)


def test_reading_is_bounded() -> None:
    """More bytes than the limit are read alone, fewer together."""

    def program(jax: Any) -> Any:
        limiter, order = module_of(jax, "serialization")._LimitInFlightBytes(10), []

        async def reads(name: str, size: int) -> None:
            await limiter.wait_for_bytes(size)
            order.append(f"{name} begins")
            for _ in range(3):
                await asyncio.sleep(0)
            order.append(f"{name} ends")
            await limiter.release_bytes(size)

        async def run() -> None:
            await asyncio.gather(reads("a", 6), reads("b", 6), reads("c", 4), reads("d", 30))

        asyncio.run(run())
        return order

    assert_same(*run_both(program))


@same_in_both(covers=["jax.experimental.colocated_python.colocated_python", "jax.experimental.colocated_python.colocated_cpu_devices",
                      "jax.experimental.colocated_python.colocated_python_class"])  # fmt: skip
def test_functions_on_the_host(jax: Any) -> Any:
    python = importlib.import_module(f"{jax.__name__}.experimental.colocated_python")

    @python.colocated_python
    def scaled(x: Any, by: Any) -> Any:
        return {"y": x * by, "n": by}

    @python.colocated_python_class
    class Counter:
        """Counts."""

        def __init__(self, start: int) -> None:
            self.n = start

        def add(self, x: Any) -> Any:
            """So much more."""
            self.n += int(x)
            return x * 0 + self.n

    x, cpu = jax.numpy.arange(3.0), jax.devices("cpu")
    counter = Counter(5)
    of_shapes = scaled.specialize(out_specs_fn=lambda x, by: {"y": x, "n": by})
    made = python.colocated_python(lambda: jax.numpy.ones(2)).specialize(devices=cpu[:1])
    mesh = python.colocated_cpu_devices(jax.sharding.Mesh(np.array(cpu[:1]), ("i",)))
    return (scaled(x, jax.numpy.float32(2)), of_shapes(x, jax.numpy.float32(3)), counter.add(x[1]), counter.add(x[2]),
            made(), scaled.__name__, Counter.__name__, len(python.colocated_cpu_devices(cpu[:1])), mesh.axis_names)  # fmt: skip


@pytest.mark.parametrize("what", ["nothing given", "said twice"])
def test_what_functions_on_the_host_refuse(what: str) -> None:
    def program(jax: Any) -> Any:
        python = importlib.import_module(f"{jax.__name__}.experimental.colocated_python")
        f = python.colocated_python(lambda *xs: xs)
        cpu = jax.devices("cpu")[:1]
        calls = {"nothing given": f, "said twice": lambda: f.specialize(devices=cpu).specialize(devices=cpu)}
        return calls[what]()

    expected, actual = run_both(program)
    assert expected.error is not None
    assert_same(expected, actual)


def test_functions_on_the_host_take_arrays_alone() -> None:
    """As JAX says it where it comes to that; numpy's arrays fail there before, by accident."""
    from jaxlike.experimental.colocated_python import colocated_python

    with pytest.raises(ValueError, match=r"colocated_python only supports jax\.Array as input and output"):
        colocated_python(lambda x: x)(np.ones(2))
    with pytest.raises(ValueError, match="Output does not match the specialization"):
        colocated_python(lambda x: x[:1]).specialize(out_specs_fn=lambda x: x)(frameworks.ACTUAL.numpy.ones(2))


def test_programs_of_another_runtime_are_refused() -> None:
    from jaxlike.extend.ifrt_programs import ifrt_programs

    with pytest.raises(AttributeError, match="make_plugin_program: there is no IFRT here"):
        ifrt_programs.make_plugin_program("text")


@same_in_both
def test_device_put_to_a_format(jax: Any, rng: np.random.Generator) -> Any:
    layout = importlib.import_module(f"{jax.__name__}.experimental.layout")
    x = rng.normal(size=(2, 3)).astype("float32")
    formats = [layout.Format(None, place_of(jax)), layout.Format(layout.Layout((1, 0)), place_of(jax)), layout.Format()]
    return [jax.device_put(x, f) for f in formats], jax.device_put({"a": x}, {"a": formats[1]})
