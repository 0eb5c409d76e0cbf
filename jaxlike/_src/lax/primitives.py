"""primitives: what binding a primitive of JAX's own does: it calls the function of `jax.lax` that means the same.

`_TABLE` gives for each primitive the function and how its parameters are called there; what needs more than that
is a `def` under `@computes`. The functions bring their rules along, so the tables of `jax.interpreters` hold for
these primitives rules made from them (`fill_tables`), for programs that look rules up and call them.
"""

from __future__ import annotations

import functools
import importlib
import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array, NarrowArray
from jaxlike._src.border import astype, unwrap
from jaxlike._src.device_put import device_put
from jaxlike._src.devices import default_device, default_torch_device
from jaxlike._src.graph.jaxpr import ClosedJaxpr, Jaxpr, eval_jaxpr
from jaxlike._src.graph.primitive import Builtin, CallPrimitive, builtin
from jaxlike._src.lax.cond import choose_by_number
from jaxlike._src.lax.refs import addupdate, free_ref, freeze, get, new_ref, swap
from jaxlike._src.lax.scan import scan
from jaxlike._src.lax.while_loop import while_loop
from jaxlike._src.random.generators import PRNGImpl
from jaxlike._src.random.key_array import PRNGKeyArray
from jaxlike._src.transforms import tables
from jaxlike._src.transforms.arguments import to_array
from jaxlike._src.transforms.checkpoint import checkpoint
from jaxlike._src.transforms.custom import CustomJvp
from jaxlike._src.transforms.forward import jvp
from jaxlike._src.transforms.jit import jit
from jaxlike._src.transforms.linear_transpose import linear_transpose
from jaxlike._src.transforms.stop_gradient import stop_gradient
from jaxlike._src.transforms.structured import apply
from jaxlike._src.transforms.tables import Zero, instantiate_zeros, is_undefined_primal
from jaxlike._src.transforms.vmap import vmap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_IGNORED = frozenset(
    ["accuracy", "sharding", "out_sharding", "out_dtype", "input_dtype", "_input_dtype", "weak_type", "use_magma"]
)
_SAME_NAME = """
    abs acos acosh add asin asinh atan atan2 atanh bessel_i0e bessel_i1e bitcast_convert_type cbrt ceil clamp clz
    complex concatenate conj cos cosh cumlogsumexp cummax cummin cumprod cumsum digamma div dot_general eq erf erf_inv
    erfc exp exp2 expm1 floor ge gt igamma igamma_grad_a igammac imag integer_pow is_finite le lgamma log log1p logistic
    lt max min mul mulhi ne neg nextafter pad polygamma population_count pow real reduce_and reduce_max reduce_min
    reduce_or reduce_precision reduce_prod reduce_sum reduce_xor rem reshape rev round rsqrt select_n shift_left
    shift_right_arithmetic shift_right_logical sign sin sinh slice sqrt square squeeze sub tan tanh tile transpose zeta
    conv_general_dilated gather optimization_barrier all_gather all_to_all axis_index ppermute pmax pmin
""".split()
# primitive -> function, and new names of parameters
_TABLE: dict[str, tuple[str, dict[str, str]]] = {
    **{n: (n, {}) for n in _SAME_NAME},
    "and": ("bitwise_and", {}), "or": ("bitwise_or", {}), "xor": ("bitwise_xor", {}), "not": ("bitwise_not", {}),
    "broadcast_in_dim": ("broadcast_in_dim", {}), "convert_element_type": ("convert_element_type", {}),
    "regularized_incomplete_beta": ("betainc", {}), "eig": ("linalg.eig", {}),
    "qr": ("linalg.qr", {}), "lu": ("linalg.lu", {}),
    "triangular_solve": ("linalg.triangular_solve", {}), "schur": ("linalg.schur", {}),
    "hessenberg": ("linalg.hessenberg", {}), "tridiagonal": ("linalg.tridiagonal", {}),
    "householder_product": ("linalg.householder_product", {}), "tridiagonal_solve": ("linalg.tridiagonal_solve", {}),
    "symmetric_product": ("linalg.symmetric_product", {}), "cholesky_update": ("linalg.cholesky_update", {}),
    "lu_pivots_to_permutation": ("linalg.lu_pivots_to_permutation", {}),
    "reduce_precision": ("reduce_precision", {}), "split": ("split", {}),
    "ormqr": ("linalg.ormqr", {}), "rng_uniform": ("rng_uniform", {}), "ragged_all_to_all": ("ragged_all_to_all", {}),
    "stack": ("stack", {}), "unstack": ("unstack", {}), "top_k": ("top_k", {}),
}  # fmt: skip
_TABLE["round"] = ("round", {"rounding_method": "rounding_method"})
_LISTS = """
    approx_top_k call closed_call cond custom_jvp_call custom_lin custom_vjp_call device_put eig eigh hessenberg jit
    custom_linear_solve lu qr reduce reduce_window remat2 rng_bit_generator scan schur sort svd threefry2x32 top_k
    addupdate free_ref iota_2x32_shape tridiagonal while dce_sink optimization_barrier split unstack
""".split()


