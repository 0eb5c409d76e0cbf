"""line_search: a step along a direction that satisfies the strong Wolfe conditions.

Nocedal and Wright, "Numerical Optimization", algorithms 3.5 (a bracket that grows) and 3.6 (zoom: cubic, else
quadratic interpolation, else bisection). Everything is `while_loop` and `where`, so that a search can be traced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, promote_dtypes_inexact
from jaxlike._src.lax.while_loop import while_loop
from jaxlike._src.scipy import jnp
from jaxlike._src.transforms.reverse import value_and_grad
from jaxlike._src.tree import tree_map

if TYPE_CHECKING:
    from collections.abc import Callable

_SUFFICIENT, _CURVATURE = 1e-4, 0.9  # the constants c1 and c2 of the Wolfe conditions


class Point(NamedTuple):
    """A step: its length, the value, the slope along the direction."""

    a: Any
    phi: Any
    slope: Any


class Found(NamedTuple):
    """A step with the gradient there, and what it cost."""

    done: Any
    failed: Any
    point: Point
    gradient: Any
    evaluations: Any


class LineSearchResults(NamedTuple):
    """What a search came to; ``status``: 0, 1 where zooming failed, 3 where no bracket was found."""

    failed: Any
    nit: Any
    nfev: Any
    ngev: Any
    k: Any
    a_k: Any
    f_k: Any
    g_k: Any
    status: Any


def dot(a: Any, b: Any) -> Array:
    """The product at full precision."""
    return jnp.dot(a, b, precision="highest")


def choose(condition: Any, new: Any, old: Any) -> Any:
    """Field by field the new where the condition holds."""
    return tree_map(lambda n, o: jnp.where(condition, n, o), new, old)


def _cubic_minimum(p: Point, q: Point, a: Any, phi: Any) -> Array:
    """Of the cubic through three points with the slope at the first."""
    db, dc = q.a - p.a, a - p.a
    scale = (db * dc) ** 2 * (db - dc)
    left, right = q.phi - p.phi - p.slope * db, phi - p.phi - p.slope * dc
    x = (dc**2 * left - db**2 * right) / scale
    y = (-(dc**3) * left + db**3 * right) / scale
    return p.a + (-y + jnp.sqrt(y * y - 3.0 * x * p.slope)) / (3.0 * x)


def _quadratic_minimum(p: Point, q: Point) -> Array:
    """Of the parabola through two points with the slope at the first."""
    db = q.a - p.a
    return p.a - p.slope / (2.0 * ((q.phi - p.phi - p.slope * db) / db**2))


class _Zoom(NamedTuple):
    found: Found
    count: Any
    low: Point
    high: Point
    recent: tuple[Any, Any]  # length and value of the last point that left the bracket


class Search:
    """A function along a line, with the conditions that a step must meet."""

    def __init__(self, f: Callable[..., Any], x: Array, direction: Array, value: Any, gradient: Any) -> None:
        self.f, self.x, self.direction, self.gradient = f, x, direction, gradient
        self.start = Point(0.0, value, jnp.real(dot(gradient, direction)))

    def at(self, a: Any) -> tuple[Point, Array]:
        """The point at step ``a``, and the gradient there."""
        value, gradient = value_and_grad(self.f)(self.x + astype(jnp.asarray(a), self.direction.dtype) * self.direction)
        return Point(a, value, jnp.real(dot(gradient, self.direction))), gradient

    def too_high(self, p: Point) -> Any:
        """Whether the value fell too little."""
        return p.phi > self.start.phi + _SUFFICIENT * p.a * self.start.slope

    def flat(self, p: Point) -> Any:
        """Whether the slope is small enough."""
        return jnp.abs(p.slope) <= -_CURVATURE * self.start.slope

    def zoom(self, low: Point, high: Point, wanted: Any) -> Found:
        """A step between two, of which the first has the lower value."""
        found = Found(False, False, Point(1.0, low.phi, low.slope), self.gradient, 0)
        middle = ((low.a + high.a) / 2.0, (low.phi + high.phi) / 2.0)

        def going(state: _Zoom) -> Any:
            return ~state.found.done & wanted & ~state.found.failed

        return while_loop(going, self._zoom_step, _Zoom(found, 0, low, high, middle)).found

    def _zoom_step(self, state: _Zoom) -> _Zoom:
        low, high = state.low, state.high
        width = high.a - low.a
        left, right = jnp.minimum(high.a, low.a), jnp.maximum(high.a, low.a)
        threshold = 1e-5 if dtypes.finfo(width.dtype).bits < 64 else 1e-10
        failed = state.found.failed | (width <= threshold)
        cubic = _cubic_minimum(low, high, *state.recent)
        use_cubic = (state.count > 0) & (cubic > left + 0.2 * width) & (cubic < right - 0.2 * width)
        parabola = _quadratic_minimum(low, high)
        use_parabola = ~use_cubic & (parabola > left + 0.1 * width) & (parabola < right - 0.1 * width)
        a = jnp.where(use_cubic, cubic, jnp.where(use_parabola, parabola, (low.a + high.a) / 2.0))
        point, gradient = self.at(a)
        point = Point(*(astype(jnp.asarray(v), o.dtype) for v, o in zip(point, low, strict=True)))
        to_high = self.too_high(point) | (point.phi >= low.phi)
        star = self.flat(point) & ~to_high
        swap = (point.slope * width >= 0.0) & ~to_high & ~star
        to_low = ~to_high & ~star
        recent = choose(to_high | swap, (high.a, high.phi), state.recent)
        recent = choose(to_low & ~swap, (low.a, low.phi), recent)
        found = Found(
            star | state.found.done,
            failed | (state.count + 1 >= 30),
            choose(star, point, state.found.point),
            jnp.where(star, astype(gradient, state.found.gradient.dtype), state.found.gradient),
            state.found.evaluations + 1,
        )
        new_high = choose(swap, low, choose(to_high, point, high))
        return _Zoom(found, state.count + 1, choose(to_low, point, low), new_high, recent)


class _State(NamedTuple):
    found: Found
    i: Any
    last: Point


def line_search(
    f: Callable[..., Any],
    xk: Any,
    pk: Any,
    old_fval: Any = None,
    old_old_fval: Any = None,
    gfk: Any = None,
    maxiter: int = 20,
) -> LineSearchResults:
    """A step from ``xk`` along ``pk``; values and gradient at ``xk``, if known, save an evaluation."""
    x, direction = promote_dtypes_inexact(xk, pk)
    known = old_fval is not None and gfk is not None
    value, gradient = (old_fval, gfk) if known else value_and_grad(f)(x)
    search = Search(f, x, direction, value, gradient)
    start = search.start
    first: Any = 1
    if old_old_fval is not None:
        guess = 1.01 * 2 * (start.phi - old_old_fval) / start.slope
        first = jnp.where(guess > 1, 1.0, guess)

    def step(state: _State) -> _State:
        a = jnp.where(state.i == 1, first, state.last.a * 2.0)
        point, here = search.at(a)
        bracketed = search.too_high(point) | ((point.phi >= state.last.phi) & (state.i > 1))
        star = search.flat(point) & ~bracketed
        turned = (point.slope >= 0.0) & ~bracketed & ~star
        forward = search.zoom(state.last, point, bracketed)
        backward = search.zoom(point, state.last, turned)
        found = state.found
        best, gradient = found.point, found.gradient
        for condition, where_to, slope in (
            (bracketed, forward.point, forward.gradient), (star, point, here), (turned, backward.point, backward.gradient)
        ):  # fmt: skip
            best, gradient = choose(condition, where_to, best), jnp.where(condition, slope, gradient)
        failed = found.failed | (bracketed & forward.failed) | (turned & backward.failed)
        evaluations = found.evaluations + 1 + forward.evaluations + backward.evaluations
        done = found.done | bracketed | star | turned
        return _State(Found(done, failed, best, gradient, evaluations), state.i + 1, point)

    def going(state: _State) -> Any:
        return ~state.found.done & (state.i <= maxiter) & ~state.found.failed

    begin = Found(jnp.asarray(False), jnp.asarray(False), start, gradient, 0 if known else 1)
    end = while_loop(going, step, _State(begin, 1, start))
    found = end.found
    status = jnp.where(found.failed, 1, jnp.where(end.i > maxiter, 3, 0))
    a = jnp.asarray(found.point.a)
    if dtypes.finfo(a.dtype).bits != 64:  # a step that is lost in rounding would stop everything
        a = jnp.where(jnp.abs(a) < 1e-8, jnp.sign(a) * 1e-8, a)
    count = found.evaluations
    return LineSearchResults(
        found.failed | ~found.done, end.i - 1, count, count, end.i, a, found.point.phi, found.gradient, status
    )
