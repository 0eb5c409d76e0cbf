"""trace: run a function once on shape-only tensors and record the aten ops that it comes down to.

A dispatch mode below all torch.func levels sees every aten op. The metadata of its outputs comes from a
process-wide cache keyed by op and operand metadata, so that only the first such op runs a meta kernel.
An Array that the running trace did not make is lifted to an extra input (`Trace.lift`, called by `unwrap`), so
the graph is closed whatever the function closed over. In-place writes into fresh temporaries (some of torch's
derivative formulas do that) are recorded as the functional op, writes into a diagonal, a slice or an element
as the op that puts it back; writes into other views are refused (`Unsupported`).
"""

from __future__ import annotations

import contextlib
import functools
import math
import threading
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes, key_uses, torch_private
from jaxlike._src.array import Array, ShapedArray, type_alone
from jaxlike._src.border import scalar_value
from jaxlike._src.frames import Frame
from jaxlike._src.graph import metadata
from jaxlike._src.graph.graph import (
    DEVICE,
    Call,
    Const,
    Graph,
    Node,
    Origin,
    Var,
    has_derivatives,
    inputs_behind,
    with_used_results,
)
from jaxlike._src.graph.source import (
    BESIDE,
    LOOKED,
    PROGRAM,
    PULLED,
    PULLING,
    TRANSFORMS,
    NameStack,
    active_names,
    named_within,
    replayed_name_stack,
    user_place,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

aten = torch.ops.aten
MOST_ORIGINS = 5  # so many operations an error names
_outputs: dict[Any, Any] = {}  # (op, operand metadata) -> output metadata, shared by all traces
# Ops that give back their operand's values: the result is the operand.
_IDENTITY = frozenset([aten.detach.default, aten.alias.default, aten.lift_fresh.default])
# Ops that set a bit, which stand-ins do not carry: what follows is recorded as if the values were there.
_AT_ONCE = {aten._conj.default: aten._conj_physical.default, aten._neg_view.default: aten.neg.default}
_ARITHMETIC = frozenset([aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor])
_KEEP_ZERO = frozenset([aten.neg.default, aten.view.default, aten.expand.default, aten.clone.default])
_FILLED_LIKE = {
    aten.zeros_like.default: "zeros",
    aten.ones_like.default: "ones",
    aten.full_like.default: "full",
    aten.new_zeros.default: "zeros",
    aten.new_ones.default: "ones",
    aten.new_full.default: "full",
}
_SCATTERS = {
    aten.diagonal.default: aten.diagonal_scatter.default,
    aten.select.int: aten.select_scatter.default,
    aten.slice.Tensor: aten.slice_scatter.default,
}
# Views that hold every element of what they view, and the op that undoes them.
_REARRANGED = {
    aten.permute.default: lambda base, view, order: (aten.permute.default, (view, _inverse(order))),
    aten.transpose.int: lambda base, view, i, j: (aten.transpose.int, (view, i, j)),
    aten.t.default: lambda base, view: (aten.t.default, (view,)),
    aten.unsqueeze.default: lambda base, view, axis: (aten.squeeze.dim, (view, axis)),
    aten.view.default: lambda base, view, _: (aten.reshape.default, (view, list(base.shape))),
    aten.view_as_real.default: lambda base, view: (aten.view_as_complex.default, (view,)),
}
# Ops that give the tensor they are called on another shape (torch's matmul squeezes its result so).
_RESHAPES_IN_PLACE = frozenset(["squeeze_", "unsqueeze_", "transpose_", "t_", "swapaxes_", "swapdims_"])
_MUTATING_FACTORIES = {"fill_": "full_like", "zero_": "zeros_like"}


class _Facts:
    """What is known of an op from its schema."""

    __slots__ = ("gives_list", "is_mutable", "is_view")

    def __init__(self, op: Any) -> None:
        schema = op._schema
        self.is_mutable = schema.is_mutable
        self.is_view = any(r.alias_info is not None for r in schema.returns)
        self.gives_list = bool(schema.returns) and schema.returns[0].type.kind() == "ListType"


_facts: dict[Any, _Facts] = {}


class Trace(torch_private.TorchDispatchMode):
    """The recorder of one trace."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Do without the wrapper that keeps Dynamo out of `__torch_dispatch__`: nothing here is compiled by it."""
        return False

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.nodes: list[Node] = []
        self.vars: dict[int, Var] = {}  # id of a tensor that this trace knows -> its Var
        self.keep: list[Any] = []  # those tensors, so that ids stay unique
        self.constants: dict[Var, Const] = {}
        self.lifted: dict[int, tuple[Var, Tensor, Array]] = {}
        self.numbers: dict[int, Array] = {}  # Arrays of numbers that were made while it ran, by id
        self.aliased: set[int] = set()  # ids of views and of what they view
        self.views: dict[int, tuple[Any, Any]] = {}  # id of a view -> the op and arguments that made it
        self.other_views: set[int] = set()  # ids of views that nothing can be put back through
        self.zeros: dict[int, Tensor] = {}  # symbolic zeros (tangents of constants), not yet in the graph
        self.scopes: dict[int, Any] = {}  # id of a node -> the names of the scopes around it
        self.numbered: list[tuple[int, int, Any]] = []  # scopes, and autograd's numbers before and after, inner ones first
        self.names_of_numbers: dict[int, Any] = {}  # the scopes of a replayed node -> by autograd's number
        self.precisions: dict[int, Any] = {}  # id of a node -> in which precision a product was asked for
        self.regions: list[Any] = []  # which nodes are one equation, see `regions`
        self.ref_events: list[Any] = []  # what is done with refs, see `ref_events`
        self.refs: list[tuple[Any, Var]] | None = None  # refs that it closes over with their inputs; None: it may not
        self.inputs: list[Var] = []
        self.examples: Sequence[Array] = ()  # what the inputs stand for
        self.varying: tuple[int, dict[Var, frozenset[Any]]] = 0, {}  # see `varying`: of so many nodes it is known
        self.split: tuple[int, dict[Var, Any]] = 0, {}  # see `mesh_types`: of so many nodes it is known
        self.noted: dict[Var, Any] = {}  # how values are split of which it was said
        self.input_names: list[str] = []
        self.fun_location = ""
        self.folds = False  # whether ops on known values are computed at once (`ensure_compile_time_eval`)
        self.purpose = "jit"  # what messages say that the function is traced for
        self.frames: list[tuple[Frame, int, int, Any]] = []  # what runs in it; how far it had come then; its names
        self.names_all = False  # whether what transformations do in it is named after them, as in a user's function

    # Values

    def define(self, tensor: Tensor) -> Var:
        """A new Var for ``tensor``."""
        var = self.vars[id(tensor)] = Var(len(self.keep), tensor)
        self.keep.append(tensor)
        return var

    def placeholder(self, like: Tensor) -> Tensor:
        """A shape-only stand-in for an outside tensor."""
        with torch_private.outside():
            made = torch.empty_strided(tuple(like.shape), _strides(like), dtype=like.dtype, device="meta")
        self.define(made)
        return made

    def lift(self, x: Array) -> Tensor:
        """The stand-in for an Array from outside; the same one each time."""
        if self.folds and is_plain(x._t):
            return x._t
        found = self.lifted.get(id(x))
        if found is not None:
            return found[1]
        stand_in = self.placeholder(x._t)
        var = self.vars[id(stand_in)]
        if id(x) in self.numbers:
            number = scalar_value(x._t)
            self.constants[var] = Const(x._t, x._t.item() if number is None else number)
        self.lifted[id(x)] = (var, stand_in, x)
        return stand_in

    def lift_ref(self, ref: Any, value: Array) -> Tensor:
        """The stand-in for what a ref from outside holds; ``value`` is of its type."""
        assert self.refs is not None
        stand_in = self.placeholder(value._t)
        self.refs.append((ref, self.vars[id(stand_in)]))
        return stand_in

    def known(self, tensor: Tensor) -> Var | None:
        """The Var of a tensor, if the trace knows it."""
        return self.vars.get(id(tensor))

    def var_of(self, tensor: Tensor) -> Var:
        """The Var of a tensor; one that the trace does not know is a constant."""
        var = self.vars.get(id(tensor))
        if var is None and id(tensor) in self.zeros:
            var = self._materialize(tensor)
        if var is None:
            if tensor.device.type == "meta":
                raise metadata.Unsupported("a shape-only tensor of another trace reached this one")
            var = self.define(tensor)
            if tensor.requires_grad and is_plain(tensor):  # a user's, met in a torch function: a constant here
                with torch_private.outside():
                    tensor = tensor.detach()
            self.constants[var] = Const(tensor, scalar_value(tensor))
        return var

    # Recording

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.folds and not self.depends((args, kwargs)):
            with torch_private.outside():
                return op(*args, **kwargs)
        if op is aten.as_strided.default:
            if (order := _permutation(*args)) is not None:
                op, args = aten.permute.default, (args[0], order)
            elif _is_reshaped(*args):
                op, args = aten.view.default, args[:2]
        op = _AT_ONCE.get(op, op)
        facts = _facts.get(op)
        if facts is None:
            facts = _facts[op] = _Facts(op)
        if facts.is_mutable:
            return self._mutate(op, types, args, kwargs)
        if op is aten._to_copy.default and not isinstance(args[0], torch.Tensor):
            # A tensor that stands for a number comes as the number; torch's vmap converts those beside lanes.
            with torch_private.outside():
                return op(*args, **kwargs)
        if op in _IDENTITY:
            (source,) = args
            return self._alias(source)
        if op is aten._efficientzerotensor.default:
            return self._zero(tuple(args[0]), kwargs["dtype"])
        if self.zeros and (simple := self._with_zero(op, args)) is not None:
            return simple
        key = (op, metadata.key(args), metadata.key(tuple(kwargs.items()))) if kwargs else (op, metadata.key(args))
        try:
            found = _outputs.get(key)
        except TypeError:
            found, key = None, None
        if found is None and op is aten._local_scalar_dense.default and is_plain(args[0]):
            with torch_private.outside():
                return op(*args)  # of a value from outside, which is known
        if found is None:
            found = metadata.of_results(op, args, kwargs)
            if key is not None:
                _outputs[key] = found
        if type(found) is metadata.Static:
            return found.value
        if op in _FILLED_LIKE:
            op, args, kwargs = _filled(op, args, found)
        single = type(found) is tuple
        outs: Any = metadata.empty(found) if single else [None if m is None else metadata.empty(m) for m in found]
        made = (outs,) if single else outs
        pulled = PROGRAM if PULLING.ids is None else self._pulled((*args, *kwargs.values()) if kwargs else args, made)
        if PULLING.looking is self:
            pulled = PULLING.looked(pulled)
        if facts.is_view:
            self.aliased.update(id(t) for t in (args[0], *made))
            if single and (op in _SCATTERS or op in _REARRANGED):
                self.views[id(outs)] = (op, args)
            else:
                self.other_views.update(id(t) for t in made)
        self.nodes.append(
            Node(
                op,
                tuple([self._recorded(a) for a in args]),
                {k: self._recorded(v) for k, v in kwargs.items()} if kwargs else {},
                (self.define(outs),) if single else tuple([None if t is None else self.define(t) for t in made]),
                single,
                user_place(),
                pulled,
            )
        )
        self._name(pulled)
        return outs if single or facts.gives_list else tuple(outs)

    def depends(self, value: Any) -> bool:
        """Whether a tensor among arguments is unknown here: one of the trace, or of a transformation outside."""
        if isinstance(value, torch.Tensor):
            return not is_plain(value) or id(value) in self.zeros
        if isinstance(value, list | tuple):
            return any(map(self.depends, value))
        return isinstance(value, dict) and any(map(self.depends, value.values()))

    def record_call(self, call: Any, tensors: Sequence[Tensor], like: Sequence[Tensor]) -> list[Tensor]:
        """Append a single node that applies ``call`` to the tensors; its results look like ``like``."""
        with torch_private.outside():
            made = [torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device="meta") for t in like]
        pulled = PULLED if PULLING.reached(tensors, made) else PROGRAM
        if PULLING.looking is self:
            pulled = PULLING.looked(pulled)
        self.nodes.append(
            Node(call, tuple(map(self.var_of, tensors)), {}, tuple(map(self.define, made)), False, user_place(), pulled)
        )
        self._name(pulled)
        return made

    # What torch's engine does

    def _pulled(self, given: Sequence[Any], made: Sequence[Tensor | None]) -> int:
        """By whom a node is made, while a backward pass runs."""
        reached = PULLING.reached(given, made)
        return PROGRAM if not PULLING.now else PULLED if reached else BESIDE

    def enter(self, frame: Frame) -> None:
        """A transformation begins in it."""
        names = self._names_in(frame) if self.names_all and frame.kind in TRANSFORMS else None
        self.frames.append((frame, len(self.nodes), torch_private.last_autograd_number(), names))

    def leave(self) -> None:
        """Name what was made under a transformation, and in no scope inside of it, after that transformation."""
        _, start, number, names = self.frames.pop()
        if names is None:
            return
        last = torch_private.last_autograd_number()
        if start < len(self.nodes) or number < last:
            for node in self.nodes[start:]:
                self.scopes.setdefault(id(node), names)
            self.numbered.append((number, last, names))

    def _names_in(self, frame: Frame) -> NameStack:
        return NameStack((*active_names(self), named_within("", frame)))

    def _name(self, pulled: int) -> None:
        """Remember the scopes of the last node, where they are not those that run."""
        if pulled == PROGRAM and (names := replayed_name_stack()) is not None:
            self.names_of_numbers[torch_private.last_autograd_number()] = names
        elif PULLING.ids is None or not (self.numbered or self.frames or self.names_of_numbers):
            return
        else:
            if self.names_of_numbers or len(self.numbered) + len(self.frames) != 1:
                number = torch_private.running_backward_number()
                names = None if number is None else self._names_of(number)
            else:  # asked for each operation of a gradient, most often
                names = self.numbered[0][2] if self.numbered else self.frames[0][3]
            if names is None:
                return
            outer = 0
            for frame, *_ in self.frames:
                if frame.kind == "grad" or frame.kind == "jvp":
                    outer += 1
            if pulled != BESIDE and pulled != LOOKED and not PULLING.pushes:
                names = _transposed(names, outer)
            if outer or pulled == LOOKED:  # it may be transposed in its turn
                made = torch_private.last_autograd_number()
                if made > PULLING.number:
                    self.names_of_numbers.setdefault(made, names)
        self.scopes[id(self.nodes[-1])] = names

    def _names_of(self, number: int) -> Any:
        """The scopes in which the operation that autograd gave this number was made."""
        found = self.names_of_numbers.get(number)
        if found is None:
            found = next((names for first, last, names in self.numbered if first < number <= last), None)
        if found is None and self.names_all:
            found = next((names for _, _, first, names in reversed(self.frames) if names and first < number), None)
        return found

    def _recorded(self, value: Any) -> Any:
        if type(value) is torch.Tensor:
            return self.vars.get(id(value)) or self.var_of(value)
        if isinstance(value, torch.Tensor):
            return self.var_of(value)
        if isinstance(value, list | tuple):
            return (
                type(value)(map(self._recorded, value))
                if type(value) in (list, tuple)
                else list(map(self._recorded, value))
            )
        return DEVICE if isinstance(value, torch.device) else value

    def _alias(self, source: Tensor) -> Tensor:
        var = self.var_of(source)
        with torch_private.outside():
            made = torch.empty_strided(source.shape, source.stride(), dtype=var.dtype, device="meta")
        self.vars[id(made)] = var
        self.keep.append(made)
        PULLING.reached((source,), (made,))
        return made

    def renamed(self, source: Tensor) -> Tensor:
        """The same value under a Var of its own."""
        var = self.var_of(source)
        made = self.placeholder(source)
        self.nodes.append(Node(aten.alias.default, (var,), {}, (self.vars[id(made)],), True, user_place()))
        return made

    def _mutate(self, op: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Record ``x.op_(...)`` as ``op``: the tensor takes the Var of the result."""
        written = args[0] if args else None
        name = op._schema.name.removeprefix("aten::")
        if name in _RESHAPES_IN_PLACE:
            return self._reshape_in_place(op, types, args, kwargs)
        if written is not None and id(written) in self.zeros:
            self.var_of(written)
        view = self.views.get(id(written))
        if not name.endswith("_") or written is None or (id(written) in self.aliased and view is None):
            raise metadata.Unsupported(f"{op} writes to an argument")
        if id(written) not in self.vars or self.vars[id(written)] in self.constants:
            raise metadata.Unsupported(f"{op} writes to a constant")
        if name == "copy_":
            out = self.__torch_dispatch__(
                aten.expand.default,
                types,
                (self.__torch_dispatch__(aten.to.dtype, types, (args[1], written.dtype)), list(written.shape)),
            )
            if out.stride() != written.stride() and written.is_contiguous():  # the layout is that of what is written to
                contiguous = {"memory_format": torch.contiguous_format}
                out = self.__torch_dispatch__(aten.clone.default, types, (out,), contiguous)
        elif name in _MUTATING_FACTORIES:
            packet = getattr(aten, _MUTATING_FACTORIES[name])
            out = self.__torch_dispatch__(packet.default, types, args, kwargs)
        else:
            packet = getattr(aten, name.removesuffix("_"), None)
            functional = getattr(packet, op._overloadname, None)
            if functional is None:
                raise metadata.Unsupported(f"{op} has no functional form")
            out = self.__torch_dispatch__(functional, types, args, kwargs)
        self.vars[id(written)] = self.vars[id(out)]
        source = written
        root = view
        while root is not None:
            if id(root[1][0]) in self.other_views:
                raise metadata.Unsupported(f"{op} writes to a view of a view")
            root = self.views.get(id(root[1][0]))
        while view is not None:  # what it views takes the new values too
            made_by, (base, *rest) = view
            undo = _REARRANGED.get(made_by)
            op, args = (_SCATTERS[made_by], (base, source, *rest)) if undo is None else undo(base, source, *rest)
            source, view = base, self.views.get(id(base))
            self.vars[id(base)] = self.vars[id(self.__torch_dispatch__(op, types, args))]
        return written

    def _reshape_in_place(self, op: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Another view of the same values in the same tensor."""
        written, name = args[0], op._schema.name.removeprefix("aten::").removesuffix("_")
        out = self.__torch_dispatch__(getattr(getattr(aten, name), op._overloadname), types, args, kwargs)
        with torch_private.outside():
            op(*args, **kwargs)
        if id(out) in self.zeros:
            self.zeros[id(written)] = written
        else:
            self.vars[id(written)] = self.vars[id(out)]
        self.views.pop(id(written), None)
        return written

    # Symbolic zeros: 0 * x is 0 and 0 + x is x, whatever x is

    def _zero(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        with torch_private.outside():
            made = torch.empty_strided(shape, metadata.contiguous(shape), dtype=dtype, device="meta")
        self.zeros[id(made)] = made
        return made

    def _materialize(self, tensor: Tensor) -> Var:
        var = self.define(tensor)
        kwargs = {"dtype": tensor.dtype, "device": DEVICE}
        self.nodes.append(Node(aten.zeros.default, (list(tensor.shape),), kwargs, (var,), True, user_place()))
        return var

    def _with_zero(self, op: Any, args: Any) -> Tensor | None:
        """The result of arithmetic with a symbolic zero; None where the zero must become real."""
        if len(args) != 2 or op not in _ARITHMETIC:
            if op in _KEEP_ZERO and id(args[0]) in self.zeros and id(args[0]) not in self.vars:
                found = metadata.of_results(op, args, {})
                return self._zero(found[0], found[1])
            return None
        a, b = args
        zero_a = id(a) in self.zeros and id(a) not in self.vars
        zero_b = id(b) in self.zeros and id(b) not in self.vars
        if not (zero_a or zero_b):
            return None
        shape, dtype, _ = metadata.of_results(aten.add.Tensor, args, {})
        if op is aten.div.Tensor and zero_b:
            return None
        if op in (aten.mul.Tensor, aten.div.Tensor) or (zero_a and zero_b):
            return self._zero(shape, dtype)
        if op is aten.sub.Tensor and zero_a:
            b = self.__torch_dispatch__(aten.neg.default, (), (b,))
        kept = b if zero_a else a
        if tuple(kept.shape) != shape:
            kept = self.__torch_dispatch__(aten.expand.default, (), (kept, list(shape)))
            return self.__torch_dispatch__(aten.clone.default, (), (kept,))
        return self._alias(kept)

    # Provenance, for error messages

    def origin_of(self, tensor: Tensor) -> str:
        """Which arguments of the traced function a value depends on, as JAX's messages say it."""
        while torch_private.is_wrapped(tensor):
            tensor = torch_private.wrapped_value(tensor)
        var = self.vars.get(id(tensor))
        said = f"\nThe error occurred while tracing the function {self.fun_location} for {self.purpose}. "
        if var is None:
            return said
        behind = inputs_behind(var, {o: n for n in self.nodes for o in n.outs if o is not None})
        named = [n for v, n in zip(self.inputs, self.input_names, strict=False) if v in behind]
        if not named:
            return said + self._made_of(var)
        *rest, last = named
        listed = f"{', '.join(rest)}{',' if len(rest) > 1 else ''} and {last}" if rest else last
        return (
            f"{said}This concrete value was not available in Python because it depends on the value"
            f"{'s of the arguments' if rest else ' of the argument'} {listed}."
        )

    def line_of(self, tensor: Tensor) -> str:
        """The user's line that made a value; empty for an argument."""
        while torch_private.is_wrapped(tensor):
            tensor = torch_private.wrapped_value(tensor)
        var = self.vars.get(id(tensor))
        return next((str(n.line) for n in reversed(self.nodes) if var in n.outs and n.line is not None), "")

    def _made_of(self, var: Var) -> str:
        """The operations on known values that made a value of the trace."""
        from jaxlike._src.graph.equations import origins_of  # a jaxpr is made for the message alone

        lifted = [(v, x) for v, _, x in self.lifted.values() if v not in self.constants]
        aval = ShapedArray(var.shape, dtypes.from_torch(var.dtype))
        in_avals = [x.aval for x in self.examples]
        graph = Graph(list(self.nodes), self.inputs, lifted, self.constants, [var], in_avals, [aval], self.name)
        graph.regions = self.regions
        found = origins_of(graph)
        lines = [
            f"  operation {e!r}\n    from line {e.source_info.traceback or 'unknown'}" for e in found[:MOST_ORIGINS]
        ]
        if not lines:
            return ""
        more = "\n\n(Additional originating lines are not shown.)" if len(found) > MOST_ORIGINS else ""
        return "This value became a tracer due to JAX operations on these lines:\n\n" + "\n\n".join(lines) + more


_transposed = functools.lru_cache(NameStack.transposed)


def _is_reshaped(tensor: Tensor, size: Sequence[int], stride: Sequence[int], offset: int | None = None) -> bool:
    """Whether `as_strided` of these gives all of a tensor in another shape."""
    whole = tensor.is_contiguous() and not tensor.storage_offset() and not offset
    return whole and math.prod(size) == tensor.numel() and tuple(stride) == metadata.contiguous(tuple(size))


def _permutation(
    tensor: Tensor, size: Sequence[int], stride: Sequence[int], offset: int | None = None
) -> list[int] | None:
    """The order of axes, where ``as_strided`` does no more than that: torch's engine writes one so in a backward pass.

    Read as memory it would depend on the layout, which a batch, or a value of another level, changes.
    """
    own = list(zip(tensor.shape, tensor.stride(), strict=True))
    wanted = list(zip(size, stride, strict=True))
    if offset not in (None, tensor.storage_offset()) or sorted(own) != sorted(wanted):
        return None
    left: list[Any] = list(own)
    order: list[int] = []
    for pair in wanted:
        order.append(left.index(pair))
        left[order[-1]] = None
    return order


def _filled(op: Any, args: Any, meta: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """``zeros_like(x)`` and its kin as an op that does not read ``x``."""
    name, (shape, dtype, _) = _FILLED_LIKE[op], meta
    value = args[-1:] if name == "full" else ()
    return getattr(aten, name).default, (list(shape), *value), {"dtype": dtype, "device": DEVICE}


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor has values of its own."""
    return not torch_private.is_wrapped(tensor) and tensor.device.type != "meta"


def _inverse(order: Sequence[int]) -> list[int]:
    places = [axis % len(order) for axis in order]
    return [places.index(k) for k in range(len(order))]


def _strides(like: Tensor) -> tuple[int, ...]:
    """Strides for a stand-in: those of the tensor where they can be known, else contiguous ones."""
    if torch_private.is_wrapped(like):
        return metadata.contiguous(tuple(like.shape))
    return like.stride()


class _Recording(threading.local):
    """What makes the recorder of a trace; `saved_residuals` has one that notes more."""

    recorder: Callable[[str], Trace] = Trace

    @contextlib.contextmanager
    def by(self, recorder: Callable[[str], Trace]) -> Iterator[None]:
        """Traces inside are recorded by another, and no earlier one will do."""
        before, self.recorder = self.recorder, recorder
        try:
            yield
        finally:
            self.recorder = before

    @property
    def is_special(self) -> bool:
        """Whether a trace that was kept from before lacks what is noted now."""
        return self.recorder is not Trace


RECORDING = _Recording()


@contextlib.contextmanager
def _leaving(trace: Trace) -> Iterator[None]:
    """At the end the refs that were met hold what they did outside."""
    try:
        yield
    finally:
        for ref, _ in trace.refs or ():
            ref.leave()


def trace(
    fun: Callable[[list[Array]], Sequence[Array]],
    examples: Sequence[Array],
    name: str,
    input_names: Sequence[str] = (),
    location: str = "",
    purpose: str = "jit",
    whole: bool = False,
    refs: bool = False,
) -> tuple[Graph, Sequence[Array]]:
    """Run ``fun`` once on stand-ins for ``examples``.

    ``whole``: the function is a user's; its jaxpr shows what it computes and does not use, too.
    ``refs``: it may close over refs, as `Graph.refs` says it; else `Touched` is raised.

    Returns:
        The graph, and the Arrays that ``fun`` returned (of the trace: good for their kind only).
    """
    running = RECORDING.recorder(name)
    running.input_names, running.fun_location, running.purpose = list(input_names), location, purpose
    running.refs, running.names_all = [] if refs else None, whole
    tensors = [x._t for x in examples]
    with (
        torch_private.cleared_levels(),
        torch_private.no_modes(),
        Frame("jit", trace=running, fun_name=name),
        _leaving(running),
    ):
        stand_ins = [running.placeholder(t) for t in tensors]
        running.inputs, running.examples = [running.vars[id(t)] for t in stand_ins], examples
        inside = [type(x)(t, x._tag) for x, t in zip(examples, stand_ins, strict=True)]
        with running:
            from jaxlike._src.border import unwrap

            with key_uses.Layer() if key_uses.FLAG.value else contextlib.nullcontext() as layer:
                outs = fun(inside)
            outputs = [running.var_of(unwrap(o)) for o in outs]
            met = running.refs or ()
            last = [(ref, var, ref.last()) for ref, var in met]
            written = [(ref, x, now) for ref, var, x in last if (now := running.var_of(unwrap(x))) is not var]
    lifted = [(v, x) for v, _, x in running.lifted.values() if v not in running.constants]
    if any(isinstance(n.op, Call) and has_derivatives(n.op) for n in running.nodes):
        whole_nodes, running.nodes = running.nodes, with_used_results(running.nodes, outputs, True)
        for old, new in zip(whole_nodes, running.nodes, strict=True):
            if old is not new and id(old) in running.scopes:
                running.scopes[id(new)] = running.scopes[id(old)]
    outs = [*outs, *(x for _, x, _ in written)]
    graph = Graph(
        running.nodes,
        [*running.inputs, *(var for _, var in met)],
        lifted,
        running.constants,
        [*outputs, *(var for _, _, var in written)],
        [*(type_alone(x) for x in examples), *(x.aval for _, _, x in last)],
        [type_alone(o) for o in outs],
        name,
    )
    graph.refs, graph.written_refs = [ref for ref, _ in met], [ref for ref, _, _ in written]
    graph.regions, graph.scopes, graph.precisions = running.regions, running.scopes, running.precisions
    graph.noted = running.noted
    if whole:
        graph.written, graph.ref_events = (running.nodes, running.constants), running.ref_events
        if graph.ref_events:
            read = {v for e in graph.ref_events for v in e.values()} - set(graph.lifted_vars)
            graph.ref_operands = {v: x for v, x in lifted if v in read}
    names = dict(zip(running.inputs, running.input_names, strict=False))
    graph.origin = Origin(purpose, location, names)
    if layer is not None:
        graph.key_uses = layer.uses(stand_ins, graph.lifted, outs)
    return graph, outs
