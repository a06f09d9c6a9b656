"""The weights of the ranking: fitted to annotated photographs, and judged on those that a fit has not seen.

``python -m benchmarks fit_ranking --images FOLDER --annotations PATH`` writes ``ranking.npz`` into the current folder;
put in place of the package's own, it is what ``selective_search`` goes by. It needs LightGBM, and about a quarter of an
hour of two cores for 443 photographs. It runs only when asked for by name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.bench_proposals import LEVELS, photographs, rgb as read_rgb
from benchmarks.harness import Report
from benchmarks.network_fit import fit_network
from detutils.proposals._kernels import contrasts, cues as cells_of
from detutils.proposals.colors import as_rgb, shrunk
from detutils.proposals.cover import close_boxes, cover
from detutils.proposals.cues import CUES, GROUPS, cues, draw_maps, lab_planes, map_factor
from detutils.proposals.objectness import describe_boxes, gather, objectness
from detutils.proposals.ranking import DEPTH, NODES, Trees, Weights, arrange, expected, promising, save
from detutils.proposals.strategies import MODES, grow_trees

Array = npt.NDArray[Any]
FOLDS = 8
BUDGETS = (100, 1000, 2250)
MIN_SIDES = (8.0, 8.0)
TREES = 256
SHARE = 1 / 16  # of the candidates without an object that take part in a fit
# By how much leaves and the network's outputs are multiplied: both say the same, and close candidates are not
# independent witnesses.
TREE_SHARE, NETWORK_SHARE = 0.5, 0.25
WAY_TREES = 64  # for each side
CHANCES = 64  # knots of the calibration
HANDFUL = 25  # boxes that are counted together
OPTIONS = {
    "learning_rate": 0.07, "num_leaves": 1 << DEPTH, "max_depth": DEPTH, "min_data_in_leaf": 300, "lambda_l2": 10.0,
    "feature_fraction": 0.15, "max_bin": 63, "num_threads": 1, "seed": 0, "deterministic": True, "verbose": -1,
    "force_col_wise": True, "use_missing": False,
}  # fmt: skip
WAY_OPTIONS = {**OPTIONS, "objective": "l2", "learning_rate": 0.12, "min_data_in_leaf": 200, "feature_fraction": 0.2}


class Sample(NamedTuple):
    """The candidates of one image that take part in a fit."""

    cues: Array  # (N, CUES)
    counts: Array  # (N,) how many candidates each stands for
    rows: Array  # (P,) with objects: which candidate
    objects: Array  # (P,) which object
    covers: Array  # (P,) how well: (2 IoU - 1) squared
    ways: Array  # (P, 4) how far the object's sides are from the candidate's, in its widths and heights


class Image(NamedTuple):
    """The candidates of one image."""

    boxes: Array
    rows: Array  # (R,) those that are looked at
    cues: Array  # (R, CUES)
    today: Array  # (N,) what the log-linear model expects
    shape: tuple[int, int]


def look(source: Any, *, every: bool = False) -> Image:
    """Fast mode up to the ranking; if asked for, with the cues of every candidate: a fit learns from all."""
    small = shrunk(as_rgb(read_rgb(source)), 1600, Event())
    strategies, shape = MODES["fast"][0], small.shape[:2]
    trees, ground = grow_trees(small, strategies, None, Event())
    candidates = gather(trees, strategies, shape, MIN_SIDES, 0)
    maps = draw_maps(lab_planes(small), map_factor(shape), candidates.boxes)
    terms = describe_boxes(candidates, ground.strengths, strategies[0].shrink, shape)
    rows = np.arange(len(terms)) if every else promising(terms)[0]
    known = cues(candidates, terms, close_boxes(candidates.boxes), maps, rows)
    return Image(candidates.boxes, rows, known, objectness(terms), shape)


def sample(image: Image, objects: Array, rng: np.random.Generator) -> Sample:
    """Every candidate that covers an object, and a share of the others."""
    boxes = image.boxes[image.rows].astype(np.float64)
    overlaps = detutils.box_iou(boxes, objects)
    near = (overlaps > 0.5).any(axis=1)
    chosen = np.flatnonzero(near | (rng.random(len(near)) < SHARE))
    rows, columns = np.nonzero(overlaps[chosen] > 0.5)
    counts = np.where(near[chosen], 1.0, 1.0 / SHARE)
    own = boxes[chosen][rows]
    ways = (objects[columns] - own) / np.tile(own[:, 2:] - own[:, :2], 2)
    covers = (2.0 * overlaps[chosen][rows, columns] - 1.0) ** 2
    return Sample(image.cues[chosen], counts, rows, columns, covers, ways)


def mirror() -> Array:
    """(CUES,) which cue of a photograph is which one of its mirror image."""
    channels = np.array([*range(4), *range(9, 3, -1), *range(10, cells_of.CHANNELS)])  # directions turn around
    cells = np.arange(cells_of.CELLS**2).reshape(cells_of.CELLS, cells_of.CELLS)[:, ::-1].ravel()
    groups, color = np.arange(contrasts.GROUPS), np.arange(contrasts.COLOR)
    groups[:2] = color[:2] = 1, 0  # left and right

    def of_channels(places: Array) -> Array:
        return (places[:, None] * len(channels) + channels).ravel()

    places = np.arange(CUES)
    start = list(GROUPS).index("appearance")
    first = sum(list(GROUPS.values())[:start])
    strips = cells_of.CELLS**2 + np.array([1, 0, 2, 3])
    parts = [of_channels(np.append(cells, strips))]
    after = len(parts[0])
    parts += [after + of_channels(groups), after + len(groups) * len(channels) + color]
    after += len(groups) * len(channels) + len(color)
    parts.append(after + channels)
    places[first:] = first + np.concatenate(parts)
    return places


def planted(booster: Any) -> Trees:
    """The trees of a booster, all of one depth."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    asked = np.zeros((len(trees), NODES), np.int32)
    limits = np.full((len(trees), NODES), np.inf, np.float32)
    leaves = np.zeros((len(trees), NODES + 1), np.float32)

    def place(tree: int, branch: Any, node: int) -> None:
        if node >= NODES:
            leaves[tree, node - NODES] = branch["leaf_value"]
            return
        if "split_feature" in branch:
            limit = np.float32(branch["threshold"])
            below = float(limit) <= branch["threshold"]
            asked[tree, node] = branch["split_feature"]
            limits[tree, node] = limit if below else np.nextafter(limit, np.float32(-np.inf))
        place(tree, branch.get("left_child", branch), 2 * node + 1)
        place(tree, branch.get("right_child", branch), 2 * node + 2)

    for number, tree in enumerate(trees):
        place(number, tree, 0)
    return Trees(asked, limits, leaves)


