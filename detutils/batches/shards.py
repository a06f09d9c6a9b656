"""Results of a batch in files: shards that appear whole, journals between, and a manifest that says which run it is.

A folder holds ``manifest.json`` and ``shard-00000.jsonl``, ``shard-00001.jsonl`` ..., each with the records of so many
images that follow one another. While a shard grows, its records stand in ``shard-00000.journal`` as they come, a line
each, behind the image's number. Whatever ends the process, whole lines stay; the next run cuts off a torn last one.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

from detutils import __version__
from detutils._files import replace_file
from detutils._validate import as_choice, as_flag, as_integer, as_path
from detutils.batches import formats
from detutils.batches.formats import FORMATS, Format
from detutils.batches.images import answered, as_batch, check_function, lost
from detutils.batches.pool import ExecutorGone, as_finished

MANIFEST = "manifest.json"
UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.part")  # what ``replace_file`` writes before it renames


class Shards(NamedTuple):
    """What a folder of shards holds after a run.

    Attributes
    ----------
    folder : Path
        Where they are.
    images : int
        How many images the run has; all of them are done.
    failed : int
        How many of them have an error in place of a value.
    kept : int
        How many were done by earlier runs, and not again.
    files : list of Path
        The shards, in the order of the images.

    Examples
    --------
    >>> from pathlib import Path
    >>> from detutils.batches.shards import Shards
    >>> Shards(Path("out"), 3, 1, 0, [Path("out/shard-00000.jsonl")]).failed
    1
    """

    folder: Path
    images: int
    failed: int
    kept: int
    files: list[Path]


def write_shards(
    function: Callable[[Any], Any],
    paths: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    format: Format = "jsonl",
    shard_size: int = 100,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    read: bool = True,
    workers: int = 1,
    executor: Executor | None = None,
    chunk: int = 1,
    progress: Callable[[int, int, Path], object] | None = None,
) -> Shards:
    """Call a function on each of many images and write the results to files; an interrupted run goes on where it was.

    Parameters
    ----------
    function, paths, read, workers, executor, chunk, progress
        As for ``map_images``. ``progress`` counts images of earlier runs as done.
    folder : str or path
        Where the shards are written, made if need be: ``shard-00000.jsonl`` and so on, and ``manifest.json``.
    format : {"jsonl", "parquet"}
        A JSON object a line, or Parquet (pyarrow, ``pip install 'detutils[parquet]'``). A record has ``path`` and the
        fields of the function's value, if that is a mapping, a named tuple or a ``Detections``, else ``value``; or
        ``path`` and ``error``. Arrays are written as lists.
    shard_size : int, default 100
        Images a shard.
    resume : bool, default False
        Go on with the run that the folder holds, if it holds one. Images that are done, failed ones among them, are not
        done again.
    settings : mapping, optional
        What else the results depend on, of numbers, texts and lists: it is kept in the manifest, and a run with other
        settings is refused.

    Returns
    -------
    shards : Shards
        Folder, files and counts.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; if the folder holds a run already and ``resume`` is false, or another run:
        other paths, settings, format, shard size, function's name or version of detutils; if a shard is damaged; if
        values of one field are of several kinds, for "parquet".
    OSError
        If the folder cannot be written, or another process is writing it.
    ConnectionError
        If the executor is gone, as when a cluster's scheduler ends. What is done is kept.
    ImportError
        If the format is "parquet" and pyarrow is not installed.

    See Also
    --------
    map_images : The results without files, and how work is divided.
    read_shards : The records, in order.

    Notes
    -----
    However a run is interrupted, by Ctrl-C, a kill or a full disk, only images that were being worked on are done
    again, and the files in the end are those of an uninterrupted run, byte for byte, if the function gives the same
    value for the same image. Records are kept in a journal beside the shard as they come; a shard takes its name when
    it is whole, and its journal goes. Pictures that the function itself writes are its own business: ``write_image``
    writes them whole. Where a file system has them, a lock on the folder keeps a second run out. Memory: the records
    of one shard.

    References
    ----------
    None.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> detutils.write_image("plain.png", np.full((4, 6), 9, np.uint8))
    >>> shards = detutils.write_shards(np.mean, ["plain.png", "missing.png"], "means")
    >>> shards.images, shards.failed
    (2, 1)
    >>> [record.get("value") for record in detutils.read_shards("means")]
    [9.0, None]
    >>> detutils.write_shards(np.mean, ["plain.png", "missing.png"], "means", resume=True).kept
    2
    """
    files, workers = as_batch(paths, workers, executor, progress)
    check_function(function, workers if executor is None else 1)
    work = functools.partial(_line, function=function, read=as_flag(read, "read"))
    run = Run(
        as_path(folder, "folder"),
        as_choice(format, "format", FORMATS),
        as_integer(shard_size, "shard_size", 1),
        as_flag(resume, "resume"),
        {"function": _name_of(function), "settings": _as_settings(settings)},
    )
    names = [str(file) for file in files]
    chunk = as_integer(chunk, "chunk", 1)
    return fill(run, work, _lost, files, names, workers=workers, executor=executor, chunk=chunk, progress=progress)


def read_shards(folder: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The records of a folder of shards, in the order of the images.

    Parameters
    ----------
    folder : str or path
        Which ``write_shards`` or ``detutils propose --shards`` has filled.

    Returns
    -------
    records : iterator of dict
        ``path`` and the fields of the value, or ``path`` and ``error``. In Parquet a field that is None is left out.

    Raises
    ------
    TypeError
        If ``folder`` is no path.
    OSError
        If it cannot be read, or holds no shards.
    ValueError
        At once, if the run is not complete; while reading, if a shard is damaged.
    ImportError
        If the shards are Parquet and pyarrow is not installed.

    See Also
    --------
    write_shards : Writes them.

    Notes
    -----
    Linear. One shard of Parquet is in memory at a time, or one record of JSON.

    References
    ----------
    None.

    Examples
    --------
    >>> import detutils
    >>> _ = detutils.write_shards(str, ["a.png", "b.png"], "names", read=False)
    >>> list(detutils.read_shards("names"))
    [{'path': 'a.png', 'value': 'a.png'}, {'path': 'b.png', 'value': 'b.png'}]
    """
    place = as_path(folder, "folder")
    manifest = _read_manifest(place)
    if manifest is None:
        raise FileNotFoundError(f"{place} holds no shards: there is no {MANIFEST}")
    format, size, images = manifest["format"], manifest["shard_size"], manifest["images"]
    files = [_shard(place, k, format) for k in range(-(-images // size))]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise ValueError(
            f"{place} is not complete: {len(missing)} of {len(files)} shards are missing, the first {missing[0].name}; "
            "a run with resume makes them"
        )
    formats.check_format(format)
    return _records(files, format, size, images)


def _records(files: list[Path], format: Format, size: int, images: int) -> Iterator[dict[str, Any]]:
    for k, file in enumerate(files):
        count = 0
        try:
            for record in formats.read_shard(file, format):
                yield record
                count += 1
        except ValueError as error:  # of JSON, or of Arrow
            raise ValueError(f"{file} is damaged ({error}): remove it, and a run with resume makes it again") from error
        if count != min(size, images - k * size):
            raise ValueError(f"{file} is damaged ({count} records): remove it, and a run with resume makes it again")


# ---- a run -------------------------------------------------------------------------------------------------

class Run(NamedTuple):
    """Where a run writes, how, and what tells it from others."""

    folder: Path
    format: Format
    shard_size: int
    resume: bool
    identity: dict[str, Any]


def fill(
    run: Run,
    work: Callable[[Any], bytes],
    without: Callable[[Any, str], bytes],
    items: Sequence[Any],
    names: Sequence[str],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    chunk: int = 1,
    progress: Callable[[int, int, Any], object] | None = None,
    failed: Callable[[bytes], object] | None = None,
) -> Shards:
    """Write the record ``work(item)`` of each item that has none yet, ``without(item, why)`` where no worker answered.

    ``names`` are the paths in the records; ``failed`` is told the record of each image that fails in this run.
    """
    formats.check_format(run.format)
    folder = _Folder(run, names)
    with folder.claimed():
        left, bad = folder.survey()
        kept = done = len(names) - len(left)
        answers = as_finished(
            work,
            [items[index] for index in left],
            without,
            workers=workers, executor=executor, chunk=chunk, stops=True,
        )  # fmt: skip
        with contextlib.closing(answers):  # type: ignore[type-var]
            try:
                for place, line in answers:
                    index = left[place]
                    folder.take(index, line)
                    done += 1
                    if formats.is_failure(line, names[index]):
                        bad += 1
                        if failed is not None:
                            failed(line)
                    if progress is not None:
                        progress(done, len(names), items[index])
            except ExecutorGone as error:
                raise ExecutorGone(
                    f"{error}; {done:,} of {len(names):,} images are done and kept in {run.folder}: "
                    "a run with resume goes on"
                ) from error
    files = [folder.shard(k) for k in range(folder.count)]
    return Shards(run.folder, len(names), bad, kept, files)


def remove_unfinished(folder: Path, before: float) -> None:
    """Remove what processes that were killed were writing; what changed at that time or later may still be written."""
    for name in os.listdir(folder):
        path = folder / name
        with contextlib.suppress(OSError):
            if UNFINISHED.fullmatch(name) and path.stat().st_mtime < before:
                path.unlink()


def _line(path: Path, function: Callable[[Any], Any], read: bool) -> bytes:
    """The record of one file, made in the worker."""
    result = answered(path, function, read)
    if result.error is not None:
        return formats.error_line(str(path), result.error)
    try:
        return formats.record_line(str(path), result.value)
    except Exception as error:  # what is no JSON
        return formats.error_line(str(path), f"{path}: what the function returned cannot be written: {error}")


def _lost(path: Path, why: str) -> bytes:
    return formats.error_line(str(path), lost(path, why).error or why)


class _Folder:
    """The files of a run."""

    def __init__(self, run: Run, names: Sequence[str]) -> None:
        self.run, self.names = run, names
        self.count = -(-len(names) // run.shard_size)
        self.left: dict[int, set[int]] = {}  # of the shards that are not whole

    def shard(self, k: int) -> Path:
        return _shard(self.run.folder, k, self.run.format)

    def journal(self, k: int) -> Path:
        return self.run.folder / f"shard-{k:05d}.journal"

    def members(self, k: int) -> range:
        size = self.run.shard_size
        return range(k * size, min((k + 1) * size, len(self.names)))

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder, keep other processes out, and see that its run is this one."""
        run = self.run
        try:
            run.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"no folder of shards can be made ({error.strerror}), choose another"
            raise OSError(error.errno, text, str(run.folder)) from error
        with _locked(run.folder):
            self.agree()
            remove_unfinished(run.folder, math.inf)  # nobody else writes here
            yield

    def agree(self) -> None:
        """Write the manifest, or see that the one that is there says the same."""
        run = self.run
        mine = {
            "detutils": __version__,
            "format": run.format,
            "shard_size": run.shard_size,
            "images": len(self.names),
            "paths": hashlib.sha256(b"\0".join(map(os.fsencode, self.names))).hexdigest(),
            **run.identity,
        }
        theirs = _read_manifest(run.folder)
        if theirs is None and any(run.folder.glob("shard-*")):
            raise ValueError(f"{run.folder} holds shards without a {MANIFEST}: choose another folder")
        if theirs is not None and not run.resume:
            raise ValueError(
                f"{run.folder} holds a run already: resume goes on with it; for another run choose another folder"
            )
        if theirs is None or theirs == mine:  # written in any case: it shows that the folder can be written
            text = json.dumps(mine, indent=1).encode() + b"\n"
            replace_file(run.folder / MANIFEST, lambda target: target.write(text))
            return
        raise ValueError(
            f"{run.folder} holds another run: {_difference(theirs, mine)}; run again as then, or choose another folder"
        )

    def survey(self) -> tuple[list[int], int]:
        """The images that have no record yet, and how many of the others failed."""
        failed = 0
        for k in range(self.count):
            journal = self.journal(k)
            if self.shard(k).exists():
                names = [self.names[index] for index in self.members(k)]
                failed += formats.check_shard(self.shard(k), names, self.run.format)
                journal.unlink(missing_ok=True)
                continue
            self.left[k] = set(self.members(k))
            if journal.exists():
                for index, line in self.read_journal(k, cut=True).items():
                    self.left[k].discard(index)
                    failed += formats.is_failure(line, self.names[index])
                if not self.left[k]:
                    self.finish(k)
        return sorted(index for left in self.left.values() for index in left), failed

    def read_journal(self, k: int, *, cut: bool = False) -> dict[int, bytes]:
        """The whole lines of a journal; what follows the first that is none is cut off."""
        members, records, whole = self.members(k), {}, 0
        with open(self.journal(k), "rb+" if cut else "rb") as file:
            for text in file:
                number, _, line = text.partition(b" ")
                index = int(number) if number.isdigit() else -1
                good = index in members and line.startswith(formats.begins_as(self.names[index]))
                if not (good and line.endswith(b"}\n")):
                    break
                records[index] = line
                whole += len(text)
            if cut:
                file.truncate(whole)
        return records

    def take(self, index: int, line: bytes) -> None:
        """Keep the record of an image; with the last of a shard, write the shard."""
        k = index // self.run.shard_size
        try:
            with open(self.journal(k), "ab", buffering=0) as file:
                text = b"%d %b" % (index, line)
                while text:
                    text = text[file.write(text) :]
        except OSError as error:
            raise OSError(
                error.errno, f"cannot be written ({error.strerror}); what is done is kept, a run with resume goes on",
                str(self.journal(k)),
            ) from error  # fmt: skip
        self.left[k].discard(index)
        if not self.left[k]:
            self.finish(k)

    def finish(self, k: int) -> None:
        records = self.read_journal(k)
        formats.write_shard(self.shard(k), [records[index] for index in self.members(k)], self.run.format)
        self.journal(k).unlink()
        del self.left[k]


def _shard(folder: Path, k: int, format: Format) -> Path:
    return folder / f"shard-{k:05d}.{format}"


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        if manifest["format"] in FORMATS and min(manifest["shard_size"] - 1, manifest["images"]) >= 0:
            return manifest  # type: ignore[no-any-return]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"{path} is no manifest of shards: choose another folder")


def _difference(theirs: dict[str, Any], mine: dict[str, Any]) -> str:
    """The first thing in which two runs differ."""
    theirs, mine = ({**one, **one.get("settings", {})} for one in (theirs, mine))
    for key in dict.fromkeys([*mine, *theirs]):
        if key not in ("settings", "paths") and theirs.get(key) != mine.get(key):
            return f"its {key} is {json.dumps(theirs.get(key))}, this one's is {json.dumps(mine.get(key))}"
    return "its paths are others"


def _as_settings(settings: Any) -> dict[str, Any]:
    if settings is None:
        return {}
    if not isinstance(settings, Mapping):
        raise TypeError(f"settings must be a mapping or None, got {type(settings).__name__}")
    try:
        return json.loads(json.dumps(formats.plain(settings)))  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise TypeError(f"settings must hold numbers, texts and lists only: {error}") from error


def _name_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    kind = function if hasattr(function, "__qualname__") else type(function)
    return f"{getattr(kind, '__module__', None) or ''}.{kind.__qualname__}".lstrip(".")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, where the system has such; it goes with the process, however that ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(
                error.errno, "another run is writing these shards: wait for its end", str(folder)
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(place)
