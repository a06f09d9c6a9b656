"""Pascal VOC's XML: what the reader gives, and how it names what is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.datasets.markup import read_xml
from tests.cases import write

THING = (
    "<object><name>dog</name><truncated>1</truncated><difficult>0</difficult>"
    "<bndbox><xmin>48</xmin><ymin>240</ymin><xmax>195</xmax><ymax>371</ymax></bndbox></object>"
)


def voc(*things: str, head: str = "<filename>p.jpg</filename>") -> str:
    size = "<size><width>353</width><height>500</height><depth>3</depth></size>"
    return "<annotation>\n" + head + size + "\n" + "\n".join(things) + "\n</annotation>"


def test_voc(tmp_path: Path) -> None:
    part = "<xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax>"
    cat = (
        "<object><name> cat </name><pose>Left</pose><difficult>1</difficult>"
        f"<part><name>head</name><bndbox>{part}</bndbox></part>"
        "<bndbox><ymax>10.5</ymax><xmax>9</xmax><ymin>2</ymin><xmin>1</xmin></bndbox></object>"
    )
    folder = tmp_path / "Annotations"
    folder.mkdir()
    write(folder / "1.xml", voc(THING, cat))
    write(folder / "0.xml", voc(head=""))
    (folder / "notes.txt").write_text("not an annotation")
    for source in (tmp_path, folder):
        dataset = detutils.read_voc(source)
        assert dataset.class_names == ("cat", "dog")
        empty, image = dataset.images
        assert (empty.name, empty.image_size, empty.image_id) == ("0", (500, 353), 0)
        assert empty.boxes.shape == (0, 4)
        assert (image.name, image.image_size, image.image_id) == ("p.jpg", (500, 353), 1)
        np.testing.assert_array_equal(image.boxes, [[47, 239, 195, 371], [0, 1, 9, 10.5]])
        assert image.labels.tolist() == [1, 0]
        assert image.difficult.tolist() == [False, True]
        assert image.truncated.tolist() == [True, False]
        np.testing.assert_array_equal(image.areas, [148 * 132, 9 * 9.5])
    inclusive = detutils.read_voc(folder / "1.xml", offset=1).images[0]
    np.testing.assert_array_equal(inclusive.boxes, [[47, 239, 194, 370], [0, 1, 8, 9.5]])
    np.testing.assert_array_equal(inclusive.areas, image.areas)
    as_written = detutils.read_voc(folder / "1.xml", offset=1, first_pixel=0).images[0]
    np.testing.assert_array_equal(as_written.boxes[0], [48, 240, 195, 371])
    named = detutils.read_voc(folder, class_names=["dog", "horse", "cat"])
    assert named.class_names == ("dog", "horse", "cat")
    assert named.images[1].labels.tolist() == [0, 2]


def test_voc_image_sets(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    for name in "abc":
        write(tmp_path / "Annotations" / f"{name}.xml", voc(THING, head=f"<filename>{name}.png</filename>"))
    write(tmp_path / "ImageSets" / "Main" / "test.txt", "c -1\n\na 1\n")
    assert [i.name for i in detutils.read_voc(tmp_path, image_set="test").images] == ["c.png", "a.png"]
    assert [i.name for i in detutils.read_voc(tmp_path).images] == ["a.png", "b.png", "c.png"]
    write(tmp_path / "ImageSets" / "Main" / "more.txt", "a\nz\n")
    with pytest.raises(FileNotFoundError, match=r"z\.xml"):
        detutils.read_voc(tmp_path, image_set="more")
    with pytest.raises(FileNotFoundError, match=r"val\.txt"):
        detutils.read_voc(tmp_path, image_set="val")
    with pytest.raises(TypeError, match="image_set must be a str"):
        detutils.read_voc(tmp_path, image_set=3)
    for name in ("", "a\0", "a\ud800"):
        with pytest.raises(ValueError, match="image_set is not a file name"):
            detutils.read_voc(tmp_path, image_set=name)
    with pytest.raises(TypeError, match="class_names must be a sequence"):
        detutils.read_voc(tmp_path, image_set="test", class_names={"cat", "dog"})


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE annotation [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>\n'
    "<annotation><filename>&b;</filename></annotation>"
)
BROKEN_VOC = {
    "empty": ("", "the file is empty"),
    "truncated": (voc(THING)[:200], r"line 3, column \d+"),
    "no XML": ("dog 1 2 3 4", "line 1, column 1"),
    "bomb": (BOMB, "line 2: has a document type"),
    "outside entity": (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', "line 1: has a document type"
    ),
    "unknown entity": ("<annotation>&x;</annotation>", "line 1, column 13"),
    "another root": ("<html/>", "line 1: must begin with <annotation>, got <html>"),
    "two names": (voc(head="<filename>a</filename>" * 2), "line 2: <annotation> has a second <filename>"),
    "height -5": (voc().replace("500", "-5"), "line 2: <height> must be a positive integer, got '-5'"),
    "half a pixel": (voc().replace("500", "500.5"), "<height> must be a positive integer"),
    "no box": (voc("<object><name>x</name></object>"), "line 3: <object> has no <bndbox>"),
    "no class": (voc(THING, THING.replace("<name>dog</name>", "")), "line 4: <object> has no <name>"),
    "no side": (voc(THING.replace("<xmin>48</xmin>", "")), "line 3: <bndbox> has no <xmin>"),
    "side of text": (voc(THING.replace(">48<", ">wide<")), "line 3: <xmin> must be a number, got 'wide'"),
    "empty side": (voc(THING.replace(">48<", "><")), "line 3: <xmin> is empty"),
    "underscore": (voc(THING.replace(">48<", ">4_8<")), "line 3: <xmin> must be a number, got '4_8'"),
    "NaN": (voc(THING.replace(">48<", ">nan<")), "line 3: <xmin> is not finite"),
    "infinite": (voc(THING.replace(">48<", ">1e999<")), "line 3: <xmin> is not finite"),
    "backwards": (voc(THING, THING.replace(">48<", ">196<")), "line 4: the box ends before it begins"),
    "flag": (voc(THING.replace("<difficult>0", "<difficult>maybe")), "line 3: <difficult> must be 0 or 1"),
}


@pytest.mark.parametrize("name", BROKEN_VOC)
def test_broken_voc(name: str, tmp_path: Path) -> None:
    content, pattern = BROKEN_VOC[name]
    path = write(tmp_path / "broken.xml", content)
    with pytest.raises(ValueError, match=rf"broken\.xml: .*{pattern}"):
        detutils.read_voc(path)


def test_voc_arguments(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", voc("", THING))
    with pytest.raises(ValueError, match=r"a\.xml: line 4: class 'dog' is not in class_names"):
        detutils.read_voc(tmp_path, class_names=["cat"])
    with pytest.raises(ValueError, match="first_pixel must be at most 1"):
        detutils.read_voc(tmp_path, first_pixel=2)
    with pytest.raises(ValueError, match="offset must be 0 or 1"):
        detutils.read_voc(tmp_path, offset=2)
    with pytest.raises(TypeError, match="class_names"):
        detutils.read_voc(tmp_path, class_names="dog")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match=r"empty: the folder holds no \.xml files"):
        detutils.read_voc(empty)


def test_depth_and_long_texts_cost_no_more_than_their_length(tmp_path: Path) -> None:
    deep = write(tmp_path / "deep.xml", "<a>" * 20_000 + "</a>" * 20_000)
    assert read_xml(deep).children[0].tag == "a"
    long = write(tmp_path / "long.xml", "<a>" + "x" * 2_000_000 + "<b/>" + "y" * 10 + "</a>")
    assert len(read_xml(long).text) == 2_000_010


def test_an_encoding_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text('<?xml version="1.0" encoding="bogus"?><annotation/>')
    with pytest.raises(ValueError, match=r"a\.xml: line 1: unknown encoding: bogus"):
        detutils.read_voc(tmp_path)


# ---- files as people have them -----------------------------------------------------------------------------

def one(path: Path, text: str | bytes, **options: Any) -> detutils.AnnotatedImage:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return detutils.read_voc(path, **options).images[0]


@pytest.mark.parametrize(
    ("word", "flag"),
    [("", False), ("Unspecified", False), ("unknown", False), ("UNSPECIFIED", False), ("-1", False), ("0.0", False),
     ("true", True), ("False", False), ("TRUE", True), ("0.35", True), ("1.0", True), ("2", True), (" 1 ", True)],
)  # fmt: skip
def test_flags_that_nobody_set(word: str, flag: bool, tmp_path: Path) -> None:
    thing = THING.replace("<truncated>1", f"<pose/><truncated>{word}").replace("<difficult>0", f"<difficult>{word}")
    image = one(tmp_path / "a.xml", voc(thing))
    assert image.difficult.tolist() == image.truncated.tolist() == [flag]
    np.testing.assert_array_equal(image.boxes, [[47, 239, 195, 371]])


@pytest.mark.parametrize(
    "size",
    ["<width>0</width><height>0</height>", "<width/><height/><depth/>", "", "<width>5</width>",
     "<height>-1</height><width>-1</width>",
     "<width>Unknown</width><height>4</height>", "<width>8</width><height>0</height>"],
)  # fmt: skip
def test_sizes_that_nobody_knows(size: str, tmp_path: Path) -> None:
    text = f"<annotation><filename>a.jpg</filename><size>{size}</size>{THING}</annotation>"
    image = one(tmp_path / "a.xml", text)
    assert image.image_size is None
    np.testing.assert_array_equal(image.boxes, [[47, 239, 195, 371]])


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("gb2312", "箱子"), ("GBK", "箱子"), ("big5", "箱子"), ("Shift_JIS", "段ボール"), ("EUC-JP", "段ボール"),
     ("euc-kr", "상자"), ("windows-1251", "ящик"), ("iso-8859-1", "Käfig"), ("utf-16", "箱"), ("utf-8", "箱"),
     ("gb18030", "箱㐀")],
)  # fmt: skip
def test_any_encoding_that_python_knows(encoding: str, name: str, tmp_path: Path) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n' + voc(THING.replace("dog", name))
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    assert detutils.read_voc(tmp_path).class_names == (name,)


def test_encodings_that_do_not_fit(tmp_path: Path) -> None:
    head = b'<?xml version="1.0" encoding="gb2312"?>\n'
    name = "\u9555".encode("gbk")  # not in gb2312, but what Windows writes under this name
    (tmp_path / "a.xml").write_bytes(head + voc(THING).encode().replace(b"dog", name))
    assert detutils.read_voc(tmp_path).class_names == ("\u9555",)
    (tmp_path / "a.xml").write_bytes(head + b"<annotation>\n\xff\xff</annotation>")
    with pytest.raises(ValueError, match=r"a\.xml: line 3: not gb2312 text, as it declares \(byte \d+\)"):
        detutils.read_voc(tmp_path)
    for name in ("zlib", "idna", "rot13", "undefined"):
        (tmp_path / "a.xml").write_text(f'<?xml version="1.0" encoding="{name}"?><annotation/>')
        with pytest.raises(ValueError, match=rf"a\.xml: line 1: unknown encoding: {name}"):
            detutils.read_voc(tmp_path)


def test_continuous_coordinates(tmp_path: Path) -> None:
    sides = "<xmin>10.5</xmin><ymin>20.25</ymin><xmax>30.5</xmax><ymax>40.25</ymax>"
    thing = f"<object><name>crate</name><bndbox>{sides}</bndbox></object>"
    image = one(tmp_path / "a.xml", voc(thing), pixels="continuous")
    np.testing.assert_array_equal(image.boxes, [[10.5, 20.25, 30.5, 40.25]])
    np.testing.assert_array_equal(image.areas, [400])
    shifted = one(tmp_path / "a.xml", voc(thing), pixels="continuous", first_pixel=1)
    np.testing.assert_array_equal(shifted.boxes, [[9.5, 19.25, 29.5, 39.25]])
    with pytest.raises(ValueError, match="pixels='continuous' goes with offset=0"):
        one(tmp_path / "a.xml", voc(thing), pixels="continuous", offset=1)
    with pytest.raises(ValueError, match="pixels must be one of 'inclusive', 'continuous'"):
        one(tmp_path / "a.xml", voc(thing), pixels="half")


def test_folders_below_and_hidden_files(tmp_path: Path) -> None:
    for place, name in (("top.xml", "top.jpg"), ("batch2/inner.xml", "batch2/inner.jpg"), ("b/x.xml", "x.jpg"),
                        ("c/x.xml", "x.jpg")):  # fmt: skip
        (tmp_path / "Annotations" / place).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / "Annotations" / place, voc(THING, head=f"<filename>{name}</filename>"))
    (tmp_path / "Annotations" / "._top.xml").write_bytes(b"\0\5\x16\7")
    dataset = detutils.read_voc(tmp_path)
    assert [image.name for image in dataset.images] == ["b/x.jpg", "batch2/inner.jpg", "c/x.jpg", "top.jpg"]
    with pytest.raises(ValueError, match=r"_top\.xml: line 1, column 1"):  # named explicitly, it is read
        detutils.read_voc(tmp_path / "Annotations" / "._top.xml")


def test_names_that_files_leave_out(tmp_path: Path) -> None:
    assert one(tmp_path / "shelf.xml", voc(THING, head="<filename/>")).name == "shelf"
    assert one(tmp_path / "shelf.xml", voc(THING, head="")).name == "shelf"


def test_image_sets_with_blanks_in_names(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    for name in ("my photo 1", "my photo", "b"):
        write(tmp_path / "Annotations" / f"{name}.xml", voc(THING, head=f"<filename>{name}.jpg</filename>"))
    write(tmp_path / "ImageSets" / "Main" / "s.txt", "my photo 1\r\nmy photo -1\r\nb.jpg  1\r\n")
    images = detutils.read_voc(tmp_path, image_set="s").images
    assert [image.name for image in images] == ["my photo 1.jpg", "my photo.jpg", "b.jpg"]


def test_bad_objects_are_counted_or_left_out(tmp_path: Path) -> None:
    backwards = THING.replace(">48<", ">196<")
    write(tmp_path / "a.xml", voc(THING))
    write(tmp_path / "b.xml", voc(backwards, THING, backwards.replace("dog", "cat")))
    write(tmp_path / "c.xml", voc(THING.replace(">371<", "><")))
    write(tmp_path / "d.xml", "no XML")
    counts = (
        r"b\.xml: line 3: the box ends before it begins: .* \(bad entries in all: 2 x box that ends before it begins, "
        r"1 x empty element, 1 x unreadable file; on_invalid='drop' leaves them out\)"
    )
    with pytest.raises(ValueError, match=counts) as caught:
        detutils.read_voc(tmp_path)
    assert type(caught.value) is ValueError
    dataset = detutils.read_voc(tmp_path, on_invalid="drop")
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [("p.jpg", 1), ("p.jpg", 1), ("p.jpg", 0)]
    assert [(Path(path).name, place) for path, place, _ in dataset.skipped] == [
        ("b.xml", "line 3"), ("b.xml", "line 5"), ("c.xml", "line 3"), ("d.xml", "line 1, column 1"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="nothing else is left"):
        detutils.read_voc(tmp_path / "d.xml", on_invalid="drop")
    with pytest.raises(ValueError, match="on_invalid must be one of 'raise', 'drop'"):
        detutils.read_voc(tmp_path, on_invalid="skip")


def test_pictures_that_nobody_annotated_are_counted(tmp_path: Path) -> None:
    for folder in ("Annotations", "JPEGImages"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "Annotations" / "a.xml", voc(THING, head="<filename>a</filename>"))
    for name in ("a.jpg", "b.jpg", "._c.jpg"):
        write(tmp_path / "JPEGImages" / name, "picture")
    dataset = detutils.read_voc(tmp_path)
    assert [Path(path).name for path, _, _ in dataset.skipped] == ["b.jpg"]
    assert dataset.skipped[0].reason == "a picture without annotation"


def test_chosen_classes(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", voc(THING, THING.replace("dog", "cat"), THING.replace("dog", "cow")))
    dataset = detutils.read_voc(tmp_path, classes=["dog", "cat"])
    assert (dataset.class_names, dataset.class_ids) == (("dog", "cat"), (2, 0))
    assert dataset.images[0].labels.tolist() == [0, 1]
    assert detutils.read_voc(tmp_path, classes=[1]).class_names == ("cow",)
    for classes, text in (
        (["Dog"], "no class is called 'Dog'; there is 'dog'"),
        ([7], "no class is called 7; there are '0', '1', '2'"),
        (["dog", 2], "2 is chosen twice"),
    ):
        with pytest.raises(ValueError, match=rf"classes\[\d\]: {text}"):
            detutils.read_voc(tmp_path, classes=classes)
    with pytest.raises(TypeError, match="classes must be a sequence of class names or ids"):
        detutils.read_voc(tmp_path, classes="dog")