class Objective(NamedTuple):
    """Annotated objects are the most likely if each was drawn from the candidates, in proportion to what is expected
    there and to how well they cover it."""

    counts: Array  # (N,) how many candidates each row stands for
    rows: Array  # (P,)
    objects: Array  # (P,)
    covers: Array  # (P,)

    def slopes(self, scores: Array) -> tuple[Array, Array]:
        """(N,) first derivatives of what is to be small, and the positive part of the second ones, by the logarithms
        of what is expected."""
        expects = np.exp(np.minimum(scores, 8.0))
        shares = self.covers * expects[self.rows]
        shares /= np.bincount(self.objects, shares)[self.objects]
        total = self.counts * expects
        return total - np.bincount(self.rows, shares, len(scores)), total


def objective(samples: Sequence[Sample]) -> Objective:
    """That of all rows of the samples, one behind the other."""
    starts = np.cumsum([0, *(len(s.counts) for s in samples)])
    firsts = np.cumsum([0, *(s.objects.max(initial=-1) + 1 for s in samples)])
    return Objective(
        np.concatenate([s.counts for s in samples]),
        np.concatenate([s.rows + start for s, start in zip(samples, starts, strict=False)]),
        np.concatenate([s.objects + first for s, first in zip(samples, firsts, strict=False)]),
        np.concatenate([s.covers for s in samples]),
    )


