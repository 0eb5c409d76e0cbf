"""tables: the types that JAX's cuSPARSE kernels take; here every type goes the same way."""

import numpy as np

CUSPARSE_DATA_DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
CUSPARSE_INDEX_DTYPES = [np.int32]
