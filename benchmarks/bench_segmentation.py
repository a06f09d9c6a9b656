"""Over-segmentation and search: beside OpenCV's and scikit-image's graph segmentation, and the definition.

The peers follow the same paper, OpenCV with 4 neighbors of a pixel and scikit-image with 8. They treat borders and ties
in other ways, so their labels are compared by the adjusted Rand index and by the numbers of regions.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Call, Report, child, in_words, interleave
from tests.naive import segmentation as naive

Image = npt.NDArray[np.uint8]
SCALE, SIGMA, MIN_SIZE = 100.0, 0.8, 100


def photograph(height: int, width: int) -> Image:
    """A photograph that scikit-image ships, cut and repeated with mirrors to the size asked for."""
    from skimage import data

    image = data.coffee()[:, :, :3]
    rows = -(-height // image.shape[0])
    columns = -(-width // image.shape[1])
    strip = np.concatenate([image[:, :: (-1) ** i] for i in range(columns)], axis=1)[:, :width]
    return np.ascontiguousarray(np.concatenate([strip[:: (-1) ** i] for i in range(rows)])[:height])


def peers(image: Image, scale: float = SCALE, min_size: int = MIN_SIZE) -> dict[int, tuple[str, Call]]:
    """Whatever segments by the same paper and is installed, by the number of neighbors of a pixel."""
    found: dict[int, tuple[str, Call]] = {}
    try:
        import cv2

        if hasattr(getattr(cv2, "ximgproc", None), "segmentation"):
            graph = cv2.ximgproc.segmentation.createGraphSegmentation(SIGMA, scale, min_size)
            found[4] = "OpenCV", lambda: graph.processImage(image)
    except ImportError:
        pass
    try:
        from skimage.segmentation import felzenszwalb

        found[8] = "scikit-image", lambda: felzenszwalb(image, scale, SIGMA, min_size)
    except ImportError:
        pass
    return found


def rand_index(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Adjusted Rand index of two labelings (Hubert and Arabie 1985): 1 if they are the same partition."""

    def pairs(counts: npt.NDArray[Any]) -> float:
        return float((counts * (counts - 1.0)).sum() / 2.0)

    _, a = np.unique(a, return_inverse=True)
    _, b = np.unique(b, return_inverse=True)
    a, b = a.reshape(-1), b.reshape(-1)
    _, both = np.unique(a * (int(b.max()) + 1) + b, return_counts=True)
    first, second, every = pairs(np.bincount(a)), pairs(np.bincount(b)), a.size * (a.size - 1) / 2.0
    expected, most = first * second / every, (first + second) / 2.0
    return 1.0 if most == expected else (pairs(both) - expected) / (most - expected)


def agreement(report: Report) -> None:
    """How alike ours and the peers' regions are on crops of scikit-image's photographs, and how long both take."""
    from skimage import data

    report.heading(f"Over-segmentation of 300 x 300 photographs, sigma = {SIGMA}, with the peers' neighbors")
    report.table(("photograph", "k, at least", "neighbors", "Rand index", "regions of each", "detutils", "peer takes"))
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        picture = getattr(data, name)()
        y, x = (picture.shape[0] - 300) // 2, (picture.shape[1] - 300) // 2
        image = np.ascontiguousarray(picture[y : y + 300, x : x + 300, :3])
        for scale, min_size in ((300.0, 100), (100.0, 50)):
            for neighbors, (peer, call) in peers(image, scale, min_size).items():

                def ours(
                    image: Image = image, scale: float = scale, min_size: int = min_size, neighbors: int = neighbors
                ) -> npt.NDArray[Any]:
                    return detutils.felzenszwalb(image, scale, SIGMA, min_size, connectivity=neighbors)

                mine, theirs = ours(), call()
                samples = interleave({"ours": ours, peer: call}, seconds=0.2 if report.quick else 2.0, rounds=3)
                seconds, other = (float(np.median(samples[which])) for which in ("ours", peer))
                rand, regions = rand_index(mine, theirs), (len(np.unique(mine)), len(np.unique(theirs)))
                report.row(
                    name, f"{scale:.0f}, {min_size}", f"{neighbors} ({peer})", f"{rand:.3f}",
                    f"{regions[0]}, {regions[1]}", in_words(seconds), f"{other / seconds:.1f}x",
                )  # fmt: skip
                report.rows.append(
                    {"family": "segmentation", "case": f"{name} {scale:.0f} {neighbors}", "seconds": seconds,
                     "ratio": other / seconds, "rand": rand, "regions": regions}
                )  # fmt: skip


