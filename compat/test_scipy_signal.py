"""jax.scipy.signal, interpolate, cluster, spatial, integrate: programs, run on both."""

from __future__ import annotations

import numpy as np
import pytest

from compat.same import Tolerance, assert_same, run_both

RNG = np.random.default_rng(20)
SIGNAL = RNG.normal(size=(60,)).astype("float32")
SIGNALS = RNG.normal(size=(2, 48, 3)).astype("float32")
OTHER = RNG.normal(size=(60,)).astype("float32")
COMPLEX = (RNG.normal(size=40) + 1j * RNG.normal(size=40)).astype("complex64")
PLANE = RNG.normal(size=(5, 6)).astype("float32")
SMALL = RNG.normal(size=(3, 2)).astype("float32")
WHOLE = RNG.integers(0, 9, (7,))
CLOSE = Tolerance(200, normwise=True)

CONVOLUTIONS = {
    **{
        f"{name} {mode} {method}": lambda jax, name=name, mode=mode, method=method: [
            getattr(jax.scipy.signal, name)(*(jax.numpy.array(v) for v in pair), mode=mode, method=method)
            for pair in ((SIGNAL, SMALL[:, 0]), (SMALL[:, 0], SIGNAL), (PLANE, SMALL), (COMPLEX, COMPLEX[:5]))
        ]
        for name in ("convolve", "correlate")
        for mode in ("full", "same", "valid")
        for method in ("auto", "fft")
    },
    **{
        f"{name} {mode}": lambda jax, name=name, mode=mode: [
            getattr(jax.scipy.signal, name)(*(jax.numpy.array(v) for v in pair), mode=mode)
            for pair in ((PLANE, SMALL), (SMALL, PLANE), (PLANE, PLANE), (PLANE * 1j, SMALL))
        ]
        for name in ("convolve2d", "correlate2d")
        for mode in ("full", "same", "valid")
    },
    "integers": lambda jax: jax.scipy.signal.convolve(jax.numpy.array(WHOLE), jax.numpy.array(WHOLE[:3])),
    "cubes": lambda jax: jax.scipy.signal.convolve(jax.numpy.array(SIGNALS), jax.numpy.array(SIGNALS[:1, :4, :2])),
    "fft axes": lambda jax: jax.scipy.signal.fftconvolve(SIGNALS, SIGNALS[:, :7], axes=1),
    "fft two axes": lambda jax: jax.scipy.signal.fftconvolve(SIGNALS, SIGNALS[:, :7], mode="same", axes=(1, -1)),
    "fft other shapes": lambda jax: jax.scipy.signal.fftconvolve(SIGNALS, SIGNALS[:1], axes=1),
    "fft mode": lambda jax: jax.scipy.signal.fftconvolve(SIGNAL, SIGNAL, mode="x"),
    "fft ranks": lambda jax: jax.scipy.signal.fftconvolve(SIGNAL, PLANE),
    "fft neither": lambda jax: jax.scipy.signal.fftconvolve(PLANE, PLANE.T, mode="valid"),
    "mode": lambda jax: jax.scipy.signal.convolve(SIGNAL, SIGNAL, mode="x"),
    "method": lambda jax: jax.scipy.signal.convolve(SIGNAL, SIGNAL, method="x"),
    "neither": lambda jax: jax.scipy.signal.convolve(PLANE, PLANE.T),
    "empty": lambda jax: jax.scipy.signal.convolve(PLANE[:0], PLANE),
    "boundary": lambda jax: jax.scipy.signal.convolve2d(PLANE, SMALL, boundary="wrap"),
    "not planes": lambda jax: jax.scipy.signal.correlate2d(SIGNAL, SIGNAL),
    "grad": lambda jax: jax.grad(lambda x, y: (jax.scipy.signal.convolve(x, y) ** 2).sum(), (0, 1))(SIGNAL, SMALL[:, 0]),
    "vmap": lambda jax: jax.vmap(lambda x: jax.scipy.signal.correlate(x, x[:3], mode="same"))(PLANE),
}

