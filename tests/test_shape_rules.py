"""A first trace imports neither sympy nor torch's compiler, and both work after it."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import jaxlike as jax
jnp = jax.numpy

def f(x):
    y = jnp.concatenate([x, x * 2])[:, None] * jnp.ones((1, 3)) + jnp.eye(6, 3)
    z = jnp.where(y > 1, jnp.sort(y, axis=0), jnp.cumsum(y, axis=1))
    return jnp.sum(jax.nn.softmax(z) @ jnp.flip(z.T)) + jax.lax.scan(lambda c, a: (c * a, c), 1.0, x)[0]

jax.jit(jax.hessian(f))(jnp.arange(3.0)).block_until_ready()
jax.make_jaxpr(lambda x: (jnp.linalg.norm(x), jnp.linalg.solve(x, x), jnp.max(x), jnp.stack([x, x])))(jnp.eye(3))
late = [m for m in ("sympy", "torch._dynamo", "torch._inductor") if m in sys.modules]
assert not late, late
import inspect  # it looks at every module
inspect.getmodule(sys._getframe(), "no such file")
for module in list(sys.modules.values()):
    assert not isinstance(getattr(module, "__file__", None) or "", type), module
"""
AFTER = {
    "the module": """
from torch.fx.experimental import symbolic_shapes
from torch.fx.experimental.symbolic_shapes import guard_or_false, ShapeEnv, sym_eq
import torch.fx.experimental.symbolic_shapes as again
assert guard_or_false(True) and sym_eq((1, 2), [1, 2]) and not sym_eq((1, 2), (1,))
assert ShapeEnv.__module__ == again.ShapeEnv.__module__ == symbolic_shapes.ShapeEnv.__module__
assert sys.modules["torch.fx.experimental.symbolic_shapes"].ShapeEnv is ShapeEnv
""",
    "symbols": """
import torch
class Module(torch.nn.Module):
    def forward(self, x):
        return torch.cat([x, x]) * x.shape[0] + torch.arange(2 * x.shape[0])
program = torch.export.export(Module(), (torch.ones(3),), dynamic_shapes=({0: torch.export.Dim("n", min=2, max=9)},))
assert program.module()(torch.ones(4)).tolist() == [4.0, 5, 6, 7, 8, 9, 10, 11]
""",
    "the compiler": """
import torch
assert torch.compile(lambda x: torch.sin(x) + torch.cat([x, x])[:3], backend="aot_eager")(torch.zeros(3)).tolist() == [0.0] * 3
""",
    "expressions": """
import sympy
import torch
from torch._prims_common import elementwise_dtypes, ELEMENTWISE_TYPE_PROMOTION_KIND as KIND
assert elementwise_dtypes(sympy.Integer(1), 2.0, type_promotion_kind=KIND.DEFAULT)[1] is torch.float32
""",
}


@pytest.mark.parametrize("after", AFTER)
def test_a_first_trace_imports_no_symbols(after: str) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM + AFTER[after]], check=True)
