"""From class scores to candidates, in one pass over the array, and the boxes of candidates alone.

First a cheap test, made for the vectors of the processor, lists the rows that may hold a candidate: few of thousands.
Only these are judged, by the definition in float64. The table is read where it lies, whichever of its two axes is
the dense one: ``flat`` spans it, and a ``Layout`` says where in it things stand.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F4, F8, I8, embedded, inlined, kernel
from detutils.geometry._kernels.boxes import CENTER_SIZE, CORNERS

NONE, SIGMOID, SOFTMAX = range(3)
BLOCK = 1024  # of rows whose scores stay in the caches while they are judged
PAD = 16  # numbers more, so that the peaks of one row are not in one set of a cache
GROUP = 8  # of classes of which the largest score is kept, where rows are dense
FEW = 64  # rows that are listed at once where classes are dense
PACK = np.uint64(0x0102040810204080)  # byte i, 0 or 1, becomes bit i of the highest byte of the product
LOWEST_BIT = np.array([0] + [(word & -word).bit_length() - 1 for word in range(1, 256)])


class Layout(NamedTuple):
    """Where numbers stand in the flat array, all counted in numbers, and what they mean."""

    first: Any  # the score of row 0 and class 0
    rows: Any
    step: Any  # from one row to the next
    classes: Any
    pitch: Any  # from one class to the next; 1 if step is not
    background: Any  # the score of row 0 for no class at all; -1 where there is none
    objectness: Any  # that of row 0, in an array of its own; -1 where there is none
    objectness_step: Any
    activation: Any
    every: Any  # not only the best class of a row
    drop: Any  # infinite scores, instead of stopping at the first


class Bounds(NamedTuple):
    """What makes a candidate, and what makes none for certain."""

    threshold: Any
    raw: Any  # raw scores below it exceed no threshold
    weight: Any  # nor does raw objectness below it,
    margin: Any  # nor a score that is not so much above the background's
    largest: Any  # finite score


@embedded
def sigmoid(x: Any) -> Any:
    """Accurate at both ends."""
    e = math.exp(-abs(x))
    return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)


@embedded
def _share_of(flat: Any, layout: Any, row: Any) -> Any:
    """The largest raw score of a row, the background's among them, and the sum of the exponentials of their
    differences to it, as they follow one another."""
    start, count = layout.first + row * layout.step, layout.classes
    if layout.background >= 0:
        count += 1
        if layout.background == layout.first - layout.pitch:
            start -= layout.pitch
    top, total = -np.inf, 0.0
    for c in range(count):
        top = max(top, np.float64(flat[start + c * layout.pitch]))
    for c in range(count):
        total += math.exp(np.float64(flat[start + c * layout.pitch]) - top)
    return top, total


@embedded
def _scale_of(flat: Any, objects: Any, layout: Any, row: Any) -> Any:
    """What turns raw scores of a row into scores: its objectness, and for a softmax the largest of them and the sum."""
    weight, top, total = 1.0, 0.0, 1.0
    if layout.objectness >= 0:
        weight = np.float64(objects[layout.objectness + row * layout.objectness_step])
        if layout.activation != NONE:
            weight = sigmoid(weight)
    if layout.activation == SOFTMAX:
        top, total = _share_of(flat, layout, row)
    return weight, top, total


@embedded
def _add(score: Any, scale: Any, layout: Any, bounds: Any, pairs: Any, scores: Any, count: Any, pair: Any) -> Any:
    """One candidate more, if it is one and there is room; -1 - row of an infinite score ends the search."""
    weight, top, total = scale
    if layout.activation == SIGMOID:
        score = sigmoid(score)
    elif layout.activation == SOFTMAX:
        score = math.exp(score - top) / total
    score *= weight
    if not score > bounds.threshold or count < 0:
        return count
    if score > bounds.largest:
        return count if layout.drop else -1 - pair[0]
    if count < scores.shape[0]:
        pairs[0, count], pairs[1, count], scores[count] = pair[0], pair[1], score
    return count + 1


@inlined
def _fill_peaks(flat: Any, layout: Any, low: Any, size: Any, peaks: Any) -> None:
    """The largest score of each group of classes for some rows that lie side by side; NaN is none."""
    lowest = flat.dtype.type(-np.inf)
    last = layout.classes - 1
    for g in range(peaks.shape[0]):
        at, c = layout.first + low, g * GROUP
        r0 = flat[at + c * layout.pitch :][:size]
        r1 = flat[at + min(c + 1, last) * layout.pitch :][:size]
        r2 = flat[at + min(c + 2, last) * layout.pitch :][:size]
        r3 = flat[at + min(c + 3, last) * layout.pitch :][:size]
        r4 = flat[at + min(c + 4, last) * layout.pitch :][:size]
        r5 = flat[at + min(c + 5, last) * layout.pitch :][:size]
        r6 = flat[at + min(c + 6, last) * layout.pitch :][:size]
        r7 = flat[at + min(c + 7, last) * layout.pitch :][:size]
        out = peaks[g]
        for j in range(np.uint64(size)):
            top = r0[j] if r0[j] > lowest else lowest
            top = r1[j] if r1[j] > top else top
            top = r2[j] if r2[j] > top else top
            top = r3[j] if r3[j] > top else top
            top = r4[j] if r4[j] > top else top
            top = r5[j] if r5[j] > top else top
            top = r6[j] if r6[j] > top else top
            out[j] = r7[j] if r7[j] > top else top


@inlined
def _find_best(peaks: Any, size: Any, best: Any, group: Any) -> None:
    """The largest peak of each row, and the first group that has it."""
    for j in range(np.uint64(size)):
        best[j], group[j] = peaks[0, j], 0
    for g in range(np.int32(1), np.int32(peaks.shape[0])):
        peak, mine = peaks[g], np.int32(g)
        for j in range(np.uint64(size)):
            better = peak[j] > best[j]
            best[j] = peak[j] if better else best[j]
            group[j] = mine if better else group[j]


@inlined
def _fill_bits(flat: Any, layout: Any, raw: Any, low: Any, size: Any, bits: Any, hot: Any) -> None:
    """Which classes of each group are not below ``raw``, a bit each, and for each row whether one is."""
    last = layout.classes - 1
    hot[:size] = 0
    for g in range(bits.shape[0]):
        at, c = layout.first + low, g * GROUP
        count = min(layout.classes - c, GROUP)
        r0 = flat[at + c * layout.pitch :][:size]
        r1 = flat[at + min(c + 1, last) * layout.pitch :][:size]
        r2 = flat[at + min(c + 2, last) * layout.pitch :][:size]
        r3 = flat[at + min(c + 3, last) * layout.pitch :][:size]
        r4 = flat[at + min(c + 4, last) * layout.pitch :][:size]
        r5 = flat[at + min(c + 5, last) * layout.pitch :][:size]
        r6 = flat[at + min(c + 6, last) * layout.pitch :][:size]
        r7 = flat[at + min(c + 7, last) * layout.pitch :][:size]
        out = bits[g]
        for j in range(np.uint64(size)):
            word = np.int32(r0[j] >= raw) | (np.int32(r1[j] >= raw) << np.int32(1))
            word |= (np.int32(r2[j] >= raw) << np.int32(2)) | (np.int32(r3[j] >= raw) << np.int32(3))
            word |= (np.int32(r4[j] >= raw) << np.int32(4)) | (np.int32(r5[j] >= raw) << np.int32(5))
            word |= (np.int32(r6[j] >= raw) << np.int32(6)) | (np.int32(r7[j] >= raw) << np.int32(7))
            out[j] = np.uint8(word)
        mask = np.uint8((1 << count) - 1)
        for j in range(np.uint64(size)):
            out[j] &= mask
            hot[j] |= out[j]


@inlined
def _list_likely(flat: Any, objects: Any, layout: Any, bounds: Any, low: Any, hot: Any, best: Any, likely: Any) -> Any:
    """Which of the hot rows of a block may hold a candidate; how many."""
    kind = flat.dtype.type
    weight, margin = kind(bounds.weight), kind(bounds.margin)
    m: Any = 0
    for j in range(min(BLOCK, layout.rows - low)):
        likely[m] = j
        m += hot[j] != 0
    if layout.objectness >= 0:
        rest, m = m, 0
        for r in range(rest):
            row = low + likely[r]
            likely[m] = likely[r]
            m += objects[layout.objectness + row * layout.objectness_step] >= weight
    if layout.background >= 0 and layout.activation == SOFTMAX:
        rest, m = m, 0
        for r in range(rest):
            row = low + likely[r]
            likely[m] = likely[r]
            m += best[likely[r]] >= flat[layout.background + row] + margin
    return m


@embedded
def _append_bits(listed: Any, m: Any, row: Any, g: Any, word: Any) -> Any:
    """Append a row and the classes of one of its groups whose bits are set; there is one."""
    while True:
        listed[0, m], listed[1, m] = row, g * GROUP + LOWEST_BIT[word]
        m += 1
        word &= word - 1
        if word == 0:
            return m


@inlined
def _add_listed(
    flat: Any, objects: Any, layout: Any, bounds: Any, listed: Any, pairs: Any, scores: Any, count: Any
) -> Any:
    """Add those of some pairs of a row and a class that exceed the threshold."""
    scaled = layout.objectness >= 0 or layout.activation == SOFTMAX
    scale = (1.0, 0.0, 1.0)
    before = np.int64(-1)
    for p in range(listed.shape[1]):
        row, c = listed[0, p], listed[1, p]
        if scaled and row != before:
            scale = _scale_of(flat, objects, layout, row)
            before = row
        raw = flat[layout.first + row * layout.step + c * layout.pitch]
        count = _add(np.float64(raw), scale, layout, bounds, pairs, scores, count, (row, c))
    return count


@inlined
def _search_dense_rows(flat: Any, objects: Any, layout: Any, bounds: Any, pairs: Any, scores: Any) -> Any:
    """Channels first: the scores of one class lie side by side."""
    raw = flat.dtype.type(bounds.raw)
    groups = (layout.classes + GROUP - 1) // GROUP
    peaks = np.empty((groups, BLOCK + PAD), flat.dtype.type)
    best, group, hot = np.empty(BLOCK, flat.dtype.type), np.empty(BLOCK, np.int32), np.empty(BLOCK, np.uint8)
    likely = np.empty(BLOCK + 1, np.int64)  # one more, where those that are not are written over and over
    count = np.int64(0)
    for low in range(0, layout.rows, BLOCK):
        size = min(BLOCK, layout.rows - low)
        _fill_peaks(flat, layout, low, size, peaks)
        _find_best(peaks, size, best, group)
        for j in range(np.uint64(size)):
            hot[j] = best[j] >= raw
        for r in range(_list_likely(flat, objects, layout, bounds, low, hot, best, likely)):
            j = likely[r]
            start = layout.first + low + j
            at: Any = np.int64(-1)
            first = int(group[j]) * GROUP
            for c in range(min(layout.classes, first + GROUP) - 1, first - 1, -1):  # without an exit to be guessed
                at = c if flat[start + c * layout.pitch] == best[j] else at
            if at >= 0:
                scale = _scale_of(flat, objects, layout, low + j)
                count = _add(np.float64(best[j]), scale, layout, bounds, pairs, scores, count, (low + j, at))
        if count < 0:
            return count
    return count


@inlined
def _search_every_dense_rows(flat: Any, objects: Any, layout: Any, bounds: Any, pairs: Any, scores: Any) -> Any:
    """``_search_dense_rows`` for every class."""
    raw = flat.dtype.type(bounds.raw)
    beside = layout.background >= 0 and layout.activation == SOFTMAX
    groups = (layout.classes + GROUP - 1) // GROUP
    peaks, bits = np.empty((groups, BLOCK + PAD), flat.dtype.type), np.empty((groups, BLOCK + PAD), np.uint8)
    best, group, hot = np.empty(BLOCK, flat.dtype.type), np.empty(BLOCK, np.int32), np.empty(BLOCK, np.uint8)
    likely, chosen = np.empty(BLOCK + 1, np.int64), np.empty(BLOCK * groups + 1, np.int64)
    listed = np.empty((2, BLOCK * layout.classes), np.int64)
    count = np.int64(0)
    for low in range(0, layout.rows, BLOCK):
        size = min(BLOCK, layout.rows - low)
        _fill_bits(flat, layout, raw, low, size, bits, hot)
        if beside:
            _fill_peaks(flat, layout, low, size, peaks)
            _find_best(peaks, size, best, group)
        n, m = 0, np.int64(0)
        for r in range(_list_likely(flat, objects, layout, bounds, low, hot, best, likely)):
            for g in range(groups):
                chosen[n] = (likely[r] << 32) | g
                n += bits[g, likely[r]] != 0
        for p in range(n):
            j, g = chosen[p] >> 32, chosen[p] & 0xFFFFFFFF
            m = _append_bits(listed, m, low + j, g, np.int64(bits[g, j]))
        count = _add_listed(flat, objects, layout, bounds, listed[:, :m], pairs, scores, count)
        if count < 0:
            return count
    return count


@embedded
def _place_of_best(flat: Any, start: Any, size: Any, least: Any) -> Any:
    """The first place of the largest of some numbers, one of which is not below ``least``."""
    above, place = np.int32(0), np.int32(size)
    for c in range(np.uint64(size)):  # without an exit, so that it vectorizes
        is_above = flat[start + c] >= least
        above += np.int32(is_above)
        place = min(place, np.int32(c) if is_above else np.int32(size))
    at: Any = np.uint64(place)
    if above > 1:
        for c in range(at + np.uint64(1), np.uint64(size)):
            at = c if flat[start + c] > flat[start + at] else at
    return np.int64(at)


@embedded
def _least_of(flat: Any, layout: Any, bounds: Any, row: Any) -> Any:
    """What the best raw score of a row must not be below."""
    least = flat.dtype.type(bounds.raw)
    if layout.background >= 0 and layout.activation == SOFTMAX:
        least = max(least, flat[layout.background + row * layout.step] + flat.dtype.type(bounds.margin))
    return least


@inlined
def _list_objects(objects: Any, layout: Any, bounds: Any, low: Any, likely: Any) -> Any:
    """Which of a few rows their objectness does not rule out; how many."""
    weight = objects.dtype.type(bounds.weight)
    size = min(FEW, layout.rows - low)
    m: Any = 0
    for row in range(low, low + size):
        likely[m] = row
        m += layout.objectness < 0 or objects[layout.objectness + row * layout.objectness_step] >= weight
    return m


@inlined
def _search_dense_classes(flat: Any, objects: Any, layout: Any, bounds: Any, pairs: Any, scores: Any) -> Any:
    """Channels last: the scores of one row lie side by side."""
    likely = np.empty(FEW + 1, np.int64)
    count = np.int64(0)
    for low in range(0, layout.rows, FEW):
        for r in range(_list_objects(objects, layout, bounds, low, likely)):
            row = likely[r]
            least = _least_of(flat, layout, bounds, row)
            start = np.uint64(layout.first + row * layout.step)
            above = False
            for c in range(np.uint64(layout.classes)):  # without an exit, so that it vectorizes
                above |= flat[start + c] >= least
            if above:
                at = _place_of_best(flat, start, layout.classes, least)
                scale = _scale_of(flat, objects, layout, row)
                best = np.float64(flat[start + np.uint64(at)])
                count = _add(best, scale, layout, bounds, pairs, scores, count, (row, at))
        if count < 0:
            return count
    return count


@inlined
def _search_every_dense_classes(flat: Any, objects: Any, layout: Any, bounds: Any, pairs: Any, scores: Any) -> Any:
    """``_search_dense_classes`` for every class."""
    raw = flat.dtype.type(bounds.raw)
    groups = (layout.classes + GROUP - 1) // GROUP
    width = groups * GROUP
    above = np.zeros(FEW * width, np.uint8)
    words = above.view(np.uint64)
    likely, chosen = np.empty(FEW + 1, np.int64), np.empty(FEW * groups + 1, np.int64)
    listed = np.empty((2, FEW * layout.classes), np.int64)
    count = np.int64(0)
    for low in range(0, layout.rows, FEW):
        size = _list_objects(objects, layout, bounds, low, likely)
        for r in range(size):
            start = np.uint64(layout.first + likely[r] * layout.step)
            for c in range(np.uint64(layout.classes)):
                above[np.uint64(r * width) + c] = flat[start + c] >= raw
        n, m = 0, np.int64(0)
        for r in range(size):
            for g in range(groups):
                chosen[n] = (r << 32) | g
                n += words[r * groups + g] != 0
        for p in range(n):
            r, g = chosen[p] >> 32, chosen[p] & 0xFFFFFFFF
            word = (words[r * groups + g] * PACK) >> np.uint64(56)  # a bit of each byte
            m = _append_bits(listed, m, likely[r], g, np.int64(word))
        count = _add_listed(flat, objects, layout, bounds, listed[:, :m], pairs, scores, count)
        if count < 0:
            return count
    return count


@inlined
def _search(flat: Any, objects: Any, integers: Any, numbers: Any, pairs: Any, scores: Any) -> Any:
    a, b, c, d, e, f, g, h, i, j, k = integers
    layout = Layout(a, b, c, d, e, f, g, h, i, j, k)
    threshold, raw, weight, margin, largest = numbers
    bounds = Bounds(threshold, raw, weight, margin, largest)
    if layout.step == 1 and layout.every:
        return _search_every_dense_rows(flat, objects, layout, bounds, pairs, scores)
    if layout.step == 1:
        return _search_dense_rows(flat, objects, layout, bounds, pairs, scores)
    if layout.every:
        return _search_every_dense_classes(flat, objects, layout, bounds, pairs, scores)
    return _search_dense_classes(flat, objects, layout, bounds, pairs, scores)


@kernel("int64(float32[::1], float32[::1], UniTuple(int64, 11), UniTuple(float64, 5), int64[:,::1], float64[::1])")
def search_float32(flat: F4, objects: F4, layout: Any, bounds: Any, pairs: I8, scores: F8) -> int:
    """Fill in the candidates, rows above classes in ``pairs``, by row and then class; how many there are, more perhaps
    than there is room for, or -1 - row of an infinite score."""
    return int(_search(flat, objects, layout, bounds, pairs, scores))


@kernel("int64(float64[::1], float64[::1], UniTuple(int64, 11), UniTuple(float64, 5), int64[:,::1], float64[::1])")
def search_float64(flat: F8, objects: F8, layout: Any, bounds: Any, pairs: I8, scores: F8) -> int:
    """``search_float32`` for float64."""
    return int(_search(flat, objects, layout, bounds, pairs, scores))


@inlined
def _corners(flat: Any, place: Any, scale: Any, rows: Any, out: Any) -> None:
    first, step, pitch, form = place
    width, height = scale
    for k in range(rows.shape[0]):
        at = first + rows[k] * step
        a, b = np.float64(flat[at]) * width, np.float64(flat[at + pitch]) * height
        c, d = np.float64(flat[at + 2 * pitch]) * width, np.float64(flat[at + 3 * pitch]) * height
        if form == CENTER_SIZE:
            a, b, c, d = a - 0.5 * c, b - 0.5 * d, a + 0.5 * c, b + 0.5 * d
        elif form != CORNERS:
            c, d = a + c, b + d
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = a, b, c, d


@kernel("void(float32[::1], UniTuple(int64, 4), UniTuple(float64, 2), int64[::1], float32[:,::1])")
def corners_float32(flat: F4, place: Any, scale: Any, rows: I8, out: F4) -> None:
    """The boxes of some rows as corners: ``place`` is where the first number of row 0 stands, the steps from one row
    to the next and from one number to the next, and the form of a box; ``scale`` what x and y are multiplied by."""
    _corners(flat, place, scale, rows, out)


@kernel("void(float64[::1], UniTuple(int64, 4), UniTuple(float64, 2), int64[::1], float64[:,::1])")
def corners_float64(flat: F8, place: Any, scale: Any, rows: I8, out: F8) -> None:
    """``corners_float32`` for float64."""
    _corners(flat, place, scale, rows, out)


@inlined
def _take(flat: Any, place: Any, rows: Any, out: Any) -> None:
    first, step, pitch = place
    for k in range(rows.shape[0]):
        for c in range(out.shape[1]):
            out[k, c] = flat[first + rows[k] * step + c * pitch]


@kernel("void(float32[::1], UniTuple(int64, 3), int64[::1], float32[:,::1])")
def take_float32(flat: F4, place: Any, rows: I8, out: F4) -> None:
    """Numbers that stand side by side, of some rows."""
    _take(flat, place, rows, out)


@kernel("void(float64[::1], UniTuple(int64, 3), int64[::1], float64[:,::1])")
def take_float64(flat: F8, place: Any, rows: I8, out: F8) -> None:
    """``take_float32`` for float64."""
    _take(flat, place, rows, out)
