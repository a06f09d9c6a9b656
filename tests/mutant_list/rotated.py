"""Rotated boxes, quadrilaterals and polygons; their suppression."""

from __future__ import annotations

from tests.mutant_list.fault import faults

BOXES, SUPPRESSION = "tests/geometry/test_rotated.py", "tests/suppression/test_rotated.py"

MUTANTS = [
    *faults(
        "geometry/_kernels/rotated.py", BOXES,
        ("if rest > 135.0", "if rest > 136.0"),
        ("        return rest + 90.0, 0.0, True", "        return rest + 90.0, 0.0, False"),
        ("lost -= quarters * QUARTER_LOW", "lost -= 0.0 * QUARTER_LOW"),
        ("(rest * DEGREES_LOW + lost * DEGREES)", "(rest * DEGREES_LOW)"),
        ("x_low + x * z * (-1.0 / 6.0", "x * z * (-1.0 / 6.0"),
        # the last term, z / 40320, is 1e-21 at most, below what the parts are good to: a fault of it need not show
        ("z * (-1.0 / 720.0", "z * (-1.0 / 72.0"),
        ("fma(c, x, -turned) + (s_low + c_low * x", "fma(c, x, -turned) + (c_low * x"),
        ("lost += fma(a, b, -p) + fma(c, d, -q)", "lost += fma(a, b, -p)"),
        ("((a * b_low + c * d_low) + (a_low * b + c_low * d))", "(a * b_low + c * d_low)"),
        ("(b - a) * bend", "(b - a) * 0.0"),
        ("((a - level) + (b - level))", "(a + b)"),
        ("dx, dx_low = _two_sum(b[0], -a[0])", "dx, dx_low = b[0] - a[0], 0.0"),
        ("s / (c if c != 0.0 else 1.0)", "s / c"),
        ("-c / (s if s != 0.0 else 1.0)", "-c / s"),
        ("_clamp(0.0 - 0.5 * area, 0.0, most)", "max(0.0 - 0.5 * area, 0.0)"),
        ("most = 0.0 if _are_apart(a, b, x, y, c, s) else 4.0", "most = 4.0"),
        ("across * ex + down * fx", "across * ex - down * fx"),
        ("& (w >= 0.0) &", "& (w >= -1.0) &"),
        ("    return good & (abs(row[4]) <= LARGEST)", "    return good"),
        ("elif quarters == 3", "elif quarters == 4"),
    ),
    *faults(
        "geometry/_kernels/rotated_overlaps.py", BOXES,
        ("return a[i, k] > b[j, k]", "return True"),
        ("elif kind == IOA:", "elif kind == IOU:"),
        ("divisor = min(area, other)", "divisor = area"),
        ("max(hull_area(", "min(hull_area("),
        ("wide = high = np.inf", "wide = high + 0.0"),
        ("min(m - block * LANES, LANES), hulls", "min(m - block * LANES, LANES - 1), hulls"),
        ("max(right - x, x - left) * WIDER", "0.9 * max(right - x, x - left)"),
        ("if count > PAIRS - LANES", "if count > PAIRS - LANES and i % 3"),
        ("    _flush(kind, pairs, places, count, values, out)\n\n\n@kernel", "    pass\n\n\n@kernel"),
        ("bad += n if bad >= 0 else 0", "bad += 0"),
        ("out[start + p] = values[p]", "out[p] = values[p]"),
    ),
    *faults(
        "geometry/_kernels/polygons.py", BOXES,
        # the order may as well be a falling one, of x or where that is tied of y: the hull begins at another corner
        ("points[at, 0], points[at, 1] = px, py", "points[at, 0], points[at, 1] = px, px"),
        ("> 0.0:\n                    break", "< 0.0:\n                    break"),
        ("return 0.5 * area", "return area"),
        ("if (right - left) * top < best", "if (right - left) < best"),
        ("along, across = 0.5 * left + 0.5 * right, 0.5 * top", "along, across = 0.5 * right, 0.5 * top"),
        ("rectangle[4] += 0.5 * math.pi", "rectangle[4] += 0.0"),
        ("if miss <= slack and", "if"),
        ("boxes[i, 4] = math.atan2(uy, ux)", "boxes[i, 4] = math.atan2(ux, uy)"),
    ),
    *faults(
        "geometry/_kernels/quadrilaterals.py", BOXES,
        ("left &= turn >= -slack", "left &= True"),
        ("at = k if left else 3 - k", "at = k"),
        # of two that are equal in everything either is first
        ("return a[k] > b[k]\n    return True", "return True\n    return True"),
        ("if to_side >= 0.0", "if to_side > 0.0"),
        ("part = from_side / (from_side - to_side)", "part = 0.5"),
        ("if kind != GIOU and hulls[j, 0] >= right", "if hulls[j, 0] >= right"),
        ("hulls[j, 1] < bottom", "hulls[j, 1] > bottom"),
    ),
    *faults(
        "suppression/_kernels/rotated.py", SUPPRESSION,
        ("needed = t / (1.0 + t) * (area + other)", "needed = t * (area + other)"),
        ("needed = t * min(area, other)", "needed = t * max(area, other)"),
        ("needed = t * other", "needed = t * area"),
        ("elif min(area, other) < t * LESS", "elif min(area, other) < 1.1 * t * LESS"),
        ("wide * high >= needed * LESS", "wide * high >= 1.1 * needed"),
        ("min(a[2] + b[2] - abs(a[0] - b[0]), 2.0 * min(a[2], b[2]))", "a[2] - abs(a[0] - b[0])"),
        ("ratio = 2.0 / crowd.threshold", "ratio = 1.0 / crowd.threshold"),
        ("_line(hull[0] - hull[2] - reach, scale)", "_line(hull[0] - hull[2], scale)"),
        ("_line(hull[1] + hull[3] + reach, scale)", "_line(hull[1] + reach, scale)"),
        ("or waiting[p] < found", "or waiting[p] > found"),
        ("if found >= 0 and k > found", "if found >= 0 and k < found"),
        ("while at > 0 and scores[order[at - 1]] < scores[i]", "while at > 0 and scores[order[at - 1]] <= scores[i]"),
        ("== labels[order[r]]", "!= labels[order[r]]"),
        ("        if count == most:\n            break\n        if crowd", "        if crowd"),
        ("if total == most", "if total == most - 1"),
        ("if marks[left[p]] > marks[left[at]]", "if marks[left[p]] >= marks[left[at]]"),
        ("rest += p != at and marks", "rest += marks"),
        ("elif overlap > threshold", "elif overlap >= threshold"),
    ),
]  # fmt: skip
