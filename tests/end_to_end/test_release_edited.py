"""A card that others edit on the website, from the edit to its homecoming, in releases of a real adapter."""

from __future__ import annotations

import pytest
from release_room import Room

pytestmark = [pytest.mark.models, pytest.mark.long]

REPO = "acme/adopted-lora"
PROSE = "It was trained on twelve sums and cannot add."
FAQ = '## Questions\n\nDoes it run?\n\n```python\nraise SystemExit("nobody may run this")\n```\n\n'


def _edit(room: Room, *changes: tuple[str, str]) -> str:
    text = room.published()[REPO].files["README.md"].decode()
    for old, new in changes:
        assert 1 == text.count(old), old
        text = text.replace(old, new)
    with room.hub() as api:
        api.upload_file(path_or_fileobj=text.encode(), path_in_repo="README.md", repo_id=REPO)
    return text


def test_edits_on_the_website_survive_releases_and_come_home(adopted: Room) -> None:
    """No step fails, nothing of theirs is run, and every run after a release has nothing to do."""
    theirs = _edit(adopted, (PROSE, f"{PROSE} Truly."), ("## Licence", f"{FAQ}## Licence"))
    untouched = adopted.release()
    proven = adopted.run("verify", "adopted", "--hub", "local")

    assert (0, 0) == (untouched.code, proven.code), untouched.err + proven.err
    assert "nothing to do" in untouched.out
    assert "hubpub pull adopted --hub local" in untouched.out
    assert theirs == adopted.published()[REPO].files["README.md"].decode()

    prose = adopted.cards / "limitations.md"
    prose.write_text(f"{PROSE}\n\nNor does it rhyme.\n")
    planned = adopted.run("plan", "adopted", "--hub", "local")
    merged = adopted.release()
    again = adopted.release()
    files = adopted.published()[REPO].files
    readme = files["README.md"].decode()

    assert (0, 0, 0) == (planned.code, merged.code, again.code), merged.err + again.err
    assert "kept 2 edits made on the Hub" in planned.out
    assert "kept 2 edits made on the Hub" in merged.err
    assert f"{PROSE} Truly.\n\nNor does it rhyme." in readme
    assert FAQ in readme
    assert (adopted.cards / "cards" / "adapter.md").read_bytes() == files["evidence/card.md"]
    assert files["README.md"] == adopted.artifact("adapter")["README.md"]
    assert ("nothing to do" in again.out, "unchanged") == (True, again.skipped["card"])
    assert 0 == adopted.run("verify", "adopted", "--hub", "local").code

    pulled = adopted.run("pull", "adopted", "--hub", "local")
    home = adopted.release()
    files = adopted.published()[REPO].files

    assert (0, 0) == (pulled.code, home.code), pulled.err + home.err
    assert f"{PROSE} Truly.\n\nNor does it rhyme.\n" == prose.read_text()
    assert readme == files["README.md"].decode()
    assert "hubpub pull" not in home.out
    assert 0 == adopted.run("verify", "adopted", "--hub", "local", "--proof", "static").code
