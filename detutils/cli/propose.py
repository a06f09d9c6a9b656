"""``detutils propose``: Selective Search over image files, into a file of boxes."""

from __future__ import annotations

import argparse
import csv
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import detutils
from detutils._files import replace_file
from detutils.cli.terminal import Progress, check_output, image_files, say


def add_propose(commands: Any) -> None:
    """Arguments of ``detutils propose``."""
    parser = commands.add_parser(
        "propose", help="object proposals by Selective Search for image files",
        description="Object proposals by Selective Search, the best first. A file that fails is reported "
        "and the rest goes on; the exit code is then 1.",
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, or folders of them")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT",
        help=".json, .jsonl, .csv or .npz; a folder for proposals.json and pictures; - prints JSON lines",
    )
    parser.add_argument("--mode", default="fast", help="single, fast (default), dense, quality, or paper-...")
    parser.add_argument("--max-boxes", type=int, metavar="N", help="at most N boxes an image, the best")
    parser.add_argument("--min-size", type=int, default=20, metavar="PX", help="shortest side (default 20)")
    parser.add_argument("--max-side", type=int, metavar="PX", help="work on a copy no longer than this")
    parser.add_argument("--seed", type=int, default=0, help="of the order (default 0)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes; -1 is every core")
    parser.add_argument("--draw", type=Path, metavar="FOLDER", help="also draw the first boxes, here")
    parser.add_argument("--draw-boxes", type=int, default=50, metavar="N", help="how many (default 50)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.set_defaults(run=run_propose)


def run_propose(options: argparse.Namespace) -> int:
    """Propose boxes for every image; returns 1 if a file failed."""
    from detutils.proposals.batch import propose_images

    if options.draw_boxes < 0:
        raise ValueError(f"--draw-boxes must be at least 0, got {options.draw_boxes}")
    files = image_files(options.images)
    output = Path(options.output)
    plain = not output.suffix and options.output != "-"
    if plain or output.is_dir() or options.output.endswith(("/", "\\")):
        output.mkdir(parents=True, exist_ok=True)
        options.draw = options.draw or output
        output /= "proposals.json"
    write = None if options.output == "-" else record_writer(output)
    if options.draw is not None:
        options.draw.mkdir(parents=True, exist_ok=True)
    drawn: set[str] = set()
    begin = time.perf_counter()
    count = {"images": len(files), "failed": 0, "proposals": 0}
    with Progress("propose", len(files)) as bar:
        reports = propose_images(
            files, workers=options.workers, progress=lambda done, total, path: bar.move(done, path),
            mode=options.mode, max_boxes=options.max_boxes, min_size=options.min_size,
            max_side=options.max_side, seed=options.seed,
        )

        def records() -> Iterator[dict[str, Any]]:
            for report in reports:
                if report.proposals is None:
                    count["failed"] += 1
                    bar.say(f"failed: {report.error}")
                else:
                    count["proposals"] += len(report.proposals.boxes)
                    if options.draw is not None:
                        draw_proposals(report, options.draw, options.draw_boxes, drawn)
                yield record_of(report)

        if write is None:
            for record in records():
                print(json.dumps(record), flush=True)
        else:
            replace_file(output, lambda target: write(target, records()))
    seconds = time.perf_counter() - begin
    if options.json and write is not None:
        print(json.dumps({**count, "seconds": round(seconds, 3), "output": str(output)}))
    else:
        done = count["images"] - count["failed"]
        where = "" if write is None else f" -> {output}"
        failed = f", {count['failed']} failed" if count["failed"] else ""
        say(f"{done:,} images{failed}, {count['proposals']:,} proposals in {seconds:.1f} s{where}")
    return 1 if count["failed"] else 0


def record_of(report: Any) -> dict[str, Any]:
    """An image's report as plain values."""
    if report.proposals is None:
        return {"path": str(report.path), "error": report.error}
    return {
        "path": str(report.path),
        "height": report.image_size[0],
        "width": report.image_size[1],
        "boxes": report.proposals.boxes.tolist(),
        "priorities": report.proposals.priorities.tolist(),
    }


def record_writer(path: Path) -> Callable[[BinaryIO, Iterable[dict[str, Any]]], None]:
    """What writes records in the format of a file's extension, one at a time where the format allows."""
    writers = {".json": write_json, ".jsonl": write_json_lines, ".csv": write_csv, ".npz": write_npz}
    check_output(path, tuple(writers))
    return writers[path.suffix.lower()]


def write_json(target: BinaryIO, records: Iterable[dict[str, Any]]) -> None:
    """A JSON list."""
    for i, record in enumerate(records):
        target.write((",\n" if i else "[\n").encode() + json.dumps(record).encode())
    target.write(b"\n]\n")


def write_json_lines(target: BinaryIO, records: Iterable[dict[str, Any]]) -> None:
    """A JSON object a line."""
    for record in records:
        target.write(json.dumps(record).encode() + b"\n")


def write_csv(target: BinaryIO, records: Iterable[dict[str, Any]]) -> None:
    """A row a box; failed files have none."""
    text = io.TextIOWrapper(target, "utf-8", newline="", errors="surrogateescape")
    table = csv.writer(text)
    table.writerow(["path", "rank", "x1", "y1", "x2", "y2", "priority"])
    for record in records:
        for rank, (box, priority) in enumerate(zip(record.get("boxes", []), record.get("priorities", [])), 1):
            table.writerow([record["path"], rank, *box, priority])
    text.detach()


def write_npz(target: BinaryIO, records: Iterable[dict[str, Any]]) -> None:
    """The boxes of image i are ``boxes[starts[i]:starts[i + 1]]``."""
    kept = list(records)
    boxes = [np.array(record.get("boxes", []), np.float64).reshape(-1, 4) for record in kept]
    np.savez_compressed(
        target,
        paths=np.array([record["path"] for record in kept], dtype=np.str_),
        image_sizes=np.array([(record.get("height", 0), record.get("width", 0)) for record in kept]),
        starts=np.cumsum([0, *map(len, boxes)]),
        boxes=np.concatenate(boxes),
        priorities=np.concatenate([np.array(record.get("priorities", []), np.float64) for record in kept]),
    )


def draw_proposals(report: Any, folder: Path, count: int, drawn: set[str]) -> None:
    """The first boxes of an image, worst drawn first; files of one name in several folders get numbers."""
    name, number = report.path.stem, 1
    while name in drawn:
        number += 1
        name = f"{report.path.stem}_{number}"
    drawn.add(name)
    image = detutils.read_image(report.path)
    boxes = report.proposals.boxes[:count][::-1]
    picture = detutils.draw_boxes(image, boxes, opacity=0.8)
    detutils.write_image(folder / f"{name}_proposals.png", picture)
