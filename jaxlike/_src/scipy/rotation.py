"""rotation: rotations in three dimensions as unit quaternions (x, y, z, w), and interpolation between them.

All formulas work on the last axis of arrays of quaternions. What chooses between branches is `where`, so that
rotations can be traced, batched and differentiated.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import asarray
from jaxlike._src.numpy.trig import deg2rad, hypot, rad2deg
from jaxlike._src.scipy import jnp

_NEAR = 1e-3  # below this angle, series instead of a quotient of small numbers


def _parts(quat: Array) -> tuple[Array, Array, Array, Array]:
    return quat[..., 0], quat[..., 1], quat[..., 2], quat[..., 3]


def _norm(vector: Array) -> Array:
    return jnp.sqrt(jnp.sum(vector * vector, axis=-1))


def _unit(quat: Array) -> Array:
    return quat / _norm(quat)[..., None]


def _compose(p: Array, q: Array) -> Array:
    px, py, pz, pw = _parts(p)
    qx, qy, qz, qw = _parts(q)
    return jnp.stack(
        [
            pw * qx + qw * px + (py * qz - pz * qy),
            pw * qy + qw * py + (pz * qx - px * qz),
            pw * qz + qw * pz + (px * qy - py * qx),
            pw * qw - px * qx - py * qy - pz * qz,
        ],
        axis=-1,
    )


def _axes_of(seq: str, shown: Any) -> tuple[list[int], bool]:
    """Axis numbers of a sequence such as "zyx", and whether it turns with the body (capitals)."""
    intrinsic = re.match("^[XYZ]{1,3}$", seq) is not None
    extrinsic = re.match("^[xyz]{1,3}$", seq) is not None
    if not (intrinsic or extrinsic):
        raise ValueError(f"Expected axes from `seq` to be from ['x', 'y', 'z'] or ['X', 'Y', 'Z'], got {shown}")
    if any(a == b for a, b in itertools.pairwise(seq)):
        raise ValueError(f"Expected consecutive axes to be different, got {shown}")
    return ["xyz".index(c) for c in seq.lower()], intrinsic


class Rotation(NamedTuple):
    """One rotation (``quat`` of shape [4]) or several ([n, 4])."""

    quat: Array

    @classmethod
    def concatenate(cls, rotations: Sequence[Any]) -> Rotation:
        """Several as one."""
        return cls(jnp.concatenate([rotation.quat for rotation in rotations]))

    @classmethod
    def from_euler(cls, seq: str, angles: Any, degrees: bool = False) -> Rotation:
        """From turns about the axes ``seq``: capitals turn with the body, small letters stay."""
        if not 1 <= len(seq) <= 3:
            raise ValueError(f"Expected axis specification to be a non-empty string of upto 3 characters, got {seq}")
        axes, intrinsic = _axes_of(seq, seq)
        turns = jnp.atleast_1d(angles)
        turns = deg2rad(turns) if degrees else turns
        half = turns / 2.0
        sine, cosine = jnp.sin(half), jnp.cos(half)
        result: Any = None
        for k, axis in enumerate(axes):
            parts = [jnp.zeros_like(sine[..., k])] * 4
            parts[3], parts[axis] = cosine[..., k], sine[..., k]
            quat = jnp.stack(parts, axis=-1)
            result = quat if result is None else _compose(result, quat) if intrinsic else _compose(quat, result)
        return cls(result)

    @classmethod
    def from_matrix(cls, matrix: Any) -> Rotation:
        """From orthogonal matrices ``[..., 3, 3]``."""
        m = asarray(matrix)
        diagonal = [m[..., k, k] for k in range(3)]
        trace = diagonal[0] + diagonal[1] + diagonal[2]
        choice = jnp.argmax(jnp.stack([*diagonal, trace], axis=-1), axis=-1)
        candidates: list[Array] = []
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            parts: list[Any] = [None] * 4
            parts[i] = 1 - trace + 2 * m[..., i, i]
            parts[j] = m[..., j, i] + m[..., i, j]
            parts[k] = m[..., k, i] + m[..., i, k]
            parts[3] = m[..., k, j] - m[..., j, k]
            candidates.append(jnp.stack(parts, axis=-1))
        last = [m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1], 1 + trace]
        quat = jnp.stack(last, axis=-1)
        for i in range(3):
            quat = jnp.where((choice == i)[..., None], candidates[i], quat)
        return cls(_unit(quat))

    @classmethod
    def from_mrp(cls, mrp: Any) -> Rotation:
        """From modified Rodrigues parameters ``[..., 3]``."""
        p = asarray(mrp)
        size = jnp.sum(p * p, axis=-1, keepdims=True) + 1
        return cls(jnp.concatenate([2 * p[..., :3], 2 - size], axis=-1) / size)

    @classmethod
    def from_quat(cls, quat: Any) -> Rotation:
        """From quaternions, made unit."""
        return cls(_unit(asarray(quat)))

    @classmethod
    def from_rotvec(cls, rotvec: Any, degrees: bool = False) -> Rotation:
        """From axes times angles, ``[..., 3]``."""
        v = asarray(rotvec)
        v = deg2rad(v) if degrees else v
        angle = _norm(v)[..., None]
        square = angle * angle
        near = 0.5 - square / 48 + square * square / 3840
        scale = jnp.where(angle <= _NEAR, near, jnp.sin(angle / 2) / angle)
        return cls(jnp.concatenate([scale * v, jnp.cos(angle / 2)], axis=-1))

    @classmethod
    def identity(cls, num: int | None = None, dtype: Any = float) -> Rotation:
        """No rotation."""
        assert num is None
        return cls(jnp.array([0.0, 0.0, 0.0, 1.0], dtype=dtype))

    @classmethod
    def random(cls, random_key: Any, num: int | None = None) -> Rotation:
        """Not implemented, as in JAX."""
        raise NotImplementedError()

    def __getitem__(self, indexer: Any) -> Any:
        if self.single:
            raise TypeError("Single rotation is not subscriptable.")
        return Rotation(self.quat[indexer])

    def __len__(self) -> int:
        if self.single:
            raise TypeError("Single rotation has no len().")
        return self.quat.shape[0]

    def __mul__(self, other: Any) -> Rotation:
        return Rotation.from_quat(_compose(self.quat, other.quat))

    def apply(self, vectors: Any, inverse: bool = False) -> Array:
        """The rotated vectors ``[..., 3]``."""
        matrix = self.as_matrix()
        matrix = jnp.swapaxes(matrix, -1, -2) if inverse else matrix
        return jnp.matmul(matrix, asarray(vectors)[..., None])[..., 0]

    def as_euler(self, seq: str, degrees: bool = False) -> Array:
        """Angles of turns about the three axes ``seq``."""
        if len(seq) != 3:
            raise ValueError(f"Expected 3 axes, got {seq}.")
        axes, intrinsic = _axes_of(seq, seq)
        angles = _euler_angles(self.quat, axes, not intrinsic)
        return rad2deg(angles) if degrees else angles

    def as_matrix(self) -> Array:
        """Orthogonal matrices ``[..., 3, 3]``."""
        x, y, z, w = _parts(self.quat)
        rows = [
            [x * x - y * y - z * z + w * w, 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), -x * x + y * y - z * z + w * w, 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), -x * x - y * y + z * z + w * w],
        ]
        return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)

    def as_mrp(self) -> Array:
        """Modified Rodrigues parameters ``[..., 3]``."""
        w = self.quat[..., 3:]
        sign = jnp.where(w < 0, -1.0, 1.0)
        return sign * self.quat[..., :3] / (1.0 + sign * w)

    def as_rotvec(self, degrees: bool = False) -> Array:
        """Axes times angles, ``[..., 3]``."""
        w = self.quat[..., 3:]
        quat = jnp.where(w < 0, -self.quat, self.quat)
        angle = 2.0 * jnp.arctan2(_norm(quat[..., :3]), quat[..., 3])[..., None]
        square = angle * angle
        near = 2 + square / 12 + 7 * square * square / 2880
        scale = jnp.where(angle <= _NEAR, near, angle / jnp.sin(angle / 2))
        return (rad2deg(scale) if degrees else scale) * quat[..., :3]

    def as_quat(self, canonical: bool = False, scalar_first: bool = False) -> Array:
        """Quaternions; ``canonical``: of the two for a rotation the one whose last nonzero part is positive."""
        quat = self.quat
        if canonical:
            x, y, z, w = _parts(quat)
            last = jnp.where(w != 0, w, jnp.where(x != 0, x, jnp.where(y != 0, y, z)))
            quat = jnp.where((last < 0)[..., None], -quat, quat)
        return jnp.roll(quat, shift=1, axis=-1) if scalar_first else quat

    def inv(self) -> Rotation:
        """The inverse rotations."""
        return Rotation(self.quat * jnp.array([-1, -1, -1, 1], dtype=self.quat.dtype))

    def magnitude(self) -> Array:
        """The angles."""
        return 2.0 * jnp.arctan2(_norm(self.quat[..., :3]), jnp.abs(self.quat[..., 3]))

    def mean(self, weights: Any = None) -> Rotation:
        """The mean rotation: the dominant eigenvector of the quaternions' outer products."""
        dtype = self.quat.dtype
        w = jnp.ones(self.quat.shape[0], dtype=dtype) if weights is None else jnp.array(weights, dtype=dtype)
        if w.ndim != 1:
            raise ValueError(f"Expected `weights` to be 1 dimensional, got shape {w.shape}.")
        if w.shape[0] != len(self):
            raise ValueError(
                "Expected `weights` to have number of values equal to number of rotations, got "
                f"{w.shape[0]} values and {len(self)} rotations."
            )
        return Rotation(jnp.eigh(jnp.dot(w[None, :] * self.quat.T, self.quat))[1][:, -1])

    @property
    def single(self) -> bool:
        """Whether this is one rotation."""
        return self.quat.ndim == 1


