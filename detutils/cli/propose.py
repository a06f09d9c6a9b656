"""``detutils propose``: Selective Search over image files, into a file of boxes."""

from __future__ import annotations

import argparse
import contextlib
import csv
import functools
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import detutils
from detutils._files import check_regular, replace_file
from detutils._validate import as_integer, as_workers
from detutils.cli.cluster import cluster
from detutils.cli.terminal import Progress, check_output, image_files, say

Item = tuple[Path, Path | None]  # a file, and where its boxes are drawn
Answer = tuple[detutils.ImageProposals, str | None]  # the report, and why there is no picture


def add_propose(commands: Any) -> None:
    """Arguments of ``detutils propose``."""
    parser = commands.add_parser(
        "propose", help="object proposals by Selective Search for image files",
        description="Object proposals by Selective Search, the best first. A file that fails is reported "
        "and the rest goes on; the exit code is then 1.",
    )
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="Image files, folders of them, or patterns such as 'photos/*.jpg'."
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "-o", "--output", metavar="OUT",
        help="A file that ends in .json, .jsonl, .csv or .npz. A folder takes proposals.json and pictures. "
        "- prints JSON lines.",
    )
    parser.add_argument(
        "--mode", default="fast",
        help="A strategy: single, fast, dense or quality; paper-single, paper-fast and paper-quality follow the paper. "
        "The default is fast.",
    )
    parser.add_argument("--max-boxes", type=int, metavar="N", help="Keep the best N boxes of each image.")
    parser.add_argument(
        "--min-size", type=int, default=20, metavar="PX", help="Drop boxes with a shorter side. The default is 20."
    )
    parser.add_argument(
        "--max-side", type=int, metavar="PX", help="Work on a smaller copy of images with a longer side."
    )
    parser.add_argument("--seed", type=int, default=0, help="Seeds the order of the boxes. The default is 0.")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="Use N processes; -1 uses every core. The default is 1."
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS",
        help="Let the workers of a Dask cluster do the work, which see the files under the same paths: the address "
        "that `dask scheduler` prints.",
    )
    where.add_argument(
        "--shards", type=Path, metavar="FOLDER",
        help="In place of -o: write the boxes in shards of some images each, so that an interrupted run can go on.",
    )
    parser.add_argument("--resume", action="store_true", help="Go on with the run that the folder of shards holds.")
    parser.add_argument(
        "--shard-size", type=int, default=100, metavar="N", help="Images in a shard. The default is 100."
    )
    parser.add_argument(
        "--shard-format", choices=("jsonl", "parquet"), default="jsonl",
        help="JSON lines, or Parquet (needs pyarrow). The default is jsonl.",
    )
    parser.add_argument("--draw", type=Path, metavar="FOLDER", help="Also draw the first boxes of each image, there.")
    parser.add_argument(
        "--draw-boxes", type=int, default=20, metavar="N",
        help="Draw so many boxes, the first in yellow, the last in violet. The default is 20."
    )
    parser.add_argument("--json", action="store_true", help="Print the summary as JSON.")
    parser.set_defaults(run=run_propose)


def run_propose(options: argparse.Namespace) -> int:
    """Propose boxes for every image; returns 1 if a file failed."""
    from detutils.proposals.batch import check_options

    _check(options)
    files = image_files(options.images)
    settings = {key: getattr(options, key) for key in ("mode", "max_boxes", "min_size", "max_side", "seed")}
    check_options(settings)
    begin = time.perf_counter()
    run = _into_shards if options.shards is not None else _into_a_file
    with cluster(options.scheduler) as (executor, threads):
        root = None if executor is None else Path.cwd()  # a worker elsewhere has another current folder
        work = functools.partial(propose_and_draw, options=settings, count=options.draw_boxes, root=root)
        workers = threads or as_workers(1 if options.workers is None else options.workers)
        count, output = run(options, files, work, workers, executor)
    seconds = time.perf_counter() - begin
    if options.json and options.output != "-":
        print(json.dumps({**count, "seconds": round(seconds, 3), "output": output}))
    else:
        failed = f", {count['failed']:,} failed" if count["failed"] else ""
        boxes = f", {count['proposals']:,} proposals" if "proposals" in count else ""
        kept = f", {count['kept']:,} of them in earlier runs" if count.get("kept") else ""
        where = "" if output is None else f" -> {output}"
        say(f"{count['images'] - count['failed']:,} images{failed}{kept}{boxes} in {seconds:.1f} s{where}")
    return 1 if count["failed"] else 0


def _check(options: argparse.Namespace) -> None:
    """Refuse what contradicts itself."""
    if options.draw_boxes < 0:
        raise ValueError(f"--draw-boxes must be at least 0, got {options.draw_boxes}")
    if options.resume and options.shards is None:
        raise ValueError("--resume goes on with a run in shards: give --shards FOLDER")
    if options.scheduler is not None and options.workers is not None:
        raise ValueError("--workers are processes of this machine; with --scheduler the cluster's workers do the work")


