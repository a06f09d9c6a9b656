"""Boxes, coding and overlaps."""

from __future__ import annotations

from tests.mutant_list.fault import faults

BOXES, CODING, OVERLAPS = (f"tests/geometry/test_{name}.py" for name in ("boxes", "coding", "overlaps"))

MUTANTS = [
    *faults(
        "geometry/_kernels/boxes.py", BOXES,
        ("good = (a <= c) & (b <= d) if", "good = (a <= c) & (b < d) if"),
        ("else (c >= 0.0) & (d >= 0.0)", "else (c >= 0.0) & (d > 0.0)"),
        ("range(boxes.shape[0] - 1, -1, -1)", "range(boxes.shape[0] - 1, 0, -1)"),
        ("a, b = a - 0.5 * c, b - 0.5 * d", "a, b = a - 0.5 * c, b + 0.5 * d"),
        ("a / width, b / height, c / width, d / height", "a / width, b / height, c / height, d / width"),
        (" & (abs(d) <= largest)):", "):"),
        ("(x2 - x1 + offset) * (y2 - y1 + offset)", "(x2 - x1 + offset) * (y2 - y1)"),
        ("min(max(y2, 0.0), bottom)", "min(max(y2, 0.0), right)"),
        ("boxes[i, 3] - boxes[i, 1] + offset >= min_size", "boxes[i, 3] - boxes[i, 1] + offset > min_size"),
    ),
    *faults(
        "geometry/_kernels/coding.py", CODING,
        ("m = min(BLOCK, n - start)\n        b, a, to", "m = min(BLOCK, n - start - 1)\n        b, a, to"),
        ("np.float64(b[i, 3]) - by + offset", "np.float64(b[i, 3]) - by"),
        ("(rw <= HIGH) & (rh >= LOW)", "(rw <= HIGH)"),
        ("LOW, HIGH = 2.3e-308", "LOW, HIGH = 0.0"),
        ("(low + 0.5 * whole)) / whole", "(low + 0.5 * whole)) / side"),
        ("s * (half + z * tail) + k * LN2_LOW", "s * (half + z * tail)"),
        ("z * 0.15331607998056482", "z * 0.1533"),
        ("lost = (high - r) - low", "lost = 0.0"),
        ("if x >= -708.0 else 0.0", "if x >= -100.0 else 0.0"),
        ("dh if dh < clamp else clamp", "dh"),
        ("y + half_h - offset", "y + half_h"),
        ("y2 if y2 > y1 else y1", "y2"),
        ("start // each, each - start % each", "start // each, each"),
        ("int((start + i // 4) // each)", "int((i // 4) // each)"),
    ),
    *faults(
        "geometry/_kernels/overlaps.py", OVERLAPS,
        ("(a[3] if a[3] > b[3] else b[3])", "(a[3] if a[3] < b[3] else b[3])"),
        ("(a[1] if a[1] < b[1] else b[1]) + offset", "(a[1] if a[1] < b[1] else b[1])"),
        ("union = (a[4] + b[4]) - common", "union = a[4] + b[4]"),
        ("return share - (hull", "return share + (hull"),
        ("across = (a[0] - b[0]) + (a[2] - b[2])", "across = (a[0] + a[2]) - (b[0] + b[2])"),
        ("(diagonal + diagonal) + (diagonal + diagonal)", "diagonal + diagonal"),
        ("((one - share) +", "((one + share) +"),
        ("LONGEST = np.float32(1e18)", "LONGEST = np.float32(1e20)"),
        ("SHORTEST = np.float32(1e-15)", "SHORTEST = np.float32(0.0)"),
        ("min(left + COLUMN_BLOCK, m)", "min(left + COLUMN_BLOCK - 1, m)"),
        ("QUARTER_TURN = 0.5 * math.pi", "QUARTER_TURN = math.pi"),
        ("int(boxes1.shape[0] + bad) if bad >= 0 else -1", "int(bad)"),
        ("if bad == -2 or bad2 == -2", "if bad == -2"),
        ("(boxes.strides[0] == 4 * size) & (boxes.strides[1] == size)", "boxes.strides[1] == size"),
        ("(boxes.strides[0] == 4 * size) & (boxes.strides[1] == size)", "boxes.strides[0] == 4 * size"),
        ("source = boxes[::1]", "source = boxes"),
        ("(u1, v1, u2, v2, wide2 * high2, turn2)", "(u1, v1, u2, v2, wide * high2, turn2)"),
    ),
    *faults(
        "geometry/_kernels/pair.py", OVERLAPS,
        ("(a[0] if a[0] > b[0] else b[0])", "(a[0] if a[0] < b[0] else b[0])"),
        ("* (height if height > zero else zero)", "* height"),
        ("union = (area + other) - common", "union = area + other"),
        ("common / (union if union > zero else one)", "common / (union if union > one else one)"),
        ("common / (area if area > zero else one)", "common / area"),
    ),
]  # fmt: skip