def fit_side_trees(samples: Sequence[Sample], features: Array, aim: Objective) -> tuple[Trees, Array]:
    """Trees for the way from a candidate's sides to its object's, and how long it is in the mean."""
    import lightgbm

    ways = np.concatenate([s.ways for s in samples])
    # An object that many candidates cover must not outweigh the others, and those that cover it well matter more.
    importance = aim.covers / np.sqrt(np.bincount(aim.objects)[aim.objects])
    usual = np.average(ways, axis=0, weights=importance)
    near = features[aim.rows]
    sides = [
        planted(lightgbm.train(WAY_OPTIONS, lightgbm.Dataset(near, label=way, weight=importance), WAY_TREES))
        for way in (ways - usual).T
    ]
    return Trees(*(np.concatenate(parts) for parts in zip(*sides, strict=True))), usual


def fit(samples: Sequence[Sample]) -> Weights:
    """Trees and a network that make the annotated objects most likely, and trees that move sides.

    Every sample takes part as it is and mirrored."""
    import lightgbm

    places, swap = mirror(), [2, 1, 0, 3]
    both = [
        *samples,
        *(
            s._replace(
                cues=np.ascontiguousarray(s.cues[:, places]),  # the kernels read no other order
                ways=s.ways[:, swap] * [-1.0, 1.0, -1.0, 1.0],
            )
            for s in samples
        ),
    ]
    features, aim = np.concatenate([s.cues for s in both]), objective(both)
    number = len(np.unique(aim.objects))
    constant = float(np.log(number / aim.counts.sum()))

    def tree_slopes(scores: Array, _: Any) -> tuple[Array, Array]:
        first, second = aim.slopes(scores + constant)
        return 1e3 * first, 1e3 * (second + 1e-5)

    trees = planted(lightgbm.train({**OPTIONS, "objective": tree_slopes}, lightgbm.Dataset(features), TREES))
    ways, usual = fit_side_trees(both, features, aim)

    def network_slopes(chosen: Sequence[int], outputs: Array) -> Array:
        some = objective([samples[i] for i in chosen])
        return some.slopes(outputs)[0] / max(1, len(np.unique(some.objects)))

    network = fit_network([s.cues for s in samples], places, network_slopes, constant)
    model = Weights(
        trees._replace(leaves=np.float32(TREE_SHARE) * trees.leaves),
        network._replace(last=np.float32(NETWORK_SHARE) * network.last),
        0.0, ways, usual, np.array([[-1.0, 1.0], [0.0, 1.0]]),
    )  # fmt: skip
    mean = sum(float((s.counts * expected(model, s.cues)[0]).sum()) for s in both)
    return model._replace(constant=float(np.log(number / mean)))


