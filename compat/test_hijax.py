"""Values of higher types (`jax.experimental.hijax`): a mutable cell and an immutable pair, under the transformations.

Each program is one line of names that `setting` makes: `cell` and `pair` make values, `add`, `first` and `second` work on
pairs. The rule of `first` is wrong on purpose: the numbers tell whether it was asked.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import numpy as np
import pytest

from compat.same import both, run_both, same_in_both
from jaxlike.testing import assert_same


@dataclasses.dataclass(frozen=True)
class CellState:
    """What a cell holds, as types."""

    avals: tuple[Any, ...]
    tree: Any

    def normalize(self) -> CellState:
        """The same, strongly typed."""
        return CellState(tuple(a.normalize() for a in self.avals), self.tree)


@dataclasses.dataclass
class Pair:
    """Two arrays."""

    a: Any
    b: Any


def setting(jax: Any) -> dict[str, Any]:
    """The names that programs are made of."""
    hijax: Any = importlib.import_module(f"{jax.__name__}.experimental.hijax")
    jax.experimental = importlib.import_module(f"{jax.__name__}.experimental")
    tree = jax.tree

    class Cell:
        __slots__ = ("val",)
        val: Any

        def __init__(self, val: Any) -> None:
            self.val = val

        def cur_qdd(self) -> CellState:
            leaves, structure = tree.flatten(self.val)
            return CellState(tuple(map(jax.typeof, leaves)), structure)

        def get(self) -> Any:
            state = jax.experimental.cur_qdd(self)
            return tree.unflatten(state.tree, get_p.bind(self, avals=state.avals))

        def set(self, val: Any) -> None:
            leaves, structure = tree.flatten(val)
            set_p.bind(self, *leaves, tree=structure)

    class CellType(hijax.MutableHiType):
        get = hijax.aval_method(Cell.get)
        set = hijax.aval_method(Cell.set)

        def __hash__(self) -> int:
            return 0

        def __eq__(self, other: object) -> bool:
            return isinstance(other, CellType)

        def lo_ty_qdd(self, state: CellState) -> list[Any]:
            return list(state.avals)

        def new_from_loval(self, state: CellState, *arrays: Any) -> Cell:
            return Cell(tree.unflatten(state.tree, arrays))

        def read_loval(self, state: CellState, cell: Cell) -> list[Any]:
            del state
            return tree.leaves(cell.get())

        def update_from_loval(self, state: CellState, cell: Cell, *arrays: Any) -> None:
            cell.set(tree.unflatten(state.tree, arrays))

        def to_tangent_aval(self) -> CellType:
            return self

    hijax.register_hitype(Cell, lambda _: CellType())

    class New(hijax.HiPrimitive):
        def abstract_eval(self, *avals: Any, tree: Any) -> Any:
            return hijax.AvalQDD(CellType(), CellState(avals, tree)), set()

        def to_lojax(self, *leaves: Any, tree: Any) -> Cell:
            return Cell(jax.tree.unflatten(tree, leaves))

    class Get(hijax.HiPrimitive):
        multiple_results = True

        def abstract_eval(self, _: Any, *, avals: Any) -> Any:
            return avals, set()

        def to_lojax(self, cell: Cell, *, avals: Any) -> list[Any]:
            del avals
            return tree.leaves(cell.val)

    class Set(hijax.HiPrimitive):
        multiple_results = True

        def abstract_eval(self, cell: Any, *avals: Any, tree: Any) -> Any:
            cell.mutable_qdd.update(CellState(avals, tree))
            return [], set()

        def to_lojax(self, cell: Cell, *leaves: Any, tree: Any) -> list[Any]:
            cell.val = jax.tree.unflatten(tree, leaves)
            return []

    new_p, get_p, set_p = New("new_cell"), Get("get_cell"), Set("set_cell")

    class PairType(hijax.HiType):
        def __init__(self, a: Any, b: Any) -> None:
            self.a, self.b = a, b

        def __hash__(self) -> int:
            return hash((self.a, self.b))

        def __eq__(self, other: object) -> bool:
            return isinstance(other, PairType) and (self.a, self.b) == (other.a, other.b)

        def lo_ty(self) -> list[Any]:
            return [self.a, self.b]

        def lower_val(self, pair: Pair) -> list[Any]:
            return [pair.a, pair.b]

        def raise_val(self, a: Any, b: Any) -> Pair:
            return Pair(a, b)

        def to_tangent_aval(self) -> PairType:
            return PairType(self.a.to_tangent_aval(), self.b.to_tangent_aval())

        def vspace_zero(self) -> Pair:
            return Pair(*(jax.numpy.zeros(x.shape, x.dtype) for x in (self.a, self.b)))

        def vspace_add(self, x: Pair, y: Pair) -> Pair:
            return add_p.bind(x, y)

        def leading_axis_spec(self) -> Any:
            return None

        def dec_rank(self, size: Any, spec: Any) -> PairType:
            return PairType(*(x.update(shape=x.shape[1:]) for x in (self.a, self.b)))

        def inc_rank(self, size: Any, spec: Any) -> PairType:
            return PairType(*(x.update(shape=(size, *x.shape)) for x in (self.a, self.b)))

    hijax.register_hitype(Pair, lambda p: PairType(jax.typeof(p.a), jax.typeof(p.b)))

    class Linear(hijax.HiPrimitive):
        def __init__(self, name: str, type_of: Any, value: Any, transposed: Any, scale: float = 1) -> None:
            super().__init__(name)
            self.type_of, self.value, self.transposed, self.scale = type_of, value, transposed, scale

        def abstract_eval(self, *types: Any) -> Any:
            return self.type_of(*types), set()

        def to_lojax(self, *args: Any) -> Any:
            return self.value(*args)

        def jvp(self, primals: Any, tangents: Any) -> Any:
            moved = self.bind(*map(hijax.instantiate_zeros, tangents))
            return self.bind(*primals), moved if self.scale == 1 else moved * self.scale

        def transpose(self, ct: Any, *args: Any) -> Any:
            return self.transposed(ct)

    zero = jax.numpy.zeros_like
    make_p = Linear("make_pair", PairType, Pair, lambda ct: [first_p.bind(ct), second_p.bind(ct)])
    first_p = Linear("first", lambda p: p.a, lambda p: p.a, lambda ct: [make_p.bind(ct, zero(ct))], 10)
    second_p = Linear("second", lambda p: p.b, lambda p: p.b, lambda ct: [make_p.bind(zero(ct), ct)])
    add_p = Linear("add_pair", lambda x, y: x, lambda x, y: Pair(x.a + y.a, x.b + y.b), lambda ct: [ct, ct])

    def cell(val: Any) -> Any:
        leaves, structure = tree.flatten(val)
        return new_p.bind(*leaves, tree=structure)

    def held(c: Any, out: Any = None) -> Any:
        return out() if callable(out) else out, c.get()

    return {
        "jax": jax, "lax": jax.lax, "jnp": jax.numpy, "cell": cell, "held": held, "Cell": Cell, "f": jax.numpy.float32,
        "pair": lambda a, b: Pair(jax.numpy.float32(a), jax.numpy.float32(b)), "make": make_p.bind, "first": first_p.bind,
        "second": second_p.bind, "add": add_p.bind, "plus": lambda c, x: (c.set(c.get() + x), c.get())[1],
        "stop": jax.lax.stop_gradient, "xs": jax.numpy.arange(1.0, 4.0), "pairs": Pair(jax.numpy.arange(3.0), jax.numpy.ones(3)),
        "parts": lambda t: tree.map(lambda p: (p.a, p.b) if isinstance(p, Pair) else p, t),
    }  # fmt: skip


# ``c`` is a cell made outside, of 1.0.
CELLS = """
    held(c, lambda: [jax.jit(plus)(c, 2.0), jax.jit(plus)(c, 3.0)])
    (lambda j: held(c, lambda: [j(c, 2.0), j(c, 3.0), c.set(f(100.0)), j(c, 1.0)]))(jax.jit(plus))
    (lambda d: held(d, lambda: jax.jit(lambda d, x: d.set({'sum': x.sum()}))(d, xs)))(cell({}))
    (lambda j: held(c, lambda: [j(2.0), j(3.0), c.set(f(100.0)), j(1.0)]))(jax.jit(lambda x: plus(c, x) * 2))
    (lambda j: held(c, lambda: [j(2.0), c.set({'a': f(5.0), 'b': 3.0}), j(2.0)]))(jax.jit(lambda x: jax.tree.leaves(c.get())[0] + x))
    held(c, lambda: lax.scan(lambda k, x: (k + c.get(), plus(c, x)), 0.0, xs))
    held(c, lambda: lax.fori_loop(0, 3, lambda i, x: (plus(c, i), x + c.get())[1], 0.0))
    held(c, lambda: lax.while_loop(lambda x: x < 5, lambda x: x + plus(c, 1.0), 0.0))
    held(c, lambda: lax.cond(xs[0] > 0, lambda: plus(c, 1.0), lambda: c.get()))
    held(c, lambda: lax.cond(xs[0] > 0, plus, lambda d, x: x, c, 3.0))
    held(c, lambda: jax.grad(lambda x: (c.set(stop(x * 3)), x**2 + c.get())[1])(4.0))
    held(c, lambda: jax.jit(jax.grad(lambda x, d: (d.set(stop(x * 3)), x**2 + d.get())[1]))(4.0, c))
    held(c, lambda: jax.jit(lambda d, xs: lax.scan(lambda k, x: (k + d.get(), plus(d, x)), 0.0, xs))(c, xs))
    held(c, lambda: jax.jit(lambda x: jax.jit(plus)(c, x) + c.get())(2.0))
    held(c, lambda: jax.vmap(lambda x: x + c.get())(xs))
    jax.jit(lambda x: (lambda d: plus(d, 1.0) * d.get())(cell(x)))(3.0); held(c, lambda: jax.jit(lambda a, b: (plus(a, 1.0), b.get()))(c, c))
    jax.jit(lambda x: [e := cell(x), lax.scan(lambda d, x: (d, plus(e, x)), 0.0, xs)][1])(f(3.0))
    held(c, lambda: jax.eval_shape(lambda d: plus(d, 1.0), c).shape); jax.jit(lambda x: cell(x))(1.0); jax.jit(lambda c: c)(c)
    held(c, lambda: jax.jit(plus).lower(c, 1.0).compile()(c, 1.0)); type(jax.typeof(c)).__name__, jax.tree.leaves(c)[0] is c
    held(c, lambda: jax.jit(plus, static_argnums=1)(c, 2)); held(c, lambda: jax.jit(plus, donate_argnums=1)(c, xs[0]))
