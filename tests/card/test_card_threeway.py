"""A README that others edited on the Hub: what of it is kept, and what is not."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate

import pytest

from publisher.card.diff3 import hunks
from publisher.card.readme import code_blocks, parse
from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.card.threeway import Merge, merge
from publisher.card.trace import Rendered
from publisher.card.view import CardInput, Prose
from publisher.records.artifacts import KINDS

LIMITS = "model_cards/smollm2-aerial/limitations.md"
FIRST_LIMIT = "- The scenes are drawn by a program: rectangles on a plain ground."
FAQ = "## Questions\n\nIs it good? No.\n\n```python\nimport os\n```\n"


ONE_BLOCK = ("validate.adapter.loads_in_4bit",)  # without this fact, the card has one Python block


@pytest.fixture
def adapter(card_of: Callable[..., CardInput], templates: Templates) -> Rendered:
    """The adapter's card as it is now."""
    return render(card_of("adapter", without=ONE_BLOCK), templates)


@pytest.fixture
def next_adapter(card_of: Callable[..., CardInput], templates: Templates) -> Rendered:
    """The adapter's card after the author rewrote a section and added one; no fact has changed."""
    card = card_of("adapter", without=ONE_BLOCK)
    words = [p for p in card.prose if p.section != "out_of_scope"]
    words += [Prose("out_of_scope", "Anything at all.", "scope.md"), Prose("ethics", "Be kind.", "ethics.md")]
    return render(replace(card, prose=tuple(words)), templates)


def edited(text: str, *changes: tuple[str, str]) -> str:
    """The text with each old piece replaced once."""
    for old, new in changes:
        assert 1 == text.count(old), old
        text = text.replace(old, new)
    return text


def told(merged: Merge) -> list[tuple[str, bool, str]]:
    """Place, kept, why."""
    return [(edit.place, edit.kept, edit.why) for edit in merged.edits]


# --- what must hold whatever the edits are


