"""Over-segmentation and search: beside OpenCV's and scikit-image's graph segmentation, and the definition.

The peers follow the same paper with other weights (float, 8-connected, other smoothing), so their labels differ
and only the definition is checked; their numbers of regions are said.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Call, Report, child
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


def peers(image: Image) -> dict[str, Call]:
    """Whatever segments by the same paper and is installed."""
    found: dict[str, Call] = {}
    try:
        import cv2

        if hasattr(getattr(cv2, "ximgproc", None), "segmentation"):
            graph = cv2.ximgproc.segmentation.createGraphSegmentation(SIGMA, SCALE, MIN_SIZE)
            found["OpenCV"] = lambda: graph.processImage(image)
    except ImportError:
        pass
    try:
        from skimage.segmentation import felzenszwalb

        found["scikit-image"] = lambda: felzenszwalb(image, SCALE, SIGMA, MIN_SIZE)
    except ImportError:
        pass
    return found


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
            **peers(image),
        }
        numbers = {name: int(np.max(call())) + 1 for name, call in contenders.items()}
        medians = report.compare(
            "segmentation", f"{width} x {height}", contenders, unchecked=list(contenders), regions=numbers
        )
        times[height * width] = medians["detutils"]
        report.say(f"<!-- regions: {', '.join(f'{name} {number}' for name, number in numbers.items())} -->")
    sizes = sorted(times)
    exponent = np.polyfit(np.log(sizes), np.log([times[size] for size in sizes]), 1)[0]
    report.say()
    report.say(f"Time grows as pixels to the power of {exponent:.2f}.")


def search(report: Report) -> None:
    """Each mode's time by size and by number of workers."""
    report.heading("Selective Search: modes, sizes, workers")
    report.table(("mode", "size", "boxes", "one worker", "two workers take"))
    from benchmarks.harness import in_words, interleave

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
    if "OpenCV" in peers(photograph(8, 8)):
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
    segmentation(report)
    search(report)
    processes(report)