SPECTRA = {
    "detrend": lambda jax: [
        jax.scipy.signal.detrend(SIGNALS, axis=axis, type=kind, bp=bp)
        for axis, kind, bp in ((1, "linear", 0), (1, "constant", 0), (-1, "linear", 0), (1, "linear", [5, 20]))
    ],
    "detrend integers": lambda jax: jax.scipy.signal.detrend(WHOLE),
    "detrend kind": lambda jax: jax.scipy.signal.detrend(SIGNAL, type="x"),
    "detrend breaks": lambda jax: jax.scipy.signal.detrend(SIGNAL, bp=[100]),
    "detrend overwrite": lambda jax: jax.scipy.signal.detrend(SIGNAL, overwrite_data=True),
    "stft": lambda jax: jax.scipy.signal.stft(SIGNAL, nperseg=16),
    "stft options": lambda jax: [
        jax.scipy.signal.stft(SIGNAL, 2.0, nperseg=15, noverlap=5, nfft=20, boundary=boundary, padded=padded)
        for boundary in ("even", "odd", "constant", "zeros", None)
        for padded in (True, False)
    ],
    "stft axis": lambda jax: jax.scipy.signal.stft(SIGNALS, nperseg=8, axis=1, detrend="linear"),
    "stft function": lambda jax: jax.scipy.signal.stft(SIGNAL, nperseg=8, detrend=lambda d: d - 1),
    "stft complex": lambda jax: jax.scipy.signal.stft(COMPLEX, nperseg=8),
    "stft two sided": lambda jax: jax.scipy.signal.stft(SIGNAL, nperseg=8, return_onesided=False),
    "stft window": lambda jax: jax.scipy.signal.stft(SIGNAL, nperseg=8, window="hamming"),
    "stft weights": lambda jax: jax.scipy.signal.stft(SIGNAL, nperseg=8, window=np.hanning(8)),
    "stft long": lambda jax: jax.scipy.signal.stft(SIGNAL[:10]),
    "stft nperseg": lambda jax: jax.scipy.signal.stft(SIGNAL, nperseg=0),
    "stft noverlap": lambda jax: jax.scipy.signal.stft(SIGNAL, nperseg=8, noverlap=8),
    "stft nfft": lambda jax: jax.scipy.signal.stft(SIGNAL, nperseg=8, nfft=4),
    "stft boundary": lambda jax: jax.scipy.signal.stft(SIGNAL, nperseg=8, boundary="x"),
    "stft grad": lambda jax: jax.grad(lambda x: abs(jax.scipy.signal.stft(x, nperseg=16)[2]).sum())(SIGNAL),
    "csd": lambda jax: jax.scipy.signal.csd(SIGNAL, OTHER, nperseg=16),
    "csd median": lambda jax: jax.scipy.signal.csd(SIGNAL, OTHER, nperseg=16, average="median", scaling="spectrum"),
    "csd lengths": lambda jax: jax.scipy.signal.csd(SIGNAL, OTHER[:40], nperseg=16),
    "csd average": lambda jax: jax.scipy.signal.csd(SIGNAL, OTHER, nperseg=16, average="x"),
    "csd scaling": lambda jax: jax.scipy.signal.csd(SIGNAL, OTHER, nperseg=16, scaling="x"),
    "csd ranks": lambda jax: jax.scipy.signal.csd(SIGNAL, PLANE, nperseg=4),
    "welch": lambda jax: jax.scipy.signal.welch(SIGNALS, 10.0, nperseg=12, axis=1),
    "welch whole": lambda jax: jax.scipy.signal.welch(SIGNAL),
    "welch median": lambda jax: jax.scipy.signal.welch(SIGNAL, nperseg=9, average="median", detrend=False),
    "welch jit": lambda jax: jax.jit(lambda x: jax.scipy.signal.welch(x, nperseg=16))(SIGNAL),
    "istft": lambda jax: jax.scipy.signal.istft(jax.scipy.signal.stft(SIGNAL, nperseg=16)[2], nperseg=16),
    "istft axes": lambda jax: jax.scipy.signal.istft(
        jax.numpy.moveaxis(jax.scipy.signal.stft(SIGNALS, nperseg=8, axis=1)[2], 1, 0), freq_axis=0, time_axis=-1
    ),
    "istft options": lambda jax: jax.scipy.signal.istft(
        jax.scipy.signal.stft(COMPLEX, nperseg=8, noverlap=6, boundary=None)[2],
        2.0, nperseg=8, noverlap=6, input_onesided=False, boundary=False,
    ),
    "istft vector": lambda jax: jax.scipy.signal.istft(SIGNAL),
    "istft axis": lambda jax: jax.scipy.signal.istft(PLANE, freq_axis=1),
}  # fmt: skip