def test_without_edits_the_merge_is_ours(adapter: Rendered, next_adapter: Rendered) -> None:
    """Nobody touched the Hub: the new card replaces the old one byte by byte."""
    assert Merge(next_adapter.text) == merge(adapter.text, next_adapter, adapter.text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_words_that_only_others_changed_come_out_exactly_as_they_left_them(
    kind: str, seed: int, card_of: Callable[..., CardInput], templates: Templates
) -> None:
    """No fact and no code is touched, and nothing changed here: theirs is the outcome, byte by byte."""
    ours = render(card_of(kind), templates)
    theirs = _scribbled(ours, random.Random(seed))
    merged = merge(ours.text, ours, theirs)

    assert theirs == merged.text
    assert merged.edits
    assert all(edit.kept for edit in merged.edits)


@pytest.mark.parametrize("seed", range(12))
def test_a_merge_that_was_published_merges_to_itself(
    seed: int, adapter: Rendered, next_adapter: Rendered
) -> None:
    """Else every release would be a new commit."""
    theirs = _vandalised(_scribbled(adapter, random.Random(seed)), random.Random(seed))
    once = merge(adapter.text, next_adapter, theirs)
    again = merge(next_adapter.text, next_adapter, once.text)

    assert once.text == again.text
    assert all(edit.kept for edit in again.edits)


@pytest.mark.parametrize("seed", [*range(24), 345])
def test_whatever_others_do_our_code_and_our_facts_stand(
    seed: int, adapter: Rendered, next_adapter: Rendered
) -> None:
    """What was proven is what readers copy, and what was measured is what they read: there, and there once."""
    theirs = _vandalised(adapter.text, random.Random(seed))
    merged = merge(adapter.text, next_adapter, theirs)
    ours = [block.code for block in code_blocks(next_adapter.text, "python")]
    there = [block.code for block in code_blocks(merged.text, "python")]
    at = 0
    for span in next_adapter.spans:
        if span.fact:
            at = merged.text.find(span.text, at)
            assert at >= 0, span

    assert ours == [code for code in there if code in ours]
    theirs_rows, rows = (Counter(text.split("\n")) for text in (theirs, merged.text))
    for row, times in Counter(next_adapter.text.split("\n")).items():
        if row.startswith("|"):
            assert rows[row] <= max(times, theirs_rows[row]), row
    assert parse(next_adapter.text).front_matter["license"] == parse(merged.text).front_matter["license"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "become",
    [
        lambda line: [line, line],
        lambda line: [line, "", line],
        lambda line: [line.lstrip("# ")],
        lambda line: [line[::-1]],
        lambda line: [],
    ],
    ids=["doubled", "doubled apart", "text", "backwards", "gone"],
)
def test_a_heading_is_words_whatever_becomes_of_it(
    become: Callable[[str], list[str]], kind: str, card_of: Callable[..., CardInput], templates: Templates
) -> None:
    """What stood under it, facts and code, is neither lost nor put there a second time."""
    ours = render(card_of(kind), templates)
    lines = ours.text.split("\n")
    inside = list(accumulate(line.startswith("```") for line in lines))
    body = lines.index("---", 1) + 1
    headings = [n for n in range(body, len(lines)) if lines[n].startswith("#") and not inside[n] % 2]
    edits = ["\n".join([*lines[:n], *become(lines[n]), *lines[n + 1 :]]) for n in headings]

    assert len(edits) > 8
    assert edits == [merge(ours.text, ours, theirs).text for theirs in edits]


def test_a_section_that_they_copied_whole_is_theirs_and_ours_stands_once(
    adapter: Rendered, next_adapter: Rendered
) -> None:
    """A copy is words of theirs; which of the two is ours is told by what it says."""
    scope = adapter.text[adapter.text.index("## Out of scope") : adapter.text.index("## Training\n")]
    copy = edited(scope, ("Looking at pictures", "Hearing sounds"))
    merged = merge(adapter.text, next_adapter, edited(adapter.text, (scope, f"{copy}{scope}")))

    assert merged.text.index("Hearing sounds") < merged.text.index("Anything at all.")
    assert ("## Out of scope", True, "a section of theirs") in told(merged)
    assert "Looking at pictures" not in merged.text


def _plain_lines(ours: Rendered) -> list[int]:
    """Lines of running text that state no fact and are no code, from 0."""
    lines = ours.text.split("\n")
    stated = {span.line - 1 for span in ours.spans if span.fact or span.stated}
    fenced, inside = set(), False
    for number, line in enumerate(lines):
        if line.startswith("```"):
            inside = not inside
            fenced.add(number)
        elif inside:
            fenced.add(number)
    start = lines.index("---", 1) + 1
    return [
        n
        for n in range(start, len(lines))
        if n not in stated | fenced and lines[n].strip() and not lines[n].startswith(("#", "|", "!"))
    ]


def _scribbled(ours: Rendered, chance: random.Random) -> str:
    """Two lines reworded, one added, one section of their own, one tag more."""
    lines = ours.text.split("\n")
    plain = _plain_lines(ours)
    for number in chance.sample(plain, 2):
        lines[number] += " And more."
    added = chance.choice(plain)
    lines[added] += "\n\nA paragraph in between."
    headings = [n for n, line in enumerate(lines) if line.startswith("## ") and n > 60]
    before = chance.choice(headings)
    lines[before] = f"{FAQ}\n{lines[before]}"
    return "\n".join(lines)


def _vandalised(text: str, chance: random.Random) -> str:
    """Any lines changed, doubled or dropped, code and facts among them; the front matter stays closed."""
    lines = text.rstrip("\n").split("\n")
    start = lines.index("---", 1) + 1
    for _ in range(12):
        number = chance.randrange(start, len(lines))
        if lines[number].startswith("```"):
            continue
        lines[number : number + 1] = chance.choice([[], [lines[number]] * 2, [lines[number][::-1]], ["?"]])
    return "\n".join(lines) + "\n"


# --- the body


def test_a_section_of_theirs_stays_behind_the_one_it_stood_behind(
    adapter: Rendered, next_adapter: Rendered
) -> None:
    """The card grows around it: a new section of ours comes where ours stand, theirs where they put it."""
    theirs = edited(adapter.text, ("## Licence", f"{FAQ}\n## Licence"))
    merged = merge(adapter.text, next_adapter, theirs)

    assert edited(next_adapter.text, ("## Licence", f"{FAQ}\n## Licence")) == merged.text
    assert [("## Questions", True, "a section of theirs")] == told(merged)


def test_a_section_of_theirs_stays_where_ours_in_front_of_it_is_dropped(
    adapter: Rendered, card_of: Callable[..., CardInput], templates: Templates
) -> None:
    """Its neighbour going is no reason to go."""
    card = card_of("adapter", without=ONE_BLOCK)
    ours = render(replace(card, prose=tuple(p for p in card.prose if p.section != "out_of_scope")), templates)
    theirs = edited(adapter.text, ("## Training\n", f"{FAQ}\n## Training\n"))
    merged = merge(adapter.text, ours, theirs)

    assert "## Out of scope" not in merged.text
    assert edited(ours.text, ("## Training\n", f"{FAQ}\n## Training\n")) == merged.text


def test_a_section_of_theirs_at_the_end_stays_at_the_end(adapter: Rendered, next_adapter: Rendered) -> None:
    """Where most people append."""
    merged = merge(adapter.text, next_adapter, f"{adapter.text}\n{FAQ}")

    assert f"{next_adapter.text}\n{FAQ}" == merged.text


def test_a_heading_that_they_changed_is_the_same_section(adapter: Rendered, next_adapter: Rendered) -> None:
    """Else the section would stand there twice, its table of facts with it."""
    merged = merge(
        adapter.text, next_adapter, edited(adapter.text, ("## Training\n", "## How it was made\n"))
    )

    assert edited(next_adapter.text, ("## Training\n", "## How it was made\n")) == merged.text
    assert 1 == merged.text.count("| LoRA rank r |")


def test_an_edit_in_an_authors_prose_is_kept_and_named_by_its_file(
    adapter: Rendered, next_adapter: Rendered
) -> None:
    """`hubpub pull` takes it home from there."""
    merged = merge(adapter.text, next_adapter, edited(adapter.text, (FIRST_LIMIT, "- Drawn by a program.")))
    (edit,) = merged.edits
    (prose,) = merged.prose

    assert ("## Limitations", True, "prose", LIMITS) == (edit.place, edit.kept, edit.why, edit.path)
    assert (LIMITS, "limitations") == (prose.region.path, prose.region.section)
    assert prose.before.replace(FIRST_LIMIT, "- Drawn by a program.") == prose.after


def test_a_line_added_at_the_end_of_prose_belongs_to_it(adapter: Rendered) -> None:
    """A further limitation is the edit that people make."""
    last = "see the evaluation before using that variant."
    merged = merge(adapter.text, adapter, edited(adapter.text, (last, f"{last}\n- It is slow.")))

    assert [LIMITS] == [edit.path for edit in merged.edits]
    assert merged.prose[0].after.endswith("\n- It is slow.")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| LoRA rank r | 64 |", "| LoRA rank r | 32 |"),
        ("of 64 held-out rows", "of 640 held-out rows"),
        ("- 160 examples is few;", "- That is few;"),
    ],
)
def test_an_edit_on_a_fact_is_shown_with_both_values_and_ours_wins(
    old: str, new: str, adapter: Rendered
) -> None:
    """The evidence stands behind ours, in the author's own prose as well."""
    merged = merge(adapter.text, adapter, edited(adapter.text, (old, new)))
    (edit,) = merged.edits

    assert adapter.text == merged.text
    assert (False, "states a fact") == (edit.kept, edit.why)
    assert old in edit.ours
    assert new in edit.theirs