def segmentation(report: Report) -> None:
    """Time per size, and what the time grows with."""
    report.heading("Over-segmentation (Felzenszwalb), k = 100, sigma = 0.8, at least 100 pixels")
    report.begin_comparison()
    small = photograph(24, 32)

    def definition() -> npt.NDArray[Any]:
        return np.array(naive.felzenszwalb(small.transpose(2, 0, 1).tolist(), SCALE, SIGMA, 10))

    report.compare(
        "segmentation", "32 x 24", {"detutils": lambda: detutils.felzenszwalb(small, SCALE, SIGMA, 10),
                                    "plain Python": definition}, equal=np.array_equal,
    )  # fmt: skip
    times = {}
    for height, width in ((240, 320), (480, 640), (960, 1280)) if report.quick else (
        (240, 320), (480, 640), (960, 1280), (1920, 2560)
    ):  # fmt: skip
        image = photograph(height, width)
        contenders: dict[str, Call] = {
            "detutils": lambda image=image: detutils.felzenszwalb(image, SCALE, SIGMA, MIN_SIZE),  # type: ignore[misc]
            "detutils, 8 neighbors": lambda image=image: detutils.felzenszwalb(  # type: ignore[misc]
                image, SCALE, SIGMA, MIN_SIZE, connectivity=8
            ),
            **dict(peers(image).values()),
        }
        medians = report.compare("segmentation", f"{width} x {height}", contenders, unchecked=list(contenders))
        times[height * width] = medians["detutils"]
    sizes = sorted(times)
    exponent = np.polyfit(np.log(sizes), np.log([times[size] for size in sizes]), 1)[0]
    report.say()
    report.say(f"Time grows as pixels to the power of {exponent:.2f}.")


def search(report: Report) -> None:
    """Each mode's time by size and by number of workers."""
    report.heading("Selective Search: modes, sizes, workers")
    report.table(("mode", "size", "boxes", "one worker", "two workers take"))
    for mode in ("single", "fast") if report.quick else ("single", "fast", "dense", "quality", "paper-fast"):
        for height, width in ((480, 640), (960, 1280)):
            image = photograph(height, width)
            samples = interleave(
                {str(n): lambda n=n: detutils.selective_search(image, mode, workers=n) for n in (1, 2)},  # type: ignore[misc]  # noqa: B023
                seconds=1.0, rounds=3,
            )  # fmt: skip
            alone, together = (float(np.median(samples[str(n)])) for n in (1, 2))
            boxes = len(detutils.selective_search(image, mode).boxes)
            report.row(mode, f"{width} x {height}", boxes, in_words(alone), f"{together / alone:.2f}x")
            report.rows.append({"family": "search", "case": f"{mode} {width}x{height}", "seconds": alone})


def processes(report: Report) -> None:
    """First call and memory, in fresh processes with a warm cache."""
    report.heading("A fresh process: first call with a warm cache, memory at 640 x 480")
    report.table(("what", "import and first call", "peak memory", "of which for this image"))
    cases = {"detutils fast": "import detutils\nsearch = detutils.selective_search"}
    if 4 in peers(photograph(8, 8)):
        cases["OpenCV fast"] = (
            "import cv2\ncv2.setNumThreads(1)\n"
            "def search(image):\n"
            "    it = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()\n"
            "    it.setBaseImage(image); it.switchToSelectiveSearchFast(); return it.process()"
        )
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "image.npy")
        np.save(path, photograph(480, 640))
        for name, setup in cases.items():
            code = (
                "import resource, time, numpy as np\n"
                "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
                f"image = np.load({path!r})\n"
                f"begin = time.perf_counter()\n{setup}\n"
                "search(image[:40, :40].copy())\n"
                "first, before = time.perf_counter() - begin, peak()\n"
                "search(image)\n"
                "print(first, peak(), peak() - before)\n"
            )
            child(code, environment=environment)  # fills the cache
            answer = child(code, environment=environment).output.split()
            seconds, most, more = map(float, answer)
            report.row(name, f"{seconds:.2f} s", f"{most:.0f} MiB", f"{more:.0f} MiB")
            report.rows.append({"family": "process", "case": name, "seconds": seconds, "mebibytes": more})


def run(report: Report) -> None:
    """All parts."""
    agreement(report)
    segmentation(report)
    search(report)
    processes(report)
