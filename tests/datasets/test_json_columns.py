"""The scanner of JSON bytes: its numbers are ``float``'s, and what it accepts is what ``json`` reads."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.datasets._kernels.json_scan import BOX, INTEGER, NUMBER, SPAN
from detutils.datasets.json_columns import PADDING, Text
from tests.cases import size

# DETUTILS_DEEP=1 runs as many numerals and mutated files as exactness is claimed for.
DEEP = bool(os.environ.get("DETUTILS_DEEP"))


def text_of(content: bytes) -> Text:
    return Text(bytearray(content + bytes(PADDING)))


# ---- numbers --------------------------------------------------------------------------------------------------------


def between(rng: random.Random) -> str:
    """All digits, or the first of them, of the middle between two neighbors, or a hair beside it."""
    value = rng.choice((rng.random(), rng.uniform(0, 1e3), 10.0 ** rng.uniform(-30, 30), float(rng.getrandbits(60))))
    middle = (Fraction(value) + Fraction(float(np.nextafter(value, np.inf)))) / 2
    places = rng.randrange(0, 30)
    scaled = middle * 10**places
    digits = scaled.numerator // scaled.denominator + rng.choice((0, 0, 1, -1))
    text = str(max(digits, 0)).zfill(places + 1)
    return f"{text[:-places]}.{text[-places:]}" if places else text


def numeral(rng: random.Random) -> str:
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 26)))
    whole = digits.lstrip("0") or "0"
    kind = rng.randrange(9)
    if kind == 0:
        text = whole
    elif kind == 1:
        text = f"{rng.randrange(2000)}.{digits}"
    elif kind == 2:
        text = repr(rng.uniform(0, 1000))
    elif kind == 3:
        text = repr(abs(float(np.frombuffer(rng.randbytes(8))[0])))  # any bits, subnormals too
        text = text if text[0].isdigit() else "0"
    elif kind == 4:
        text = f"{whole}{rng.choice(('e', 'E'))}{rng.choice(('', '+', '-', '-0'))}{rng.randrange(0, 340)}"
    elif kind == 5:
        text = f"{whole}.{digits}e{rng.randrange(-40, 40)}"
    elif kind == 6:
        text = between(rng)
    elif kind == 7:
        text = f"{rng.randrange(1000)}.{rng.randrange(10**6):06d}"
    else:
        text = rng.choice(
            ("0", "0.0", "0e5", "0E-400", "1e400", "1e-400", "5e-324", "2.4703282292062327e-324", "9007199254740993",
             "9007199254740993.0", "18446744073709551615", "18446744073709551616", "1" + "0" * 40,
             "0." + "0" * 30 + "7",
             "1e0000000000000000005", "1e99999999999", "1e18446744073709551617", "1.7976931348623157e308",
             "1.7976931348623159e308",
             "123456789012345678901234567890", "1e22", "1e23", "8.5e-23", "0.1", "1e-22", "1e-23")
        )  # fmt: skip
    return rng.choice(("", "", "-")) + text


def test_numerals_are_those_of_float() -> None:
    rng = random.Random(7)
    numerals = [numeral(rng) for _ in range(300_000 if DEEP else size(20_000, 600))]
    content = "[" + ",".join(f'{{"n":{text}}}' for text in numerals) + "]"
    columns = text_of(content.encode()).objects({"n": NUMBER})
    assert columns is not None
    assert not columns.doubtful.any()
    expected = np.array([float(json.loads(text, parse_int=float if len(text) > 300 else None)) for text in numerals])
    different = np.flatnonzero(columns.values["n"].view(np.int64) != expected.view(np.int64))
    assert [numerals[i] for i in different[:5]] == []


def test_few_numerals_are_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortcuts answer for coordinates; ``float`` is not asked one by one."""
    rng = random.Random(8)
    content = "[" + ",".join(f'{{"n":{rng.uniform(0, 1000)!r}}}' for _ in range(size(5000, 200))) + "]"
    asked: list[Any] = []
    part = Text.part
    monkeypatch.setattr(Text, "part", lambda self, *span: asked.append(span) or part(self, *span))
    assert text_of(content.encode()).objects({"n": NUMBER}) is not None
    assert len(asked) <= 3  # the end of the text, and hardly a number


