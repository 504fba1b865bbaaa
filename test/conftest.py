"""What all tests share: one thread for linear algebra, as the nodes have it; small matrices are slower with more."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import scipy.linalg  # noqa: F401  (brings its own BLAS, which has to be there to be limited)
from threadpoolctl import threadpool_limits

threadpool_limits(1, user_api="blas")
