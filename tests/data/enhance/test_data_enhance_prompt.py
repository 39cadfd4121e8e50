"""The prompt: its version belongs to its words, and a user's own may replace it."""

from __future__ import annotations

import hashlib

import pytest

from publisher.data.enhance.prompt import answer_schema, load_prompt
from publisher.data.enhance.records import Target
from publisher.errors import HubpubError


def target(**changed):
    fields = {
        "scene_id": "s",
        "item_id": 1,
        "item_type": "object",
        "category": "ship",
        "expressions": ("the red ship", "the topmost ship"),
        "views": (b"", b""),
    }
    return Target(**(fields | changed))


def test_whoever_changes_the_prompt_gives_it_a_new_version():
    """Answers are kept, and named in cards, by the version: put the new pair here."""
    prompt = load_prompt()
    digest = hashlib.sha256(prompt.text.encode()).hexdigest()[:12]

    assert ("hubpub-1", "bfbcd259f579") == (prompt.version, digest)


def test_an_object_is_told_by_its_box_and_a_group_by_its_tint():
    """The words have to fit what is in the pictures."""
    prompt = load_prompt()

    assert "red box" in prompt.render(target(), 2)
    assert "tinted red" in prompt.render(target(item_type="group"), 2)
    assert "tinted" not in prompt.render(target(), 2)


def test_the_example_answer_and_the_schema_agree_with_what_is_asked():
    """Models copy the form they are shown."""
    assert '"unique": ["…", …]}' in load_prompt().render(target(), 2)
    assert '"variations": [{"number": 1, "text": "…"}], "unique": []}' in load_prompt().render(
        target(expressions=("the ship",)), 0
    )
    assert (1, 0) == tuple(
        answer_schema(1, 0)["properties"][name]["maxItems"] for name in ("variations", "unique")
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"{{ expressions", "HP-C02"),
        (b"{{ scene_id }}", "HP-C02"),
        (b"{{ category.__class__.__mro__ }}", "HP-C02"),
        (b"\xff\xfe", "HP-C02"),
        (None, "HP-M06"),
    ],
)
def test_a_prompt_of_ones_own_that_is_none_is_one_clear_error(tmp_path, text, code):
    """And one that reaches for Python's insides gets nothing."""
    file = tmp_path / "own.txt.j2"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(HubpubError) as caught:
        load_prompt(file).render(target(), 2)

    assert code == caught.value.code


def test_a_target_in_words_holds_no_picture():
    """asyncio writes out what its tasks hold, at each step: with two pictures in it that took most of a build's time."""
    assert len(repr(target(views=(bytes(100_000), bytes(100_000))))) < 300
