"""Soft-NMS, voting and fusion."""

from __future__ import annotations

from tests.mutant_list.fault import faults

FUSION = "tests/suppression/test_fusion.py tests/suppression/test_fusion_bounds.py"
SOFT = "tests/suppression/test_soft_nms.py"

MUTANTS = [
    *faults(
        "suppression/_kernels/fusion.py", FUSION,
        ("if value > best_iou or", "if value >= best_iou or"),
        ("(value == best_iou and c < best)", "(value == best_iou and 0 <= best < c)"),
        ("best_iou * (1.0 - SLACK):", "best_iou * (1.0 + 1e3 * SLACK):"),
        ("apart * (1.0 + SLACK)", "apart * 0.99"),
        ("(1.0 - threshold) / threshold * min(side, cell)", "(1.0 - threshold) * min(side, cell)"),
        ("octave(longest / threshold)", "octave(longest)"),
        ("octave(longest * threshold)", "octave(longest)"),
        ("RELATIVE * (abs(box[0]) + abs(box[2]))", "0.0"),
        ("scale = _power(-(level + 1))  # twice", "scale = _power(-level)  # twice"),
        ("range(int(top), int(bottom) + 1)", "range(int(top), int(bottom))"),
        ("links[c] = heads[bucket]", "links[c] = -1"),
        ("elif bucket != homes[c]:", "elif bucket < 0:"),
        ("max(state[LARGEST], level)", "state[LARGEST]"),
        ("if i == 0 or groups[b] != groups[order[i - 1]]:", "if i == 0:"),
        ("max(sums[c, MAX_SCORE], scores[b])", "scores[b]"),
        ("if seen[model] != c:", "if model >= 0:"),
        ("box[2] + 2.0 * offset)", "box[2] - offset)"),
        ("low, me, box[0] - 2.0 * offset)", "low, me, box[0] + 2.0 * offset)"),
        ("low, high = begins[me], ends[me]", "low, high = 0, ends[me]"),
        ("        ious[me - low] = 1.0\n", ""),
        ("if ious[k] >= iou_threshold", "if ious[k] > iou_threshold"),
        ("        if total > 0.0:", "        if total >= 0.0:"),
    ),
    *faults(
        "suppression/_kernels/soft.py", SOFT,
        ("for k in range(below + 1, marks[leaf, COUNT]):", "for k in range(below + 1, marks[leaf, COUNT] - 1):"),
        ("names[leaf, k] < names[leaf, below]", "names[leaf, k] > names[leaf, below]"),
        ("other == score and marks[child, NAME] < name", "other == score and marks[child, NAME] > name"),
        ("max(spans[leaf, RIGHT], x2)", "max(spans[leaf, RIGHT], x1)"),
        ("min(FAN, starts[level] - first)", "min(FAN - 1, starts[level] - first)"),
        ("(spans[node, LEAST] <= group)", "(spans[node, LEAST] < group)"),
        (" & (leaves[leaf, GROUP, k] == group)", ""),
        ("names[leaf, alive] = names[leaf, k]", "names[leaf, alive] = names[leaf, alive]"),
        ("-(decays[h] * decays[h]) / decay.sigma", "-decays[h] / decay.sigma"),
        ("if decays[h] > decay.iou_threshold", "if decays[h] >= decay.iou_threshold"),
        ("stays = score > decay.score_threshold", "stays = score >= decay.score_threshold"),
        (
            "if touched > 0:\n                marks[leaf, STALE] = 1",
            "if touched > 0:\n                marks[leaf, STALE] = 0",
        ),
        ("count += 1 if scores[i] > score_threshold", "count += 1 if scores[i] >= score_threshold"),
        ("if now[left[k]] > now[best] else", "if now[left[k]] >= now[best] else"),
        ("elif share > iou_threshold:", "elif share >= iou_threshold:"),
        ("now[i] > score_threshold and i != best", "now[i] >= score_threshold and i != best"),
    ),
]  # fmt: skip
