"""jax.Array itself: what it prints, converts to, computes with, refuses; each line in both frameworks."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from typing import Any

import numpy as np
import pytest

from compat.calls import params
from compat.same import Tolerance, assert_same, run_both

PRODUCTS = Tolerance(factor=4)


def names(jax: Any) -> dict[str, Any]:
    """What the lines are written with."""
    jnp = jax.numpy
    modules = {"jax": jax, "jnp": jnp, "np": np, "operator": operator, "copy": copy, "pickle": pickle, "math": math}
    return modules | {
        "x": jnp.arange(5.0),
        "m": jnp.arange(12.0).reshape(3, 4),
        "t3": jnp.arange(24.0).reshape(2, 3, 4),
        "n": jnp.arange(4),
        "u": jnp.arange(4, dtype=jnp.uint32),
        "b": jnp.array([True, False, True]),
        "c": jnp.arange(3) * 1j,
        "w": jnp.asarray(2.5),
        "s": jnp.float32(3),
        "i4": jnp.arange(4).astype("int4"),
        "k": jax.random.split(jax.random.key(0), 3),
        "shown": shown,
    }


def shown(x: Any) -> Any:
    """Print a value on its way."""
    print(x)
    return x


def same(line: str) -> None:
    """Fail unless the line ends in the same way in both frameworks."""
    __tracebackhide__ = True
    expected, actual = run_both(lambda jax: eval(line, names(jax)))
    assert_same(expected, actual, PRODUCTS, line)


PRINTED = r"""
repr(x), str(x), f"{x}", format(x,"")
repr(m), str(m)
repr(w), str(w), f"{w:.3f}", f"{w}"
f"{x:.2f}"
repr(jnp.zeros((0,3))), str(jnp.zeros((0,3)))
repr(jnp.arange(2000)), str(jnp.arange(2000))
repr(jnp.arange(30.)), repr(jnp.arange(14.)), repr(jnp.arange(17.)), repr(jnp.arange(18.)), repr(jnp.arange(20)), repr(jnp.arange(25))
repr(jnp.arange(12).astype(jnp.bfloat16)), str(jnp.bfloat16(1.5)), repr(jnp.bfloat16(1.5))
repr(jnp.array([True,False])), repr(jnp.array(True))
repr(c), str(c), f"{c}"
repr(i4), str(i4), repr(jnp.arange(3).astype('float8_e4m3fn')), repr(jnp.arange(3).astype('uint4'))
repr(k), str(k), f"{k}", repr(k[0]), str(k[0])
repr(jnp.array([1e-10,1e10])), repr(jnp.array([jnp.nan,jnp.inf,-0.])), repr(jnp.array([1.5,2.25,3]))
repr(jnp.arange(7*16.).reshape(7,16)), [repr(jnp.arange(float(n))) for n in range(10,40)]
[repr(jnp.arange(n)) for n in range(10,40)]
[repr(jnp.arange(float(n)).astype(bool)) for n in range(5,20)]
repr(jnp.zeros((2,0,3),jnp.int8)), repr(jnp.asarray(2)), repr(jnp.asarray(2j)), repr(jnp.asarray(True))
repr(m.at[0]), repr(jnp.ones((3,3,3)))
[print(t) for t in [m, x, w]]
str(x.sharding)
"""
CONVERTED = r"""
hash(x)
pickle.loads(pickle.dumps(k))
3 in x, 9 in x, jnp.int32(3) in n
m in x
None in x
"a" in x
3 in m
k[0].item()
int(x[2]), float(x[2]), complex(x[2]), bool(x[0]), bool(x[1:2]), int(jnp.array(True)), float(n[2])
int(x)
float(x[0:1])
complex(x)
bool(x)
bool(x[:0])
bool(c[1])
float(c[1])
int(jnp.array(jnp.nan))
int(jnp.array(jnp.inf))
int(k[0])
bool(k[0])
operator.index(n[2]), range(5)[n[2]], [1,2,3][n[1]], "abc"[n[1]]
range(5)[x[0]]
range(5)[n[1:2]]
operator.index(jnp.array(True))
hex(n[2]), oct(n[3]), bin(n[3])
hex(x[0])
len(w)
list(w)
iter(w)
list(reversed(x)), list(reversed(m))
[*m]
sum(x), max(x), min(x), sorted(x)
np.asarray(x).flags.writeable, np.array(x).flags.writeable, np.asarray(x, dtype=np.float64), np.asarray(n, dtype=float)
np.asarray(x, copy=False).flags.owndata
np.asarray(n, dtype=float, copy=False)
np.asarray(k)
np.add(np.ones(5), x), np.ones(5)+x, np.ones(5, np.float64)*x, np.float64(2)*x, np.int32(2)*x, x*np.float32(2), np.arange(5)-x
np.sin(x), np.sum(x), np.concatenate([x,x]), np.maximum(x, 2)
x.at
x.at[1:3]
jnp.from_dlpack(np.arange(3))
jax.dlpack.is_supported_dtype("int4")
b.__dlpack__() is None
[1,2]*x
"""
TRACED = r"""
jax.jit(lambda x: print(repr(x), str(x), f"{x}", format(x)))(x)
jax.jit(lambda x: print(x))(2.)
jax.jit(lambda k: print(k))(k)
jax.vmap(shown)(m)
jax.vmap(shown, in_axes=1)(m)
jax.vmap(jax.vmap(shown))(m)
jax.vmap(shown)(k)
jax.grad(shown)(2.)
jax.grad(lambda x: (print(x), x.sum())[1])(x)
jax.grad(lambda x: (print(jnp.sin(x)), x.sum())[1])(x)
jax.grad(lambda x: (print(x>0), x)[1])(2.)
jax.grad(jax.grad(lambda x: (print(x), x**3)[1]))(2.)
jax.jvp(lambda y: jax.grad(lambda x: (print(x), x*x)[1])(y),(1.,),(2.,))
jax.vmap(jax.grad(shown))(x)
jax.grad(lambda x: jax.vmap(shown)(x).sum())(x)
jax.jit(jax.grad(shown))(2.)
jax.jit(jax.vmap(shown))(m)
jax.grad(jax.jit(shown))(2.)
jax.vjp(shown, x)[0]
jax.linearize(shown, x)[0]
jax.make_jaxpr(lambda x: shown(x))(1).out_avals[0].shape
jax.eval_shape(lambda x: shown(x), 1).shape
jax.jit(lambda x: bool(x))(1.)
jax.jit(lambda x: float(x))(1.)
jax.jit(lambda x: int(x))(1.)
jax.jit(lambda x: complex(x))(1.)
jax.jit(lambda x: hex(x))(1)
jax.jit(lambda x: oct(x))(1)
jax.jit(lambda x: [1,2][x])(1)
jax.jit(lambda x: [1,2][x])(1.)
jax.jit(lambda x: np.asarray(x))(1.)
jax.jit(lambda x: np.sin(x))(1.)
jax.jit(lambda x: x.item())(1.)
jax.jit(lambda x: x.tolist())(1.)
jax.jit(lambda x: x.tobytes())(1.)
jax.vmap(lambda x: bool(x))(x)
jax.vmap(lambda x: float(x))(x)
jax.vmap(lambda x: x.item())(x)
jax.vmap(lambda x: np.asarray(x))(x)
jax.vmap(lambda x: [1,2][x])(n)
jax.jit(lambda x: bool(x))(x)
jax.jit(lambda x: float(x))(x)
jax.jit(lambda x: int(x))(x)
jax.jit(lambda x: iter(x))(1.)
jax.jit(lambda x: len(x))(1.)
jax.jit(lambda x: x+[1])(1.)
jax.jit(lambda x: x+None)(1.)
jax.grad(lambda x: x+None)(1.)
jax.vmap(lambda x: x+None)(x)
jax.jvp(lambda x: x+[1],(1.,),(1.,))
jax.grad(lambda x: (print(bool(x), int(x), x.item()), x)[1])(1.5)
jax.grad(lambda x: float(x))(1.)
jax.grad(lambda x: complex(x))(1.)
jax.grad(lambda x: x.tolist())(1.)
jax.grad(lambda x: np.asarray(x))(1.)
jax.grad(lambda x: x*[1,2,3][(x>1).astype(int)])(1.)
jax.grad(lambda x: x if x>1 else 2*x)(1.)
jax.jvp(lambda x: x if x>1 else 2*x, (1.,),(1.,))
jax.grad(lambda x: jax.vmap(lambda y: y if x>1 else 2*y)(jnp.arange(3.)).sum()*x)(1.)
jax.jit(lambda x: x.block_until_ready())(1.)
jax.jit(lambda x: x.devices())(1.)
jax.jit(lambda x: x.device)(1.)
jax.jit(lambda x: x.sharding)(1.)
jax.jit(lambda x: x.__dlpack__())(1.)
jax.jit(lambda x: x.is_fully_addressable)(1.)
jax.jit(lambda x: x.is_fully_replicated)(1.)
jax.jit(lambda x: x.addressable_shards)(1.)
jax.jit(lambda x: x.addressable_data(0))(1.)
jax.jit(lambda x: x.global_shards)(1.)
jax.jit(lambda x: x.delete())(1.)
jax.jit(lambda x: x.is_deleted())(1.)
jax.jit(lambda x: x.unsafe_buffer_pointer())(1.)
jax.jit(lambda x: x.on_device_size_in_bytes())(1.)
jax.jit(lambda x: x.copy_to_host_async())(1.)
jax.jit(lambda x: x.clone())(1.)
jax.jit(lambda x: x.committed)(1.)
jax.jit(lambda x: x.platform())(1.)
jax.jit(lambda x: x.is_ready())(1.)
jax.jit(lambda x: x.traceback)(1.)
jax.jit(lambda x: hasattr(x,"sharding"))(1.)
jax.jit(lambda x: pickle.dumps(x))(1.)
jax.jit(lambda x: copy.deepcopy(x))(1.)
jax.jit(lambda x: copy.copy(x))(1.)
jax.jit(lambda x: f"{x:.2f}")(1.)
jax.grad(lambda x: f"{x:.2f}")(1.)
jax.jit(lambda x: x.weak_type)(1.)
jax.jit(lambda x: x.aval.weak_type)(1.)
jax.jit(lambda x: 3 in x)(x)
isinstance(x, jax.core.Tracer), jax.jit(lambda x: isinstance(x, jax.core.Tracer) + 0*x)(1.)
jax.jit(lambda x: x.__setitem__(0,1))(x)
"""
MEMORY = r"""
x.device_buffer
x.device_buffers
x.is_fully_addressable, x.is_fully_replicated, x.committed, x.is_deleted(), x.is_ready()
x.on_device_size_in_bytes(), x.platform(), str(x.device), [str(d) for d in x.devices()]
len(x.addressable_shards), x.addressable_shards[0].data, x.addressable_shards[0].index, x.addressable_shards[0].replica_id, str(x.addressable_shards[0].device)
len(x.global_shards), repr(x.addressable_shards[0])
x.astype(int, copy=True), x.astype(int, device=jax.devices()[0])
x.to_device(jax.devices()[0])
x.to_device(jax.devices()[0], stream=1)
jax.dlpack.from_dlpack(x), np.from_dlpack(x), x.__dlpack_device__()[1]
x.unsafe_buffer_pointer() == x.unsafe_buffer_pointer()
x.block_until_ready()
x.copy_to_host_async()
jax.block_until_ready([x])
"""
OPERATORS = r"""
math.sqrt(x[4]), math.floor(x[2]), round(x[2])
round(x), round(x,1), round(w), round(w,2), round(n), round(n,-1)
abs(x), +x, -x, ~n, abs(c)
~x
-b
np.ones(5) == x, np.float32(3) < x, np.ones((5,5)) @ x, np.arange(5) ** n[0]
x + k[0]
k == k
k[0] == k[1]
divmod(x, 2), divmod(7, n+1), divmod(n, 2)
divmod(x, None)
x ** 2, x ** 2.0, 2 ** x, x ** n[2], n ** 2
n ** -1
x // 2, x % 3, 7 // (n+1), 7 % (n+1), n << 1, n >> 1, 1 << n, 64 >> n, n & 1, n | 4, n ^ 1, 1 & n, 4 | n, 1 ^ n
x @ x, m @ m.T, m.T @ np.ones(3), np.ones(4) @ m.T
x @ 2
2 @ x
[1,2] + x
(1,) + x
{} + x
x + {}
x + {1}
x + "a"
"a" + x
None + x
x - [1]
x / [1]
x & [1]
x * [1,2]
n[2] * [1,2]
[1,2] * n[2]
x == [1]
x == (1,)
x != [1]
x == {}
x == {1}
x == None
x != None
x == "a"
x < None
x < [1]
x >= "a"
x @ [1]
x ** None
x % "a"
"a" % x
"%s" % x[0]
"%d" % n[2], "%.2f" % w
x + np.ones(4)
x + m
"""
METHODS = r"""
x.foo
x.flat
x.mT
m.mT, m.T, t3.T, t3.mT
x.real, x.imag, c.real, c.imag, n.real, n.imag
x.nbytes, x.itemsize, i4.nbytes, i4.itemsize, jnp.zeros(3,jnp.bfloat16).nbytes, k.nbytes, k.itemsize
x.size, x.ndim, x.shape, m.dtype, len(m)
x.addressable_data(0)
x.__array_priority__
x.copy(), x.clone(), copy.copy(x), copy.deepcopy(x)
w.copy(), copy.copy(w), copy.deepcopy(w), pickle.loads(pickle.dumps(w)), w.clone()
x.astype(int), x.astype("bfloat16"), x.astype(None), w.astype(float), w.astype(w.dtype), n.astype(bool)
c.astype(float)
x.astype(jnp.float64)
x.astype("foo")
x.view(int), x.view("int32"), m.view("int8"), m.view(jnp.complex64), c.view(jnp.float32), c.view("uint8"), jnp.array([True,False]).view("int8"), m.view(bool)
x.view("float16"), n.view("uint16"), n.view("int8").view("int32")
x.view("complex64")
x.view("float64")
w.view("int32"), w.view("int16")
jnp.float32(1).view("int16")
x.view(), x.view(x.dtype)
x.view(type=np.ndarray)
u.view("float32"), jnp.arange(4,dtype=jnp.uint16).view("bfloat16"), jnp.arange(4,dtype=jnp.uint8).view("uint32")
jnp.zeros((2,3),jnp.int8).view("int16")
[n.view("int8").view(d) for d in ("int4", "uint4", "int2", "uint2", "float4_e2m1fn", "float8_e3m4", "float8_e8m0fnu", "float8_e4m3fn")]
[jnp.array([1, -2, 7, -8], jnp.int4).view(d) for d in ("int8", "uint4", "int2", "int16", "float4_e2m1fn", "bool", "uint8", "bfloat16")]
i4.view("float32")
[jnp.array([1.5, jnp.nan, -0.0, 2.0, jnp.inf, -0.25], jnp.float8_e3m4).view(d) for d in ("int8", "int16", "int4", "float8_e4m3fn")]
[jnp.array([1.5, 0.0, -0.0, 6.0], jnp.float4_e2m1fn).view(d) for d in ("uint4", "uint8", "int2")]
jax.jit(lambda a: a.view("int8"))(i4), jax.vmap(lambda a: a.view("int2"))(m.astype("int4")), jax.vmap(lambda a: a.view("int8"), 1)(m.astype("int4").T)
[jax.lax.bitcast_convert_type(n.astype("int8"), d) for d in ("int4", "uint2", "float4_e2m1fn", "uint8")]
jax.lax.bitcast_convert_type(i4.reshape(2, 2), jnp.int8), jax.lax.bitcast_convert_type(i4, jnp.uint4), jax.lax.bitcast_convert_type(i4.reshape(1, 4), jnp.int16)
n.byteswap(), x.byteswap(), c.byteswap(), jnp.arange(3,dtype=jnp.int8).byteswap(), jnp.arange(3,dtype=jnp.uint16).byteswap()
x.item(1), m.item(1,2), x[:1].item(), n.item(-1), jnp.array(True).item(), c.item(1)
x.item()
x.item(0,0)
x.item(7)
k.item()
x.tolist(), m.tolist(), w.tolist(), c.tolist(), b.tolist(), jnp.zeros((0,)).tolist(), jnp.ones(2,jnp.bfloat16).tolist()
x.tobytes(), m.tobytes("F")
x.T is x
x.__array_namespace__() is jnp
x.__array_namespace__(api_version="2024.12") is jnp
x.__array_namespace__(api_version="2023.12")
k.__dlpack__()
x.__hash__ is None
x.weak_type, w.weak_type, (w+1).weak_type, (w+x).weak_type, x.aval, w.aval, str(w.aval)
x.__setitem__(0, 1)
x.__delitem__(0)
x.__add__(None), x.__radd__("a"), x.__eq__(None), x.__lt__("a")
x.__add__([1])
x.all(), x.any(), x.argmax(), x.argmin(), x.argpartition(2), x.argsort(), x.argsort(descending=True)
n.choose([x, x+1, x, x])
x.clip(1,3), x.clip(min=1), x.clip(max=2)
m.compress(jnp.array([True,False,True]), 0)
x.conj(), c.conjugate()
x.cumprod(), x.cumsum(), m.cumsum(1), m.cumsum(axis=0, dtype=int)
m.diagonal(), m.diagonal(1), m.dot(m.T), x.dot(x)
m.flatten(), m.flatten("F"), m.ravel(), m.ravel(order="F")
m.max(), m.max(1), m.max(axis=0, keepdims=True), m.min(where=m>3, initial=0), m.mean(), m.mean(axis=(0,1)), m.prod(), m.ptp(), m.std(), m.std(ddof=1), m.var(1), m.sum(), m.sum(0), m.sum(axis=1, keepdims=True), m.sum(dtype=int)
m.nonzero(), n.nonzero(size=2, fill_value=-1)
x.repeat(2), m.repeat(2, axis=1), x.repeat(jnp.array([1,0,2,1,1]), total_repeat_length=5)
m.reshape(4,3), m.reshape((2,6)), m.reshape(-1), m.reshape([4,-1]), m.reshape(4,-1,order="F")
m.reshape(-1,-1)
m.reshape()
x.round(), x.round(1), x.round(decimals=2)
x.searchsorted(2.5), x.searchsorted(jnp.array([0.,9.]), side="right")
x.sort(), m.sort(0), x.sort(descending=True)
m[None].squeeze(), m[None].squeeze(0)
m.squeeze(0)
m.swapaxes(0,1), t3.swapaxes(-1,0)
x.take(jnp.array([0,2])), m.take(1, axis=1)
m.trace(), m.trace(offset=1)
m.transpose(), m.transpose(1,0), m.transpose((1,0)), t3.transpose(0,-1,1), m.transpose(None), m.transpose([1,0])
m.transpose(0)
m.transpose(0,0)
x.sum(out=1)
"""


@pytest.mark.parametrize("line", params(PRINTED))
def test_prints(line: str) -> None:
    same(line)


@pytest.mark.parametrize("line", params(CONVERTED))
def test_converts(line: str) -> None:
    same(line)


@pytest.mark.parametrize("line", params(TRACED))
def test_traced_values(line: str) -> None:
    same(line)


@pytest.mark.parametrize("line", params(MEMORY))
def test_memory(line: str) -> None:
    same(line)


@pytest.mark.parametrize("line", params(OPERATORS))
def test_operators(line: str) -> None:
    same(line)


@pytest.mark.parametrize("line", params(METHODS))
def test_methods(line: str) -> None:
    same(line)
