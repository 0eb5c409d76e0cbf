"""jax.experimental.checkify: conditions that a program checks while it runs, as values that it returns."""

from jaxlike._src.effects.checkify import all_checks as all_checks
from jaxlike._src.effects.checkify import automatic_checks as automatic_checks
from jaxlike._src.effects.checkify import check as check
from jaxlike._src.effects.checkify import check_error as check_error
from jaxlike._src.effects.checkify import checkify as checkify
from jaxlike._src.effects.checkify import debug_check as debug_check
from jaxlike._src.effects.checkify import div_checks as div_checks
from jaxlike._src.effects.checkify import float_checks as float_checks
from jaxlike._src.effects.checkify import index_checks as index_checks
from jaxlike._src.effects.checkify import init_error as init_error
from jaxlike._src.effects.checkify import nan_checks as nan_checks
from jaxlike._src.effects.checkify import user_checks as user_checks
from jaxlike._src.effects.errors import Error as Error
from jaxlike._src.effects.errors import ErrorCategory as ErrorCategory
from jaxlike._src.effects.errors import JaxRuntimeError as JaxRuntimeError
