"""The numbers beyond which kernels refuse or change their way, each spelled once."""

from __future__ import annotations

import numpy as np

LIMIT = 1e150  # of coordinates: an area of two such sides is still finite in float64
LARGEST = 1.7976931348623157e308  # the largest float64
LARGEST_FLOAT32 = np.float32(3.4028235e38)
