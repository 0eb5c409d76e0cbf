"""torch_private: every use of a private torch name, each behind a function that says what it does.

Three groups: functorch levels (what torch.func is made of: entering a level, wrapping and unwrapping a
tensor there), the dispatch modes below them, and the compiler. Tested with torch 2.11 and 2.13.
"""

# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import contextlib
import functools
import importlib
import threading
import warnings
from typing import TYPE_CHECKING, Any

import torch
import torch.autograd.forward_ad as forward_ad
from torch._C import _functorch as functorch  # pyright: ignore[reportAttributeAccessIssue]
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch.autograd.forward_ad import _set_fwd_grad_enabled
from torch.utils._python_dispatch import TorchDispatchMode as TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

# torch says when an op runs lane by lane under vmap; nobody who wrote a JAX program can act on that.
functorch._set_vmap_fallback_warning_enabled(False)

is_wrapped = functorch.is_functorch_wrapped_tensor
is_batched = functorch.is_batchedtensor
is_differentiated = functorch.is_gradtrackingtensor
wrapped_value = functorch.get_unwrapped
level_of = functorch.maybe_get_level

# Marks


class Marked(torch.Tensor):
    """A tensor that carries a mark, on the memory of a plain one; what torch computes of it is marked too."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # pyright: ignore[reportAssignmentType]
    plain: Tensor
    mark: Any
    join: Any = None  # the mark of a result: of the op, its arguments, those with marks, and the result

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute on plain tensors; one that is written in place stays what it was."""
        seen: list[Marked] = []
        out = op(*cls._stripped(args, seen), **{k: cls._stripped(v, seen) for k, v in (kwargs or {}).items()})
        written = {id(x.plain): x for x in seen}

        def remarked(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)([remarked(v) for v in value])
            if type(value) is not torch.Tensor:
                return value
            same = written.get(id(value))
            return marked(value, cls.join(op, args, seen, value)) if same is None else same

        return remarked(out)

    @classmethod
    def _stripped(cls, value: Any, seen: list[Marked]) -> Any:
        if type(value) is cls:
            seen.append(value)
            return value.plain
        if isinstance(value, list | tuple):
            return type(value)([cls._stripped(v, seen) for v in value])
        return value

    def numpy(self, *, force: bool = False) -> Any:
        """The plain tensor's: torch has none for other classes."""
        return self.plain.numpy(force=force)


def marked(tensor: Tensor, mark: Any) -> Tensor:
    """A plain tensor with a mark; as it is where that is None."""
    if mark is None:
        return tensor
    made = torch.Tensor._make_subclass(Marked, tensor)
    made.plain, made.mark = tensor, mark
    return made


def plain(tensor: Tensor) -> Tensor:
    """The tensor without its mark."""
    return tensor.plain if type(tensor) is Marked else tensor


# Reverse mode


def enter_grad() -> int:
    """Enter a reverse-mode level; returns its number."""
    return functorch._grad_increment_nesting()


def exit_grad() -> None:
    """Leave the innermost reverse-mode level."""
    functorch._grad_decrement_nesting()


def differentiable(tensor: Tensor, level: int) -> Tensor:
    """``tensor`` as an input to differentiate by at ``level``."""
    wrapped = functorch._wrap_for_grad(tensor, level)
    functorch.set_inplace_requires_grad_allowed(True)
    try:
        return wrapped.requires_grad_()
    finally:
        functorch.set_inplace_requires_grad_allowed(False)


def unwrap_at(tensor: Tensor, level: int) -> Tensor:
    """The value of ``tensor`` below a grad or jvp level."""
    return functorch._unwrap_for_grad(tensor, level)


def wrap_at(tensor: Tensor, level: int) -> Tensor:
    """``tensor`` as a constant of a grad or jvp level."""
    return functorch._wrap_for_grad(tensor, level)


