"""Pascal VOC's XML: what the reader gives, and how it names what is broken."""

from __future__ import annotations

from pathlib import Path

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