def _euler_angles(quat: Array, axes: list[int], extrinsic: bool) -> Array:
    """By Bernardes and Viollet, "Quaternion to Euler angles conversion" (PLoS ONE 17, 2022)."""
    i, j, k = axes if extrinsic else axes[::-1]
    symmetric = i == k
    if symmetric:
        k = 3 - i - j
    sign = (i - j) * (j - k) * (k - i) // 2
    x, w = [quat[..., n] for n in range(3)], quat[..., 3]
    if symmetric:
        a, b, c, d = w, x[i], x[j], x[k] * sign
    else:
        a, b, c, d = w - x[j], x[i] + x[k] * sign, x[j] + w, x[k] * sign - x[i]
    middle = 2 * jnp.arctan2(hypot(c, d), hypot(a, b))
    at_pi, at_zero = jnp.abs(middle - np.pi) <= 1e-7, jnp.abs(middle) <= 1e-7
    regular = ~(at_pi | at_zero)
    total, difference = jnp.arctan2(b, a), jnp.arctan2(d, c)
    locked = jnp.where(at_zero, 2 * total, 2 * difference * (-1 if extrinsic else 1))
    angles = [locked, middle, jnp.zeros_like(middle)]
    first, third = (0, 2) if extrinsic else (2, 0)
    angles[first] = jnp.where(regular, total - difference, angles[first])
    angles[third] = jnp.where(regular, total + difference, angles[third])
    if not symmetric:
        angles[third] = angles[third] * sign
        angles[1] = angles[1] - np.pi / 2
    both = jnp.stack(angles, axis=-1)
    return (both + np.pi) % (2 * np.pi) - np.pi