GRID = (np.linspace(0, 1, 4), np.linspace(0, 2, 5))
VALUES = RNG.normal(size=(4, 5)).astype("float32")
POINTS = RNG.uniform(-0.2, 1.2, (7, 2)).astype("float32")


def interpolator(jax, *args, **options):
    return jax.scipy.interpolate.RegularGridInterpolator(GRID, VALUES, *args, **options)


OTHERS = {
    "linear": lambda jax: interpolator(jax)(POINTS),
    "nearest": lambda jax: interpolator(jax, "nearest")(POINTS),
    "extrapolate": lambda jax: interpolator(jax, fill_value=None)(POINTS),
    "fill": lambda jax: interpolator(jax, fill_value=0.5)((POINTS[:, 0], POINTS[:, :1])),
    "method": lambda jax: interpolator(jax)(POINTS, method="nearest"),
    "trailing": lambda jax: jax.scipy.interpolate.RegularGridInterpolator(GRID[:1], VALUES)(POINTS[:, :1]),
    "whole values": lambda jax: jax.scipy.interpolate.RegularGridInterpolator(GRID[:1], np.arange(4))(POINTS[:, 0]),
    "jit": lambda jax: jax.jit(lambda f, x: f(x))(interpolator(jax), POINTS),
    "grad": lambda jax: jax.grad(lambda x: interpolator(jax, fill_value=None)(x).sum())(POINTS),
    "vmap": lambda jax: jax.vmap(interpolator(jax))(POINTS[:, None]),
    "no method": lambda jax: interpolator(jax, "cubic"),
    "bounds": lambda jax: interpolator(jax, bounds_error=True),
    "dimensions": lambda jax: interpolator(jax)(POINTS[:, :1]),
    "many axes": lambda jax: jax.scipy.interpolate.RegularGridInterpolator(GRID * 2, VALUES),
    "fill type": lambda jax: interpolator(jax, fill_value=1j),
    "vq": lambda jax: jax.scipy.cluster.vq.vq(POINTS, POINTS[:3] + 0.1),
    "vq numbers": lambda jax: jax.scipy.cluster.vq.vq(SIGNAL, SIGNAL[:4]),
    "vq ranks": lambda jax: jax.scipy.cluster.vq.vq(SIGNAL, PLANE),
    "vq cubes": lambda jax: jax.scipy.cluster.vq.vq(SIGNALS, SIGNALS),
    "vq jit": lambda jax: jax.jit(jax.scipy.cluster.vq.vq)(POINTS, POINTS[:3] + 0.1),
    "trapezoid": lambda jax: jax.scipy.integrate.trapezoid(PLANE, dx=0.5, axis=0),
}

QUATERNIONS = RNG.normal(size=(5, 4)).astype("float32")
VECTORS = RNG.normal(size=(5, 3)).astype("float32")


def rotations(jax):
    return jax.scipy.spatial.transform.Rotation.from_quat(jax.numpy.array(QUATERNIONS))


