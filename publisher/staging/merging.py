"""A pull request held against the branch that it goes to: what they have in common, what a merge of both is."""

from __future__ import annotations

from publisher.staging.gitstore import GitRepo
from publisher.staging.trees import Files, merged


def merge_of(git: GitRepo, ref: str, base: str) -> tuple[Files, list[str]]:
    """The files of both together, and the paths that they changed in different ways."""
    before, ours, theirs = common(git, ref, base), git.resolve(base), git.resolve(ref)
    return merged(git.files(before) if before else {}, git.files(ours), git.files(theirs))


def common(git: GitRepo, ref: str, base: str) -> str | None:
    """The last commit that a pull request and its branch have in common; none once one of them was squashed."""
    before = {record.id for record in git.history(git.resolve(base))}
    return next((each.id for each in git.history(git.resolve(ref)) if each.id in before), None)


def commit_list(git: GitRepo, ref: str, base: str) -> str:
    """The commits of a pull request, newest first, as the message of its merge tells them."""
    before = {record.id for record in git.history(git.resolve(base))}
    new = []
    for record in git.history(git.resolve(ref)):
        if record.id in before:
            break
        new.append(f"- {record.title} ({record.id})")
        if record.message:
            new.append(record.message)
    return "\n".join(new)