def backward(
    outputs: Sequence[Tensor], cotangents: Sequence[Tensor], inputs: Sequence[Tensor]
) -> tuple[Tensor | None, ...]:
    """Gradients of ``outputs`` by ``inputs``, themselves differentiable; None where independent.

    All in this thread, on a GPU too: rules written in Python find the frames and settings that are in force.
    """
    engine: Any = torch.autograd.Variable._execution_engine
    threads = torch._C._is_multithreading_enabled()
    torch._C._set_multithreading_enabled(False)
    try:
        return engine.run_backward(
            tuple(outputs), tuple(cotangents), True, True, tuple(inputs), True, accumulate_grad=False
        )
    finally:
        torch._C._set_multithreading_enabled(threads)


def last_autograd_number() -> int:
    """The number of the autograd node that was made last on this thread."""
    return torch.autograd._get_sequence_nr() - 1


def running_backward_number() -> int | None:
    """The number of the autograd node whose backward runs; None outside of a backward pass."""
    node: Any = torch._C._current_autograd_node()
    return None if node is None else node._sequence_nr()


# Forward mode


def enter_jvp() -> int:
    """Enter a forward-mode level; returns its number."""
    global _jvp_levels
    level = functorch._jvp_increment_nesting()
    with _jvp_lock:
        if _jvp_levels == 0:  # torch has one dual level; functorch's levels nest inside it
            # The C functions under forward_ad.enter_dual_level and its like, without 20 µs of Dynamo wrappers.
            forward_ad._current_level = torch._C._enter_dual_level()
        _jvp_levels += 1
    return level


_jvp_levels = 0
_jvp_lock = threading.Lock()


@functools.cache
def learn_forward_rules_of_layers() -> None:
    """Let forward mode through the backward passes of normalization layers and losses, as torch.autograd's own does."""
    with warnings.catch_warnings():  # it compiles the rules by torch.jit, which is deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        importlib.import_module("torch._decomp.decompositions_for_jvp")


def exit_jvp() -> None:
    """Leave the innermost forward-mode level."""
    global _jvp_levels
    with _jvp_lock:
        _jvp_levels -= 1
        if _jvp_levels == 0:
            torch._C._exit_dual_level(level=0)
            forward_ad._current_level = -1
    functorch._jvp_decrement_nesting()


def functorch_depth() -> int:
    """How many functorch levels are active."""
    return len(functorch.get_interpreter_stack() or ())


def make_dual(primal: Tensor, tangent: Tensor) -> Tensor:
    """A dual number at the innermost jvp level."""
    return torch._VF._make_dual(primal, tangent, level=0)


def unpack_dual(tensor: Tensor) -> tuple[Tensor, Tensor | None]:
    """(primal, tangent or None) at the innermost jvp level."""
    return torch._VF._unpack_dual(tensor, level=0)


@contextlib.contextmanager
def forward_mode(enabled: bool) -> Iterator[None]:
    """Forward AD on or off inside."""
    with _set_fwd_grad_enabled(enabled):
        yield


# Batching


def enter_vmap(size: int) -> int:
    """Enter a batching level; returns its number."""
    return functorch._vmap_increment_nesting(size, "error")


def exit_vmap() -> None:
    """Leave the innermost batching level."""
    functorch._vmap_decrement_nesting()


add_batch_dim = functorch._add_batch_dim


def remove_batch_dim(tensor: Tensor, level: int, size: int, dim: int) -> Tensor:
    """``tensor`` with the batch of ``level`` as dimension ``dim`` (expanded if it has none)."""
    if functorch.is_batchedtensor(tensor) and functorch.maybe_get_level(tensor) == level:
        return functorch._remove_batch_dim(tensor, level, size, dim)
    # torch's own expands only in front (torch 2.13).
    sizes = list(tensor.shape)
    sizes.insert(dim, size)
    return tensor.unsqueeze(dim).expand(sizes)


def batch_dim_at(tensor: Tensor, level: int) -> int | None:
    """Where ``tensor`` is batched at exactly ``level``, counted in its unwrapped value; else None."""
    if functorch.is_batchedtensor(tensor) and functorch.maybe_get_level(tensor) == level:
        return functorch.maybe_get_bdim(tensor)
    return None