ROTATIONS = {
    "quat": lambda jax: [rotations(jax).as_quat(c, s) for c in (False, True) for s in (False, True)],
    "matrix": lambda jax: rotations(jax).as_matrix(),
    "rotvec": lambda jax: [rotations(jax).as_rotvec(d) for d in (False, True)],
    "mrp": lambda jax: rotations(jax).as_mrp(),
    "magnitude": lambda jax: rotations(jax).magnitude(),
    "inverse": lambda jax: rotations(jax).inv(),
    "apply": lambda jax: [rotations(jax).apply(jax.numpy.array(VECTORS), inverse) for inverse in (False, True)],
    "apply one": lambda jax: rotations(jax)[1].apply(jax.numpy.array(VECTORS[0])),
    "compose": lambda jax: rotations(jax) * rotations(jax)[2],
    "mean": lambda jax: abs(rotations(jax).mean().quat),
    "weighted mean": lambda jax: abs(rotations(jax).mean(jax.numpy.arange(5)).quat),
    "concatenate": lambda jax: type(rotations(jax)).concatenate([rotations(jax), rotations(jax)]),
    "identity": lambda jax: jax.scipy.spatial.transform.Rotation.identity(),
    "euler": lambda jax: [
        (rotations(jax).as_euler(seq, d), jax.scipy.spatial.transform.Rotation.from_euler(seq, VECTORS, d))
        for seq in ("xyz", "ZYX", "zxz", "XYX")
        for d in (False, True)
    ],
    "euler one": lambda jax: jax.scipy.spatial.transform.Rotation.from_euler("x", jax.numpy.array([0.5])),
    "gimbal lock": lambda jax: jax.scipy.spatial.transform.Rotation.from_euler(
        "xyz", jax.numpy.array([0.3, np.pi / 2, 0.1])
    ).as_matrix(),
    "from matrix": lambda jax: jax.scipy.spatial.transform.Rotation.from_matrix(rotations(jax).as_matrix()),
    "from mrp": lambda jax: jax.scipy.spatial.transform.Rotation.from_mrp(jax.numpy.array(VECTORS)),
    "from rotvec": lambda jax: [
        jax.scipy.spatial.transform.Rotation.from_rotvec(jax.numpy.array(VECTORS) * s, d)
        for s in (1, 1e-5)
        for d in (False, True)
    ],
    "single": lambda jax: (rotations(jax)[0].single, rotations(jax).single, len(rotations(jax))),
    "one has no len": lambda jax: len(rotations(jax)[0]),
    "one has no items": lambda jax: rotations(jax)[0][0],
    "axes": lambda jax: rotations(jax).as_euler("xxz"),
    "more axes": lambda jax: rotations(jax).as_euler("xy"),
    "mixed axes": lambda jax: jax.scipy.spatial.transform.Rotation.from_euler("xYz", VECTORS[0]),
    "grad": lambda jax: jax.grad(
        lambda q: jax.scipy.spatial.transform.Rotation.from_quat(q).as_euler("xyz").sum()
    )(jax.numpy.array(QUATERNIONS[0])),
    "jit": lambda jax: jax.jit(lambda r, v: r.apply(v))(rotations(jax), VECTORS),
    "slerp": lambda jax: [
        jax.scipy.spatial.transform.Slerp.init(jax.numpy.arange(5.0), rotations(jax))(t)
        for t in (jax.numpy.array(1.5), jax.numpy.array([0.0, 0.25, 3.9]))
    ],
    "slerp of one": lambda jax: jax.scipy.spatial.transform.Slerp.init(jax.numpy.arange(1.0), rotations(jax)[0]),
    "slerp times": lambda jax: jax.scipy.spatial.transform.Slerp.init(jax.numpy.arange(3.0), rotations(jax)),
    "slerp plane": lambda jax: jax.scipy.spatial.transform.Slerp.init(jax.numpy.arange(5.0), rotations(jax))(PLANE),
}


def check_all(programs) -> None:
    failures = []
    for name, program in programs.items():
        try:
            assert_same(*run_both(program), CLOSE, title=name)
        except AssertionError as error:
            failures.append("\n".join(str(error).splitlines()[:6]))
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize(
    "programs",
    [
        pytest.param(CONVOLUTIONS, id="convolutions", marks=pytest.mark.slow),
        pytest.param(SPECTRA, id="spectra", marks=pytest.mark.slow),
        pytest.param(OTHERS, id="others"),
        pytest.param(ROTATIONS, id="rotations", marks=pytest.mark.slow),
    ],
)
def test_programs(programs) -> None:
    check_all(programs)
