"""What the site adds to its tools: the list of public names, where each is used, the gallery's pictures."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
import tempfile
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx_gallery.scrapers import figure_rst

import detutils
import detutils.compat

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
ROOMS = {  # in the order of a pipeline
    "heads": "From a network's output to detections",
    "suppression": "Suppression, fusion and merging",
    "geometry": "Boxes and overlaps",
    "targets": "Anchors and training targets",
    "proposals": "Selective Search",
    "rcnn": "R-CNN",
    "evaluation": "Evaluation",
    "datasets": "Data sets",
    "pictures": "Pictures",
    "batches": "Many images",
    "_jit": "Compilation",
}


# ---- reference -------------------------------------------------------------------------------------------

def by_room() -> dict[str, dict[str, list[str]]]:
    """Public names by room and module; a room that nobody has put in order is an error."""
    rooms: dict[str, dict[str, list[str]]] = {room: {} for room in ROOMS}
    for name in detutils.__all__:
        if name != "__version__":
            module = getattr(detutils, name).__module__
            rooms[module.split(".")[1]].setdefault(module, []).append(name)
    return rooms


def adapters() -> list[str]:
    """The drop-in modules, those of their packages included, but for what no caller imports or a function hides."""
    found = []
    for module in pkgutil.walk_packages(detutils.compat.__path__, "detutils.compat."):
        package, _, name = module.name.rpartition(".")
        hidden = not inspect.ismodule(getattr(importlib.import_module(package), name, detutils))
        if name != "tensors" and not name.startswith("_") and not hidden:
            found.append(module.name)
    return sorted(found)


def write_reference(app: Sphinx, config: object) -> None:
    """The list of names, which autosummary makes pages of; nothing in it is typed twice."""
    folder = HERE / "reference"
    folder.mkdir(exist_ok=True)
    lines = ["Reference", "=========", "", "Every public name: its contract, and an example that runs.", ""]
    lines += [".. currentmodule:: detutils", ""]
    for room, modules in by_room().items():
        lines += [ROOMS[room], "-" * len(ROOMS[room]), ""]
        for module, names in modules.items():
            about = (inspect.getdoc(importlib.import_module(module)) or "").partition("\n\n")[0]
            lines += [" ".join(about.split()), "", ".. autosummary::", "   :toctree: names", "   :nosignatures:", ""]
            lines += [*(f"   {name}" for name in names), ""]
    title = "Drop-in modules"
    lines += [title, "-" * len(title), "", ":doc:`/moving_over` says which line to change.", ""]
    lines += [".. autosummary::", "   :toctree: names", "   :nosignatures:"]
    lines += ["   :template: autosummary/adapter.rst", ""]
    lines += [*(f"   {name.removeprefix('detutils.')}" for name in adapters()), ""]
    write(folder / "index.rst", "\n".join(lines))


def write(path: Path, text: str) -> None:
    """Leave an unchanged file as it is, so that its page is not built again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


# ---- from a name to the pages that use it ----------------------------------------------------------------

@functools.cache
def uses() -> dict[str, list[str]]:
    """For each public name the pages whose code or text names it, and the examples that call it."""
    found: dict[str, list[str]] = {name: [] for name in detutils.__all__}
    for page in sorted(HERE.rglob("*.md")):
        where = page.relative_to(HERE).with_suffix("").as_posix()
        if where.startswith("_") or where in ("index", "benchmarks"):
            continue
        words = set(re.findall(r"(?:detutils\.|`)(\w+)", page.read_text(encoding="utf-8")))
        for name in words & found.keys():
            found[name].append(f":doc:`/{where}`")
    for example in sorted(EXAMPLES.glob("*.py")):
        for name in set(re.findall(r"detutils\.(\w+)", example.read_text(encoding="utf-8"))) & found.keys():
            found[name].append(f":doc:`/gallery/{example.stem}`")
    return found


def add_uses(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Below a contract: where the name is used."""
    pages = uses().get(name.removeprefix("detutils."), [])
    if pages:
        lines += ["", ".. rubric:: Used in", "", ", ".join(pages), ""]


def link_examples(app: Sphinx, page: str, source: list[str]) -> None:
    """A page names an example by its file, which a reader of the checkout opens; here it has a page."""
    source[0] = re.sub(r"\]\((?:\.\./)+examples/(\w+)\.py\)", r"](/gallery/\1.rst)", source[0])


def skip_builtins(app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object) -> bool | None:
    """An alias of Python's own, such as ``cv2.error``, has no source here to lead to."""
    return True if inspect.isclass(thing) and thing.__module__ == "builtins" else None


# ---- gallery ---------------------------------------------------------------------------------------------

PICTURES = Path(tempfile.gettempdir()) / "detutils-gallery"


def arguments(gallery_conf: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
    """Every example takes the place of its picture."""
    PICTURES.mkdir(exist_ok=True)
    return ["-o", str(PICTURES / Path(script_vars["src_file"]).with_suffix(".png").name)]


def written_picture(block: tuple[Any, ...], block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """The picture that the example has written, as a JPEG."""
    made = PICTURES / Path(block_vars["src_file"]).with_suffix(".png").name
    if not made.exists():
        return ""
    target = Path(next(block_vars["image_path_iterator"])).with_suffix(".jpg")
    picture = detutils.read_image(made)
    made.unlink()
    detutils.write_image(target, picture[..., :3], quality=80)
    return str(figure_rst([str(target)], gallery_conf["src_dir"]))


class ExampleOrder:
    """From single functions to whole programs."""

    order = (
        "boxes_and_overlaps", "nms", "anchors", "selective_search", "postprocess_yolo", "postprocess_ssd",
        "onnxruntime_detector", "opencv_dnn", "tiles", "rotated_boxes", "box_regression", "train_rcnn",
        "evaluate_detections",
    )  # fmt: skip

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> tuple[int, str]:
        stem = Path(name).stem
        return (self.order.index(stem) if stem in self.order else len(self.order)), stem


def setup(app: Sphinx) -> dict[str, bool]:
    """Tie the parts to Sphinx."""
    app.connect("config-inited", write_reference)  # before pages are looked for
    app.connect("source-read", link_examples)
    app.connect("autodoc-skip-member", skip_builtins)
    app.connect("autodoc-process-docstring", add_uses, priority=900)  # after numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