def innermost(tensor: Tensor) -> Tensor:
    """What all levels wrap."""
    while is_wrapped(tensor):
        tensor = wrapped_value(tensor)
    return tensor


def lanes_axis(tensor: Tensor) -> int | None:
    """Where a wrapped tensor is batched, counted in its unwrapped value; None where it is not batched."""
    return functorch.maybe_get_bdim(tensor) if functorch.is_batchedtensor(tensor) else None


def levels_of(tensor: Tensor) -> set[int]:
    """The functorch levels that ``tensor`` is batched at."""
    levels: set[int] = set()
    while functorch.is_functorch_wrapped_tensor(tensor):
        if functorch.is_batchedtensor(tensor):
            levels.add(functorch.maybe_get_level(tensor))
        tensor = functorch.get_unwrapped(tensor)
    return levels


# Outside of everything


class outside:
    """No functorch level and no dispatch mode inside: for making plain tensors during a transformation."""

    __slots__ = ("_guards",)

    def __enter__(self) -> None:
        self._guards = (torch._C._DisableFuncTorch(), torch._C._DisableTorchDispatch())

    def __exit__(self, *exc: object) -> None:
        del self._guards


def lazy_clone(tensor: Tensor) -> Tensor:
    """A copy that shares memory until either is written to; a real copy where torch does not own the memory."""
    try:
        return torch._lazy_clone(tensor)
    except RuntimeError:  # memory of numpy's or of another library; a device without copies on write
        return tensor.clone()


cleared_levels = temporarily_clear_interpreter_stack  # no functorch level inside; restored also after an error


class no_modes:
    """No dispatch mode inside: what a recorder does itself is not recorded by those outside of it."""

    __slots__ = ("_modes",)

    def __enter__(self) -> None:
        stack = torch._C._len_torch_dispatch_stack()
        self._modes = [torch._C._pop_torch_dispatch_stack(None) for _ in range(stack)]

    def __exit__(self, *exc: object) -> None:
        for mode in reversed(self._modes):
            torch._C._push_on_torch_dispatch_stack(mode)


# Below the innermost level, and back


class below_level:
    """The innermost functorch level set aside, with differentiation of both modes on for the others."""

    __slots__ = ("_forward", "_level", "_reverse")

    def __enter__(self) -> None:
        self._reverse, self._forward = torch.is_grad_enabled(), torch._C._is_fwd_grad_enabled()
        torch._C._set_grad_enabled(True)
        torch._C._set_fwd_grad_enabled(True)
        interpreter = functorch.peek_interpreter_stack()
        self._level = functorch.pop_dynamic_layer_stack()
        _ASIDE.levels.append((interpreter, self._level))

    def __exit__(self, *exc: object) -> None:
        _ASIDE.levels.pop()
        functorch.push_dynamic_layer_stack(self._level)
        torch._C._set_fwd_grad_enabled(self._forward)
        torch._C._set_grad_enabled(self._reverse)


class _Aside(threading.local):
    """The levels that rules have set aside on this thread, outermost last."""

    def __init__(self) -> None:
        self.levels: list[tuple[Any, Any]] = []  # the interpreter and the layer of each


_ASIDE = _Aside()

SingleLevelFunction: Any = torch.autograd.function._SingleLevelFunction


def link(function: Any, *args: Any) -> Any:
    """Apply a `SingleLevelFunction`: a node in the autograd graph of the innermost level alone."""
    before = functorch.get_single_level_autograd_function_allowed()
    functorch.set_single_level_autograd_function_allowed(True)
    try:
        return function.apply(*args)
    finally:
        functorch.set_single_level_autograd_function_allowed(before)


_JVP = functorch.TransformType.Jvp


def has_tangent(tensor: Tensor) -> bool:
    """Whether a tensor of a forward-mode level carries a tangent."""
    if _jvp_levels == 0:
        return False
    with _at_jvp_level_of(tensor) as found, _set_fwd_grad_enabled(True):
        tangent: Any = torch._VF._unpack_dual(tensor, level=0)[1] if found else None
        return tangent is not None


