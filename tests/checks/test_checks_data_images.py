"""Images by their first and last bytes: what Pillow writes is sound, what is cut or no image is not."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from publisher.checks.observe.depth import Depth
from publisher.checks.observe.pictures import look
from publisher.checks.observe.target import RepoView
from publisher.checks.registry import choose
from publisher.checks.run import check_view
from publisher.checks.source import FolderSource
from publisher.pipeline.tables import table_reader
from publisher.records.findings import Report, Severity

Image = pytest.importorskip("PIL.Image")
IFDRational = pytest.importorskip("PIL.TiffImagePlugin").IFDRational
pytestmark = pytest.mark.models

CARD = "---\nlicense: mit\ntask_categories: [image-classification]\n---\n"
GPS = 0x8825


def picture(form: str, side: int = 40, **options: object) -> bytes:
    file = io.BytesIO()
    noise = random.Random(7).randbytes(side * side * 3)
    Image.frombytes("RGB", (side, side), noise).save(file, form, **options)
    return file.getvalue()


def exif(latitude: int) -> Image.Exif:
    told = Image.Exif()
    told[0x010F] = "a camera"
    position = tuple(IFDRational(number, 1) for number in (latitude, latitude // 2, 0))
    told.get_ifd(GPS).update({1: "N", 2: position, 3: "E", 4: position})
    return told


def check(folder: Path, *codes: str, deep: bool = False) -> Report:
    (folder / "README.md").write_text(CARD)
    return check_view(RepoView(FolderSource(folder), Depth(deep), table_reader()), choose(codes), "dataset")


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("GIF", {}),
        ("WEBP", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("JPEG2000", {}),
    ],
)
def test_what_pillow_writes_is_sound(form: str, options: dict[str, object]) -> None:
    """A sound image called broken is an error on good work."""
    seen = look(picture(form, **options))

    assert ("", False) == (seen.fault, seen.place)
    assert seen.size in ((40, 40), None)
    assert form not in ("PNG", "JPEG", "GIF") or seen.size == (40, 40)


def test_bytes_behind_an_images_end_do_no_harm() -> None:
    """Some programs put their own data there."""
    assert "" == look(picture("PNG") + b"made with a program" * 50).fault


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "it is empty"),
        (b"<html>404</html>", "it is text, not an image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "it is text, not an image"),
        (picture("PNG")[:2000], "it is cut short"),
        (picture("PNG")[:12], "it is cut short"),
        (picture("JPEG")[:60], "it is cut short"),
        (picture("WEBP")[:-100], "it is cut short"),
        (b"\xff\xd8\xff\xe0\0\x02" + b"\0" * 100, "its header is damaged"),
    ],
    ids=["empty", "html", "pointer", "png", "png head", "jpeg", "webp", "no segment"],
)
def test_what_will_not_open_is_told(raw: bytes, fault: str) -> None:
    """As downloads that failed leave them."""
    assert fault == look(raw).fault


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("latitude", [48, 0], ids=["a place", "no fix"])
def test_a_position_in_exif_is_found(form: str, latitude: int) -> None:
    """Cameras without a fix write zeros, which is no place."""
    assert (latitude != 0) == look(picture(form, exif=exif(latitude))).place


def test_no_damaged_image_breaks_a_check() -> None:
    """Offsets in EXIF are a stranger's numbers."""
    chance = random.Random(7)
    whole = [picture(form, side=8, exif=exif(48)) for form in ("JPEG", "PNG", "TIFF")]
    places = 0
    for _ in range(3000):
        damaged = bytearray(chance.choice(whole))
        for _ in range(3):
            damaged[chance.randrange(min(300, len(damaged)))] = chance.randrange(256)
        places += look(bytes(damaged[: chance.randrange(len(damaged) + 1)])).place

    assert 0 < places < 3000


def test_files_and_rows_are_looked_at_and_a_sample_says_so(tmp_path: Path) -> None:
    """A large folder is not opened whole for a quick check."""
    sound = picture("PNG", side=4)
    for number in range(205):
        (tmp_path / f"{number:03}.png").write_bytes(sound)
    (tmp_path / "203.png").write_bytes(sound[:30])
    (tmp_path / "large.png").write_bytes(picture("PNG", side=400))  # read by its ends
    (tmp_path / "large_cut.png").write_bytes(picture("PNG", side=400)[:-100])

    quick, deep = check(tmp_path, "DATA109"), check(tmp_path, "DATA109", deep=True)

    assert () == quick.findings
    assert "200 of 207 images were opened; --deep opens all" in {skip.reason for skip in quick.skipped}
    assert ["203.png", "large_cut.png"] == [finding.path for finding in deep.findings]
    assert {"the image will not open: it is cut short"} == {finding.message for finding in deep.findings}


def test_a_photograph_that_tells_where_it_was_taken_is_personal(tmp_path: Path) -> None:
    """A home is found by the pictures of a cat."""
    (tmp_path / "cat.jpg").write_bytes(picture("JPEG", exif=exif(48)))
    (tmp_path / "dog.jpg").write_bytes(picture("JPEG"))

    (finding,) = check(tmp_path, "DATA111").findings

    assert ("cat.jpg", Severity.WARNING) == (finding.path, finding.severity)
    assert "the EXIF of 1 of 2 images tells where they were taken" == finding.message


def test_a_folder_of_images_lacks_none_that_its_metadata_names(tmp_path: Path) -> None:
    """Paths are read from the metadata's own folder; what lies in an archive is not judged."""
    inside = tmp_path / "train"
    inside.mkdir()
    (inside / "one.png").write_bytes(picture("PNG"))
    (inside / "metadata.csv").write_text(
        "file_name,text\none.png,a ship\n./one.png,a ship\ntwo.png,a plane\n"
    )

    (finding,) = check(tmp_path, "DATA109").findings
    (inside / "more.zip").write_bytes(b"PK")

    assert ("train/metadata.csv", 4) == (finding.path, finding.line)
    assert "images in the column `file_name`: there is no such file: 1 of 3 rows" == finding.message
    assert () == check(tmp_path, "DATA109").findings


def test_images_in_rows_are_judged_by_their_bytes(tmp_path: Path) -> None:
    """As `datasets` stores them."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    rows = [
        {"image": {"bytes": picture("PNG"), "path": "a.png"}},
        {"image": {"bytes": b"", "path": "b.png"}},
        {"image": {"bytes": picture("JPEG", exif=exif(48)), "path": None}},
        {"image": {"bytes": b"no image at all", "path": "sound.wav"}},
    ]
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data/train-00000-of-00001.parquet")

    messages = [finding.message for finding in check(tmp_path, "DATA109", "DATA111").findings]

    assert [
        "images in the column `image`: it is empty: 1 of 4 rows",
        "position in EXIF in the column `image`: 1 of 4 rows",
    ] == messages