class Slerp(NamedTuple):
    """Spherical linear interpolation: the constant turn from each rotation to the next."""

    times: Array
    timedelta: Array
    rotations: Rotation
    rotvecs: Array

    @classmethod
    def init(cls, times: Any, rotations: Rotation) -> Slerp:
        """From rotations at given times, which ascend."""
        if not isinstance(rotations, Rotation):
            raise TypeError("`rotations` must be a `Rotation` instance.")
        if rotations.single or len(rotations) == 1:
            raise ValueError("`rotations` must be a sequence of at least 2 rotations.")
        stamps = jnp.array(times, dtype=rotations.quat.dtype)
        if stamps.ndim != 1:
            raise ValueError(
                f"Expected times to be specified in a 1 dimensional array, got {stamps.ndim} dimensions."
            )
        if stamps.shape[0] != len(rotations):
            raise ValueError(
                "Expected number of rotations to be equal to number of timestamps given, got "
                f"{len(rotations)} rotations and {stamps.shape[0]} timestamps."
            )
        starts, ends = Rotation(rotations.quat[:-1]), Rotation(rotations.quat[1:])
        return cls(stamps, jnp.diff(stamps), starts, (starts.inv() * ends).as_rotvec())

    def __call__(self, times: Any) -> Rotation:
        """The rotation at a time, or at several."""
        wanted = jnp.array(times, dtype=self.times.dtype)
        if wanted.ndim > 1:
            raise ValueError("`times` must be at most 1-dimensional.")
        stamps = jnp.atleast_1d(wanted)
        at = jnp.maximum(jnp.searchsorted(self.times, stamps) - 1, 0)
        part = (stamps - self.times[at]) / self.timedelta[at]
        result = self.rotations[at] * Rotation.from_rotvec(self.rotvecs[at] * part[:, None])
        return result[0] if wanted.ndim == 0 else result