"""

PAIRS = """
    jax.jit(lambda p: first(p) * 2)(pair(2, 3)); jax.jit(lambda a: make(a, a))(f(2)); jax.jit(lambda p: [p, first(p)])(pair(2, 3))
    jax.grad(lambda p: first(p)**2 * second(p))(pair(2, 3)); jax.grad(lambda a: first(make(a, a * 2))**2)(f(2))
    jax.grad(jax.jit(lambda p: first(p)**2 * second(p)))(pair(2, 3)); jax.jit(jax.grad(lambda p: first(p)**2 * second(p)))(pair(2, 3))
    jax.jvp(lambda p: first(p)**2, (pair(2, 3),), (pair(1, 0),)); jax.vjp(lambda p: add(p, p), pair(2, 3))[1](pair(1, 2))
    jax.jvp(lambda p: add(p, p), (pair(2, 3),), (pair(1, 0),)); jax.linearize(lambda p: add(p, p), pair(2, 3))[1](pair(1, 2))
    jax.vjp(lambda p: first(p)**2, pair(2, 3))[1](f(1)); jax.value_and_grad(lambda p: second(add(p, p)))(pair(2, 3))
    jax.grad(lambda x, p: x * second(p), argnums=(0, 1))(f(2), pair(2, 3)); jax.grad(lambda p: (second(p), p), has_aux=True)(pair(2, 3))[0]
    lax.scan(lambda p, _: (add(p, p), first(p)), pair(2, 3), None, length=3); lax.scan(lambda k, p: (k + second(p), add(p, p)), 0.0, pairs, length=3)
    lax.while_loop(lambda p: first(p) < 10, lambda p: add(p, p), pair(2, 3)); lax.cond(xs[0] > 0, lambda p: add(p, p), lambda p: p, pair(2, 3))
    jax.grad(lambda p: second(jax.grad(lambda q: second(q)**3)(p)))(pair(2, 3)); jax.vmap(lambda a: first(make(a, a)))(xs)
    first(pair(2, 3)), second(pair(2, 3)), add(pair(2, 3), pair(4, 5)); jax.tree.leaves(pair(2, 3))
