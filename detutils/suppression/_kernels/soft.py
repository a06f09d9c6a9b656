"""Soft-NMS by a tree of box blocks: every kept box visits only the blocks that it touches.

Boxes lie in leaves of ``LEAF`` neighbors (of one class, alike in size and place where there are many),
leaves under nodes of ``FAN`` children. A node knows the rectangle around its boxes and the best score below
it, so that the next box to keep is found by walking down from the root, and the decays go only where
something can intersect. The decays of one box are applied in the order in which boxes are kept, as in the
definition: the products agree to the last bit.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F8, I8, inlined, kernel
from detutils.geometry._kernels.pair import common_sides, intersection, iou

LEAF = 64
FAN = 8
CELLS = 1 << 22  # along each axis, to sort by
SIZES = 8  # classes of size, each of so many octaves of the longer side
OCTAVES = 3
DIGIT = 11
GONE = -1.0  # the score and the group of what was kept or dropped, the score of a node without boxes

# ``leaves`` is (leaf, column, slot): a leaf lies in one piece, and each of its columns too.
X1, Y1, X2, Y2, AREA, GROUP, SCORE = range(7)
COLUMNS = 7

# ``spans`` is (node, column): the least x1, y1 and group, the largest x2, y2 and group, the best score below.
LEFT, TOP, LEAST, RIGHT, BOTTOM, MOST, BEST = range(7)
SPANS = 7

# ``marks`` is (node, column): how many entries a node has, the name of its best box (the user's index), where
# that is (the slot in a leaf, the child of any other node), whether a leaf has changed since, and how many of
# its slots are empty.
COUNT, NAME, BELOW, STALE, HOLES = range(5)
MARKS = 5

# A tree is ``starts`` (the first node of each level: the first level are the leaves, the last node is the root),
# ``leaves``, ``names`` (the user's indices of the boxes in the leaves), ``spans`` and ``marks``. Kernels unpack it
# once, because every unpacking counts references.
TREE = "Tuple((int64[::1], float64[:,:,::1], int64[:,::1], float64[:,::1], int64[:,::1]))"


class Decay(NamedTuple):
    """How scores fall, and when a box drops out."""

    gaussian: bool
    sigma: float
    iou_threshold: float
    score_threshold: float
    offset: float


@inlined
def _sort(keys: Any, limits: Any, order: Any, spare: Any) -> Any:
    """Sort ``order`` by keys[0], then stably by keys[1], by digits; the result, and an array to spare."""
    mask = (1 << DIGIT) - 1
    for row in range(2):
        shift = 0
        while limits[row] >> shift > 0:
            count = np.zeros(mask + 2, np.int64)
            for i in range(order.size):
                count[((keys[row, order[i]] >> shift) & mask) + 1] += 1
            for d in range(mask):
                count[d + 1] += count[d]
            for i in range(order.size):
                d = (keys[row, order[i]] >> shift) & mask
                spare[count[d]] = order[i]
                count[d] += 1
            order, spare = spare, order
            shift += DIGIT
    return order, spare


@kernel("int64[::1](float64[:,::1], int64[::1], int64[::1], int64)")
def neighbor_order(boxes: F8, candidates: I8, groups: I8, n_groups: int) -> I8:
    """The candidates by group and size, each kind in tiles of neighbors: strips along x, sorted along y."""
    n = candidates.size
    left, top, right, bottom, longest = np.inf, np.inf, -np.inf, -np.inf, 0.0
    for i in range(n):
        c = candidates[i]
        x, y = boxes[c, 0] + boxes[c, 2], boxes[c, 1] + boxes[c, 3]
        left, right = min(left, x), max(right, x)
        top, bottom = min(top, y), max(bottom, y)
        longest = max(longest, max(boxes[c, 2] - boxes[c, 0], boxes[c, 3] - boxes[c, 1]))
    cells = float(CELLS - 1)
    wide, high = right - left, bottom - top
    largest = math.frexp(longest)[1]
    keys, down, order = np.empty((2, n), np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        c, order[i] = candidates[i], i
        x, y = boxes[c, 0] + boxes[c, 2], boxes[c, 1] + boxes[c, 3]
        keys[0, i] = int((x - left) / wide * cells) if wide > 0.0 else 0
        down[i] = int((y - top) / high * cells) if high > 0.0 else 0
        side = max(boxes[c, 2] - boxes[c, 0], boxes[c, 3] - boxes[c, 1])
        kind = SIZES - 1 if side == 0.0 else min((largest - math.frexp(side)[1]) // OCTAVES, SIZES - 1)
        keys[1, i] = SIZES * groups[c] + kind if n_groups > 1 else kind
    order, spare = _sort(keys, (CELLS - 1, SIZES * n_groups - 1), order, np.empty(n, np.int64))
    strip, length, first = np.int64(-1), 1, 0  # strips of one kind hold equally many boxes
    for i in range(n):
        if i == 0 or keys[1, order[i]] != keys[1, order[i - 1]]:
            first = i
            last = i
            while last < n and keys[1, order[last]] == keys[1, order[i]]:
                last += 1
            length = LEAF * math.ceil(math.sqrt((last - first) / LEAF))
        strip += 1 if (i - first) % length == 0 else 0
        keys[0, order[i]] = strip
    for i in range(n):
        keys[0, i], keys[1, i] = down[i], keys[0, i]
    order, spare = _sort(keys, (CELLS - 1, strip), order, spare)
    result = np.empty(n, np.int64)
    for i in range(n):
        result[i] = candidates[order[i]]
    return result


@inlined
def _refresh_leaf(leaf: Any, leaves: Any, keys: Any, names: Any, spans: Any, marks: Any) -> None:
    """Note the slot of the highest score, among equals that of the lowest name.

    ``keys`` are the bits of ``leaves``: integers keep the order of scores and of GONE, and the compiler may
    turn their maximum into vectors.
    """
    best = keys[leaf, SCORE, 0]
    for k in range(LEAF):
        best = max(best, keys[leaf, SCORE, k])
    below: Any = np.int64(LEAF)
    equals = 0
    for k in range(LEAF):
        same = keys[leaf, SCORE, k] == best
        below = min(below, k if same else np.int64(LEAF))
        equals += same
    if equals > 1:
        for k in range(below + 1, marks[leaf, COUNT]):
            if keys[leaf, SCORE, k] == best and names[leaf, k] < names[leaf, below]:
                below = k
    spans[leaf, BEST] = leaves[leaf, SCORE, below]
    marks[leaf, NAME], marks[leaf, BELOW], marks[leaf, STALE] = names[leaf, below], below, 0


@inlined
def _refresh_node(node: Any, first: Any, spans: Any, marks: Any) -> None:
    """Note the child that leads to the highest score, among equals to the lowest name."""
    score, name, below = GONE, -1, -1
    for child in range(first, first + marks[node, COUNT]):
        other = spans[child, BEST]
        if other > score or (other == score and marks[child, NAME] < name):
            score, name, below = other, marks[child, NAME], child
    spans[node, BEST] = score
    marks[node, NAME], marks[node, BELOW] = name, below


@kernel(f"void(float64[:,::1], float64[::1], int64[::1], int64[::1], float64, {TREE})")
def plant(boxes: F8, scores: F8, groups: I8, order: I8, offset: float, tree: tuple[I8, F8, I8, F8, I8]) -> None:
    """Fill the tree; an empty ``groups`` is one group."""
    starts, leaves, names, spans, marks = tree
    leaves[:, :, :] = 0.0
    leaves[:, SCORE, :] = GONE
    leaves[:, GROUP, :] = GONE  # no box is of the group of an empty slot
    spans[:, :RIGHT] = np.inf
    spans[:, RIGHT:] = -np.inf
    keys = leaves.view(np.int64)
    for leaf in range(starts[1]):
        first = leaf * LEAF
        marks[leaf, COUNT], marks[leaf, HOLES] = min(LEAF, order.size - first), 0
        for k in range(marks[leaf, COUNT]):
            b = order[first + k]
            names[leaf, k] = b
            x1, y1, x2, y2 = boxes[b, 0], boxes[b, 1], boxes[b, 2], boxes[b, 3]
            group = float(groups[b]) if groups.size > 0 else 0.0
            leaves[leaf, X1, k], leaves[leaf, Y1, k] = x1, y1
            leaves[leaf, X2, k], leaves[leaf, Y2, k] = x2, y2
            leaves[leaf, AREA, k] = (x2 - x1 + offset) * (y2 - y1 + offset)
            leaves[leaf, GROUP, k] = group
            leaves[leaf, SCORE, k] = scores[b]
            spans[leaf, LEFT] = min(spans[leaf, LEFT], x1)
            spans[leaf, TOP] = min(spans[leaf, TOP], y1)
            spans[leaf, LEAST] = min(spans[leaf, LEAST], group)
            spans[leaf, RIGHT] = max(spans[leaf, RIGHT], x2)
            spans[leaf, BOTTOM] = max(spans[leaf, BOTTOM], y2)
            spans[leaf, MOST] = max(spans[leaf, MOST], group)
        _refresh_leaf(leaf, leaves, keys, names, spans, marks)
    for level in range(1, starts.size - 1):
        for node in range(starts[level], starts[level + 1]):
            first = starts[level - 1] + (node - starts[level]) * FAN
            marks[node, COUNT] = min(FAN, starts[level] - first)
            for child in range(first, first + marks[node, COUNT]):
                for low in range(RIGHT):
                    high = low + RIGHT
                    spans[node, low] = min(spans[node, low], spans[child, low])
                    spans[node, high] = max(spans[node, high], spans[child, high])
            _refresh_node(node, first, spans, marks)


@inlined
def _touches(spans: Any, node: Any, box: Any, group: Any, offset: Any) -> Any:
    """Whether a box may intersect one of the node's; true for the node that holds the box itself."""
    around = (spans[node, LEFT], spans[node, TOP], spans[node, RIGHT], spans[node, BOTTOM])
    width, height = common_sides(around, box, offset)
    mine = (spans[node, LEAST] <= group) & (group <= spans[node, MOST])
    return (spans[node, BEST] > GONE) & (width >= 0.0) & (height >= 0.0) & mine


