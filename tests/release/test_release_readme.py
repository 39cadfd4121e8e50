"""READMEs that others edit on the website: merged, release after release, and never a reason to fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from release_family import NAME, Family, look, push, read

from publisher.card.banner import with_banner
from publisher.card.trace import Region, Rendered, Span
from publisher.errors import HubpubError
from publisher.hub.port import Add, Delete, Hub
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import README, RENDERING, Kind
from publisher.records.plans import Package, Plan
from publisher.records.receipts import Promoted
from publisher.release.plan import make_plan
from publisher.release.readme import settle

CARD = """---
license: mit
tags:
- aerial
---

# Demo

A model of 64 layers.

## Usage

```python
import demo
```

## Limitations

It cannot add.
Nor subtract.

## Licence

MIT.
"""
FAQ = "## Questions\n\nIs it good? No.\n\n```python\nimport os\n```\n\n"


@dataclass
class Carded(Family):
    """A family whose cards are rendered from CARD, and merged with what is on the Hub, as the pipeline does."""

    hub: Hub | None = None
    card: str = CARD
    asked: list[Kind] = field(default_factory=list)  # whose trace was asked for

    def rendered(self, kind: Kind) -> Rendered:
        """The card, with one fact and one region of prose."""
        self.asked.append(kind)
        text = self.card.encode()
        fact, prose = text.index(b"64"), text.index(b"It cannot")
        line = self.card[: self.card.index("64")].count("\n") + 1
        first = self.card[: self.card.index("It cannot")].count("\n") + 1
        end = text.index(b"\n\n## Licence")
        return Rendered(
            self.card,
            (Span(fact, fact + 2, line, "64", fact="layers"),),
            (Region(prose, end, first, "limitations", "limits.md"),),
        )

    def packages(self) -> tuple[Package, ...]:
        assert self.hub is not None
        for kind in self.kinds:
            self.write(kind, README, self.card.encode())
            (self.root / kind / RENDERING).unlink(missing_ok=True)
        packed = super().packages()
        settled = settle(
            self.hub, NAME, packed, dict.fromkeys(self.kinds, self.card), self.rendered, self.former
        )
        for package in settled:
            assert package.readme is not None
            for path, text in package.readme.texts.items():
                self.write(package.kind, path, text.encode())
        return settled

    def release(self, hub: Hub, *, asked: str | None = None, **more: object) -> tuple[Plan, Promoted]:
        """The whole way; the packages are put together once, as in the pipeline."""
        packages = self.packages()
        self.packages = lambda: packages  # type: ignore[method-assign]
        try:
            return super().release(hub, asked=asked)
        finally:
            del self.packages

    def readme(self) -> str:
        """What main of the adapter's repo holds."""
        assert self.hub is not None
        return read(self.hub, self.ref("adapter"), README).decode()

    def edit(self, *changes: tuple[str, str]) -> str:
        """Someone edits the README on the website."""
        text = self.readme()
        for old, new in changes:
            assert 1 == text.count(old), old
            text = text.replace(old, new)
        assert self.hub is not None
        push(self.hub, self.ref("adapter"), (README, text.encode()))
        return text


_numbers = iter(range(1, 1000))


@pytest.fixture
def carded(hub: RemoteHub, tmp_path: Path) -> Carded:
    """One released repo with a card."""
    family = Carded(tmp_path, f"carded{next(_numbers)}", ("adapter",), hub=hub)
    family.release(hub)
    return family


def edits(plan: Plan) -> list[tuple[str, bool]]:
    """Place and whether it is kept, of every edit that a plan tells of."""
    return [(e.place, e.kept) for repo in plan.repos for s in repo.operations for e in s.edits]


def test_edits_made_on_the_website_survive_release_after_release(hub: RemoteHub, carded: Carded) -> None:
    """Each time the base is what we rendered last, not what we published last: else they would pass for our words."""
    theirs = carded.edit(
        ("It cannot add.", "It adds badly."),
        ("## Licence", f"{FAQ}## Licence"),
        ("- aerial\n", "- aerial\n- maps\n"),
    )
    for number in (1, 2, 3):
        old, carded.card = carded.card, CARD.replace("MIT.", f"MIT, {number} times.")
        plan, _ = carded.release(hub)
        theirs = theirs.replace(old[old.index("MIT") :], carded.card[carded.card.index("MIT") :])

        assert theirs == carded.readme()
        assert carded.card == read(hub, carded.ref("adapter"), RENDERING).decode()
        assert f"1.0.0+card.{number}" == plan.label
        assert {("## Limitations", True), ("## Questions", True), ("front matter: tags", True)} == set(
            edits(plan)
        )
        assert not carded.plan(hub).changes_anything


