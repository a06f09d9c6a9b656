"""The definition of what pycocotools keeps of an image and class, and of the curves that follow from it."""

from __future__ import annotations


def overlap(found, box, crowd):
    """IoU of x, y, width and height; within a crowd the part of the detection inside."""
    width = min(found[0] + found[2], box[0] + box[2]) - max(found[0], box[0])
    height = min(found[1] + found[3], box[1] + box[3]) - max(found[1], box[1])
    if width <= 0 or height <= 0:
        return 0.0
    common, area = width * height, found[2] * found[3]
    return common / (area if crowd else area + box[2] * box[3] - common)


def best_object(row, objects, ignored, taken, threshold):
    """The place of the object that a detection takes, or None: those that count before the others, the last of ties."""
    best, match = min(threshold, 1 - 1e-10), None
    for place, thing in enumerate(objects):
        if place in taken and not thing["iscrowd"]:
            continue
        if match is not None and not ignored[match] and ignored[place]:
            break
        if row[place] >= best:
            best, match = row[place], place
    return match


def entry(objects, detections, thresholds, bounds, limit, table=None):
    """Ids, matches and flags of an image and class; ``table`` holds overlaps of objects and detections as given."""
    if not objects and not detections:
        return None
    aside = [bool(o["iscrowd"]) or o["area"] < bounds[0] or o["area"] > bounds[1] for o in objects]
    order = sorted(range(len(objects)), key=lambda k: aside[k])
    ranked = sorted(range(len(detections)), key=lambda k: -detections[k]["score"])[:limit]
    owned, ignored = [objects[k] for k in order], [aside[k] for k in order]
    found = [detections[k] for k in ranked]
    rows = [
        [
            overlap(detections[d]["bbox"], objects[g]["bbox"], objects[g]["iscrowd"]) if table is None else table[d][g]
            for g in order
        ]
        for d in ranked
    ]
    of_found, of_objects, flags = [], [], []
    for threshold in thresholds:
        matches, back, flag = [0] * len(found), [0] * len(owned), [False] * len(found)
        taken = set()
        for d, thing in enumerate(found):
            match = best_object(rows[d], owned, ignored, taken, threshold)
            if match is None:
                flag[d] = thing["area"] < bounds[0] or thing["area"] > bounds[1]
                continue
            taken.add(match)
            matches[d], back[match], flag[d] = owned[match]["id"], thing["id"], ignored[match]
        of_found.append(matches)
        of_objects.append(back)
        flags.append(flag)
    return {
        "dtIds": [d["id"] for d in found], "gtIds": [o["id"] for o in owned], "dtMatches": of_found,
        "gtMatches": of_objects, "dtScores": [d["score"] for d in found], "gtIgnore": ignored, "dtIgnore": flags,
    }  # fmt: skip


def curve(entries, t, limit, recalls):
    """(precision and score at each level of recall, recall) at one threshold; None where there is nothing to find."""
    entries = [e for e in entries if e is not None]
    positives = sum(not flag for e in entries for flag in e["gtIgnore"])
    if not positives:
        return None
    rows = [
        row for e in entries for row in zip(e["dtScores"][:limit], e["dtMatches"][t], e["dtIgnore"][t], strict=False)
    ]
    rows.sort(key=lambda row: -row[0])
    right = wrong = 0
    points = []
    for score, match, ignored in rows:
        right += bool(match) and not ignored
        wrong += not match and not ignored
        points.append((right / positives, right / (right + wrong + 2.0**-52), score))
    precision, scores = [0.0] * len(recalls), [0.0] * len(recalls)
    for k, level in enumerate(recalls):
        at = next((i for i, point in enumerate(points) if point[0] >= level), None)
        if at is None:
            break
        precision[k], scores[k] = max(point[1] for point in points[at:]), points[at][2]
    return precision, scores, points[-1][0] if points else 0.0