@contextlib.contextmanager
def _at_jvp_level_of(tensor: Tensor) -> Iterator[bool]:
    """The tensor's own level innermost, and whether it is one of forward mode.

    Levels further inside see the tensor as a constant; a rule may have set its own aside.
    """
    level, above = functorch.maybe_get_level(tensor), []
    own: list[Any] = []
    try:
        while (innermost := functorch.peek_interpreter_stack()) is not None and not (
            innermost.level() < level or (innermost.level() == level and innermost.key() == _JVP)
        ):
            above.append(functorch.pop_dynamic_layer_stack())
        at = 0 if innermost is None else innermost.level()
        if at + 1 == level:  # a level can be put only where it was, on the one below it
            own = [layer for i, layer in _ASIDE.levels if i.level() == level and i.key() == _JVP][-1:]
        for layer in own:
            functorch.push_dynamic_layer_stack(layer)
        yield bool(own) or (innermost is not None and at == level)
    finally:
        for _ in own:
            functorch.pop_dynamic_layer_stack()
        for layer in reversed(above):
            functorch.push_dynamic_layer_stack(layer)


# The compiler

COMPILER_ERRORS: tuple[type[Exception], ...] = (RuntimeError, NotImplementedError, AssertionError, TypeError)


def has_cpp_compiler(which: Any) -> bool:
    """Whether Inductor would find a C++ compiler."""
    import os

    return any(which(name) for name in (os.environ.get("CXX") or "g++", "g++", "clang++", "cl") if name)


@contextlib.contextmanager
def outside_of_everything() -> Iterator[None]:
    """No functorch level and no dispatch mode on their stacks either (the compiler looks at the stacks)."""
    from torch.utils._python_dispatch import _disable_current_modes

    with temporarily_clear_interpreter_stack(), _disable_current_modes():
        yield


_keys_at_import = torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set()


@contextlib.contextmanager
def as_at_first() -> Iterator[None]:
    """Outside of everything, and free to begin transformations: inside of an operator's kernel, or `outside`, torch
    leaves out the dispatch keys that they need."""
    with outside_of_everything(), torch._C._ForceDispatchKeyGuard(*_keys_at_import):
        yield


def inductor_compile(module: Any, examples: list[Tensor]) -> Callable[[Sequence[Tensor]], Sequence[Tensor]]:
    """An FX module compiled by Inductor for these examples, as a function of tensors that have their layout.

    ``realize_opcount_threshold``: a pointwise value used twice is otherwise inlined at each use, and the
    compile time of a gradient of a chain of n steps grows exponentially with n (torch 2.13).
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, of torch.jit
        compile_fx = importlib.import_module("torch._inductor.compile_fx")
        from torch._inductor import config as inductor_config

    made: list[tuple[Any, int]] = []

    def compile_inner(inner: Any, inputs: Any, **options: Any) -> Any:
        out = compile_fx.compile_fx_inner(inner, inputs, **options)
        made.append((out, len(inputs)))
        return out

    buffers = list(module.buffers())
    options = {"realize_opcount_threshold": 10, "compile_threads": 1}
    options |= {"size_asserts": False, "alignment_asserts": False}  # the caller sees to shapes and layouts
    with torch.no_grad(), inductor_config.patch(options), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch speaks of its own code, not of the user's
        whole: Any = compile_fx.compile_fx(module, examples, inner_compile=compile_inner)
        expected = whole(*examples)

    # What torch calls around the compiled code is for training and for mutation, and takes longer than a small kernel.
    if len(made) == 1 and made[0][1] == len(buffers) + len(examples) and hasattr(made[0][0], "current_callable"):
        code = made[0][0].current_callable
        with torch.no_grad():
            found = code([*buffers, *examples])
        if len(found) == len(expected) and all(map(_same, found, expected)):
            return (lambda tensors: code([*buffers, *tensors])) if buffers else (lambda tensors: code([*tensors]))

    def call(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        with torch.no_grad():
            return whole(*tensors)

    return call


def empty_strided_on(device: torch.device) -> Callable[..., Tensor]:
    """A function of shape, strides and dtype that makes a tensor without values, in a quarter of the usual time."""
    if device.type == "cpu":
        return importlib.import_module("torch._C._dynamo.guards")._empty_strided_cpu
    return lambda shape, strides, dtype: torch.empty_strided(shape, strides, dtype=dtype, device=device)


def copy_all(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy many tensors at once, which is one kernel on a GPU."""
    torch._foreach_copy_(list(targets), list(sources))