@pytest.mark.parametrize(
    "text",
    ["01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "1_0", "NaN", "Infinity", "-Infinity", "--1", "1.e3", "\u0663"],
)
def test_what_is_no_number_is_left_to_json(text: str) -> None:
    columns = text_of(f'[{{"n":{text}}}]'.encode()).objects({"n": NUMBER})
    assert columns is None or columns.doubtful.all()


# ---- objects --------------------------------------------------------------------------------------------------------


def test_columns_of_each_kind() -> None:
    content = b' [ {"i":-7,"b":[1,2.5,-3e1,0], "other":{"i":[1,{"b":"]}"}]}, "s":{"x":[true,null]}},\n{}, {"n":2}] '
    columns = text_of(content).objects({"i": INTEGER, "n": NUMBER, "b": BOX, "s": SPAN})
    assert columns is not None
    assert columns.values["i"].tolist() == [-7, 0, 0]
    assert columns.values["n"].tolist() == [0, 0, 2]
    assert columns.values["b"].tolist() == [[1, 2.5, -30, 0], [0] * 4, [0] * 4]
    begin, end = columns.values["s"][0]
    assert content[begin:end] == b'{"x":[true,null]}'
    assert {name: seen.tolist() for name, seen in columns.seen.items()} == {
        "i": [True, False, False], "n": [False, False, True], "b": [True, False, False], "s": [True, False, False],
    }  # fmt: skip
    assert [content[a:b] for a, b in columns.spans[1:].tolist()] == [b"{}", b'{"n":2}']
    empty = text_of(b"[ ]").objects({"i": INTEGER})
    assert empty is not None
    assert empty.spans.shape == (0, 2)


def test_doubtful_objects_are_named_and_the_others_read() -> None:
    strange = [
        '{"i":1.0}', '{"i":"1"}', '{"i":null}', '{"i":true}', '{"i":1234567890123456789}', '{"b":[1,2,3]}', '{"b":[]}',
        '{"b":[1,2,3,4,5]}', '{"b":[[1,2],3,4,5]}', '{"i":1,"i":2}', '{"\\u0069":3}', '{"i":1,"\\u0069":3}',
        '{"b":[1,2,3,1e400],"b":[1,2,3,4]}', '{"a\\n":1}',
    ]  # fmt: skip
    content = "[" + ",".join(f'{{"i":{k}}},{entry}' for k, entry in enumerate(strange)) + "]"
    columns = text_of(content.encode()).objects({"i": INTEGER, "b": BOX})
    assert columns is not None
    assert columns.doubtful.tolist() == [False, True] * len(strange)
    assert columns.values["i"][::2].tolist() == list(range(len(strange)))
    assert [content[a:b] for a, b in columns.spans[1::2].tolist()] == strange


def test_many_objects_and_many_doubts() -> None:
    """More than one call of the kernel, and more numbers in doubt than one call notes."""
    count = size(70_000, 40_000)
    content = "[" + ",".join(f'{{"n":{k}.25e-30,"i":{k}}}' for k in range(count)) + "]"
    columns = text_of(content.encode()).objects({"i": INTEGER, "n": NUMBER})
    assert columns is not None
    assert (columns.values["i"] == np.arange(count)).all()
    assert columns.values["n"][-1] == float(f"{count - 1}.25e-30")
    boxes = ",".join(f'{{"b":[{k}e-40,{k}e-41,{k}e-42,{k}e-43]}}' for k in range(size(20_000, 9000)))
    doubted = text_of(f"[{boxes}]".encode()).objects({"b": BOX})
    assert doubted is not None
    assert doubted.values["b"].tolist() == [list(map(float, (f"{k}e-40", f"{k}e-41", f"{k}e-42", f"{k}e-43")))
                                            for k in range(size(20_000, 9000))]  # fmt: skip
    one = text_of(b'[{"n":1}, {"n":[' + b"1e-40," * 50 + b"1]}]").objects({"n": NUMBER})
    assert one is not None
    assert one.doubtful.tolist() == [False, True]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[", b"[{", b'[{"a"', b'[{"a":', b'[{"a":1', b'[{"a":1}', b"[{}", b"[{},]", b"[,]", b"[{}]x", b"[{}]\0",
        b"[{} {}]", b'[{"a" 1}]', b"[{'a':1}]", b'[{"a":1,}]', b'[{"a":tru}]', b'[{"a":"\x01"}]', b'[{"a":"\\x"}]',
        b'[{"a":"\\u12g4"}]', b'[{"a":"\\"}]', b"{}", b"3", b"[3]", b"[{}, null]", b'[{"a":[1 2]}]', b'[{"a":{1:2}}]',
        b'[{"a":[}]', b'[{"a":{]}}]', b"[{\0}]", b'[{"a":01}]', b'[{"a":' + b"[" * 600 + b"]" * 600 + b"}]",
        b'[{"a":' + b"9" * 5000 + b"}]", b"[{}] []", b'[{"a":nul}]', b'[{"a":fals}]', b'[{"a":-}]', b"\x0b[{}]",
        b'[{"a":"\\u123g"}]',
    ],
    ids=range(39),
)  # fmt: skip
def test_what_is_not_understood_is_left_to_json(content: bytes) -> None:
    columns = text_of(content).objects({"i": INTEGER})
    assert columns is None
    for cut in range(0, len(content), 1 + len(content) // 60):  # nor does the scan run over the end
        text_of(content[:cut]).objects({"i": INTEGER})


def test_members() -> None:
    content = b'\xef\xbb\xbf {"a" : [1, 2] , "b\\u0063":"x","a":3}\n'
    spans = text_of(content).members()
    assert spans is not None
    assert {key: json.loads(content[a:b]) for key, (a, b) in spans.items()} == {"a": 3, "bc": "x"}
    assert text_of(b"{ }").members() == {}
    for wrong in (b"[]", b"{", b'{"a":1', b'{"a":1,}', b"{} {}", b"{1:2}", b'{"a":1 "b":2}', b'{"a"}', b'{,"a":1}'):
        assert text_of(wrong).members() is None
    many = json.dumps({str(k): k for k in range(1100)}).encode()
    assert text_of(many).members() is None


def test_bytes_that_are_no_text_are_refused() -> None:
    for content in (b'[{"a":"\xff"}]', b'[{"a":"\xed\xa0\x80"}]', b'[{"a":"\xc0\x80"}]'):
        with pytest.raises(UnicodeDecodeError):
            text_of(content)


# ---- the two ways give one data set ---------------------------------------------------------------------------------

TRUTH = """{"info": {"year": 2026, "images": [{"id": 77}], "x": "\\"}"},
 "images": [{"id": 1, "file_name": "a\\u00e9.jpg", "width": 640, "height": 480}, {"id": 2, "file_name": "b/ü.png"},
            {"id": 30, "file_name": "c.jpg", "width": 0, "height": 0, "extra": [[[]], {"bbox": [1]}]}],
 "annotations": [
  {"id": 1, "image_id": 2, "category_id": 5, "bbox": [1.5, 2, 3.25, 4e0], "area": 12.5, "iscrowd": 0},
  {"id": 2, "image_id": 1, "category_id": 7, "bbox": [0, -0.0, 0, -0], "segmentation": [[1, 2, 3.5, 4, 5, 6]]},
  {"id": 3, "iscrowd": 1, "bbox": [ 10 , 20.125 ,3, 4 ], "image_id": 30, "category_id": 5, "area": 0.1},
  {"id": 4, "image_id": 2, "category_id": 7, "bbox": [], "segmentation": [[1, 2, 9, 2, 9, 7.5]], "note": {"a": [1]}},
  {"id": 9, "image_id": 1, "category_id": 5, "bbox": [7.1234567890123456789, 1e-30, 1e3, 0.30000000000000004]}],
 "categories": [{"id": 7, "name": "d\\tog"}, {"id": 5, "name": "c@t"}]}
"""
RESULTS = """[{"image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4], "score": 0.5},
{"score": 9.999999999999999e-1, "bbox": [1.25, 2.5, 30.0, 40], "category_id": 7, "image_id": 30, "x": {"score": 1}},
{"image_id": "c", "category_id": 5, "bbox": [0, 0, 1e-5, 2.2250738585072014e-308], "score": -3}, {"image_id": "2",
"category_id": 7, "bbox": [5, 5, 5, 5], "score": 1e-400, "segmentation": null}]
"""


def summary(read: Any) -> Any:
    """All that a reader gives, or the text of its refusal."""
    try:
        result = read()
    except (ValueError, OSError) as error:
        return type(error).__name__, str(error)
    rest = (result.class_names, result.class_ids) if isinstance(result, detutils.Dataset) else ()
    images = result.images if isinstance(result, detutils.Dataset) else result
    rows = [
        [part.tobytes() + str(part.shape).encode() if isinstance(part, np.ndarray) else part for part in image]
        for image in images
    ]
    return rows, rest, result.skipped


def both_ways(path: Path, truth: detutils.Dataset | None, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Results with and without the scanner, each with both values of ``on_invalid``, and whether the scanner served."""

    def every() -> list[Any]:
        return [
            summary(
                lambda drop=drop: detutils.read_coco(path, on_invalid=drop, keep_outlines=True)  # type: ignore[misc]
                if truth is None
                else detutils.read_coco_detections(path, truth, on_invalid=drop)
            )
            for drop in ("raise", "drop")
        ]

    scanned = every()
    with monkeypatch.context() as patch:
        patch.setattr(Text, "members", lambda self: None)
        patch.setattr(Text, "objects", lambda self, *rest: None)
        plain = every()
    assert scanned == plain
    return scanned


KINDS = {
    "as it is": ("", ""),
    "key twice": ('"bbox": [1.5', '"bbox": [9, 9, 9, 9], "bbox": [1.5'),
    "key twice, the last escaped": ('"area": 12.5', '"area": 12.5, "ar\\u0065a": 13'),
    "key escaped": ('"iscrowd": 1', '"iscrowd\\u0000": 0, "\\u0069scrowd": 1'),
    "a doubtful number replaced": ('"area": 12.5', '"area": 1e-400, "area": 12.5'),
    "list twice": ('"categories"', '"annotations": [], "categories"'),
    "list escaped": ('"annotations"', '"annotation\\u0073"'),
    "lone surrogate in a name": ("c.jpg", "c\\ud800.jpg"),
    "integers as floats": ('"iscrowd": 0', '"iscrowd": 0.0'),
    "boolean": ('"iscrowd": 1', '"iscrowd": true'),
    "null": ('"area": 12.5', '"area": null'),
    "null crowd": ('"iscrowd": 0', '"iscrowd": null'),
    "id of text": ('"id": 3,', '"id": "3",'),
    "the same id, once as text": ('"id": 3,', '"id": "2",'),
    "image id of text": ('"image_id": 30', '"image_id": "30"'),
    "image id by name": ('"image_id": 30', '"image_id": "c.jpg"'),
    "image id as float": ('"image_id": 30', '"image_id": 30.0'),
    "huge id": ('"id": 3,', '"id": 123456789012345678901234567890,'),
    "huge image id": ('"image_id": 30', '"image_id": 9223372036854775808'),
    "id again": ('"id": 3,', '"id": 1,'),
    "id again, after a doubtful one": ('"id": 4, "image_id"', '"id": 9, "image_id"'),
    "id of a bad entry again": ('"id": 1, "image_id": 2', '"id": 2, "image_id": 99'),
    "unknown image": ('"image_id": 30', '"image_id": 31'),
    "unknown category": ('"category_id": 5, "bbox": [7', '"category_id": 6, "bbox": [7'),
    "negative": ("3.25, 4e0", "3.25, -4e0"),
    "minus zero": ("3.25, 4e0", "3.25, -0.0"),
    "huge number": ("3.25, 4e0", "3.25, 1e151"),
    "too large for float": ("3.25, 4e0", "3.25, 1e400"),
    "an integer too large for float": ("3.25, 4e0", "3.25, 1" + "0" * 400),
    "an integer of thousands of digits": ("3.25, 4e0", "3.25, 1" + "0" * 5000),
    "NaN": ("3.25, 4e0", "3.25, NaN"),
    "Infinity": ('"area": 12.5', '"area": Infinity'),
    "minus Infinity": ("3.25, 4e0", "-Infinity, 4"),
    "box of three": ("3.25, 4e0", "3.25"),
    "nested box": ("3.25, 4e0", "[3.25], 4e0"),
    "box null": ("[1.5, 2, 3.25, 4e0]", "null"),
    "no object": ('{"id": 3, "iscrowd"', '[], {"id": 3, "iscrowd"'),
    "deep": ('"note": {', '"note": {"d": ' + "[" * 450 + "]" * 450 + ","),
    "too deep for the scan": ('"note": {', '"note": {"d": ' + "[" * 700 + "]" * 700 + ","),
    "too deep for json": ('"note": {', '"note": {"d": ' + "[" * 200_000 + "]" * 200_000 + ","),
    "trailing garbage": ("]}\n", "]} x"),
    "trailing NUL": ("]}\n", "]}\0"),
    "NUL inside": ('"area": 12.5', '"area":\0 12.5'),
    "control character in a name": ("c.jpg", "c\x01.jpg"),
    "comma too many": ("12.5,", "12.5,,"),
    "form feed": ('"area": 12.5', '"area":\f12.5'),
    "no-break space": ('"area": 12.5', '"area":\u00a012.5'),
    "leading zero": ('"area": 12.5', '"area": 012.5'),
    "digits of another script": ('"area": 12.5', '"area": \u0661'),
    "annotations null": ('"annotations": [', '"annotations": null, "was": ['),
    "annotations an object": ('"annotations": [', '"annotations": {}, "was": ['),
    "comment": ('"info"', '/* */ "info"'),
    "cut": ('"categories": [', ""),
    "bad polygon": ("[[1, 2, 9, 2, 9, 7.5]]", '[["x"]]'),
    "runs": ("[[1, 2, 9, 2, 9, 7.5]]", '{"size": [10, 10], "counts": [5, 3, 92]}'),
    "letters of runs": ("[[1, 2, 9, 2, 9, 7.5]]", '{"size": [10, 10], "counts": "53l2"}'),
}


@pytest.mark.parametrize("name", KINDS)
def test_with_and_without_the_scanner(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = KINDS[name]
    assert old in TRUTH
    path = tmp_path / "truth.json"
    path.write_bytes(TRUTH.replace(old, new, 1).encode())
    refused, dropped = both_ways(path, None, monkeypatch)
    for outcome in (refused, dropped):
        assert outcome[0] != "ValueError" or str(path) in outcome[1]
    path.write_bytes(b"\xef\xbb\xbf \r\n" + TRUTH.replace(old, new, 1).encode())
    assert [outcome[0] for outcome in both_ways(path, None, monkeypatch)] == [refused[0], dropped[0]]


def test_the_scanner_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test above compares are two ways."""
    path = tmp_path / "truth.json"
    path.write_text(TRUTH)
    monkeypatch.setattr("detutils.datasets.coco.read_json", None)
    dataset = detutils.read_coco(path)
    assert [image.boxes.shape[0] for image in dataset.images] == [2, 2, 1]
    (tmp_path / "found.json").write_text(RESULTS)
    assert len(detutils.read_coco_detections(tmp_path / "found.json", dataset)) == 3


@pytest.mark.parametrize("ids", [(1, 2, 30), (1, 2, 10**17), (-(10**17), 0, 10**17), (-(2**63) + 1, 5, 2**63 - 1)])
def test_ids_of_any_span(ids: tuple[int, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TRUTH
    for old, new in ((30, ids[2]), (2, ids[1]), (1, ids[0])):
        text = text.replace(f'"image_id": {old},', f'"image_id": {new},').replace(
            f'{{"id": {old}, "file', f'{{"id": {new}, "file'
        )
    path = tmp_path / "truth.json"
    for content in (text, text.replace(f'"image_id": {ids[1]},', f'"image_id": {ids[1] + 1},', 1)):
        path.write_text(content)
        refused, _ = both_ways(path, None, monkeypatch)
        assert (refused[0] == "ValueError") == (content is not text)


def mutated(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(data))
        kind = rng.randrange(7)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.randrange(1, 12)]
        elif kind == 2:
            data[at:at] = rng.choice((b"0", b"-", b'"', b"\\", b"[", b"{", b"]", b"}", b",", b"null", b"e5", b"\0"))
        elif kind == 3:
            other = rng.randrange(len(data))
            data[at:at] = data[other : other + rng.randrange(1, 40)]
        elif kind == 4:
            data[at] = rng.choice(b'0123456789.-+eE[]{},:"\\ tfnu')
        elif kind == 5 and rng.random() < 0.2:
            del data[at:]
        else:
            digits = [k for k, byte in enumerate(data) if 48 <= byte <= 57]
            data[rng.choice(digits or [0])] = rng.choice(b"0123456789.e-")
        if not data:
            return b" "
    return bytes(data)


def test_mutated_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 of them on demand: no crash, every refusal with the path, and the same with and without the scanner."""
    rng = random.Random(3)
    path, good = tmp_path / "m.json", tmp_path / "good.json"
    good.write_text(TRUTH)
    truth = detutils.read_coco(good)
    accepted = 0
    count = 10_000 if DEEP else size(150, 25)
    for k in range(count):
        for content, dataset in ((TRUTH, None), (RESULTS, truth)):
            data = mutated(content.encode(), rng)
            path.write_bytes(data)
            try:
                outcomes = both_ways(path, dataset, monkeypatch)
            except Exception as error:
                raise AssertionError(f"file {k}: {data!r}") from error
            for outcome in outcomes:
                if isinstance(outcome[0], str):
                    assert str(path) in outcome[1]
                else:
                    accepted += 1
    assert accepted > count // 4


def test_a_caller_deep_in_recursion_gets_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text(TRUTH.replace('"extra": ', '"extra": ' + "[" * 400 + "]" * 400 + ', "more": '))
    assert len(detutils.read_coco(path).images) == 3

    def call(depth: int) -> Any:
        return call(depth - 1) if depth else detutils.read_coco(path)

    frame, used = sys._getframe(), 0
    while frame.f_back is not None:
        frame, used = frame.f_back, used + 1
    outcome: Any = [""]
    with contextlib.suppress(RecursionError):  # of the reader's own calls, where too little is left for them
        outcome = summary(lambda: call(sys.getrecursionlimit() - used - 300))
    assert outcome[0] != "ValueError" or "nested too deeply" in outcome[1]
