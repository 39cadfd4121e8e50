"""Sending readers on: the card of an older repo names the one that replaces it, in its field `new_version`.

That field is all that changes there: one guarded commit, the card's other fields and its words byte for byte as they
were. The Hub shows a note to whoever opens the older model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from publisher.card.readme import BLOCK, parse
from publisher.errors import HubpubError
from publisher.hub.port import Add, Hub, RepoState
from publisher.hub.retry import retried
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.digest import digest
from publisher.records.plans import Supersede
from publisher.release.commit import commit_once
from publisher.release.conflict import same_repo
from publisher.release.journal import Journal

FIELD = re.compile(r"^new_version[ \t]*:[^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*", re.MULTILINE)
ATTEMPTS = 3  # somebody may be editing that card just now


def plan_superseded(
    hub: Hub, refs: Mapping[Kind, RepoRef], private: Mapping[Kind, bool], supersedes: Mapping[Kind, str]
) -> tuple[Supersede, ...]:
    """The older repos whose cards do not name ours yet. Reads only.

    `refs` and `private` are those of the release, `supersedes` says which repo each artifact replaces.

    Raises:
        HubpubError: HP-M01 where a repo would replace itself, or a private one a public one; HP-H04 where there is
            no such repo; HP-H03 where its files may not be written; HP-H06 where its card cannot be read.
    """
    found = []
    for kind, old_id in supersedes.items():
        state, new = hub.state(RepoRef(old_id)), refs[kind].repo_id
        if state is None or state.head is None:
            raise HubpubError(
                "HP-H04",
                f"{old_id}, which {new} shall replace, does not exist, or this account may not see it",
                where=f"{hub.endpoint}/{old_id}",
                hint="check supersedes: in the manifest",
            )
        if any(same_repo(state.ref, own) for own in refs.values()):
            raise _fault(f"{old_id} is a repo of this release, and cannot be replaced by it")
        if private[kind] and not state.private:
            raise _fault(
                f"{new} is private, so readers of {old_id}, which is public, would find nothing there"
            )
        before = _readme(hub, state)
        if with_new_version(before, new) == before:
            continue
        if hub.refusal(state.ref, write=True) is not None:
            raise HubpubError(
                "HP-H03",
                f"this account may not write to {old_id}, whose card shall name {new}",
                where=f"{hub.endpoint}/{old_id}",
                hint="ask its owner, or take supersedes: out of the manifest",
            )
        was = parse(before.decode()).front_matter.get("new_version")
        found.append(Supersede(state.ref, new, None if was is None else str(was)))
    return tuple(found)


def supersede(hub: Hub, superseded: Sequence[Supersede], name: str, label: str, journal: Journal) -> None:
    """Have each older repo's card name ours. What is so already stays as it is.

    Raises:
        HubpubError: as the Hub refuses; HP-H05 where that card keeps changing.
    """
    for each in superseded:
        with journal.step("supersede", repo=each.ref.repo_id, new_version=each.new):
            for left in reversed(range(ATTEMPTS)):
                try:
                    _name_ours(hub, each, name, label)
                    break
                except HubpubError as fault:
                    if fault.code != "HP-H05" or not left:
                        raise


def with_new_version(readme: bytes, repo_id: str) -> bytes:
    """A README whose front matter names the repo that replaces this one; everything else byte for byte.

    Raises:
        HubpubError: HP-H06 where the front matter cannot be read, or not without changing more than that field.
    """
    try:
        text = readme.decode()
    except UnicodeDecodeError as fault:
        raise _unreadable("it is not UTF-8") from fault
    before = parse(text)
    if before.fault is None and before.front_matter.get("new_version") == repo_id:
        return readme
    changed = _written(text, f"new_version: {repo_id}")
    after = parse(changed)
    if before.fault or after.fault:
        raise _unreadable((before.fault or after.fault).message)  # type: ignore[union-attr]
    if after.front_matter != {**before.front_matter, "new_version": repo_id} or after.body != before.body:
        raise _unreadable("its form allows no field to be added by itself")
    return changed.encode()


def _written(text: str, line: str) -> str:
    mark = text[: len(text) - len(text.removeprefix("\ufeff"))]
    bare = text.removeprefix("\ufeff")
    block = BLOCK.match(bare)
    if block is None:
        return f"{mark}---\n{line}\n---\n{bare}"
    start, end = block.span("yaml")
    fields = bare[start:end]
    if (field := FIELD.search(fields)) is not None:
        return f"{mark}{bare[:start]}{fields[: field.start()]}{line}{fields[field.end() :]}{bare[end:]}"
    # First of all: behind the last field, it could become a part of that one's text.
    line_end = "\r\n" if "\r\n" in block[0] else "\n"
    return f"{mark}{bare[:start]}{line}{line_end}{bare[start:]}"


def _name_ours(hub: Hub, each: Supersede, name: str, label: str) -> None:
    state = hub.state(each.ref)
    if state is None or state.head is None:
        raise HubpubError(
            "HP-H04",
            f"{each.ref.repo_id} was there when this was planned, and is gone",
            where=f"{hub.endpoint}/{each.ref.repo_id}",
            hint=f"take it out of supersedes: in the manifest, then: hubpub release {name}",
        )
    before = _readme(hub, state)
    after = with_new_version(before, each.new)
    if after == before:
        return
    commit_once(
        hub,
        state.ref,
        "main",
        [Add("README.md", after)],
        mark=f"hubpub: {name} {label} {digest([each.ref.repo_id, each.new])[:16]}",
        title=f"new_version: {each.new}",
        parent=state.head,
    )


def _readme(hub: Hub, state: RepoState) -> bytes:
    """The card of a repo; empty where it has none."""
    head = str(state.head)
    if not any(file.path == "README.md" for file in hub.tree(state.ref, head)):
        return b""
    return retried(lambda: b"".join(hub.read(state.ref, head, "README.md")))


def _fault(what: str) -> HubpubError:
    return HubpubError(
        "HP-M01", what, where="release.yaml: supersedes", hint="change or remove supersedes: in the manifest"
    )


def _unreadable(why: str) -> HubpubError:
    return HubpubError(
        "HP-H06",
        f"the card of the older repo cannot be told about the new one: {why}",
        where="README.md: front matter",
        hint="mend its front matter on the Hub, or write new_version: there by hand",
    )