def calibrate(gains: Array, hits: Array) -> Array:
    """(2, K) logarithms of gains and the chance of a hit there: the closest curve that never falls."""
    order = np.argsort(gains, kind="stable")
    levels: list[tuple[float, int, float]] = []  # hits, boxes, sum of the logarithms
    for place in np.array_split(order, max(1, len(order) // HANDFUL)):
        logs = np.log(np.maximum(gains[place], 1e-30))
        levels.append((float(hits[place].sum()), len(place), float(logs.sum())))
        while len(levels) > 1 and levels[-2][0] * levels[-1][1] >= levels[-1][0] * levels[-2][1]:
            right, left = levels.pop(), levels.pop()
            levels.append((left[0] + right[0], left[1] + right[1], left[2] + right[2]))
    knots = np.array([[total / number, (found + 0.5) / (number + 1)] for found, number, total in levels]).T
    knots[1] = np.maximum.accumulate(knots[1])
    some = np.unique(np.rint(np.linspace(0, knots.shape[1] - 1, CHANCES)).astype(int))
    return np.ascontiguousarray(knots[:, some])


class Outcome(NamedTuple):
    """What an order of boxes covers of one image's objects."""

    best: Array  # (BUDGETS, objects) the best IoU
    gains: Array
    hits: Array  # whether each box covers an object at an IoU of at least 0.5


def outcome(boxes: Array, gains: Array, objects: Array) -> Outcome:
    """That of boxes in their order."""
    overlaps = detutils.box_iou(boxes.astype(np.float64), objects)
    best = np.array([overlaps[:budget].max(axis=0, initial=0.0) for budget in BUDGETS])
    return Outcome(best, gains, overlaps.max(axis=1, initial=0.0) >= 0.5)


def judge(image: Image, objects: Array, weights: Weights) -> tuple[Outcome, Outcome, Outcome]:
    """The first boxes by the log-linear model, by the weights, and by the weights and moved."""
    wanted = min(BUDGETS[-1], len(image.boxes))
    before, gains_before = cover(image.boxes, image.today, wanted, stages=((None, 3),))
    order, gains, moved = arrange(weights, image.boxes, image.rows, image.cues, image.shape, MIN_SIDES, wanted)
    return (
        outcome(image.boxes[before], gains_before, objects),
        outcome(image.boxes[order], gains, objects),
        outcome(moved[order], gains, objects),
    )


def cells(outcomes: Sequence[Outcome], labels: Sequence[Array]) -> list[str]:
    """Recall at 0.5 and average recall at each budget, and MABO at the last."""
    best, classes = np.concatenate([o.best for o in outcomes], axis=1), np.concatenate(labels)
    words = [f"{(row >= 0.5).mean():.3f} {(row[:, None] >= LEVELS).mean():.3f}" for row in best]
    abo = [best[-1, classes == label].mean() for label in np.unique(classes)]
    return [*words, f"{np.mean(abo):.3f}"]


def run(report: Report) -> None:
    """Cross-validation, calibration, and the weights of all photographs."""
    if "fit_ranking" not in report.options.names:
        return
    pictures, truth = photographs(report, few=None)
    if truth is None:
        report.say("fit_ranking needs --images and --annotations.")
        return
    objects = [np.asarray(t.boxes, np.float64)[~np.asarray(t.crowd, bool)] for t in truth]
    labels = [np.asarray(t.labels)[~np.asarray(t.crowd, bool)] for t in truth]
    rng = np.random.default_rng(0)
    sources = [source for _, source in pictures]
    samples = [sample(look(source, every=True), boxes, rng) for source, boxes in zip(sources, objects, strict=True)]
    fold = rng.permutation(len(pictures)) % FOLDS

    def one_fold(number: int) -> dict[int, tuple[Outcome, Outcome, Outcome]]:
        weights = fit([s for s, f in zip(samples, fold, strict=True) if f != number])
        own = np.flatnonzero(fold == number).tolist()
        found = {i: judge(look(sources[i]), objects[i], weights) for i in own}
        print(f"fold {number + 1} of {FOLDS}", flush=True)
        return found

    results: dict[int, tuple[Outcome, Outcome, Outcome]] = {}
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:  # each takes memory of its own
        for some in pool.map(one_fold, range(min(FOLDS, len(pictures)))):
            results |= some
    report.heading(f"Ranking: {FOLDS}-fold cross-validation on {len(pictures)} photographs")
    report.table(("order", *(f"R .5, AR @{budget}" for budget in BUDGETS), "MABO"))
    for name, which in (("log-linear model", 0), ("fitted", 1), ("fitted, moved", 2)):
        report.row(name, *cells([results[i][which] for i in range(len(pictures))], labels))
    gains = np.concatenate([results[i][2].gains for i in range(len(pictures))])
    hits = np.concatenate([results[i][2].hits for i in range(len(pictures))])
    chances = calibrate(gains, hits)
    report.say()
    report.say("Chances, those of half of the photographs from the other half:")
    report.table(("chance", "boxes", "of them right"))
    turn = np.concatenate([np.full(len(results[i][2].gains), i % 2) for i in range(len(pictures))])
    told = np.empty(len(gains))
    for half in (0, 1):
        knots = calibrate(gains[turn == half], hits[turn == half])
        told[turn != half] = np.interp(np.log(np.maximum(gains[turn != half], 1e-30)), *knots)
    for low, high in zip((0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6), (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 1.01), strict=True):
        inside = (told >= low) & (told < high)
        if inside.any():
            report.row(f"{told[inside].mean():.3f}", f"{inside.sum():,}", f"{hits[inside].mean():.3f}")
    save(Path("ranking.npz"), fit(samples)._replace(chances=chances))
    report.say()
    report.say("The weights of all photographs are in ranking.npz.")