def _into_a_file(
    options: argparse.Namespace, files: list[Path], work: Callable[[Item], Answer], workers: int,
    executor: Executor | None,
) -> tuple[dict[str, int], str | None]:
    """The boxes in one file, or on standard output."""
    from detutils.batches.pool import in_order

    output = Path(options.output)
    plain = not output.suffix and options.output != "-"
    if plain or output.is_dir() or options.output.endswith(("/", "\\")):
        output.mkdir(parents=True, exist_ok=True)
        options.draw = options.draw or output
        output /= "proposals.json"
    write = None if options.output == "-" else record_writer(output)
    if options.draw is not None:
        options.draw.mkdir(parents=True, exist_ok=True)
    items = list(zip(files, pictures_of(files, options.draw)))
    count = {"images": len(files), "failed": 0, "proposals": 0}
    with Progress("propose", len(files)) as bar:
        answers = in_order(
            work, items, lost, workers=workers, executor=executor,
            progress=lambda done, total, item: bar.move(done, item[0]),
        )

        def records() -> Iterator[dict[str, Any]]:
            for report, fault in answers:
                if report.proposals is not None:
                    count["proposals"] += len(report.proposals.boxes)
                if report.error or fault:
                    count["failed"] += 1
                    bar.say(f"failed: {report.error or fault}")
                yield record_of(report)

        with contextlib.closing(answers):  # type: ignore[type-var]  # ends the workers whatever happens
            if write is None:
                for record in records():
                    print(json.dumps(record), flush=True)
            elif write is write_json_lines:
                append_lines(output, records())
            else:
                replace_file(output, lambda target: write(target, records()))
    return count, None if write is None else str(output)


def _into_shards(
    options: argparse.Namespace, files: list[Path], work: Callable[[Item], Answer], workers: int,
    executor: Executor | None,
) -> tuple[dict[str, int], str | None]:
    """The boxes in shards, by this run and those before it."""
    from detutils.batches.shards import Run, fill, remove_unfinished

    if options.draw is not None:
        options.draw.mkdir(parents=True, exist_ok=True)
    items = list(zip(files, pictures_of(files, options.draw)))
    drawn = {} if options.draw is None else {"draw": str(options.draw), "draw_boxes": options.draw_boxes}
    settings = {key: getattr(options, key) for key in ("mode", "max_boxes", "min_size", "max_side", "seed")}
    identity = {"function": "detutils propose", "settings": {**settings, **drawn}}
    size = as_integer(options.shard_size, "--shard-size", 1)
    run = Run(options.shards, options.shard_format, size, options.resume, identity)
    begin = time.time()
    with Progress("propose", len(files)) as bar:
        try:
            shards = fill(
                run, functools.partial(proposed_line, work=work), lost_line, items, [str(file) for file in files],
                workers=workers, executor=executor,
                progress=lambda done, total, item: bar.move(done, item[0]),
                failed=lambda line: bar.say(f"failed: {json.loads(line)['error']}"),
            )  # fmt: skip
        except KeyboardInterrupt:
            say(f"what is done is kept in {options.shards}; --resume goes on with it")
            raise
    if options.draw is not None:
        remove_unfinished(options.draw, begin)
    return {"images": shards.images, "failed": shards.failed, "kept": shards.kept}, str(options.shards)


# ---- in the workers ----------------------------------------------------------------------------------------

def propose_and_draw(item: Item, options: dict[str, Any], count: int, root: Path | None = None) -> Answer:
    """The report on a file, and why its picture could not be drawn or written; relative paths start at ``root``."""
    from detutils.cli.faces import shades
    from detutils.proposals.batch import propose_file

    path, picture = item
    report, image = propose_file(path if root is None else root / path, options)
    report = report._replace(path=path)
    if root is not None and picture is not None:
        picture = root / picture
    if image is None or picture is None or report.proposals is None:
        return report, None
    try:
        boxes = report.proposals.boxes[:count][::-1]  # the best is drawn last
        detutils.write_image(picture, detutils.draw_boxes(image, boxes, colors=shades(len(boxes)), width=2, halo=False))
    except Exception as error:
        text = str(error) or type(error).__name__
        return report, text if str(picture) in text else f"{picture}: {text}"
    return report, None


def lost(item: Item, why: str) -> Answer:
    """What is reported of a file whose worker was killed."""
    return detutils.ImageProposals(item[0], None, None, f"{item[0]}: {why}"), None


def proposed_line(item: Item, work: Callable[[Item], Answer]) -> bytes:
    """The record of a file in a shard; a picture that could not be written is its error."""
    return line_of(*work(item))


def lost_line(item: Item, why: str) -> bytes:
    """The record of a file whose worker was killed."""
    return line_of(*lost(item, why))


def line_of(report: detutils.ImageProposals, fault: str | None) -> bytes:
    """A line of JSON."""
    record = record_of(report)
    if fault is not None:
        record = {"path": record["path"], "error": fault, **record}
    return json.dumps(record).encode() + b"\n"


def pictures_of(files: list[Path], folder: Path | None) -> list[Path | None]:
    """Where the boxes of each file are drawn; files of one name in several folders get numbers."""
    taken: set[str] = set()
    pictures: list[Path | None] = []
    for file in files:
        name, number = file.stem, 1
        while name in taken:
            number += 1
            name = f"{file.stem}_{number}"
        taken.add(name)
        pictures.append(None if folder is None else folder / f"{name}_proposals.png")
    return pictures


# ---- formats -----------------------------------------------------------------------------------------------

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


def append_lines(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """JSON lines that are in the file as soon as they are known: whatever interrupts the work, the whole ones stay."""
    check_regular(path)
    with open(path, "wb") as target:
        whole = 0
        try:
            for record in records:
                write_json_lines(target, [record])
                target.flush()
                whole = target.tell()
        finally:
            target.seek(whole)
            target.truncate()


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