@inlined
def _box(leaves: Any, leaf: Any, k: Any) -> Any:
    return leaves[leaf, X1, k], leaves[leaf, Y1, k], leaves[leaf, X2, k], leaves[leaf, Y2, k]


@inlined
def _meets(leaves: Any, leaf: Any, box: Any, group: Any, offset: Any, meets: Any) -> Any:
    """Whether a box meets any slot of a leaf, and which; no branch, so that it vectorizes."""
    some = False  # a flag of one byte: an integer would halve the vectors
    for k in range(LEAF):
        width, height = common_sides(_box(leaves, leaf, k), box, offset)
        hit = (width > 0.0) & (height > 0.0) & (leaves[leaf, GROUP, k] == group)
        meets[k] = hit
        some |= hit
    return some


@inlined
def _sweep(leaf: Any, leaves: Any, names: Any, marks: Any) -> None:
    """Close the holes that kept and dropped boxes leave, once they are the half of a leaf."""
    if 2 * marks[leaf, HOLES] < marks[leaf, COUNT]:
        return
    alive = 0
    for k in range(marks[leaf, COUNT]):
        if leaves[leaf, SCORE, k] > GONE:
            if alive < k:
                for column in range(COLUMNS):
                    leaves[leaf, column, alive] = leaves[leaf, column, k]
                names[leaf, alive] = names[leaf, k]
            alive += 1
    for k in range(alive, marks[leaf, COUNT]):
        leaves[leaf, SCORE, k] = leaves[leaf, GROUP, k] = GONE
    marks[leaf, COUNT], marks[leaf, HOLES] = alive, 0