def test_an_edit_alone_is_nothing_to_do_and_told(hub: RemoteHub, carded: Carded) -> None:
    """It is on main already; without a commit of ours nothing needs to lie beside it."""
    theirs = carded.edit(("It cannot add.", "It adds badly."))
    plan = carded.plan(hub)
    (readme,) = [s for s in plan.repos[0].operations if s.path == README]

    assert not plan.changes_anything
    assert ("unchanged", "kept 1 edit made on the Hub") == (readme.op, readme.note)
    assert [("limits.md", "It cannot add.", "It adds badly.")] == [
        (e.path, e.ours, e.theirs) for e in readme.edits
    ]
    assert RENDERING not in {s.path for s in plan.repos[0].operations}
    assert len(theirs.encode()) == readme.size


def test_a_new_version_takes_an_edit_along(hub: RemoteHub, carded: Carded) -> None:
    """Weights change; the words that others wrote stay, and what we rendered lies beside them."""
    theirs = carded.edit(("It cannot add.", "It adds badly."))
    carded.write("adapter", "adapter_config.json", b'{"r": 8}')
    carded.release(hub, asked="1.1.0")
    ref = carded.ref("adapter")

    assert theirs == read(hub, ref, README, "v1.1.0").decode()
    assert CARD == read(hub, ref, RENDERING, "v1.1.0").decode()
    assert not carded.plan(hub, asked="1.1.0").changes_anything


def test_what_the_author_took_over_is_no_edit_any_more(hub: RemoteHub, carded: Carded) -> None:
    """And the rendering beside the README goes with the last difference."""
    theirs = carded.edit(("It cannot add.", "It adds badly."))
    carded.card = CARD.replace("Nor subtract.", "Nor divide.")
    carded.release(hub)
    carded.card = carded.card.replace("It cannot add.", "It adds badly.")
    # what the region began with has changed: its place is found by its first words
    carded.rendered = lambda kind: Rendered(carded.card, ())  # type: ignore[method-assign]
    plan, _ = carded.release(hub)

    assert theirs.replace("Nor subtract.", "Nor divide.") == carded.card == carded.readme()
    assert [] == edits(plan)
    assert {("delete", RENDERING)} == {(s.op, s.path) for s in plan.repos[0].changes if s.op == "delete"}
    assert RENDERING not in look(hub, carded.ref("adapter")).files
    assert not carded.plan(hub).changes_anything


def test_an_edit_on_a_fact_is_overridden_once_and_shown_with_both_sides(
    hub: RemoteHub, carded: Carded
) -> None:
    """The evidence says ours; afterwards there is nothing to tell."""
    carded.edit(("64 layers", "640 layers"))
    plan, _ = carded.release(hub)
    (readme,) = [s for s in plan.repos[0].operations if s.path == README]

    assert ("upload", "1 edit made on the Hub overridden") == (readme.op, readme.note)
    assert [("A model of 64 layers.", "A model of 640 layers.")] == [(e.ours, e.theirs) for e in readme.edits]
    assert CARD == carded.readme()
    assert [] == edits(carded.plan(hub))
    assert RENDERING not in look(hub, carded.ref("adapter")).files


def test_both_sides_in_one_place_is_no_conflict(hub: RemoteHub, carded: Carded) -> None:
    """It was one, once: a README-only edit never fails a release."""
    carded.edit(("It cannot add.", "It adds badly."), ("MIT.", "MIT, theirs."))
    carded.card = CARD.replace("MIT.", "MIT, ours.")
    plan, _ = carded.release(hub)

    assert {("## Limitations", True), ("## Licence", False)} == set(edits(plan))
    assert "It adds badly." in carded.readme()
    assert "MIT, ours." in carded.readme()


@pytest.mark.parametrize("theirs", [None, b"---\nx: 1\n---\n", b"---\nlicense: mit\n---\nno card at all\n"])
def test_a_readme_that_was_deleted_or_emptied_is_written_again(
    hub: RemoteHub, carded: Carded, theirs: bytes | None
) -> None:
    """A model without a card is worse than an edit lost with a word."""
    push(hub, carded.ref("adapter"), Delete(README) if theirs is None else (README, theirs))
    plan, _ = carded.release(hub)

    assert {"64 layers", "import demo", "license: mit"} == parts_of(carded.readme())
    assert edits(plan)


