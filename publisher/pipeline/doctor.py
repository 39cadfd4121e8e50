"""What this machine can do, who the Hub says we are, and what one release would need of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.engine.worker import INSTALL
from publisher.errors import Exit, HubpubError
from publisher.hub.port import Account, Hub
from publisher.manifest.schema import Manifest
from publisher.pipeline.ability import Ability
from publisher.pipeline.effort import Effort, effort_of
from publisher.pipeline.four_bit import four_bit
from publisher.pipeline.git_identity import git_identity
from publisher.pipeline.machine import Machine
from publisher.pipeline.opened import Release
from publisher.pipeline.rights import Asker, Right
from publisher.pipeline.services import LastVersion, Source, Wishes
from publisher.pipeline.steps.preflight import preflight
from publisher.records.artifacts import RepoRef


@dataclass(frozen=True)
class Needs:
    """What one release needs, and whether it is there.

    `peak_bytes` of disk; None where it cannot be told. `rights` has those of each repo, by its id. `effort`: memory and
    time; None where nobody tells the base's sizes.
    """

    problems: tuple[HubpubError, ...]
    peak_bytes: int | None
    base: Right
    rights: Mapping[str, tuple[Right, ...]]
    effort: Effort | None

    @property
    def exit_code(self) -> Exit:
        """3 where a right is missing, 4 where this machine cannot, else what the first problem ends in."""
        exits = [problem.exit_code for problem in self.problems]
        every = [self.base, *(right for rights in self.rights.values() for right in rights)]
        if Exit.HUB in exits or any(right.answer == "missing" for right in every):
            return Exit.HUB
        if Exit.MACHINE in exits:
            return Exit.MACHINE
        return exits[0] if exits else Exit.DONE


def abilities_of(
    machine: Machine, hub: Hub, account: Account | HubpubError, root: Path, *, in_four_bit: bool
) -> tuple[Ability, ...]:
    """What this machine can do, and whether the Hub and git know us. `in_four_bit`: try that as well, in a child."""
    return (
        _models(machine),
        _accelerator(machine),
        *((four_bit(machine),) if in_four_bit else ()),
        _isolation(machine),
        _reachable(hub, account),
        _account(hub, account),
        git_identity(root),
    )


def uses_four_bit(manifest: Manifest) -> bool:
    """Whether a release trains in 4-bit, or makes a 4-bit artifact."""
    return "nf4" in manifest.artifacts or (manifest.train is not None and manifest.train.method == "qlora")


def _models(machine: Machine) -> Ability:
    if machine.missing:
        return Ability("models", "missing", f"not installed: {', '.join(machine.missing)}", INSTALL)
    return Ability("models", "ok", "all packages that make and prove models are installed")


def _accelerator(machine: Machine) -> Ability:
    if machine.gpus:
        return Ability("accelerator", "ok", "; ".join(machine.gpus))
    why = "no GPU that nvidia-smi knows of: models run on the CPU"
    return Ability("accelerator", "missing", why, "to train on another machine: hubpub train NAME --on jobs")


def _isolation(machine: Machine) -> Ability:
    if machine.isolation.startswith("namespaces"):
        return Ability("isolation", "ok", f"code of models and cards runs in {machine.isolation}")
    mend = (
        "let this user make namespaces: sysctl user.max_user_namespaces; in a container its seccomp profile"
    )
    return Ability("isolation", "missing", f"code of models and cards is held by {machine.isolation}", mend)


def _reachable(hub: Hub, account: Account | HubpubError) -> Ability:
    """Whoever knows us has answered; else it is asked, once and without a token."""
    asked = isinstance(account, Account) and not hub.is_keyless
    if isinstance(account, HubpubError) and account.code == "HP-H01":
        silence: HubpubError | None = account
    else:
        silence = None if asked else hub.unreachable()
    if silence is not None:
        return Ability("hub", "missing", silence.what, silence.hint)
    return Ability("hub", "ok", f"{hub.endpoint} answers")


def _account(hub: Hub, account: Account | HubpubError) -> Ability:
    if isinstance(account, HubpubError):
        return Ability("account", "missing", account.what, account.hint)
    kind = "a keyless job" if hub.is_keyless else "whose token it is"
    return Ability("account", "ok", f"{account.name}, {kind}")


def ask_account(hub: Hub) -> Account | HubpubError:
    """Who the Hub says we are, or why it does not say."""
    try:
        return hub.account()
    except HubpubError as refusal:
        return refusal


def needs_of(
    release: Release, machine: Machine, hub: Hub, source: Hub, account: Account | HubpubError
) -> Needs:
    """Hold a release against this machine and the Hub. Changes nothing."""
    problems, peak = _preflight(release, hub, source)
    effort = effort_of(release, source, machine)
    problems += [effort.problem] if effort is not None and effort.problem is not None else []
    asker = Asker(hub, account) if isinstance(account, Account) else Asker(hub, None, account)
    identity, collection = release.identity, release.manifest.collection
    owner = list(identity.refs.values())[-1].repo_id.split("/")[0]  # as promoting does it
    rights = {
        ref.repo_id: asker.rights(ref, private=identity.private[kind], collection=collection, owner=owner)
        for kind, ref in identity.refs.items()
    }
    return Needs(tuple(problems), peak, _base(release.manifest, source, problems), rights, effort)


def _preflight(release: Release, hub: Hub, source: Hub) -> tuple[list[HubpubError], int | None]:
    last = LastVersion(release.version_before(hub.host), release.repos_before(hub.host))
    try:
        found = preflight(
            release.paths, hub, Source(source), release.manifest, release.identity, Wishes(), last
        )
    except HubpubError as first:
        return list(first.data.get("all", [first])), first.data.get("peak_bytes") or None
    return [], found.peak_bytes


def _base(manifest: Manifest, source: Hub, problems: list[HubpubError]) -> Right:
    base = manifest.base
    if base is None:
        return Right("read base", "ok", "not needed: a dataset is released by itself")
    if base.folder or base.package:
        return Right("read base", "ok", "not needed: it lies on this machine")
    if any(problem.code == "HP-H01" for problem in problems):  # it was waited for once
        return Right("read base", "unknown", f"{source.endpoint} cannot be reached")
    refusal = source.refusal(RepoRef(str(base.model)))
    if refusal is None:
        return Right("read base", "ok", "asked")
    return Right("read base", "missing", refusal.what, refusal.hint)
