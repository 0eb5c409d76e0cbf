"""jax.dtypes: dtypes that numpy lacks, and JAX's rules about dtypes."""

from jaxlike._src.dtypes import TypePromotionError as TypePromotionError
from jaxlike._src.dtypes import bfloat16 as bfloat16
from jaxlike._src.dtypes import canonicalize_dtype as canonicalize_dtype
from jaxlike._src.dtypes import extended as extended
from jaxlike._src.dtypes import finfo as finfo
from jaxlike._src.dtypes import float0 as float0
from jaxlike._src.dtypes import iinfo as iinfo
from jaxlike._src.dtypes import issubdtype as issubdtype
from jaxlike._src.dtypes import itemsize_bits as itemsize_bits
from jaxlike._src.dtypes import prng_key as prng_key
from jaxlike._src.dtypes import result_type as result_type
from jaxlike._src.dtypes import safe_to_cast as safe_to_cast
from jaxlike._src.dtypes import scalar_type_of as scalar_type_of