def test_words_around_a_fact_may_change(adapter: Rendered) -> None:
    """The claim is the same."""
    theirs = edited(adapter.text, ("| LoRA rank r | 64 |", "| Rank of LoRA | 64 |"))

    assert theirs == merge(adapter.text, adapter, theirs).text


def test_one_fact_in_a_table_costs_no_other_edit_of_it(adapter: Rendered) -> None:
    """Neighbouring lines are judged one by one."""
    theirs = edited(
        adapter.text, ("| LoRA rank r | 64 |\n| LoRA alpha | 16 |", "| LoRA rank r | 32 |\n| Alpha | 16 |")
    )
    merged = merge(adapter.text, adapter, theirs)

    assert edited(adapter.text, ("| LoRA alpha | 16 |", "| Alpha | 16 |")) == merged.text
    assert [False, True] == [edit.kept for edit in merged.edits]


def test_code_stays_as_it_was_proven(adapter: Rendered) -> None:
    """It is executed from the rendering, and readers must copy what was executed."""
    theirs = edited(adapter.text, ("do_sample=False", "do_sample=True"))
    merged = merge(adapter.text, adapter, theirs)

    assert adapter.text == merged.text
    assert [("## Usage", False, "code that was proven")] == told(merged)
    assert "do_sample=True" in merged.edits[0].theirs