def parts_of(text: str) -> set[str]:
    """What must be there whatever else is: facts, code and the fields from facts."""
    return {part for part in ("64 layers", "import demo", "license: mit") if part in text}


def test_a_repo_that_others_had_before_gets_our_card(hub: RemoteHub, tmp_path: Path) -> None:
    """We never published there: what is in it is no edit of ours."""
    family = Carded(tmp_path, f"carded{next(_numbers)}", ("adapter",), hub=hub)
    hub.create(family.ref("adapter"), private=True)
    push(hub, family.ref("adapter"), (README, b"---\nlicense: mit\n---\n# Theirs\n"))
    plan, _ = family.release(hub)

    assert CARD == family.readme()
    assert [] == edits(plan)


def test_a_death_between_two_repos_ends_in_the_same_state(hub: RemoteHub, tmp_path: Path) -> None:
    """The merged README of the repo that was promoted merges to itself, and the other one is finished."""
    family = Carded(tmp_path, f"carded{next(_numbers)}", ("dataset", "adapter"), hub=hub)
    family.release(hub)
    family.edit(("It cannot add.", "It adds badly."))
    family.card = CARD.replace("MIT.", "MIT, again.")
    whole = family.packages()
    plan = family.plan(hub)
    staged = family.stage(hub, plan)
    proven = family.verify(hub, plan, staged)

    class Dead(BaseException):
        pass

    class Dying:
        def __getattr__(self, name: str) -> object:
            real = getattr(hub, name)
            if name != "commit":
                return real

            def commit(ref: object, *args: object, **kwargs: object) -> str:
                made = real(ref, *args, **kwargs)
                if ref == family.ref("dataset"):
                    raise Dead
                return str(made)

            return commit

    with pytest.raises(Dead):
        family.promote(Dying(), plan, staged, proven)  # type: ignore[arg-type]
    again, _ = family.release(hub)

    assert plan.label == again.label == "1.0.0+card.1"
    assert whole[1].readme is not None
    assert whole[1].readme.text == family.readme()
    assert not family.plan(hub).changes_anything


def test_an_edit_between_merge_and_plan_is_not_overwritten(hub: RemoteHub, carded: Carded) -> None:
    """The merge has not seen it; the next run has."""
    carded.edit(("It cannot add.", "It adds badly."))
    carded.card = CARD.replace("MIT.", "MIT, again.")
    packages = carded.packages()
    carded.edit(("Nor subtract.", "Nor multiply."))
    with pytest.raises(HubpubError) as caught:
        make_plan(hub, NAME, packages, carded.version(hub))

    assert ("HP-H05", README) == (caught.value.code, caught.value.data["path"])
    carded.release(hub)
    assert "Nor multiply." in carded.readme()


def test_a_trace_is_asked_for_only_where_there_are_edits(hub: RemoteHub, carded: Carded) -> None:
    """Rendering all cards takes longer than finding that nothing changed."""
    carded.asked.clear()
    carded.plan(hub)
    before = list(carded.asked)
    carded.edit(("MIT.", "MIT!"))
    carded.plan(hub)

    assert ([], ["adapter"]) == (before, list(dict.fromkeys(carded.asked)))


def test_the_banner_of_a_rollback_is_no_edit_of_others(hub: RemoteHub, carded: Carded) -> None:
    """It stands above a merged README; the next version drops it, and keeps what others wrote."""
    carded.edit(("It cannot add.", "It adds badly."))
    carded.card = CARD.replace("MIT.", "MIT, again.")
    carded.release(hub)
    shown = with_banner(carded.readme(), "> **Withdrawn: 1.1.0.** It was worse.")
    state = hub.state(carded.ref("adapter"))
    assert state is not None
    hub.commit(
        carded.ref("adapter"),
        "main",
        [Add(README, shown.encode())],
        title="demo back to 1.0.0: adapter",
        body=f"hubpub: {NAME} 1.0.0 {'0' * 16}",
        parent=str(state.head),
    )
    carded.card = CARD.replace("MIT.", "MIT, for good.")
    plan, _ = carded.release(hub)

    assert [("## Limitations", True)] == edits(plan)
    assert "Withdrawn" not in carded.readme()
    assert "It adds badly." in carded.readme()
