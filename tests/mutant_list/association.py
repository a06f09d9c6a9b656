"""Association, keypoints and merging."""

from __future__ import annotations

from tests.mutant_list.fault import faults

ASSOCIATION, OKS = "tests/targets/test_association.py", "tests/geometry/test_keypoints.py"
MERGING, POSES = "tests/suppression/test_merging.py", "tests/suppression/test_poses.py"

MUTANTS = [
    *faults(
        "targets/_kernels/association.py", ASSOCIATION,
        ("if below < part.shape[0]:", "if below < part.shape[0] - 1:"),
        ("if not value < bounds[0]:", "if value > bounds[0]:"),
        ("if not value <= bounds[1]:", "if value > bounds[1]:"),
        ("return -1 - (i * m + block + k)", "return -1 - (i * m + k)"),
        ("gains[count] = base + np.float64(value)", "gains[count] = np.float64(value)"),
        ("np.float32(rule[0]), LARGEST_FLOAT32", "np.float32(rule[0]), np.float32(np.inf)"),
        ("if count + m > columns.shape[0]", "if count > columns.shape[0]"),
        ("left = gains[e] - prices[columns[e]]", "left = gains[e]"),
        ("                second = worth\n", ""),
        ("            worths[row] = second  # as", "            worths[row] = worth  # as"),
        ("prices[best] += worth - second", "prices[best] += worth"),
        ("            mates[rival] = -1\n", ""),
        ("        mates[row] = -1\n        if row == i:", "        if row == i:"),
        ("        following = mates[row]\n        mates", "        following = column\n        mates"),
        ("max(worths[owners[j]] - gap, 0.0)", "worths[owners[j]]"),
        ("        prices[j] += gap", "        prices[j] -= gap"),
        ("    worths[i] -= best\n", ""),
        ("        worths[last] = 0.0\n    _flip", "        worths[last] = 1.0\n    _flip"),
        ("            far = start + prices[j] - gains[row, j]", "            far = start - gains[row, j]"),
        ("                links[j] = row\n            if distances",
         "                links[j] = i\n            if distances"),
        ("            if distances[j] < low or (distances[j] == low and owners[j] < 0):",
         "            if distances[j] < best:"),
        ("            best = low\n            free = int(j)", "            free = int(j)"),
        ("        done += 1\n        row = owners[j]\n        if distance + worths[row] < best:\n"
         "            best = distance + worths[row]\n            last = int(row)\n    _conclude",
         "        done += 1\n        row = owners[j]\n    _conclude"),
        ("worths[row] + prices[j] - gains[e]), distance)", "worths[row] - gains[e]), distance)"),
        ("if far < distances[j] and far < best:", "if far < best:"),
        ("                links[j] = row\n                if owners",
         "                links[j] = i\n                if owners"),
        ("                    best = far\n", ""),
        ("if distances[seen[k]] < distance:", "if distances[seen[k]] < best and nearest < 0:"),
        ("            last = int(row)\n            free = np.int64(-1)", "            last = int(row)"),
        ("        distances[seen[k]] = np.inf", "        distances[seen[k]] = best"),
        ("        worths[i] = worth\n        patience -= m", "        worths[i] = 0.0\n        patience -= m"),
        ("            gains[i, j] = -np.inf", "            gains[i, j] = np.inf"),
        ("            rows[alone] = i", "            rows[alone] = alone"),
    ),
    *faults(
        "geometry/_kernels/keypoints.py", f"{OKS} {POSES}",
        ("if exponent < NOTHING", "if exponent < 1.0"),
        ("if factors[j, p] >= 0.0:", "if factors[j, p] > -2.0:"),
        ("keypoints[i, p, 1] - objects[j, p, 1]", "keypoints[i, p, 1] - objects[j, p, 0]"),
        ("total += similarity_of(dx * dx + dy * dy", "total += similarity_of(dx * dx"),
        ("total / count if count > 0 else 0.0", "total / factors.shape[1]"),
        ("SMALLEST_AREA = 2.0**-52", "SMALLEST_AREA = 1.0"),
    ),
    *faults(
        "suppression/_kernels/poses.py", POSES,
        ("size = 0.5 * (areas[a] + areas[b])", "size = areas[a]"),
        ("count += min(keypoints[a, p, 2], keypoints[b, p, 2]) > visible", "count += keypoints[a, p, 2] > visible"),
        ("        if min(keypoints[a, p, 2], keypoints[b, p, 2]) > visible:",
         "        if min(keypoints[a, p, 2], keypoints[b, p, 2]) >= visible:"),
        ("            left -= 1\n", "            left -= 2\n"),
        ("return count > 0 and total / count > threshold", "return count > 0 and total / count >= threshold"),
        ("labels[i] == labels[keep[k]] and ", ""),
        ("and kept < keep.shape[0] and", "and"),
    ),
    *faults(
        "suppression/_kernels/merging.py", MERGING,
        ("        groups[i] = -1\n", "        groups[i] = 0\n"),
        ("            groups[i] = groups[suppressed_by[i]]", "            groups[i] = suppressed_by[i]"),
        ("merged[k, 1] = min(merged[k, 1], boxes[i, 1])", "merged[k, 1] = min(merged[k, 0], boxes[i, 1])"),
        ("merged[k, 2] = max(merged[k, 2], boxes[i, 2])", "merged[k, 2] = boxes[i, 2]"),
        ("            totals[k, 0] += weights[i]", "            totals[k, 0] += 1.0"),
        ("totals[k, 1] == 1.0 or ", ""),
        (" or totals[k, 0] == 0.0", ""),
        ("merged[k, d] += weights[i] * values[i, d]", "merged[k, d] += values[i, d]"),
    ),
]  # fmt: skip
