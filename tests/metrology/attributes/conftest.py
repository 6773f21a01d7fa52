"""Images that several attribute tests measure."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage


@pytest.fixture(scope="session")
def textured_pair() -> tuple[np.ndarray, np.ndarray]:
    """Two noisy 12-bit images of one random texture, of odd sides."""
    rng = np.random.default_rng(11)
    field = ndimage.gaussian_filter(rng.normal(size=(151, 203)), 3)
    truth = 200 + 2500 * (field - field.min()) / np.ptp(field)
    first, second = (np.clip(rng.poisson(truth), 0, 4095).astype(np.uint16) for _ in range(2))
    return first, second
