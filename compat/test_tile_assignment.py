"""How XLA writes a splitting down: grids of device numbers, what they say of an array, and the specs that they stand for."""

from __future__ import annotations

import importlib
import operator
import warnings
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both
from jaxlike._src import private_names


def private(jax: Any, module: str, name: str) -> Any:
    """A private name of either framework."""
    if jax.__name__ == "jaxlike":
        return private_names.find(f"jax._src.{module}", name)
    return operator.attrgetter(f"{module}.{name}")(importlib.import_module("jax._src"))


def facts(h: Any) -> Any:
    """All that a splitting says of itself."""
    grid = h.num_devices(), h.num_dimensions(), list(h.tile_assignment_dimensions()), list(h.tile_assignment_devices())
    kinds = h.is_tiled(), h.is_replicated(), h.is_manual(), h.is_maximal(), h.is_unknown(), h.is_unreduced()
    last = [str(t) for t in h.subgroup_types()], h.replicate_on_last_tile_dim(), h.is_tile_assignment_iota()
    return repr(h), grid, kinds, last, list(map(repr, h.tuple_elements()))


R, M, U = "REPLICATED", "MANUAL", "UNREDUCED"
IOTAS: list[tuple[Any, ...]] = [
    ((2, 4),), ((8,),), ((1, 1),), ((2, 4), (4, 2), (1, 0)), ((2, 4), (4, 2), (0, 1)), ((2, 2, 2), (2, 2, 2), (1, 2, 0)),
    ((2, 2, 2), (2, 2, 2), (2, 1, 0), (R,)), ((2, 2, 2), (), (), (M, R)), ((2, 2, 2), (), (), (R, R)), ((2, 4), (), (), (R, R)),
    ((1,), (), (), (R,)), ((4, 1, 2), (), (), (R,)), ((4, 2, 1), (), (), (R,)), ((2, 4), (), (), (M,)), ((2, 4), (), (), (U,)),
    ((),), ((2,), (2,)), ((2,), (3,), (0,)), ((2, 2), (2, 2), (0,)),
]  # fmt: skip


def of_iota(jax: Any, args: tuple[Any, ...]) -> Any:
    """A grid of a range of numbers."""
    hlo, op = (private(jax, "lib.xla_client", name) for name in ("HloSharding", "OpSharding"))
    types = [getattr(op.Type, t) for t in args[3]] if len(args) == 4 else []
    try:
        return facts(hlo.iota_tile(args[0], *args[1:3], subgroup_types=types))
    except Exception as error:  # of the runtime: its text is compared
        return str(error)


@pytest.mark.parametrize("args", IOTAS, ids=str)
def test_ranges(args: tuple[Any, ...]):
    assert_same(*run_both(lambda jax: of_iota(jax, args)))


def of_records(jax: Any) -> Any:
    """What records say."""
    hlo, op = (private(jax, "lib.xla_client", name) for name in ("HloSharding", "OpSharding"))

    def record(kind: str, dims: Any = (), devices: Any = (), **more: Any) -> Any:
        made = op()
        made.type = getattr(op.Type, kind)
        made.tile_assignment_dimensions, made.tile_assignment_devices = list(dims), list(devices)
        for name, value in more.items():
            setattr(made, name, value)
        return made

    mixed, straight = record("OTHER", [2, 4], [0, 2, 1, 3, 4, 5, 6, 7]), record("OTHER", [2, 4], range(8))
    last = record("OTHER", [2, 2, 2], range(8), last_tile_dims=[op.Type.REPLICATED])
    flag = record("OTHER", [2, 2, 2], range(8), replicate_on_last_tile_dim=True)
    whole = [record(kind) for kind in ("REPLICATED", "MANUAL", "UNREDUCED", "UNKNOWN")]
    made = [mixed, mixed.clone(), straight, last, flag, *whole, record("MAXIMAL", [1], [3])]
    parts = record("TUPLE", tuple_shardings=[mixed, last, whole[0]])
    ordered = hlo.subgroup_with_device_ordering(np.arange(8).reshape(2, 4)[:, ::-1].copy(), [op.Type.REPLICATED])
    equal = hlo.from_proto(straight) == hlo.iota_tile((2, 4)), hlo.from_proto(mixed) == hlo.from_proto(straight)
    return [facts(hlo.from_proto(r)) for r in made], list(map(repr, hlo.from_proto(parts).tuple_elements())), repr(hlo.from_proto(parts)), facts(ordered), equal


