"""`pytest -p jaxlike.pytest_plugin`: the tests' `import jax` is jaxlike, in pytest-xdist's workers too."""

from jaxlike._src.substitute import install

install()
