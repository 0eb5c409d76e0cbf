"""Libraries that know nothing of JAX take arrays as they take JAX's."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.numpy
import scipy.interpolate
import scipy.optimize
import scipy.sparse
import scipy.stats
from PIL import Image

from compat.same import assert_same, run_both, same_in_both


@same_in_both
def test_numpy(jax: Any) -> Any:
    x = jax.numpy.arange(6.0).reshape(2, 3)
    text = io.StringIO()
    np.savetxt(text, x)
    return (
        np.mean(x),
        np.linalg.svd(x)[1],
        np.concatenate([x, x]),
        np.interp(0.5, x[0], x[1]),
        text.getvalue(),
        x.sum().item(),
    )


@same_in_both
def test_scipy(jax: Any) -> Any:
    jnp = jax.numpy

    def rosenbrock(x: Any) -> Any:
        return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2

    gradient = jax.jit(jax.grad(rosenbrock))
    found = scipy.optimize.minimize(rosenbrock, jnp.zeros(2), jac=gradient, method="BFGS", tol=1e-2)
    root = scipy.optimize.root(lambda x: jnp.cos(x) - x, jnp.ones(1))
    test = scipy.stats.ttest_ind(jnp.arange(5.0), jnp.arange(5.0) + 1)
    spline = scipy.interpolate.CubicSpline(jnp.arange(4.0), jnp.sin(jnp.arange(4.0)))
    return (
        np.round(found.x, 2),
        np.round(root.x, 4),
        np.asarray(test),
        spline(jnp.float32(0.5)),
        scipy.sparse.csr_array(jnp.eye(3)).nnz,
    )


@same_in_both
def test_matplotlib(jax: Any) -> Any:
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    x = jax.numpy.linspace(0, 1, 5)
    figure, axes = plt.subplots()
    (line,) = axes.plot(x, x**2)
    axes.scatter(x, x, c=x)
    axes.hist(x, bins=3)
    axes.imshow(jax.numpy.eye(3))
    axes.fill_between(x, x, x + 1)
    figure.canvas.draw()
    data = line.get_xydata()
    plt.close(figure)
    return data


@same_in_both
def test_pandas(jax: Any) -> Any:
    pd = pytest.importorskip("pandas")
    x = jax.numpy.arange(6.0)
    frame = pd.DataFrame({"a": x, "b": np.asarray(x) ** 2})
    table = pd.DataFrame(x.reshape(3, 2), columns=["u", "v"])
    back = jax.numpy.asarray(frame["a"].to_numpy())
    return str(frame.dtypes), str(table), pd.Series(x).mean(), back


@same_in_both
def test_scikit_learn(jax: Any) -> Any:
    linear = pytest.importorskip("sklearn.linear_model")
    metrics = pytest.importorskip("sklearn.metrics")
    x = jax.random.normal(jax.random.key(0), (20, 3))
    y = x @ jax.numpy.array([1.0, -2.0, 0.5]) + 3
    model = linear.LinearRegression().fit(x, y)
    return np.round(model.coef_, 4), metrics.r2_score(y, model.predict(x)) > 0.999


@same_in_both
def test_pictures(jax: Any) -> Any:
    x = jax.numpy.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    picture = Image.fromarray(x)
    file = io.BytesIO()
    picture.save(file, format="PNG")
    grey = Image.fromarray(jax.numpy.linspace(0, 1, 4).reshape(2, 2))
    return picture.size, picture.mode, grey.mode, jax.numpy.asarray(picture), jax.numpy.array(Image.open(file)) - x


@pytest.mark.parametrize("dtype", ["float32", "int32", "bool", "complex64"])
def test_h5py(dtype: str, tmp_path: Path) -> None:
    def program(jax: Any) -> Any:
        x = jax.numpy.arange(6).reshape(2, 3).astype(dtype)
        with h5py.File(tmp_path / "arrays.h5", "w") as file:
            file["x"] = x
            rows: Any = file.create_dataset("rows", data=x, maxshape=(None, 3))
            rows.resize(3, axis=0)
            rows[2] = x[0]
            rows.attrs["scale"] = x[1, 1]
            whole: Any = file["x"]
            back = jax.numpy.asarray(rows), whole[...], rows[jax.numpy.array([0, 2])], rows.attrs["scale"]
        return back

    assert_same(*run_both(program))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32", "bool"])
def test_safetensors(dtype: str, tmp_path: Path) -> None:
    def program(jax: Any) -> Any:
        place = str(tmp_path / "arrays.safetensors")
        arrays = {"x": jax.numpy.arange(6).reshape(2, 3).astype(dtype), "y": jax.numpy.zeros((), dtype)}
        safetensors.numpy.save_file(jax.tree.map(np.asarray, arrays), place)
        back = jax.tree.map(jax.numpy.asarray, safetensors.numpy.load_file(place))
        return back, safetensors.numpy.save(arrays) == Path(place).read_bytes()

    assert_same(*run_both(program))