"""


def _lines(programs: str) -> list[str]:
    return [p.strip() for p in programs.replace("\n", ";").split(";") if p.strip()]


@pytest.mark.parametrize("line", _lines(CELLS) + _lines(PAIRS))
def test_programs(line: str) -> None:
    def program(jax: Any) -> Any:
        names = setting(jax)
        names["c"] = names["cell"](jax.numpy.asarray(1.0))
        return names["parts"](eval(line, names))

    assert_same(*run_both(program))


def test_what_a_closed_over_value_cannot_become() -> None:
    """JAX retraces; a ref has one shape."""
    names = setting(both().actual)
    c, jax = names["cell"](1.0), names["jax"]
    with pytest.raises(NotImplementedError, match="another structure"):  # JAX can: one ref has one shape here
        jax.jit(lambda x: c.set({"a": x}))(2.0)
    with pytest.raises(NotImplementedError, match="differentiation by a mutable value"):  # JAX fails for want of a rule
        jax.grad(lambda c: c.get())(c)
    assert float(c.get()) == 1.0


@same_in_both(covers=["jax.experimental.cur_qdd"])
def test_state_of_a_cell(jax):
    names = setting(jax)
    state = jax.experimental.cur_qdd(names["cell"]({"a": np.float32(1), "b": 2}))
    return [(a.shape, a.dtype, a.weak_type) for a in state.avals], repr(state.tree)
