"""graph_format: a graph as JSON and a list of arrays.

Operations of torch go by name, loops and choices with the graphs inside of them; other operations with a graph (custom
rules, checkpoints, calls) are written out in place, so that nothing but names is needed to read it back. Values are
numbered; constants are arrays beside the JSON.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array, NarrowArray, ShapedArray
from jaxlike._src.border import scalar, tensor_to_numpy
from jaxlike._src.devices import default_torch_device
from jaxlike._src.effects.callback import Callback
from jaxlike._src.graph.graph import DEVICE, Call, Const, Device, Graph, Node, Var
from jaxlike._src.lax.cond import Cond
from jaxlike._src.lax.scan import Scan
from jaxlike._src.lax.while_loop import While
from jaxlike._src.random.generators import PRNGS
from jaxlike._src.random.key_array import PRNGKeyArray, key_ty
from jaxlike._src.transforms.structured import Applied, GraphFunction

if TYPE_CHECKING:
    from collections.abc import Sequence


# Kinds and types of arrays


def write_kind(kind: tuple[type[Array], Any]) -> Any:
    """Class and tag of an array."""
    cls, tag = kind
    if issubclass(cls, PRNGKeyArray):
        return {"key": tag.name}
    return {"narrow": np.dtype(tag).name} if cls is NarrowArray else bool(tag)


def read_kind(text: Any) -> tuple[type[Array], Any]:
    """What `write_kind` wrote."""
    if isinstance(text, bool):
        return Array, text
    if "key" in text:
        return PRNGKeyArray, PRNGS[text["key"]]
    return NarrowArray, np.dtype(text["narrow"])


def write_aval(aval: ShapedArray) -> Any:
    """The type of an array."""
    key = isinstance(aval.dtype, dtypes.ExtendedDType)
    name = {"key": aval.dtype._impl.name} if key else aval.dtype.name  # pyright: ignore[reportAttributeAccessIssue]
    return [list(aval.shape), name, aval.weak_type]


def read_aval(text: Any) -> ShapedArray:
    """What `write_aval` wrote."""
    shape, name, weak = text
    return ShapedArray(shape, key_ty(PRNGS[name["key"]]) if isinstance(name, dict) else np.dtype(name), weak)


# Writing


class Writer:
    """Collects the arrays of a program while its graphs are written."""

    def __init__(self) -> None:
        self.arrays: list[tuple[str, tuple[int, ...], bytes]] = []  # dtype, shape, values

    def graph(self, graph: Graph) -> Any:
        """A graph, and what it closed over as constants."""
        numbers: dict[Var, int] = {}
        count = itertools.count()
        values: list[Any] = []
        constants: list[Any] = []
        nodes: list[Any] = []

        def define(var: Var) -> int:
            numbers[var] = next(count)
            values.append([list(var.shape), _name(var.dtype), list(var.stride)])
            return numbers[var]

        def constant(var: Var, tensor: torch.Tensor, number: Any) -> None:
            constants.append([define(var), number if number is None else _number(number), self._array(tensor)])

        def known(graph: Graph) -> None:
            for var, const in graph.constants.items():
                constant(var, const.tensor, const.number)

        def argument(x: Any, env: dict[Var, Var]) -> Any:
            if isinstance(x, Var):
                return {"var": numbers[env.get(x, x)]}
            if isinstance(x, list | tuple):
                return {"seq" if isinstance(x, list) else "tuple": [argument(y, env) for y in x]}
            return _static(x)

        def write(graph: Graph, env: dict[Var, Var]) -> None:
            for node in graph.nodes:
                call = node.op
                if isinstance(call, Applied) and not isinstance(call.op, Scan | While | Cond):
                    inner = _inside(call)
                    inside: dict[Var, Var] = dict(zip(inner.inputs, node.args, strict=True))
                    known(inner)
                    fresh = {k: env.get(v, v) for k, v in inside.items()}
                    write(inner, fresh)
                    results = zip(node.outs, inner.outputs, strict=True)
                    env.update((o, fresh.get(r, r)) for o, r in results if o is not None)
                    continue
                given = [argument(a, env) for a in node.args]
                named = {k: argument(v, env) for k, v in node.kwargs.items()}
                outs = []
                for out in node.outs:
                    if out is None:
                        outs.append(None)
                        continue
                    copy = Var(0, _stand_in(out))  # a graph may be written out more than once
                    env[out] = copy
                    outs.append(define(copy))
                nodes.append([self._op(call), given, named, outs, node.single])

        inputs = [define(v) for v in graph.inputs]
        for var, x in zip(graph.lifted_vars, graph.lifted, strict=True):
            constant(var, x._t, None)
        known(graph)
        env: dict[Var, Var] = {}
        write(graph, env)
        outputs = [numbers[env.get(v, v)] for v in graph.outputs]
        return {
            "name": graph.name,
            "values": values,
            "inputs": inputs,
            "constants": constants,
            "nodes": nodes,
            "outputs": outputs,
            "in_avals": [write_aval(a) for a in graph.in_avals],
            "out_avals": [write_aval(a) for a in graph.out_avals],
        }

    def function(self, function: GraphFunction) -> Any:
        """A traced function."""
        assert not function.closed
        return {"graph": self.graph(function.graph), "kinds": [write_kind(k) for k in function.kinds]}

    def _array(self, tensor: torch.Tensor) -> int:
        if tensor.device.type == "meta" or torch_private.is_wrapped(tensor):
            raise ValueError("a function that closes over a traced value cannot be serialized")
        values = tensor_to_numpy(tensor, dtypes.from_torch(tensor.dtype))
        self.arrays.append((_name(tensor.dtype), tuple(tensor.shape), np.ascontiguousarray(values).tobytes()))
        return len(self.arrays) - 1

    def _op(self, op: Any) -> Any:
        if not isinstance(op, Applied):
            if isinstance(op, Call):
                raise NotImplementedError(f"serialization of {op.name} is not supported")
            return f"{op._schema.name}.{op._overloadname}"
        inner: Any = op.op
        parts: dict[str, Any] = {"kind": inner.name, "args": [write_kind(k) for k in op.kinds]}
        if isinstance(inner, Scan):
            counts = [inner.n_consts, inner.n_carry, inner.length, inner.reverse]
            return parts | {"body": self.function(inner.body), "counts": counts}
        if isinstance(inner, While):
            counts = [inner.n_cond, inner.n_body]
            return parts | {"cond": self.function(inner.cond), "body": self.function(inner.body), "counts": counts}
        return parts | {"branches": [self.function(b) for b in inner.branches]}


def _inside(call: Applied) -> Graph:
    """What an operation computes."""
    if isinstance(call.op, Callback):
        raise NotImplementedError("serialization of host_callbacks is not yet implemented")
    if call.graph is None or call.graph.lifted:
        raise NotImplementedError(f"serialization of {call.name} is not supported")
    return call.graph


def _stand_in(var: Var) -> torch.Tensor:
    with torch_private.outside():
        return torch.empty_strided(var.shape, var.stride, dtype=var.dtype, device="meta")


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _number(x: Any) -> Any:
    return {"complex": [x.real, x.imag]} if isinstance(x, complex) else x


def _static(x: Any) -> Any:
    if x is None or isinstance(x, bool | int | float | str):
        return x
    if isinstance(x, complex):
        return _number(x)
    if isinstance(x, Device):
        return {"device": True}
    if isinstance(x, torch.dtype | torch.layout | torch.memory_format):
        return {"torch": str(x).removeprefix("torch.")}
    raise NotImplementedError(f"serialization of an argument of type {type(x)} is not supported")


# Reading


class Reader:
    """Builds graphs from what a `Writer` wrote."""

    def __init__(self, arrays: Sequence[tuple[str, Sequence[int], bytes]]) -> None:
        self.arrays = arrays

    def graph(self, text: Any) -> Graph:
        """A graph."""
        variables = []
        with torch_private.outside():
            for k, (shape, dtype, stride) in enumerate(text["values"]):
                like = torch.empty_strided(shape, stride, dtype=getattr(torch, dtype), device="meta")
                variables.append(Var(k, like))
        constants = {}
        for k, number, place in text["constants"]:
            number = _value(number, variables)
            made = self._tensor(place) if number is None else scalar(number, variables[k].dtype)
            constants[variables[k]] = Const(made, number)
        nodes = [
            Node(
                self._op(op),
                tuple(_value(a, variables) for a in args),
                {k: _value(v, variables) for k, v in kwargs.items()},
                tuple(None if o is None else variables[o] for o in outs),
                single,
            )
            for op, args, kwargs, outs, single in text["nodes"]
        ]
        return Graph(
            nodes,
            [variables[k] for k in text["inputs"]],
            [],
            constants,
            [variables[k] for k in text["outputs"]],
            [read_aval(a) for a in text["in_avals"]],
            [read_aval(a) for a in text["out_avals"]],
            text["name"],
        )

    def function(self, text: Any) -> GraphFunction:
        """A traced function."""
        return GraphFunction(self.graph(text["graph"]), [read_kind(k) for k in text["kinds"]])

    def _tensor(self, place: int) -> torch.Tensor:
        name, shape, data = self.arrays[place]
        dtype = getattr(torch, name)
        with torch_private.outside():
            if not data:
                return torch.zeros(tuple(shape), dtype=dtype, device=default_torch_device())
            flat = torch.frombuffer(bytearray(data), dtype=dtype)
            return flat.reshape(tuple(shape)).to(default_torch_device())

    def _op(self, text: Any) -> Any:
        if isinstance(text, str):
            name, overload = text.rsplit(".", 1)
            space, packet = name.split("::")
            return getattr(getattr(getattr(torch.ops, space), packet), overload or "default")
        if text["kind"] == "scan":
            op: Any = Scan(self.function(text["body"]), *text["counts"])
        elif text["kind"] == "while":
            op = While(self.function(text["cond"]), self.function(text["body"]), *text["counts"])
        else:
            op = Cond([self.function(b) for b in text["branches"]])
        kinds = [read_kind(k) for k in text["args"]]
        return Applied(op, lambda: None, [_of_kind(*k) for k in kinds])


def _of_kind(cls: type[Array], tag: Any) -> Array:
    """An Array of a kind, without values."""
    with torch_private.outside():
        return cls(torch.empty((), device="meta"), tag)


def _value(text: Any, variables: Sequence[Var]) -> Any:
    if not isinstance(text, dict):
        return text
    ((kind, inner),) = text.items()
    if kind == "var":
        return variables[inner]
    if kind == "complex":
        return complex(*inner)
    if kind == "device":
        return DEVICE
    if kind == "torch":
        return getattr(torch, inner)
    return [_value(x, variables) for x in inner] if kind == "seq" else tuple(_value(x, variables) for x in inner)
