"""Regularized least squares over more rows than memory holds: sums over blocks, then Cholesky.

Both linear models of R-CNN stand on it, the box regressor and the classifier. With A = [features, 1] the
solution of (A'A + alpha I) beta = A'Y needs the rows only through A'A and A'Y, which are sums: blocks may
come in any portion.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from detutils._jit import F8, I8
from detutils._validate import Array, check_memory

BLOCK_BYTES = 1 << 25  # one block of rows: enough for the speed of BLAS; Ctrl-C is heard between two


def block_rows(n_features: int) -> int:
    """How many rows of ``n_features`` float64 numbers (and a one) make a block."""
    return max(16, min(8192, BLOCK_BYTES // (8 * (n_features + 1))))


def row_blocks(features: Array, rows: I8 | None = None) -> Iterator[tuple[slice, Array]]:
    """Walk over all rows of a table, or those listed, as (places in the list, a view or copy of a block)."""
    n = len(features) if rows is None else len(rows)
    size = block_rows(features.shape[1])
    for start in range(0, n, size):
        part = slice(start, min(start + size, n))
        if rows is None:
            yield part, features[part]
        else:
            chosen = rows[part]
            first, last = int(chosen[0]), int(chosen[-1])
            together = last - first == len(chosen) - 1 and bool((chosen[1:] - chosen[:-1] == 1).all())
            yield part, features[first : last + 1] if together else features[chosen]


class RidgeSums:
    """A'A (one triangle) and A'Y in float64 for A = [features, 1], and a block of rows yet to be added."""

    def __init__(self, n_features: int, n_targets: int) -> None:
        side = n_features + 1
        self.n = 0
        self.n_features = n_features
        self._gram = np.zeros((0, 0), order="F")  # made with the first rows
        self._cross = np.zeros((side, n_targets))
        size = block_rows(n_features)
        self._block = np.empty((0, side))
        self._wanted = np.empty((0, n_targets))
        self._size = size
        self._waiting = 0
        self._sign = 1.0

    def copy(self) -> RidgeSums:
        """Sums that can go their own way."""
        self._flush()
        twin = RidgeSums.__new__(RidgeSums)
        twin.__dict__.update(self.__dict__)
        check_memory(self._gram.nbytes, "a copy of the normal equations")
        twin._gram = self._gram.copy(order="F")
        twin._cross = self._cross.copy()
        twin._block = np.empty((0, self._block.shape[1]))
        twin._wanted = np.empty((0, self._wanted.shape[1]))
        return twin

    def add(
        self, features: Array, targets: F8, rows: I8 | None = None, *, sign: float = 1.0, weight: float = 1.0
    ) -> None:
        """Add rows of ``features`` (all, or those listed) and their targets; ``sign=-1`` takes them out.

        The squared error of each row counts ``weight`` times.
        """
        root = weight**0.5
        if sign != self._sign:
            self._flush()
            self._sign = sign
        for part, block in row_blocks(features, rows):
            done = 0
            while done < len(block):
                self._make_room(len(block) - done)
                count = min(len(block) - done, len(self._block) - self._waiting)
                here = slice(self._waiting, self._waiting + count)
                self._block[here, :-1] = block[done : done + count]
                self._wanted[here] = targets[part][done : done + count]
                self._block[here, -1] = 1.0
                if weight != 1.0:
                    self._block[here] *= root
                    self._wanted[here] *= root
                self._waiting += count
                done += count
                if self._waiting == self._size:
                    self._flush()
        self.n += int(sign) * (len(features) if rows is None else len(rows))

    def _make_room(self, more: int) -> None:
        """Let the block grow with what it has to hold, up to its full size: most classes have few rows."""
        if self._waiting < len(self._block):
            return
        length = min(self._size, max(2 * len(self._block), more, 16))
        block = np.empty((length, self._block.shape[1]))
        block[: self._waiting] = self._block[: self._waiting]
        wanted = np.empty((length, self._wanted.shape[1]))
        wanted[: self._waiting] = self._wanted[: self._waiting]
        self._block, self._wanted = block, wanted

    def _flush(self) -> None:
        if self._waiting == 0:
            return
        dsyrk = _scipy("blas", "dsyrk")
        block, wanted = self._block[: self._waiting], self._wanted[: self._waiting]
        if self._gram.size == 0:
            side = self.n_features + 1
            check_memory(side * side * 8, f"the normal equations of {self.n_features} features")
            self._gram = np.zeros((side, side), order="F")
        # The transposed block is what Fortran calls contiguous: nothing is copied, and A'A grows in place.
        self._gram = dsyrk(self._sign, block.T, beta=1.0, c=self._gram, lower=1, overwrite_c=1)
        with np.errstate(over="ignore", invalid="ignore"):  # solve() refuses what is not finite
            self._cross += self._sign * (block.T @ wanted)
        self._waiting = 0

    def solve(self, penalty: F8, center: F8, *, keep: bool = True) -> F8:
        """Coefficients of the targets less ``center``: (A'A + diag(penalty)) beta = A'Y - (A'1) center'.

        ``keep=False`` factorises in place, which saves a copy of A'A and ends the use of these sums.
        """
        dpotrf, dpotrs = _scipy("lapack", "dpotrf"), _scipy("lapack", "dpotrs")
        self._flush()
        if keep:
            check_memory(self._gram.nbytes, "a copy of the normal equations")
        if not (np.isfinite(self._gram.diagonal()).all() and np.isfinite(self._cross).all()):
            raise ValueError("the features are too large: their squares overflow")
        matrix = self._gram.copy(order="F") if keep else self._gram
        right = self._cross - np.outer(matrix[-1], center)  # the last row of A'A is 1'A
        side = len(matrix)
        matrix[np.arange(side), np.arange(side)] += penalty
        before = matrix.diagonal().copy()
        factor, info = dpotrf(matrix, lower=1, clean=0, overwrite_a=1)
        # A pivot is what is left of a column's squared length after all columns before it.
        if info != 0 or (factor.diagonal() ** 2 <= 4.0 * side * np.finfo(np.float64).eps * before).any():
            raise ValueError(
                f"{self.n} rows do not determine {side} coefficients (the features are rank-deficient): "
                "use an alpha above 0, or a larger one"
            )
        beta, _ = dpotrs(factor, np.asfortranarray(right), lower=1, overwrite_b=1)
        return np.ascontiguousarray(beta)


def penalties(n_features: int, alpha: float, scale: float = 1.0) -> F8:
    """The penalty of each coefficient, for features that are to be multiplied by ``scale`` first.

    With F' = s F, beta' = beta / s: alpha |beta'|^2 is (alpha / s^2) |beta|^2. The column of ones is not
    scaled.
    """
    penalty = np.full(n_features + 1, alpha / scale**2)
    penalty[-1] = alpha
    return penalty


def _scipy(part: str, name: str) -> Any:
    """A routine of BLAS or LAPACK."""
    try:
        return getattr(importlib.import_module(f"scipy.linalg.{part}"), name)
    except ImportError as error:
        raise ImportError(f"least squares are solved by SciPy (pip install scipy): {error}") from error