def gpu_compiler() -> Any:
    """NVRTC, which torch brings, as a library of ctypes; raises OSError where it is not."""
    from torch.cuda import _utils

    return _utils._get_gpu_rtc_library()


def gpu_kernel(binary: bytes, name: str, count: int, shared: int = 0) -> Callable[..., None]:
    """A kernel of a module's machine code as a function of (blocks, threads of each, bytes that these share) and
    ``count`` addresses or integers of 64 bits, on the current stream.

    ``shared``: the most bytes that it will be given.
    """
    import ctypes

    from torch.cuda import _utils

    kernel: Any = _utils._cuda_load_module(binary, [name])[name]  # pyright: ignore[reportIndexIssue]
    if shared:
        kernel.set_shared_memory_config(shared)
    launch = _utils._get_gpu_runtime_library().cuLaunchKernel
    launch.argtypes = [ctypes.c_void_p, *[ctypes.c_uint] * 7, *[ctypes.c_void_p] * 3]
    function, words, pointers = kernel.func, ctypes.c_int64 * count, ctypes.c_void_p * count
    size, address_of = ctypes.sizeof(ctypes.c_int64), ctypes.addressof

    def run(blocks: int, threads: int, shared: int, *given: int) -> None:
        values = words(*given)
        start = address_of(values)
        places = pointers(*range(start, start + size * count, size))
        failed = launch(function, blocks, 1, 1, threads, 1, 1, shared, current_stream(), places, None)
        if failed:
            _utils._check_cuda(failed)

    return run


def current_stream() -> int:
    """The address of the stream that work goes to on the current CUDA device."""
    return torch._C._cuda_getCurrentRawStream(torch._C._cuda_getDevice())


_ALREADY = contextlib.nullcontext()


def on_device_of(tensor: Tensor) -> Any:
    """A context in which the tensor's CUDA device is the current one."""
    return _ALREADY if torch._C._cuda_getDevice() == tensor.device.index else torch.cuda.device_of(tensor)


def decomposition(op: Any) -> Callable[..., Any] | None:
    """What torch says that an op comes down to, as a function of other ops; None where it says nothing."""
    from torch._decomp import decomposition_table

    found: Any = decomposition_table.get(op)
    return found


def _same(a: Any, b: Any) -> bool:
    if type(a) is not type(b) or a.shape != b.shape or a.dtype is not b.dtype or a.stride() != b.stride():
        return False
    return bool(((a == b) | ((a != a) & (b != b))).all())


# Zero tangents


def _common_shape(a: Tensor, b: Tensor) -> Sequence[int]:
    if a.shape == b.shape or not b.dim():
        return a.shape
    return torch._C._infer_size(a.shape, b.shape) if a.dim() else b.shape


def _zero_like(a: Tensor, b: Tensor) -> Tensor:
    shape = _common_shape(a, b)
    dtype = a.dtype if a.dtype is b.dtype else torch.result_type(a, b)
    return torch._VF._efficientzerotensor(shape, dtype=dtype, device=a.device if a.dim() or not b.dim() else b.device)


def _product_with_zero(a: Tensor, b: Tensor) -> Tensor:
    return _zero_like(a, b)


def _quotient_of_zero(a: Tensor, b: Tensor) -> Tensor:
    if torch._VF._is_zerotensor(b):  # a / 0, which no derivative formula asks for
        return a / torch.zeros_like(b)
    return _zero_like(a, b)


