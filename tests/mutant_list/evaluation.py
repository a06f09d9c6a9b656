"""Numbers, curves and reasons."""

from __future__ import annotations

from tests.mutant_list.fault import faults

COCO, VOC = "tests/evaluation/test_coco.py", "tests/evaluation/test_voc.py"
REASONS, RECALL = "tests/evaluation/test_reasons.py", "tests/evaluation/test_recall.py"
ROTATED = "tests/evaluation/test_rotated.py"
ENTRIES, IMAGES = "tests/compat/test_pycocotools_evaluation.py", "tests/evaluation/test_coco_images.py"

MUTANTS = [
    *faults(
        "evaluation/_kernels/overlap.py", f"{COCO} {ROTATED}",
        ("rows[i, 2] + rows[i, 0]", "rows[i, 2] + rows[i, 1]"),
        ("return common / area if area > 0.0", "return iou(common, area, area, 0.0, 1.0) if area > 0.0"),
        ("common_of(scene.turned[0], d, scene.turned[1], g)", "common_of(scene.turned[0], d, scene.turned[0], d)"),
    ),
    *faults(
        "geometry/_kernels/rotated_overlaps.py", ROTATED,
        ("return common_area(_row(a, i), _row(b, j))", "return common_area(_row(b, j), _row(a, i))"),
        ("abs(b[j, 0] - a[i, 0]) < more + wide", "abs(b[j, 0] - a[i, 0]) < more"),
    ),
    *faults(
        "evaluation/_kernels/coco.py", COCO,
        ("if value >= enough[t]", "if value > enough[t]"),
        ("while at > 0 and ious[at - 1] <= value", "while at > 0 and ious[at - 1] < value"),
        ("bits = left & near[c, 1] & ~taken[a, k]", "bits = left & near[c, 1]"),
        ("                bits &= ~taken[a, k]", "                bits &= taken[a, k]"),
        ("area < ranges[a, 0] or area > ranges[a, 1]", "area < ranges[a, 0] or area >= ranges[a, 1]"),
        ("min(thresholds[t], 1.0 - 1e-10)", "thresholds[t]"),
        ("left if ranges[a, 0] <= area <= ranges[a, 1] else 0", "left"),
        ("np.float64(right + wrong) + EPSILON", "np.float64(right + wrong)"),
        ("if states[i, RANK] < limits[b] else 0", "if states[i, RANK] <= limits[b] else 0"),
        ("while k < count and reached[k] < levels[level]", "while k < count and reached[k] <= levels[level]"),
    ),
    *faults(
        "evaluation/_kernels/coco.py", IMAGES,
        ("if (bits >> t) & 1:\n            partners", "if bits & 1:\n            partners"),
        ("= upright_overlap(found, d, objects, g)", "= upright_overlap(found, d, objects, d)"),
        ("area = found[d, AREA]", "area = found[d, 2] * found[d, 3]", ENTRIES),
        ("first if levels[level] <= 0.0 else 0.0", "first if levels[level] == 0.0 else 0.0", ENTRIES),
    ),
    *faults(
        "evaluation/coco_images.py", IMAGES,
        (", np.arange(table.shape[1])\n", ", 0\n"),
    ),
    *faults(
        "compat/pycocotools/_entries.py", ENTRIES,
        ("taken = taken[np.argsort(images[taken], kind=\"stable\")]", "taken = taken[np.argsort(images[taken])[::-1]]"),
        ("keep = ranks < question.limit", "keep = ranks <= question.limit"),
        ("for first in range(0, self.thresholds.size, MOST)", "for first in range(0, 1)"),
        ("np.lexsort((images, found.labels[rows]))", "np.lexsort((rows, images, found.labels[rows]))"),
        ("order = np.lexsort((ignored[objects], cells))", "order = np.lexsort((cells,))"),
        ("aside = np.where(hit, False, outside)", "aside = np.where(hit, False, False)"),
        ("np.asarray(entry.get(FOUND, entry[\"dtMatches\"])) != 0", "np.asarray(entry[\"dtMatches\"]) != 0"),
        ("* (hits[part] & ~aside[part])", "* hits[part]"),
        ("-detections.scores, kind=\"stable\")[:limit]\n    return", "detections.scores)[:limit]\n    return"),
    ),
    *faults(
        "compat/pycocotools/cocoeval.py", ENTRIES,
        ("np.logical_or.accumulate(missed, axis=-1)", "missed"),
        ("back[..., self._order] = curves", "back[...] = curves"),
        ("begin = (c * n_areas + place) * n_images", "begin = (c * n_areas + a) * n_images"),
        ("p.catIds = p.catIds if p.useCats == 1 else [-1]", "p.catIds = list(p.catIds)"),
    ),
    *faults(
        "evaluation/_kernels/curves.py", f"tests/evaluation/test_precision_recall.py {VOC}",
        ("range(precision.shape[0] - 2, -1, -1)", "range(precision.shape[0] - 2, 0, -1)"),
        ("(recall[k] - before) * best[k]", "(recall[k] - before) * precision[k]"),
        ("recall[k] < i * 0.1", "recall[k] <= i * 0.1"),
        ("for i in range(11):", "for i in range(10):"),
        ("wrong += outcomes[k] == 0", "wrong += outcomes[k] != 1"),
    ),
    *faults(
        "evaluation/_kernels/voc.py", VOC,
        ("if overlap > best:", "if overlap >= best:"),
        ("(strict and best == threshold)", "best == threshold"),
        ("elif not taken[match]", "elif match >= 0"),
        ("outcomes[n] = -1", "outcomes[n] = 0"),
    ),
    *faults(
        "evaluation/_kernels/voc.py", ROTATED,
        ("area, 4.0 * boxes[g, 2] * boxes[g, 3]", "area, boxes[g, 2] * boxes[g, 3]"),
        ("if share > best:", "if share >= best:"),
    ),
    *faults(
        "evaluation/_kernels/recall.py", RECALL,
        ("(boxes[i, 3] - boxes[i, 1] + offset)", "(boxes[i, 3] - boxes[i, 1])"),
        ("min(last, first + budgets[b])", "min(last, first + budgets[b] - 1)"),
        ("so_far = max(so_far, iou_of", "so_far = min(so_far, iou_of"),
        ("for image in range(images[0], images[1]):", "for image in range(images[0], images[1] - 1):"),
    ),
    *faults(
        "evaluation/_kernels/reasons.py", REASONS,
        ("taken[g] == 0 and value > best:", "taken[g] == 0 and value >= best:"),
        ("match if best >= enough else -1", "match if best > enough else -1"),
        ("limits[1] <= same <= limits[0]", "limits[1] < same <= limits[0]"),
        ("other >= limits[0]", "other > limits[0]"),
        ("if used >= limits[0]", "if used > 1.0"),
        ("if every <= limits[1]", "if every < limits[1]"),
        (" > limits[0]:\n                    kinds[d] |= IGNORED", " > 1.0:\n                    kinds[d] |= IGNORED"),
        ("if value < enough or value <= best", "if value <= enough or value <= best"),
        ("for same in (True, False):", "for same in (False, True):"),
    ),
]  # fmt: skip