def test_records():
    assert_same(*run_both(of_records))


def of_tools(jax: Any) -> Any:
    """Which part each device has, how often an axis is cut, what is the same."""
    hlo = private(jax, "lib.xla_client", "HloSharding")
    indices, ways, equal, everywhere = (
        private(jax, "op_shardings", name)
        for name in (
            "op_sharding_to_indices",
            "get_num_ways_dim_sharded",
            "are_hlo_shardings_equal",
            "is_hlo_sharding_replicated",
        )
    )
    grids = [hlo.iota_tile((2, 4), (4, 2), (1, 0)), hlo.iota_tile((8, 1)), hlo.replicate()]
    one = hlo.iota_tile((1, 1))
    places = [[(s.start, s.stop) for index in indices(g, (8, 8), 8) for s in index] for g in grids]
    return places, [ways(g) for g in grids], equal(one, grids[2]), equal(*grids[:2]), everywhere(one)


def test_tools():
    assert_same(*run_both(of_tools))


@same_in_both(
    covers=[
        "jax.interpreters.pxla.are_hlo_shardings_equal",
        "jax.interpreters.pxla.is_hlo_sharding_replicated",
        "jax.interpreters.pxla.op_sharding_to_indices",
    ]
)
def test_tools_by_their_old_names(jax: Any) -> Any:
    pxla = importlib.import_module(f"{jax.__name__}.interpreters.pxla")
    hlo = private(jax, "lib.xla_client", "HloSharding")
    one, two = hlo.iota_tile((1, 1)), hlo.iota_tile((2, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are deprecated: `test_small_names.py` compares what is said
        equal, everywhere, indices = (
            getattr(pxla, name)
            for name in ("are_hlo_shardings_equal", "is_hlo_sharding_replicated", "op_sharding_to_indices")
        )
    return equal(one, two), equal(one, hlo.replicate()), everywhere(one), [len(i) for i in indices(two, (4, 4), 2)]


SPECS: list[tuple[Any, ...]] = [
    (), ("x",), ("y",), ("x", "y"), ("y", "x"), (("x", "y"),), (None, ("y", "x")), (None, "z"), (("z", "x"), None), ("z", None, "x"),
    ("x", "y", "z"), (("y", "z"), "x"), (("x", "z"), "y"),
]  # fmt: skip


def of_specs(jax: Any, sizes: tuple[int, ...], spec: tuple[Any, ...]) -> Any:
    """A spec's grid, and the spec that is read off it."""
    mesh = jax.sharding.AbstractMesh(sizes, ("x", "y", "z"))
    grid = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*spec))._to_xla_hlo_sharding(3)
    parse = private(jax, "sharding_impls", "parse_flatten_op_sharding")
    return facts(grid), str(parse(grid, mesh))


@pytest.mark.parametrize("sizes", [(2, 4, 3), (2, 1, 4)], ids=str)
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_specs(sizes: tuple[int, ...], spec: tuple[Any, ...]):
    assert_same(*run_both(lambda jax: of_specs(jax, sizes, spec)))


def with_devices(jax: Any) -> Any:
    """A grid with the one device there is, as an array's sharding."""
    hlo = private(jax, "lib.xla_client", "HloSharding")
    made = private(jax, "sharding_impls", "GSPMDSharding")
    cut, whole = made(jax.devices()[:1], hlo.iota_tile((1, 1))), made.get_replicated(jax.devices()[:1])
    x = jax.device_put(np.ones((2, 3), np.float32), cut)
    with pytest.raises(ValueError, match="only valid for values of rank at least 2"):
        cut.check_compatible_aval((2,))
    placed = x.sharding == cut, x.sharding.is_equivalent_to(jax.sharding.SingleDeviceSharding(jax.devices()[0]), 2)
    return cut == whole, hash(cut) == hash(whole), cut.shard_shape((2, 3)), cut.is_fully_replicated, placed, x


def test_with_devices():
    assert_same(*run_both(with_devices))
