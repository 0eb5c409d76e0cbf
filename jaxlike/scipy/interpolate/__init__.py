"""jax.scipy.interpolate: the names."""

from jaxlike._src.scipy.interpolate import RegularGridInterpolator as RegularGridInterpolator