def test_a_code_block_of_theirs_inside_a_section_of_ours_is_kept(adapter: Rendered) -> None:
    """It is theirs; nothing here runs it."""
    theirs = edited(adapter.text, ("## Intended use\n", "```bash\nls\n```\n\n## Intended use\n"))

    assert theirs == merge(adapter.text, adapter, theirs).text


@pytest.mark.parametrize(
    ("old", "new"),
    [("## Intended use\n", "```\n\n## Intended use\n"), ("```python\n", "~~~python\n")],
)
def test_what_would_turn_our_code_into_text_is_refused(old: str, new: str, adapter: Rendered) -> None:
    """One stray fence turns the rest of a page inside out."""
    theirs = edited(adapter.text, (old, new))
    merged = merge(adapter.text, adapter, theirs)

    assert adapter.text == merged.text
    assert [("the whole README", False, "a code block in it is not closed")] == told(merged)


def test_lines_that_both_sides_changed_are_ours_and_shown(adapter: Rendered, next_adapter: Rendered) -> None:
    """Which is better only the author knows; nothing is lost without a word."""
    old = "Looking at pictures: the model reads"
    merged = merge(adapter.text, next_adapter, edited(adapter.text, (old, "Pictures: the model reads")))

    assert next_adapter.text == merged.text
    assert [("## Out of scope", False, "changed on both sides")] == told(merged)
    assert "Anything at all." in merged.edits[0].ours
    assert "Pictures: the model reads" in merged.edits[0].theirs


def test_the_same_edit_on_both_sides_is_none(adapter: Rendered, next_adapter: Rendered) -> None:
    """What was pulled home renders to what is there."""
    assert Merge(next_adapter.text) == merge(adapter.text, next_adapter, next_adapter.text)


SECTIONS_OF_NUMBERS = ("## Evaluation", "### Answers", "### Differences")


def test_a_section_that_they_took_out_stays_out_unless_it_states_facts(adapter: Rendered) -> None:
    """Words may go; what was measured may not."""
    scope = adapter.text[adapter.text.index("## Out of scope") : adapter.text.index("## Training\n")]
    results = adapter.text[adapter.text.index("## Evaluation") : adapter.text.index("## Architecture")]
    merged = merge(adapter.text, adapter, edited(adapter.text, (scope, ""), (results, "")))

    assert edited(adapter.text, (scope, "")) == merged.text
    assert {
        ("## Out of scope", True, "taken out"),
        *((heading, False, "taken out, with facts or code in it") for heading in SECTIONS_OF_NUMBERS),
    } == set(told(merged))


def test_sections_that_they_put_in_another_order_stay_so(adapter: Rendered, next_adapter: Rendered) -> None:
    """The order is theirs as long as ours does not change."""
    scope = adapter.text[adapter.text.index("## Out of scope") : adapter.text.index("## Training\n")]
    theirs = edited(adapter.text, (scope, ""), ("## Intended use", f"{scope}## Intended use"))

    assert theirs == merge(adapter.text, adapter, theirs).text
    text = merge(adapter.text, next_adapter, theirs).text
    assert text.index("## Out of scope\n\nAnything at all.") < text.index("## Intended use")


def test_windows_line_ends_and_a_byte_order_mark_are_no_edits(adapter: Rendered) -> None:
    """Some editors cannot help it."""
    assert Merge(adapter.text) == merge(adapter.text, adapter, "\ufeff" + adapter.text.replace("\n", "\r\n"))


def test_unusual_line_breaks_stay_inside_their_lines(adapter: Rendered) -> None:
    """Pasted text carries them; Markdown knows none of them as a line's end."""
    theirs = edited(adapter.text, (FIRST_LIMIT, "- Drawn\u2028by a\x0cprogram."))

    assert theirs == merge(adapter.text, adapter, theirs).text


@pytest.mark.parametrize("theirs", ["", "\n", "gone\n", "---\n---\n", "# Title\n" * 3000, "x" * (5 << 20)])
def test_a_readme_that_was_replaced_whole_leaves_our_facts_and_code(theirs: str, adapter: Rendered) -> None:
    """The worst that the website can do."""
    merged = merge(adapter.text, adapter, theirs)

    assert "| LoRA rank r | 64 |" in merged.text
    assert "PeftModel.from_pretrained" in merged.text
    assert parse(adapter.text).front_matter == parse(merged.text).front_matter
    assert not all(edit.kept for edit in merged.edits)


