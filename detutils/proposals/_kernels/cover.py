"""From scored boxes to an order of boxes: which overlap, which cover the most, which repeat a better one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8, inlined, kernel

BLOCK = 64


# Python hands these over as plain tuples, whose types Numba's notation of signatures can name.


class Partners(NamedTuple):
    """The boxes that overlap each box enough to say something of it."""

    ends: I8  # (N,) box i's partners begin where those of box i - 1 end, and end here
    others: I4  # (P,) their numbers
    overlaps: F4  # (P,) their IoU


class Choice(NamedTuple):
    """How far the greedy choice has come."""

    covered: F4  # (N,) how well each box is covered by those chosen
    heap: I8  # (N,) boxes by what each would add, the largest first
    gains: F8  # (N,) what each box of the heap would add; it may have shrunk since
    fresh: I8  # (N,) how many boxes were chosen when the gain was computed, -1 for those chosen


PARTNERS = "Tuple((int64[::1], int32[::1], float32[::1]))"
CHOICE = "Tuple((float32[::1], int64[::1], float64[::1], int64[::1]))"


@inlined
def _first_at_least(values: Any, wanted: Any, low: Any, high: Any) -> Any:
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _overlaps(boxes: Any, i: Any, start: Any, stop: Any, out: Any) -> None:
    """IoU of box i with the boxes start ... stop - 1; views of equal length, so that it turns into vectors."""
    x1, y1, x2, y2, area = boxes[0, i], boxes[1, i], boxes[2, i], boxes[3, i], boxes[4, i]
    lefts, tops, rights = boxes[0, start:stop], boxes[1, start:stop], boxes[2, start:stop]
    bottoms, areas = boxes[3, start:stop], boxes[4, start:stop]
    for k in range(out.shape[0]):
        w = max(min(x2, rights[k]) - max(x1, lefts[k]), np.float32(0))
        h = max(min(y2, bottoms[k]) - max(y1, tops[k]), np.float32(0))
        inner = w * h
        out[k] = inner / (area + areas[k] - inner)


@kernel("int64(float32[:,::1], UniTuple(int64[::1], 2), float32, int32[:,::1], float32[::1], int64[::1], int64, int64)")
def close_pairs(
    boxes: F4, index: tuple[Any, ...], threshold: Any, pairs: I4, overlaps: F4, progress: I8, start: int, stop: int
) -> int:
    """Finds the pairs with an IoU of at least ``threshold`` whose smaller box is in a row start ... stop - 1.

    Boxes are columns x1, y1, x2, y2, area, sorted by band, then by x1. A band holds areas within a factor of 1 /
    ``threshold``, so that partners are in the same or in a neighboring band. ``index`` says where each band begins and
    what numbers the boxes go by in ``pairs``. ``progress`` counts the pairs and holds the current band.
    Returns the row reached, less than ``stop`` if there might be no room for its pairs.
    """
    bands, ranks = index
    lefts = boxes[0]
    found, close = np.empty(boxes.shape[1], np.float32), np.empty(boxes.shape[1], np.int32)
    count, band = progress[0], progress[1]
    for i in range(start, stop):
        while i >= bands[band + 1]:
            band += 1
        after, end = bands[band + 1], bands[min(band + 2, bands.shape[0] - 1)]
        x1 = boxes[0, i]
        slack = (np.float32(1) - threshold) * (boxes[2, i] - x1) + np.float32(0.5)
        last, back = x1 + slack, x1 - slack / threshold
        near_stop = _first_at_least(lefts, last, i + 1, after)
        far = _first_at_least(lefts, back, after, end)
        far_stop = _first_at_least(lefts, last, far, end)
        if count + (near_stop - i - 1) + (far_stop - far) > overlaps.shape[0]:
            progress[0], progress[1] = count, band
            return i
        for part in range(2):
            low, high = (i + 1, near_stop) if part == 0 else (far, far_stop)
            _overlaps(boxes, i, low, high, found[: high - low])
            hits = np.int64(0)
            for k in range(high - low):  # written always, kept if close: no branch to guess
                close[hits] = k
                hits += np.int64(found[k] >= threshold)
            for h in range(hits):
                pairs[count, 0], pairs[count, 1] = ranks[i], ranks[low + close[h]]
                overlaps[count] = found[close[h]]
                count += 1
    progress[0], progress[1] = count, band
    return stop


@kernel("void(int32[:,::1], float32[::1], int64[::1], int32[::1], float32[::1])")
def list_partners(pairs: I4, overlaps: F4, ends: I8, partners: I4, listed: F4) -> None:
    """Each box's partners, and their IoU.

    Those of box i end at ``ends[i]``, which comes as zeros, and begin where those of box i - 1 end.
    """
    for e in range(pairs.shape[0]):
        ends[pairs[e, 0]] += 1
        ends[pairs[e, 1]] += 1
    total = np.int64(0)
    for i in range(ends.shape[0]):
        ends[i], total = total, total + ends[i]
    for e in range(pairs.shape[0]):
        for side in range(2):
            place = ends[pairs[e, side]]
            partners[place] = pairs[e, 1 - side]
            listed[place] = overlaps[e]
            ends[pairs[e, side]] = place + 1


@inlined
def _gain(i: Any, evidence: Any, ends: Any, others: Any, cover: Any, covered: Any) -> Any:
    """What box i covers better than the boxes chosen so far."""
    total = evidence[i] * np.float64(np.float32(1) - covered[i])
    for k in range(ends[i - 1] if i > 0 else 0, ends[i]):
        more = cover[k] - covered[others[k]]
        if more > np.float32(0):
            total += evidence[others[k]] * np.float64(more)
    return total


@inlined
def _sink(heap: Any, gains: Any, place: Any, count: Any) -> None:
    """The largest gain on top; of equal ones, the lower number."""
    i, gain = heap[place], gains[place]
    while True:
        down = 2 * place + 1
        if down >= count:
            break
        if down + 1 < count:
            one, other = gains[down], gains[down + 1]
            down += np.int64((other > one) | ((other == one) & (heap[down + 1] < heap[down])))
        if gain > gains[down] or (gain == gains[down] and i < heap[down]):
            break
        heap[place], gains[place] = heap[down], gains[down]
        place = down
    heap[place], gains[place] = i, gain


@inlined
def _take(i: Any, ends: Any, others: Any, cover: Any, covered: Any) -> None:
    """What box i covers, once it is chosen."""
    covered[i] = 1
    for k in range(ends[i - 1] if i > 0 else 0, ends[i]):
        covered[others[k]] = max(covered[others[k]], cover[k])


@kernel(f"void(float64[::1], {PARTNERS}, {CHOICE}, int64[::1], int64)")
def begin(evidence: F8, partners: tuple[Any, ...], choice: tuple[Any, ...], order: I8, done: int) -> None:
    """Fills the heap with the boxes that are not among the ``done`` chosen, by what each would add to what those
    cover; ``fresh`` starts as zeros."""
    ends, others, cover = partners
    covered, heap, gains, fresh = choice
    covered[:] = 0
    for i in order[:done]:
        _take(i, ends, others, cover, covered)
    count = np.int64(0)
    for i in range(gains.shape[0]):
        if fresh[i] >= 0:
            gains[count] = _gain(i, evidence, ends, others, cover, covered)
            heap[count] = i
            fresh[i] = done
            count += 1
    for place in range(count // 2 - 1, -1, -1):
        _sink(heap, gains, place, count)


@kernel(f"void(float64[::1], {PARTNERS}, {CHOICE}, int64[::1], float64[::1], int64, int64)")
def choose(
    evidence: F8,
    partners: tuple[Any, ...],
    choice: tuple[Any, ...],
    order: I8,
    added: F8,
    start: int,
    stop: int,
) -> None:
    """Chooses boxes number start ... stop - 1, each the one that adds the most to what is covered, and notes how much.

    Gains can only shrink, so one that is still the largest after it was computed anew is the largest of all.
    """
    ends, others, cover = partners
    covered, heap, gains, fresh = choice
    for done in range(start, stop):
        count = heap.shape[0] - done
        i = heap[0]
        while fresh[i] != done:
            gains[0] = min(_gain(i, evidence, ends, others, cover, covered), gains[0])
            fresh[i] = done
            _sink(heap, gains, 0, count)
            i = heap[0]
        order[done], added[done] = i, gains[0]
        heap[0], gains[0] = heap[count - 1], gains[count - 1]
        _sink(heap, gains, 0, count - 1)
        fresh[i] = -1
        _take(i, ends, others, cover, covered)


@kernel("int64(float32[:,::1], float32, float32[:,::1], boolean[::1], int64[::1], int64, int64, int64)")
def keep_apart(boxes: F4, threshold: Any, kept: F4, taken: B1, order: I8, count: int, start: int, stop: int) -> int:
    """Keeps boxes, in their order, that overlap none kept by more than ``threshold``, as many as ``kept`` has room for.

    Boxes are columns x1, y1, x2, y2, area. Returns how many are kept.
    """
    for i in range(start, stop):
        if count >= kept.shape[1]:
            break
        x1, y1, x2, y2, area = boxes[0, i], boxes[1, i], boxes[2, i], boxes[3, i], boxes[4, i]
        worst = np.float32(0)
        block = np.int64(0)
        while block < count and worst <= threshold:
            end = np.int64(min(block + BLOCK, np.int64(count)))
            for j in range(block, end):
                w = max(min(x2, kept[2, j]) - max(x1, kept[0, j]), np.float32(0))
                h = max(min(y2, kept[3, j]) - max(y1, kept[1, j]), np.float32(0))
                inner = w * h
                worst = max(worst, inner / (area + kept[4, j] - inner))
            block = end
        if worst <= threshold:
            taken[i] = True
            order[count] = i
            for j in range(5):
                kept[j, count] = boxes[j, i]
            count += 1
    return count