@inlined
def _factors(decays: Any, count: Any, decay: Any) -> None:
    """Turn IoUs into what scores are multiplied by."""
    if decay.gaussian:
        for h in range(count):
            decays[h] = -(decays[h] * decays[h]) / decay.sigma
        for h in range(count):
            decays[h] = math.exp(decays[h])
    else:
        for h in range(count):
            decays[h] = 1.0 - decays[h] if decays[h] > decay.iou_threshold else 1.0


@kernel(f"int64({TREE}, boolean, UniTuple(float64, 4), int64[::1], float64[::1], int64, int64)")
def harvest(
    tree: tuple[I8, F8, I8, F8, I8], gaussian: bool, rules: tuple[float, float, float, float],
    keep: I8, kept_scores: F8, kept: int, patience: int,
) -> int:  # fmt: skip
    """Keep boxes until none is left, ``keep`` is full, or so many leaves have been visited; the new count.

    ``rules`` are the other fields of a ``Decay``. A decayed leaf is only marked stale: what it noted as its best is an
    upper bound, and is mended when the bound reaches the root.
    """
    starts, leaves, names, spans, marks = tree
    decay = Decay(gaussian, rules[0], rules[1], rules[2], rules[3])
    offset = decay.offset
    top = starts.size - 2
    root = starts[top]
    visit = np.empty(starts[starts.size - 1], np.int64)  # the nodes to visit, level by level as in ``starts``
    visits = np.empty(top + 1, np.int64)
    meets = np.empty(LEAF, np.bool_)
    keys = leaves.view(np.int64)
    hits = np.empty(LEAF + 1, np.int64)
    decays = np.empty(LEAF + 1, np.float64)
    while kept < keep.size and patience > 0 and spans[root, BEST] > GONE:
        home = root
        for _ in range(top):
            home = marks[home, BELOW]
        if marks[home, STALE]:
            _refresh_leaf(home, leaves, keys, names, spans, marks)
            node = home
            for level in range(1, top + 1):
                node = starts[level] + (node - starts[level - 1]) // FAN
                _refresh_node(node, starts[level - 1] + (node - starts[level]) * FAN, spans, marks)
            continue
        slot = marks[home, BELOW]
        box = _box(leaves, home, slot)
        area, group = leaves[home, AREA, slot], leaves[home, GROUP, slot]
        keep[kept], kept_scores[kept] = names[home, slot], leaves[home, SCORE, slot]
        kept += 1
        leaves[home, SCORE, slot] = leaves[home, GROUP, slot] = GONE
        marks[home, HOLES] += 1
        marks[home, STALE] = 1
        _sweep(home, leaves, names, marks)

        visit[root] = root
        visits[top] = 1
        for level in range(top, 0, -1):
            found = starts[level - 1]
            for v in range(starts[level], starts[level] + visits[level]):
                node = visit[v]
                first = starts[level - 1] + (node - starts[level]) * FAN
                for child in range(first, first + marks[node, COUNT]):
                    if _touches(spans, child, box, group, offset):
                        visit[found] = child
                        found += 1
            visits[level - 1] = found - starts[level - 1]

        for v in range(visits[0]):
            leaf = visit[v]
            if not _meets(leaves, leaf, box, group, offset, meets):
                continue
            touched = np.int64(0)
            for k in range(np.uint64(marks[leaf, COUNT])):
                hits[touched] = k
                touched += meets[k]
            for h in range(touched):
                common = intersection(_box(leaves, leaf, hits[h]), box, offset, 0.0)
                decays[h] = iou(common, leaves[leaf, AREA, hits[h]], area, 0.0, 1.0)
            _factors(decays, touched, decay)
            fallen = 0
            for h in range(touched):
                score = leaves[leaf, SCORE, hits[h]] * decays[h]
                stays = score > decay.score_threshold
                leaves[leaf, SCORE, hits[h]] = score if stays else GONE
                leaves[leaf, GROUP, hits[h]] = group if stays else GONE
                fallen += 0 if stays else 1
            if touched > 0:
                marks[leaf, STALE] = 1
            if fallen > 0:
                marks[leaf, HOLES] += fallen
                _sweep(leaf, leaves, names, marks)
        patience -= visits[0]
    return kept


