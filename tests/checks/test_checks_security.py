"""Security: archives, links, templates and paths that harm whoever takes the repo, and the honest ones beside them."""

from __future__ import annotations

import io
import json
import stat
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from publisher.checks.fix import mended
from publisher.checks.observe.target import RepoView
from publisher.checks.registry import choose
from publisher.checks.run import check_folder
from publisher.checks.source import FolderSource


def codes(folder: Path, code: str) -> list[str]:
    return [finding.path for finding in check_folder(folder, select=[code]).findings]


def tar_of(path: Path, *members: tuple[str, str, bytes]) -> None:
    """A tar archive of names, link targets and kinds."""
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, link, kind in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            archive.addfile(member)


@pytest.mark.parametrize(
    ("member", "harms"),
    [
        (("../x", "", tarfile.REGTYPE), True),
        (("a/../../x", "", tarfile.REGTYPE), True),
        (("/etc/cron.d/x", "", tarfile.REGTYPE), True),
        (("C:\\Windows\\x", "", tarfile.REGTYPE), True),
        (("a", "/etc", tarfile.SYMTYPE), True),
        (("a/b", "../../x", tarfile.SYMTYPE), True),
        (("a", "../x", tarfile.LNKTYPE), True),
        (("a/b", "../c", tarfile.SYMTYPE), False),
        (("a", "b", tarfile.LNKTYPE), False),
        (("a..b/c...d", "", tarfile.REGTYPE), False),
        (("./a/b", "", tarfile.REGTYPE), False),
    ],
    ids=lambda value: "" if isinstance(value, bool) else f"{value[0]} {value[1]}",
)
@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_a_tar_that_leads_out_of_its_folder_is_told_of_and_one_with_inner_links_is_not(
    tmp_path: Path, member: tuple[str, str, bytes], harms: bool, ending: str
) -> None:
    """Unpacking is done without looking; honest archives hold links, too."""
    tar_of(tmp_path / f"a.{ending}", member)

    assert harms == bool(codes(tmp_path, "SEC085"))


def test_a_zip_whose_member_is_a_link_out_is_told_of(tmp_path: Path) -> None:
    """Info-ZIP makes the link, and the next member is written through it."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("lib")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "../../home")

    assert ["a.zip"] == codes(tmp_path, "SEC085")


def test_a_tar_that_unpacks_to_gigabytes_or_is_cut_short_is_read_within_bounds(tmp_path: Path) -> None:
    """A check of a stranger's repo must end."""
    raw = io.BytesIO()
    with open("/dev/zero", "rb") as zeros, tarfile.open(fileobj=raw, mode="w:gz") as archive:
        member = tarfile.TarInfo("zeros")
        member.size = 300 * 10**6
        archive.addfile(member, zeros)
    (tmp_path / "big.tar.gz").write_bytes(raw.getvalue())
    (tmp_path / "cut.tar.gz").write_bytes(raw.getvalue()[:1000])
    (tmp_path / "none.tar").write_bytes(b"\xff" * 2000)

    begin = time.perf_counter()

    assert [] == codes(tmp_path, "SEC085")
    assert time.perf_counter() - begin < 5


def test_a_link_out_of_the_folder_is_told_of_and_the_clients_cache_is_not(tmp_path: Path) -> None:
    """An upload follows links: it would send the key that one leads to. The cache keeps all its files as links."""
    (tmp_path / "id_rsa").write_text("x")
    snapshot = tmp_path / "models--a--b" / "snapshots" / "abc"
    blobs = tmp_path / "models--a--b" / "blobs"
    for folder in (snapshot, blobs):
        folder.mkdir(parents=True)
    (blobs / "123").write_text("x")
    (snapshot / "weights.txt").symlink_to(blobs / "123")
    (snapshot / "inside.txt").symlink_to("weights.txt")
    (snapshot / "notes.txt").symlink_to(tmp_path / "id_rsa")

    assert ["notes.txt"] == codes(snapshot, "SEC085")


@pytest.mark.parametrize(
    ("template", "harms"),
    [
        ("{{ x['__cla' + 'ss__'] }}", True),
        ("{{ x['__cla' ~ 'ss' ~ '__'].y }}", True),
        ("{{ x['\\x5f\\x5fclass\\x5f\\x5f'] }}", True),
        ("{{ xs | map(attribute='a.__init__') | list }}", True),
        ("{{ xs | sum('__globals__') }}", True),
        ("{{ x | attr('y') }}", True),
        ("{{ ''.__class__ }}", True),
        ("{{ m['content' ~ n] }}{{ '__start__' }}{{ m['a' + 'b'] }}", False),
        ("{{ xs | map(attribute='role') | join(', ') }}", False),
        ("{% set self = m %}{{ self.role }}", False),
    ],
)
def test_a_template_that_reaches_for_python_is_found_however_it_spells_the_name(
    tmp_path: Path, template: str, harms: bool
) -> None:
    """Whoever attacks does not write `__class__` in one piece."""
    (tmp_path / "chat_template.jinja").write_text(template)

    assert harms == bool(codes(tmp_path, "SEC084"))


def test_the_path_that_a_model_was_loaded_from_is_emptied_and_every_other_byte_stays(tmp_path: Path) -> None:
    """transformers writes it into every configuration, and nothing reads it again."""
    before = (
        '{\r\n  "_name_or_path": "/home/alice/out/gemma",\r\n  "x": [1,2],\r\n'
        '  "text_config": {"_name_or_path": "/gpfs/acme/u1/gemma"},\r\n  "log": "/home/alice/log"\r\n}'
    )
    (tmp_path / "config.json").write_bytes(before.encode())

    changes = mended(RepoView(FolderSource(tmp_path)), choose(["SEC083"]))
    (tmp_path / "config.json").write_bytes(changes["config.json"][1])
    left = check_folder(tmp_path, select=["SEC083"]).findings

    expected = before.replace("/home/alice/out/gemma", "").replace("/gpfs/acme/u1/gemma", "")
    assert expected == changes["config.json"][1].decode()
    assert [("config.json", 5, False)] == [(finding.path, finding.line, finding.fixable) for finding in left]


def test_both_rules_that_empty_one_name_leave_one_file_that_is_json(tmp_path: Path) -> None:
    """Two edits of one place must not make half of each."""
    (tmp_path / "config.json").write_text('{\n  "_name_or_path": "/home/alice/gemma",\n  "x": 1\n}\n')

    changes = mended(RepoView(FolderSource(tmp_path)), choose(["SEC083", "CFG057"]))

    assert {"_name_or_path": "", "x": 1} == json.loads(changes["config.json"][1])


@pytest.mark.parametrize(
    ("tags", "after"),
    [
        ("tags:\n- lora\n- a\n- lora\n", "tags:\n- lora\n- a\n"),
        ("tags:\n  - 'lora'\n  - lora  # again\n  - lora\n", "tags:\n  - 'lora'\n  - lora  # again\n"),
        ("tags: [lora, a, lora, lora]\n", "tags: [lora, a]\n"),
        ('tags: ["base_model:adapter:/mnt/x", a]\n', "tags: [a]\n"),
    ],
)
def test_a_tag_that_says_nothing_is_taken_out_of_either_kind_of_list(
    tmp_path: Path, tags: str, after: str
) -> None:
    """Comments and quotation marks are the author's."""
    (tmp_path / "README.md").write_text(f"---\nlicense: mit\n{tags}---\n# A\n")

    changes = mended(RepoView(FolderSource(tmp_path)), choose(["META024"]))

    assert f"---\nlicense: mit\n{after}---\n# A\n" == changes["README.md"][1].decode()