@functools.cache
def _function(path: str) -> Callable[..., Any]:
    module, _, name = f"jaxlike.lax.{path}".rpartition(".")  # public names: some are bound after this module
    try:
        return getattr(importlib.import_module(module), name)
    except (AttributeError, ModuleNotFoundError) as error:
        raise NotImplementedError(f"Evaluation rule for '{path}' not implemented") from error


def _call(function: str, names: dict[str, str], many: bool, *args: Any, **params: Any) -> Any:
    given = {names.get(k, k): v for k, v in params.items() if k not in _IGNORED and v is not None}
    if function == "concatenate" or function == "stack":
        return _function(function)(args, **given)
    out = _function(function)(*args, **given)
    return list(out) if many else out


def computes(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare what binding a primitive does."""

    def register(fun: Callable[..., Any]) -> Callable[..., Any]:
        builtin(name, name in _LISTS).def_impl(fun)
        return fun

    return register


for _name, (_path, _renamed) in _TABLE.items():
    computes(_name)(functools.partial(_call, _path, _renamed, _name in _LISTS))


# Refs


@computes("new_ref")
def _new_ref(init: Any, *, memory_space: Any = None, kind: Any = None) -> Any:
    return new_ref(init, memory_space=memory_space, kind=kind)


@computes("get")
def _get(ref: Any, *places: Any, tree: Any) -> Array:
    part, index = _part_of(ref, tree, places)
    return get(part, index)


@computes("swap")
def _swap(ref: Any, value: Any, *places: Any, tree: Any) -> Array:
    part, index = _part_of(ref, tree, places)
    return swap(part, index, value)


@computes("addupdate")
def _addupdate(ref: Any, value: Any, *places: Any, tree: Any) -> list[Any]:
    part, index = _part_of(ref, tree, places)
    addupdate(part, index, value)
    return []


def _part_of(ref: Any, tree: Any, places: Any) -> tuple[Any, Any]:
    """The ref, or a part of it, and the index into that."""
    *outer, index = [None, *(part.of(given) for part, given in tree.split(places))]
    for i in outer[1:]:
        ref = ref.at[i]
    return ref, index


computes("freeze")(lambda ref: freeze(ref))
computes("free_ref")(lambda ref: list(free_ref(ref)))


# Types and shapes


@computes("convert_element_type")
def _convert_element_type(operand: Any, *, new_dtype: Any, weak_type: bool = False, sharding: Any = None) -> Array:
    del sharding
    return astype(to_array(operand), new_dtype, weak_type)


@computes("broadcast_in_dim")
def _broadcast_in_dim(
    operand: Any, *dynamic: Any, shape: Any, broadcast_dimensions: Any, sharding: Any = None
) -> Array:
    del dynamic, sharding
    return _function("broadcast_in_dim")(operand, shape, broadcast_dimensions)


@computes("mul")
def _mul(x: Any, y: Any, *, out_dtype: Any = None) -> Array:
    out = _function("mul")(x, y)
    return out if out_dtype is None else astype(out, out_dtype)


@computes("iota")
def _iota(*dynamic: Any, dtype: Any, shape: Any, dimension: int, sharding: Any = None) -> Array:
    del dynamic, sharding
    return _function("broadcasted_iota")(dtype, shape, dimension)


@computes("iota_2x32_shape")
def _iota_2x32_shape(*, shape: Any) -> list[Array]:
    """The places of a flat array in words: upper halves, lower halves."""
    count = torch.arange(math.prod(shape), dtype=torch.int64, device=default_torch_device()).reshape(tuple(shape))
    return [Array((part & 0xFFFFFFFF).to(torch.uint32)) for part in (count >> 32, count)]


@computes("cholesky")
def _cholesky(x: Any) -> Array:
    """The factor from the lower triangle; what stands above the diagonal stays as it was, NaN where it failed."""
    x = to_array(x)
    factor = _function("linalg.cholesky")(x, symmetrize_input=False)
    rows, columns = (_function("broadcasted_iota")(dtypes.np.int32, x.shape, x.ndim - k) for k in (2, 1))
    first = _function("slice_in_dim")(_function("slice_in_dim")(factor, 0, 1, axis=-1), 0, 1, axis=-2)
    corner = _function("broadcast_in_dim")(first, x.shape, tuple(range(x.ndim)))
    above = _function("select")(_function("ne")(corner, corner), corner, stop_gradient(x))
    return _function("select")(_function("lt")(rows, columns), above, factor)


@computes("svd")
def _svd(x: Any, *, compute_uv: bool = True, **params: Any) -> list[Array]:
    """Singular values first, then the vectors, if they are asked for."""
    out = _function("linalg.svd")(x, compute_uv=compute_uv, **params)
    return [out[1], out[0], out[2]] if compute_uv else [out]


@computes("approx_top_k")
def _approx_top_k(operand: Any, *, is_max_k: bool, **params: Any) -> list[Array]:
    return list(_function("approx_max_k" if is_max_k else "approx_min_k")(operand, **params))


@computes("random_unwrap")
def _random_unwrap(keys: Any) -> Any:
    return _random("key_data")(keys)


@computes("aten.stored")
def _stored(keys: Any) -> Array:
    """The numbers that store keys (one each, where JAX's are words)."""
    return Array(unwrap(keys))


@computes("random_wrap")
def _random_wrap(words: Any, *, impl: Any) -> Any:
    return _random("wrap_key_data")(to_array(words), impl=impl)


@computes("aten.of_stored")
def _of_stored(numbers: Any, *, kind: Any) -> Any:
    return (PRNGKeyArray if isinstance(kind, PRNGImpl) else NarrowArray)(unwrap(numbers), kind)


@computes("reshape")
def _reshape(operand: Any, *dynamic: Any, new_sizes: Any, dimensions: Any = None, sharding: Any = None) -> Array:
    del dynamic, sharding
    return _function("reshape")(operand, new_sizes, dimensions)


@computes("copy")
def _copy(x: Any) -> Any:
    return to_array(x)


@computes("dynamic_slice")
def _dynamic_slice(operand: Any, *starts: Any, slice_sizes: Any) -> Array:
    return _function("dynamic_slice")(operand, starts, slice_sizes, allow_negative_indices=False)


@computes("dynamic_update_slice")
def _dynamic_update_slice(operand: Any, update: Any, *starts: Any) -> Array:
    return _function("dynamic_update_slice")(operand, update, starts, allow_negative_indices=False)


@computes("argmax")
def _argmax(operand: Any, *, axes: Any, index_dtype: Any) -> Array:
    (axis,) = axes
    return _function("argmax")(operand, axis, index_dtype)


@computes("argmin")
def _argmin(operand: Any, *, axes: Any, index_dtype: Any) -> Array:
    (axis,) = axes
    return _function("argmin")(operand, axis, index_dtype)


@computes("sort")
def _sort(*operands: Any, dimension: int, is_stable: bool, num_keys: int) -> list[Array]:
    return list(_function("sort")(operands, dimension, is_stable, num_keys))


@computes("fft")
def _fft(x: Any, *, fft_type: Any, fft_lengths: Any) -> Array:
    return _function("fft")(x, fft_type, fft_lengths)


def _scatter(function: str, operand: Any, indices: Any, updates: Any, **params: Any) -> Array:
    for unused in ("update_jaxpr", "update_consts"):
        params.pop(unused, None)
    return _function(function)(operand, indices, updates, **params)


for _name in ("scatter", "scatter-add", "scatter-sub", "scatter-mul", "scatter-min", "scatter-max"):
    computes(_name)(functools.partial(_scatter, _name.replace("-", "_")))


def _window(function: str, x: Any, **params: Any) -> Array:
    lax_function = _function("reduce_window")
    reducer = _function(function)
    init = {"add": 0, "max": -float("inf"), "min": float("inf")}[function]
    x = to_array(x)
    if function != "add" and not dtypes.issubdtype(x.dtype, dtypes.np.inexact):
        info = dtypes.iinfo(x.dtype)
        init = int(info.min) if function == "max" else int(info.max)
    return lax_function(x, x.dtype.type(init), reducer, **params)


for _name in ("add", "max", "min"):
    computes(f"reduce_window_{'sum' if _name == 'add' else _name}")(functools.partial(_window, _name))


@computes("reduce")
def _reduce(*args: Any, jaxpr: Any, dimensions: Any, **_others: Any) -> list[Any]:
    operands, inits = args[: len(args) // 2], args[len(args) // 2 :]
    n = len(operands)

    def combine(a: Any, b: Any) -> Any:
        return tuple(_as_function(jaxpr)(*a, *b))

    if n == 1:
        return [_function("reduce")(operands[0], inits[0], lambda a, b: combine((a,), (b,))[0], dimensions)]
    return list(_function("reduce")(tuple(operands), tuple(inits), combine, dimensions))


# Control flow and calls


def _as_function(jaxpr: Any) -> Callable[..., list[Any]]:
    """The function that a jaxpr, open or closed, stands for."""
    if isinstance(jaxpr, Jaxpr):
        return functools.partial(eval_jaxpr, jaxpr, ())
    assert isinstance(jaxpr, ClosedJaxpr)
    return functools.partial(eval_jaxpr, jaxpr.jaxpr, jaxpr.consts)


@computes("scan")
def _scan(
    *args: Any,
    jaxpr: Any,
    length: int,
    num_consts: int,
    num_carry: int,
    reverse: bool = False,
    unroll: Any = 1,
    linear: Any = None,
    _split_transpose: bool = False,
) -> list[Any]:
    del linear, _split_transpose
    consts, init, xs = args[:num_consts], args[num_consts : num_consts + num_carry], args[num_consts + num_carry :]

    def step(carry: Any, x: Any) -> Any:
        outs = _as_function(jaxpr)(*consts, *carry, *x)
        return tuple(outs[:num_carry]), tuple(outs[num_carry:])

    carry, ys = scan(step, tuple(init), tuple(xs), length, reverse, unroll)
    return [*carry, *ys]


@computes("while")
def _while(*args: Any, cond_nconsts: int, cond_jaxpr: Any, body_nconsts: int, body_jaxpr: Any) -> list[Any]:
    for_cond, for_body = args[:cond_nconsts], args[cond_nconsts : cond_nconsts + body_nconsts]
    init = tuple(args[cond_nconsts + body_nconsts :])
    return list(
        while_loop(
            lambda c: _as_function(cond_jaxpr)(*for_cond, *c)[0],
            lambda c: tuple(_as_function(body_jaxpr)(*for_body, *c)),
            init,
        )
    )


@computes("cond")
def _cond(index: Any, *operands: Any, branches: Any, **_others: Any) -> list[Any]:
    functions = tuple([lambda *ops, j=j: tuple(_as_function(j)(*ops)) for j in branches])
    return list(choose_by_number(astype(to_array(index), dtypes.np.int32), functions, operands))


@computes("platform_index")
def _platform_index(*, platforms: Any) -> Array:
    """The place of the platform of this process among groups of them; None is for others."""
    here = default_device().client.key
    at = (k for k, names in enumerate(platforms) if names is None or here in names)
    return to_array(dtypes.np.int32(next(at)))


@computes("jit")
def _jit(*args: Any, jaxpr: Any, name: str = "", **_others: Any) -> list[Any]:
    def called(*inside: Any) -> list[Any]:
        return _as_function(jaxpr)(*inside)

    called.__name__ = called.__qualname__ = name or "called"
    return list(jit(called)(*args))


@computes("remat2")
def _remat(*args: Any, jaxpr: Any, prevent_cse: bool = True, policy: Any = None, **_others: Any) -> list[Any]:
    return list(checkpoint(_as_function(jaxpr), prevent_cse=prevent_cse, policy=policy)(*args))


@computes("custom_jvp_call")
def _custom_jvp_call(*args: Any, call_jaxpr: Any, num_consts: int = 0, **params: Any) -> list[Any]:
    """Another function with the rule of an equation, which takes what comes after the constants."""
    arrays, rule = [to_array(a) for a in args[num_consts:]], params["jvp_jaxpr_fun"]
    call = functools.partial(_as_function(call_jaxpr), *args[:num_consts])
    return apply(CustomJvp(lambda inside: [to_array(o) for o in call(*inside)], rule.rule, params), arrays)


@computes("stop_gradient")
def _stop_gradient(x: Any) -> Any:
    return stop_gradient(x)


def _called(*args: Any, call_jaxpr: Any, **_others: Any) -> list[Any]:
    return list(_as_function(call_jaxpr)(*args))


call_p = CallPrimitive("call")
call_p.def_impl(_called)
closed_call_p = CallPrimitive("closed_call")
closed_call_p.def_impl(_called)


@computes("eigh")
def _eigh(x: Any, **params: Any) -> list[Any]:
    """Of one triangle, as it is."""
    return _call("linalg.eigh", {}, True, x, symmetrize_input=False, **params)


# Keys, names, places


@computes("random_split")
def _random_split(keys: Any, *, shape: Any) -> Any:
    return _each(lambda key: _random("split")(key, shape), keys)


@computes("random_fold_in")
def _random_fold_in(keys: Any, msgs: Any) -> Any:
    return _each(_random("fold_in"), keys, to_array(msgs))


@computes("random_seed")
def _random_seed(seeds: Any, *, impl: Any) -> Any:
    return _each(lambda seed: _random("key")(seed, impl=impl.name), to_array(seeds))


@computes("random_bits")
def _random_bits(keys: Any, *, bit_width: int, shape: Any) -> Array:
    return _each(lambda key: _random("bits")(key, shape, f"uint{bit_width}"), keys)


def _each(fun: Callable[..., Any], keys: Any, *rest: Any) -> Any:
    """A function of one key for each of an array of keys: what transformations make of these primitives."""
    for left in range(keys.ndim):
        fun = vmap(fun, (0, *(0 if x.ndim > left else None for x in rest)))
    return fun(keys, *rest)


@computes("random_clone")
def _random_clone(keys: Any) -> Any:
    return _random("clone")(keys)


def _random(name: str) -> Callable[..., Any]:
    return getattr(importlib.import_module("jaxlike.random"), name)  # public names: see `_function`


@computes("device_put")
def _device_put(*operands: Any, devices: Any, srcs: Any = (), copy_semantics: Any = ()) -> list[Any]:
    del srcs, copy_semantics
    return [device_put(x, d) for x, d in zip(operands, devices, strict=True)]


@computes("psum")
def _psum(operand: Any, *, axes: Any, axis_index_groups: Any = None) -> Any:
    return _function("psum")(operand, axes, axis_index_groups=axis_index_groups)


def _extremum(name: str, operand: Any, *, axes: Any, axis_index_groups: Any = None) -> Any:
    places = [a for a in axes if isinstance(a, int)]
    x = _function(f"reduce_{name.removeprefix('p')}")(to_array(operand), places) if places else operand
    names = tuple(a for a in axes if not isinstance(a, int))
    return _function(name)(x, names, axis_index_groups=axis_index_groups) if names else x


for _name in ("pmax", "pmin"):
    computes(_name)(functools.partial(_extremum, _name))


# Rules for those who look them up


def _unary_jvp(p: Builtin, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
    given = [to_array(x) for x in primals]
    moved = [
        tables.zeros_like_aval(x.aval.to_tangent_aval()) if type(t) is Zero else t
        for x, t in zip(given, tangents, strict=True)
    ]
    return jvp(lambda *xs: p.bind(*xs, **params), tuple(given), tuple(moved))


def _batcher(p: Builtin, args: Sequence[Any], dims: Sequence[Any], **params: Any) -> Any:
    out = vmap(lambda *xs: p.bind(*xs, **params), tuple(dims))(*args)
    return (out, [0] * len(out)) if p.multiple_results else (out, 0)


def _transpose(p: Builtin, cotangent: Any, *args: Any, **params: Any) -> list[Any]:
    at = [k for k, a in enumerate(args) if is_undefined_primal(a)]

    def of_linear(*chosen: Any) -> Any:
        whole = list(args)
        for k, x in zip(at, chosen, strict=True):
            whole[k] = x
        return p.bind(*whole, **params)

    cts = [instantiate_zeros(c) for c in cotangent] if p.multiple_results else instantiate_zeros(cotangent)
    grads = linear_transpose(of_linear, *(args[k].aval for k in at))(cts)
    out: list[Any] = [None] * len(args)
    for k, g in zip(at, grads, strict=True):
        out[k] = g
    return out


_LINEAR = """
    neg add sub mul div convert_element_type broadcast_in_dim reshape transpose squeeze concatenate slice rev pad
    dynamic_slice dynamic_update_slice reduce_sum dot_general cumsum real imag complex conj select_n copy gather
    reduce_window_sum conv_general_dilated add_any
""".split()


def give_rules(p: Builtin, linear: bool) -> None:
    """Rules of our own function, under the primitive that stands for it; a transpose if it is ``linear``."""
    tables.primitive_jvps[p] = functools.partial(_unary_jvp, p)
    tables.primitive_batchers[p] = functools.partial(_batcher, p)
    if linear:
        tables.primitive_transposes[p] = functools.partial(_transpose, p)


def fill_tables() -> None:
    """Rules of our own functions, under the primitives that stand for them."""
    from jaxlike._src.graph.primitive import builtins

    for p in builtins():
        give_rules(p, p.name in _LINEAR)
