"""Undo the row filters of a PNG, which predict each byte from its neighbours (ISO/IEC 15948, section 9)."""

from __future__ import annotations

from detutils._jit import U1, kernel


@kernel("int64(uint8[:,::1], int64, uint8[:,::1])")
def unfilter(rows: U1, step: int, out: U1) -> int:
    """``rows`` are filter bytes, each with its row; -1 when done, else the row of a false filter."""
    for y in range(rows.shape[0]):
        kind = rows[y, 0]
        if kind > 4:
            return y
        for x in range(out.shape[1]):
            value = int(rows[y, x + 1])
            left = int(out[y, x - step]) if x >= step else 0
            up = int(out[y - 1, x]) if y > 0 else 0
            if kind == 1:
                value += left
            elif kind == 2:
                value += up
            elif kind == 3:
                value += (left + up) // 2
            elif kind == 4:
                corner = int(out[y - 1, x - step]) if x >= step and y > 0 else 0
                away_left = abs(up - corner)
                away_up = abs(left - corner)
                away_corner = abs(left + up - 2 * corner)
                if away_left <= away_up and away_left <= away_corner:
                    value += left
                elif away_up <= away_corner:
                    value += up
                else:
                    value += corner
            out[y, x] = value & 255
    return -1
