"""jax.extend.linear_util: functions with transformations around them."""

from jaxlike._src.extending.linear_util import StoreException as StoreException
from jaxlike._src.extending.linear_util import WrappedFun as WrappedFun
from jaxlike._src.extending.linear_util import cache as cache
from jaxlike._src.extending.linear_util import merge_linear_aux as merge_linear_aux
from jaxlike._src.extending.linear_util import transformation as transformation
from jaxlike._src.extending.linear_util import transformation2 as transformation2
from jaxlike._src.extending.linear_util import transformation_with_aux as transformation_with_aux
from jaxlike._src.extending.linear_util import transformation_with_aux2 as transformation_with_aux2
from jaxlike._src.extending.linear_util import wrap_init as wrap_init