@kernel(
    "int64(float64[:,::1], float64[::1], int64[::1], boolean, UniTuple(float64, 4), int64[::1], float64[::1])"
)
def harvest_few(
    boxes: F8, scores: F8, groups: I8, gaussian: bool, rules: tuple[float, float, float, float],
    keep: I8, kept_scores: F8,
) -> int:  # fmt: skip
    """The plain loop over a few boxes, for which a tree is not worth its planting; how many are kept."""
    sigma, iou_threshold, score_threshold, offset = rules
    left = np.empty(scores.size, np.int64)  # ascending, so that the first of equal scores is the lowest index
    now = scores.copy()
    count = 0
    for i in range(scores.size):
        left[count] = i
        count += 1 if scores[i] > score_threshold else 0
    kept = 0
    while count > 0 and kept < keep.size:
        best = left[0]
        for k in range(1, count):
            best = left[k] if now[left[k]] > now[best] else best
        keep[kept], kept_scores[kept] = best, now[best]
        kept += 1
        box = (boxes[best, 0], boxes[best, 1], boxes[best, 2], boxes[best, 3])
        area = (box[2] - box[0] + offset) * (box[3] - box[1] + offset)
        alive = 0
        for k in range(count):
            i = left[k]
            other = (boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3])
            common = intersection(other, box, offset, 0.0)
            if common > 0.0 and (groups.size == 0 or groups[i] == groups[best]):
                own = (other[2] - other[0] + offset) * (other[3] - other[1] + offset)
                share = iou(common, own, area, 0.0, 1.0)
                if gaussian:
                    now[i] *= math.exp(-(share * share) / sigma)
                elif share > iou_threshold:
                    now[i] *= 1.0 - share
            left[alive] = i
            alive += 1 if now[i] > score_threshold and i != best else 0
        count = alive
    return kept
