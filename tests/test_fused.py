"""Programs that graphs are written as: each operation next to torch's own, on few numbers, on many, and on strided ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.graph.fused.build import compiler
from jaxlike._src.graph.fused.kernel import Kernel, source_of
from jaxlike._src.graph.fused.values import Ineligible
from jaxlike._src.graph.trace import trace

aten = torch.ops.aten
pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.5,
    -2.5,
    3.5,
    float("inf"),
    -float("inf"),
    float("nan"),
    1e-3,
    700.0,
    -0.5,
    0.5,
    1e30,
    7.0,
]
ONE = ("neg", "abs", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp",
       "exp2", "expm1", "log", "log2", "log10", "log1p", "erf", "erfc", "sqrt", "rsqrt", "reciprocal", "floor", "ceil", "trunc",
       "round", "sign", "relu", "sigmoid", "square", "isnan", "isinf", "isfinite", "logical_not", "signbit")  # fmt: skip
TWO = ("add", "sub", "mul", "div", "maximum", "minimum", "fmax", "fmin", "atan2", "hypot", "fmod", "remainder", "pow",
       "copysign", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "logaddexp",
       "floor_divide")  # fmt: skip
INTEGERS_ONE = ("neg", "abs", "sign", "square", "bitwise_not", "relu")
INTEGERS_TWO = ("add", "sub", "mul", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor", "eq", "lt", "ge")
NOT_ZERO = ("fmod", "remainder", "floor_divide")  # torch refuses integers divided by zero
REDUCTIONS = ("sum", "prod", "amax", "amin", "mean", "argmax", "argmin", "any", "all", "cumsum", "cumprod")


def kernel_of(fun: Callable[..., Any], tensors: Sequence[Tensor]) -> Kernel:
    """The program of a function of tensors that gives a list of tensors."""
    made = trace(lambda xs: [Array(t) for t in fun(*map(unwrap, xs))], [Array(t) for t in tensors], "fun")
    source = source_of(made[0])
    if not source.path().exists():
        source.build()
    return Kernel.built(source, source.path())


def check(names: Sequence[str], fun: Callable[..., list[Tensor]], tensors: Sequence[Tensor], ulp: float = 4) -> None:
    """Every result of the program equals what torch gives."""
    expected, actual = fun(*tensors), kernel_of(fun, tensors)(tensors)
    for name, want, got in zip(names, expected, actual, strict=True):
        assert got.dtype == want.dtype and got.shape == want.shape, name
        floating = want.dtype.is_floating_point or want.dtype.is_complex
        eps = torch.finfo(want.dtype).eps * ulp if floating else 0
        torch.testing.assert_close(got, want, rtol=eps, atol=eps, equal_nan=True, msg=lambda m, n=name: f"{n}: {m}")


def floats(shape: str, dtype: torch.dtype) -> list[Tensor]:
    """Two tensors of floats with every special number in the first."""
    count = {"few": 16, "many": 256, "strided": 512}[shape]
    x = torch.tensor(SPECIAL, dtype=dtype).repeat(count // 16)
    y = torch.tensor([*SPECIAL[5:], *SPECIAL[:5]], dtype=dtype).repeat_interleave(count // 16)
    x, y = (t.reshape(16, -1).squeeze(1) for t in (x, y))
    return [t.T.contiguous().T if shape == "strided" else t for t in (x, y)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", ["few", "many", "strided"])
def test_functions_of_floats(shape: str, dtype: torch.dtype) -> None:
    x, y = floats(shape, dtype)
    check(ONE, lambda x, y: [getattr(torch, n)(x) for n in ONE], [x, y], 8)
    check(TWO, lambda x, y: [getattr(torch, n)(x, y) for n in TWO], [x, y], 8)
    with_number = [n for n in TWO if n in ("add", "sub", "mul", "div", "remainder", "pow", "eq", "lt", "floor_divide")]
    check(with_number, lambda x, y: [getattr(torch, n)(x, 2.0) for n in with_number], [x, y], 8)


COMPLEX_ONE = ("neg", "abs", "angle", "sgn", "square", "reciprocal", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos",
               "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "conj_physical",
               "isnan", "isinf", "isfinite")  # fmt: skip
COMPLEX_TWO = ("add", "sub", "mul", "div", "eq", "ne", "pow")


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=str)
@pytest.mark.parametrize("shape", ["few", "many", "strided"])
def test_functions_of_complex_numbers(shape: str, dtype: torch.dtype) -> None:
    count = {"few": 16, "many": 60, "strided": 64}[shape]
    x, y = torch.randn(2, count, dtype=dtype, generator=torch.Generator().manual_seed(0))
    if shape == "strided":
        x, y = (t.view(8, 8).T for t in (x, y))
    check(COMPLEX_ONE, lambda x, y: [getattr(torch, n)(x) for n in COMPLEX_ONE], [x, y], 64)
    check(COMPLEX_TWO, lambda x, y: [getattr(torch, n)(x, y) for n in COMPLEX_TWO], [x, y], 64)
    check(COMPLEX_TWO, lambda x, y: [getattr(torch, n)(x, 2) for n in COMPLEX_TWO], [x, y], 64)


def test_sizes_of_special_complex_numbers() -> None:
    halves = torch.tensor(SPECIAL)
    z = torch.complex(halves.repeat(16), halves.repeat_interleave(16))
    check(["abs"], lambda z: [z.abs()], [z], 4)


@pytest.mark.parametrize("count", [3, 40])
def test_halves_of_complex_numbers(count: int) -> None:
    z, w = torch.randn(2, count, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
    real, as_complex = torch.view_as_real, torch.view_as_complex

    def of(z: Tensor, w: Tensor) -> list[Tensor]:
        pairs, total = real(z), real(z * w) + real(w)
        parts = [pairs[..., 0] * 2, pairs[..., -1], pairs.sum(-1), pairs.flip(-1), real(z * w)[1:], real(z[1]) * 2]
        whole = [as_complex(total), as_complex(pairs * 2), as_complex(torch.stack([pairs[..., 1], pairs[..., 0]], -1))]
        moved = [torch.where(z.abs() > 1, z, w), z.to(torch.complex128), pairs[..., 0].to(torch.complex64), total]
        sums = [z.sum(), z.prod(), z.mean(), z.cumsum(0), torch.dot(z, w), torch.outer(z, w), torch.outer(z, w) @ w]
        return [*parts, *whole, *moved, *sums, torch.cat([z, w]), torch.ones_like(z) * 1j + z]

    check([str(k) for k in range(25)][: len(of(z, w))], of, [z, w], 64)
    known = kernel_of(lambda z: [z * 2], [z])
    torch.testing.assert_close(known([z.conj()])[0], z.conj().resolve_conj() * 2)


@pytest.mark.parametrize("shape", ["few", "many"])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.int8, torch.uint8], ids=str)
def test_functions_of_integers(shape: str, dtype: torch.dtype) -> None:
    info = torch.iinfo(dtype)
    x = torch.tensor(
        [0, 1, 2, 3, 5, 7, 100, info.max, info.min, info.max - 1, info.min + 1, 9, 10, 11, 12, 13], dtype=dtype
    )
    y = torch.tensor([3, 1, 2, 7, 2, 5, 3, 2, 7, 9, 11, 2, 3, 4, 5, 6], dtype=dtype)
    if dtype.is_signed:
        y = y * torch.tensor([1, -1], dtype=dtype).repeat(8)
    x, y = (t if shape == "few" else t.repeat(20) for t in (x, y))
    one = [n for n in INTEGERS_ONE if dtype.is_signed or n != "abs"]
    check(one, lambda x, y: [getattr(torch, n)(x) for n in one], [x, y])
    both = [*INTEGERS_TWO, *NOT_ZERO]
    check(both, lambda x, y: [getattr(torch, n)(x, y) for n in both], [x, y])
    check(
        ["truncated", "left", "right", "power", "float", "double", "bool"],
        lambda x, y: [
            torch.div(x, y, rounding_mode="trunc"),
            torch.bitwise_left_shift(x, y.abs() % 5),
            torch.bitwise_right_shift(x, y.abs() % 5),
            torch.pow(x, y.abs() % 5),
            x.to(torch.float32),
            x.to(torch.float64),
            x.to(torch.bool),
        ],
        [x, y],
    )


@pytest.mark.parametrize("size", [(3, 4), (3, 40), (40, 3), (6, 5, 7)], ids=str)
def test_reductions(size: tuple[int, ...]) -> None:
    x = torch.randn(size, generator=torch.Generator().manual_seed(0))
    n = (x * 10).to(torch.int32)
    axes = range(-len(size), 0)
    names = [f"{r} along {d}" for r in REDUCTIONS for d in axes]

    def of(x: Tensor, n: Tensor) -> list[Tensor]:
        made = [getattr(torch, r)(x > 0 if r in ("any", "all") else x, dim=d) for r in REDUCTIONS for d in axes]
        whole = [
            x.sum(),
            n.sum(),
            n.sum(0),
            x.amax((0, 1)),
            x.T.sum(0) if x.dim() == 2 else x.mT.sum(1),
            x.max(),
            n.min(),
        ]
        return [*made, *whole, (x * 2).sum(), (x > 0).any(), torch.logsumexp(x, 0), x.softmax(-1), n.cumsum(0)]

    check([*names, *["whole"] * 12], of, [x, n], 64)


def test_moving_elements() -> None:
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    y = torch.randn(40, 3, generator=torch.Generator().manual_seed(1))

    def of(x: Tensor, y: Tensor) -> list[Tensor]:
        made: list[Tensor] = []
        for t in (x[:2, :3], x, y, y * 2, x.T, y.T + 1):
            m, n = t.shape
            made += [
                t.T,
                t[1],
                t[:, 1],
                t[::2, 1:],
                t.reshape(-1),
                t.T.reshape(-1),
                t[None].expand(2, m, n),
                t.diagonal(),
            ]
            made += [
                torch.cat([t, t + 1]),
                torch.cat([t, t * 2], 1),
                torch.stack([t, t.neg()], 1),
                t.flip(0),
                t.flip(0, 1),
            ]
            made += [
                torch.roll(t, 1, 1),
                t.tril(),
                t.triu(1),
                torch.nn.functional.pad(t, (1, 2), value=3.0),
                t.repeat(2, 1),
            ]
            made += [
                *t.unbind(1)[:2],
                *t.split(1)[:2],
                t.unsqueeze(1).squeeze(1),
                torch.zeros_like(t),
                t.new_full((3,), 2),
            ]
            made += [torch.eye(m) + t[:, :1], torch.arange(m)[:, None] + t, t.view(torch.int32), t.to(torch.float64)]
            made += [aten.select_backward(t[0], [3, n], 0, 1), aten.slice_backward(t, [m + 3, n], 0, 2, 2 + m, 1)]
            made += [
                torch.select_scatter(t, t[0] * 3, 0, 1),
                torch.slice_scatter(t, t[:1] * 3, 0, 1, 2),
                torch.where(t > 0, t, 0.0),
            ]
            made += [t.clamp(-0.5, 0.5), t.clamp(min=0.1), torch.clamp(t, max=t[0]), t.masked_fill(t > 0, 2.0), t]
        return made

    check([str(k) for k in range(len(of(x, y)))], of, [x, y])


def test_words_of_wide_integers() -> None:
    x = torch.tensor([1, -1, 1 << 40, -(1 << 33) + 5], dtype=torch.int64)
    for t in (x, x.repeat(20)):
        check(["words", "back"], lambda x: [x.view(torch.int32), (x.view(torch.int32) + 1).view(torch.int64)], [t])


@pytest.mark.parametrize("k", [1, 2, 3, 5, 17])
def test_products(k: int) -> None:
    rng = torch.Generator().manual_seed(0)
    made = [
        torch.randn(s, generator=rng) for s in ((4, k), (k, 3), (33, k), (k, 20), (k,), (5, 3, k), (5, k, 2), (4, 20))
    ]

    def of(a: Tensor, b: Tensor, c: Tensor, d: Tensor, v: Tensor, g: Tensor, h: Tensor, bias: Tensor) -> list[Tensor]:
        return [a @ b, c @ d, a @ d, c @ b, a @ v, c @ v, v @ v, d.T @ v, b.T @ v, d.T @ c.T, b.T @ a.T, torch.bmm(g, h),
                torch.bmm(h.mT, g.mT), torch.addmm(bias, a, d), (a * 2) @ (d + 1), torch.einsum("ij,jk->ki", c, d)]  # fmt: skip

    check([str(n) for n in range(16)], of, made, 64)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_systems(n: int, dtype: torch.dtype) -> None:
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.randn(3, n, m, generator=rng, dtype=dtype) for m in (n, 2))

    def of(a: Tensor, b: Tensor) -> list[Tensor]:
        made: list[Tensor] = []
        for x, y in ((a, b), (a[0], b[0])):
            lu, pivots, info = aten.linalg_lu_factor_ex(x)
            factor, failed = aten.linalg_cholesky_ex(x @ x.mT + torch.eye(n, dtype=dtype))
            made += [lu, pivots, info, factor, failed, aten.linalg_lu_solve(lu, pivots, y), factor.mT @ y]
            made += [aten.linalg_lu_solve(lu, pivots, y, left=True, adjoint=True)]
            made += [
                aten.linalg_solve_triangular(factor, y, upper=False),
                aten.linalg_solve_triangular(factor.mT, y, upper=True),
            ]
            made += [aten.linalg_solve_triangular(factor, y.mT, upper=False, left=False)]
        return made

    check([str(k) for k in range(22)], of, [a, b], 500)


WINDOWS: dict[str, tuple[Any, ...]] = {
    # shapes of input and weights; stride, padding, dilation, groups
    "plain": ((1, 1, 9, 8), (1, 1, 3, 3), [1, 1], [0, 0], [1, 1], 1),
    "padded": ((2, 3, 7, 6), (4, 3, 3, 2), [1, 1], [1, 2], [1, 1], 1),
    "strided": ((2, 2, 9, 9), (3, 2, 3, 3), [2, 3], [1, 1], [1, 1], 1),
    "dilated": ((1, 2, 11, 9), (2, 2, 3, 2), [1, 2], [2, 1], [3, 2], 1),
    "groups": ((2, 4, 6, 5), (6, 2, 2, 2), [1, 1], [1, 1], [1, 1], 2),
    "one axis": ((2, 3, 12), (2, 3, 4), [2], [3], [1], 1),
    "three axes": ((1, 2, 4, 5, 4), (2, 2, 2, 2, 2), [1, 1, 1], [1, 0, 1], [1, 1, 1], 1),
    "a window beyond": ((1, 1, 2, 2), (1, 1, 3, 3), [1, 1], [4, 4], [1, 1], 1),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str) -> None:
    shape, weights, stride, padding, dilation, groups = WINDOWS[name]
    rank = len(stride)

    def of(x: Tensor, w: Tensor, b: Tensor) -> list[Tensor]:
        out = aten.convolution(x, w, b, stride, padding, dilation, False, [0] * rank, groups)
        plain = aten.convolution(x, w, None, stride, padding, dilation, False, [0] * rank, groups)
        rest = ([weights[0]], stride, padding, dilation, False, [0] * rank, groups, [True, True, True])
        return [out, plain, *aten.convolution_backward(out, x, w, *rest)]

    draw = torch.Generator().manual_seed(0)
    x, w, b = (torch.randn(s, generator=draw) for s in (shape, weights, weights[:1]))
    check(["value", "without bias", "input", "weights", "bias"], of, [x, w, b], 256)
    last = x.movedim(1, -1).contiguous().movedim(-1, 1)
    check(["value", "without bias", "input", "weights", "bias"], of, [last, w, b], 256)


def test_singular_matrices() -> None:
    x = torch.tensor([[[1.0, 2.0], [2.0, 4.0]], [[-1.0, 0.0], [0.0, 1.0]]])
    made = kernel_of(lambda x: [aten.linalg_lu_factor_ex(x)[2], aten.linalg_cholesky_ex(x)[1]], [x])([x])
    assert made[0].tolist() == [2, 0] and made[1].tolist() == [2, 1]


def test_computed_places() -> None:
    x = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    one, several = torch.tensor([2]), torch.tensor([3, 0, -1, 3])

    def of(x: Tensor, i: Tensor, k: Tensor) -> list[Tensor]:
        made: list[Tensor] = []
        for t in (x, x[:3, :4].T, x.repeat(20, 1) * 2):
            n = k % 3
            made += [
                t[i],
                t[:, i],
                t[k],
                t[:, n],
                t[i, i],
                t[k, n],
                t.index_select(0, i),
                t.index_select(1, n),
                t[k[:, None], n],
            ]
            made += [t[None, :, :][:, k], t[k][:, None].expand(4, 2, t.shape[1])[n - n, :, n]]
            made += [t.gather(1, n[None].expand(t.shape[0], 4)), t.gather(0, i[:, None].expand(1, t.shape[1]))]
            for adds in (False, True):
                made += [torch.index_put(t, [i], t[0] * 3, adds), torch.index_put(t, [i, i], t[0, 0] * 3, adds)]
                made += [torch.index_put(t[:, 0], [i], t[0, :1] * 3, adds)]
            made += [torch.index_put(t, [k], t[:4] * 3 if t.shape[0] > 3 else t[:1] * 3, True)]
            made += [t.scatter_add(1, n[None], t[:1, :1].expand(1, 4)), t.scatter(0, i[:, None], t[:1, :1] * 2)]
        return made

    check([str(k) for k in range(len(of(x, one, several)))], of, [x, one, several], 16)


@pytest.mark.parametrize("size", [(6,), (40,), (3, 7), (9, 20)], ids=str)
def test_order(size: tuple[int, ...]) -> None:
    x = torch.randint(-3, 4, size, generator=torch.Generator().manual_seed(0)) / 2
    x.view(-1)[1], x.view(-1)[4] = float("nan"), -float("inf")
    edges = torch.tensor([-1.0, -0.5, 0.0, 0.0, 1.0])

    def of(x: Tensor, edges: Tensor) -> list[Tensor]:
        made: list[Tensor] = []
        for down in (False, True):
            made += [
                *torch.sort(x, stable=True, descending=down),
                *torch.sort(x.T if x.dim() == 2 else x, stable=True, dim=0, descending=down)[:1],
            ]
            made += [torch.argsort(x.nan_to_num(2).clamp(-9, 9).to(torch.int32), dim=0, stable=True, descending=down)]
            made += [torch.topk(x, 3, largest=down).values, torch.topk(x.nan_to_num(9), 2, 0, down).values]
            made += [torch.topk(torch.argsort(x, dim=-1, stable=True), 3, largest=down).indices]  # no equals
            made += [torch.searchsorted(edges, x, right=down), torch.bucketize(x, edges, out_int32=True, right=down)]
        rows = torch.stack([edges] * x.shape[0]) if x.dim() == 2 else edges
        return [*made, torch.searchsorted(rows, x), torch.searchsorted(edges, x.view(-1)[0])]

    check([str(k) for k in range(len(of(x, edges)))], of, [x, edges])


def test_results_that_are_arguments_or_shared() -> None:
    x, y = torch.arange(30.0), torch.arange(3.0)

    def of(x: Tensor, y: Tensor) -> list[Tensor]:
        z = x * 2
        return [x, z, z, z.view(5, 6).T, y, y + 1, z[3:5], x[2:4], z.sum()]

    kernel = kernel_of(of, [x, y])
    made = kernel([x, y])
    assert made[0] is x and made[4] is y
    for want, got in zip(of(x, y), made, strict=True):
        torch.testing.assert_close(got, want)
    turned = x.view(5, 6).T.contiguous().view(30)[::1]
    torch.testing.assert_close(kernel([turned, y[[2, 1, 0]]])[1], turned * 2)
    wide = torch.arange(60.0)[::2]
    torch.testing.assert_close(kernel([wide, y])[3], (wide * 2).view(5, 6).T)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_other_types_are_refused(dtype: torch.dtype) -> None:
    with pytest.raises(Ineligible):
        kernel_of(lambda x: [x + 1], [torch.ones(3, dtype=dtype)])
    with pytest.raises(Ineligible):
        kernel_of(lambda x: [x.abs().to(torch.float32)], [torch.ones(3, dtype=dtype)])


def test_large_products_and_unknown_operations_are_refused() -> None:
    with pytest.raises(Ineligible):
        kernel_of(lambda x: [x @ x], [torch.ones(200, 200)])
    with pytest.raises(Ineligible):
        kernel_of(lambda x: [torch.linalg.svdvals(x)], [torch.ones(3, 3)])


def test_many_operations_are_written_as_loops_over_arrays() -> None:
    def of(x: Tensor) -> list[Tensor]:
        y = x
        for k in range(130):
            y = torch.tanh(y @ x * 0.3) + y.T * 0.01 * k
        return [y, y.sum(), y[1, 2], torch.linalg.lu_factor(x).LU, y.clamp(max=0.5)]

    x = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    assert source_of(trace(lambda xs: [Array(t) for t in of(unwrap(xs[0]))], [Array(x)], "f")[0]).level == "-O1"
    check(["y", "sum", "element", "factors", "clamped"], of, [x], 1000)


def test_a_library_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    x = torch.ones(3)
    kernel_of(lambda x: [x * 1.25], [x])
    (library,) = (tmp_path / "jaxlike").rglob("*.so")
    before = library.stat().st_mtime_ns
    kernel_of(lambda x: [x * 1.25], [x])
    assert library.stat().st_mtime_ns == before