def _sum_with_zero(a: Tensor, b: Tensor, alpha: Any = 1) -> Tensor:
    if torch._VF._is_zerotensor(a):
        if torch._VF._is_zerotensor(b):
            return _zero_like(a, b)
        return _expanded(b if alpha == 1 else b * alpha, a)
    return _expanded(a, b)


def _difference_with_zero(a: Tensor, b: Tensor, alpha: Any = 1) -> Tensor:
    return _sum_with_zero(a, b, -alpha)


def _expanded(value: Tensor, zero: Tensor) -> Tensor:
    shape = _common_shape(value, zero)
    dtype = value.dtype if value.dtype is zero.dtype else torch.result_type(value, zero)
    return value.to(dtype).expand(shape).clone()


def _with_numbers(kernel: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The kernel for operands that torch may give as Python numbers, which stand for 0-d tensors."""

    def run(a: Any, b: Any, **options: Any) -> Tensor:
        return kernel(*(x if isinstance(x, torch.Tensor) else torch.tensor(x) for x in (a, b)), **options)

    return run


def _make_zero_tangents_cheap() -> torch.library.Library:
    """Replace torch's kernels for arithmetic with the zero tangents of constants.

    In forward mode ``dual * constant`` multiplies by a symbolic zero; torch 2.13 finds the result's shape by
    running a meta kernel in Python (150 µs an op, 25 with these). The values are the same.
    """
    import warnings

    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Overriding a previously registered kernel": that is the point
        for name, kernel in (
            ("mul.Tensor", _product_with_zero),
            ("div.Tensor", _quotient_of_zero),
            ("add.Tensor", _sum_with_zero),
            ("sub.Tensor", _difference_with_zero),
        ):
            library.impl(name, _with_numbers(kernel), "ZeroTensor", allow_override=True)
    return library


_zero_tangents = _make_zero_tangents_cheap()


def _batched_view_as_dtype(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The rule of vmap for ``tensor.view(dtype)``."""
    level, axis, inside = level_of(tensor), functorch.maybe_get_bdim(tensor), wrapped_value(tensor)
    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(torch._C.DispatchKey.FuncTorchBatched)):
        lanes = inside.movedim(axis, 0)
        if lanes.element_size() != dtype.itemsize:
            lanes = lanes.contiguous()
        return functorch._add_batch_dim(lanes.view(dtype), 0, level)


def _add_missing_batching_rules() -> torch.library.Library | None:
    """torch 2.11 has no rule of vmap for a view as another dtype; later ones do."""
    if torch._C._dispatch_has_kernel_for_dispatch_key("aten::view.dtype", "FuncTorchBatched"):
        return None
    library = torch.library.Library("aten", "IMPL")
    library.impl("view.dtype", _batched_view_as_dtype, "FuncTorchBatched")
    return library


_batching_rules = _add_missing_batching_rules()


def dual_parts(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """Primal and tangent of a tensor that `has_tangent`, below its level."""
    with _at_jvp_level_of(tensor), _set_fwd_grad_enabled(True):
        primal, tangent = torch._VF._unpack_dual(tensor, level=0)
    return wrapped_value(primal), wrapped_value(tangent) if is_wrapped(tangent) else tangent


def materialized(tensor: Tensor) -> Tensor:
    """A tensor with storage, below levels too: what derivatives know to be zero may come without."""
    return torch.zeros_like(tensor).clone() if innermost(tensor)._is_zerotensor() else tensor


# Binary kernels that want both operands on one device; most take a 0-d operand from the CPU.
ONE_DEVICE = frozenset(
    getattr(torch.ops.aten, name).default
    for name in ("complex", "gcd", "hypot", "igamma", "igammac", "lcm", "logaddexp", "logaddexp2", "nextafter", "polar",
                 "special_gammainc", "special_gammaincc")
)  # fmt: skip

# Ops that keep a layout, and what takes any: inputs at replay may lie in memory in another way than those traced.
ANY_LAYOUT = {
    torch.ops.aten.view.default: torch.ops.aten.reshape.default,
    torch.ops.aten._unsafe_view.default: torch.ops.aten.reshape.default,
}
