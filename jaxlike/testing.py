"""For tests of one's own: a program that is run on JAX and on jaxlike, and must come to the same end."""

from jaxlike._src.testing.differences import EXACT as EXACT
from jaxlike._src.testing.differences import Tolerance as Tolerance
from jaxlike._src.testing.differences import assert_same as assert_same
from jaxlike._src.testing.differences import differences as differences
from jaxlike._src.testing.outcomes import Leaf as Leaf
from jaxlike._src.testing.outcomes import Outcome as Outcome
from jaxlike._src.testing.outcomes import run as run
from jaxlike._src.testing.same_in_both import Frameworks as Frameworks
from jaxlike._src.testing.same_in_both import jax_and_jaxlike as jax_and_jaxlike
from jaxlike._src.testing.same_in_both import run_both as run_both
from jaxlike._src.testing.same_in_both import same_in_both as same_in_both