# --- front matter


def test_fields_and_list_items_of_theirs_survive(adapter: Rendered) -> None:
    """A tag more, a tag less, a field of their own: ours with the same done to it."""
    theirs = edited(
        adapter.text,
        ("- aerial\n", "- remote-sensing\n"),
        ("library_name: peft", "thumbnail: a.png\nlibrary_name: peft"),
    )
    ours = Rendered(edited(adapter.text, ("- qlora\n", "- qlora\n- new\n")), (), ())
    merged = merge(adapter.text, ours, theirs)
    fields = parse(merged.text).front_matter

    assert ["lora", "qlora", "new", "referring-expressions", "remote-sensing"] == fields["tags"]
    assert "a.png" == fields["thumbnail"]
    assert {("front matter: tags", True, "a field"), ("front matter: thumbnail", True, "a field")} == set(
        told(merged)
    )


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("license: apache-2.0", "license: mit", "license"),
        ("base_model: luisml77/", "base_model: someone/", "base_model"),
        ("pipeline_tag: text-generation", "pipeline_tag: text2text", "pipeline_tag"),
        ("      value: 3.49443", "      value: 1.0", "model-index"),
    ],
)
def test_a_field_that_is_written_from_facts_is_ours_and_both_values_are_shown(
    old: str, new: str, key: str, adapter: Rendered
) -> None:
    """Another licence on the website is another claim than the evidence's."""
    merged = merge(adapter.text, adapter, edited(adapter.text, (old, new)))
    (edit,) = merged.edits

    assert adapter.text == merged.text
    assert (f"front matter: {key}", False, "written from facts") == (edit.place, edit.kept, edit.why)
    assert new.split(": ")[1] in edit.theirs


@pytest.mark.parametrize(
    "block",
    [
        "license: [mit",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "x: " + "[" * 3000,
        "- no\n- mapping",
    ],
)
def test_front_matter_that_cannot_be_read_is_ours_and_the_body_is_merged_still(
    block: str, adapter: Rendered
) -> None:
    """A colon too much on the website must not cost the other edits."""
    body = edited(adapter.text, (FIRST_LIMIT, "- Drawn."))
    theirs = f"---\n{block}\n---\n" + parse(body).body
    merged = merge(adapter.text, adapter, theirs)

    assert body == merged.text
    assert ("front matter", False, "it cannot be read") == told(merged)[0]


def test_a_torn_front_matter_does_not_end_up_in_the_text(adapter: Rendered) -> None:
    """Its lines would stand above the title as words."""
    theirs = adapter.text.removeprefix("---\n")
    merged = merge(adapter.text, adapter, theirs)

    assert adapter.text == merged.text
    assert [("front matter", False, "it is gone")] == told(merged)


# --- lines


@pytest.mark.parametrize("seed", range(200))
def test_hunks_tell_all_three_versions_apart(seed: int) -> None:
    """From the hunks and one version the others follow; both sides' changes are told from each other's."""
    chance = random.Random(seed)
    base = [chance.choice("abcdef") for _ in range(chance.randrange(9))]

    def version() -> list[str]:
        lines = list(base)
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(lines) + 1)
            lines[at : at + chance.randrange(2)] = [
                chance.choice("abcxyz") for _ in range(chance.randrange(3))
            ]
        return lines

    ours, theirs = version(), version()
    built: dict[str, list[str]] = {"base": [], "ours": [], "theirs": []}
    at = 0
    for hunk in hunks(base, ours, theirs):
        for name, side in (("base", base), ("ours", ours), ("theirs", theirs)):
            built[name] += base[at : hunk.base[0]] + side[slice(*getattr(hunk, name))]
        at = hunk.base[1]
        parts = [base[slice(*hunk.base)], ours[slice(*hunk.ours)], theirs[slice(*hunk.theirs)]]
        assert {
            "ours": parts[0] == parts[2] != parts[1],
            "theirs": parts[0] == parts[1] != parts[2],
            "alike": parts[1] == parts[2],
            "both": parts[1] != parts[2],
        }[hunk.changed]
    built = {name: lines + base[at:] for name, lines in built.items()}

    assert {"base": base, "ours": ours, "theirs": theirs} == built
