"""platforms: the names of platforms, as `jax._src.xla_bridge` knows them: "gpu" stands for each kind of GPU."""

from __future__ import annotations

from jaxlike._src.devices import get_backend, initialized_backends

_GPUS = ("cuda", "rocm", "oneapi")


def known_platforms() -> set[str]:
    """All names."""
    return {"cpu", "gpu", "tpu", *_GPUS}


def is_known_platform(platform: str) -> bool:
    """Whether it is a name of a platform."""
    return platform in known_platforms()


def expand_platform_alias(platform: str) -> list[str]:
    """The platforms that a name stands for."""
    return list(_GPUS) if platform == "gpu" else [platform]


def canonicalize_platform(platform: str) -> str:
    """The platform that a name stands for here; RuntimeError where it stands for none that is here."""
    return platform if len(expand_platform_alias(platform)) == 1 else get_backend(platform).key


def backends_are_initialized() -> bool:
    """Whether something asked for devices."""
    return bool(initialized_backends())
