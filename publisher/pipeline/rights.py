"""Which rights a release needs on its Hub, and whether they are there, as far as that can be known without trying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.errors import HubpubError
from publisher.hub.port import Account, Hub
from publisher.pipeline.ability import Ability, Answer
from publisher.records.artifacts import RepoRef

NOT_KNOWN = "cannot be known before trying"
RESERVE = "once, by hand, with a token: hubpub release NAME --reserve"
BY_HAND = "one release by hand, with a token"
MAKES = ("admin", "write", "contributor")  # roles in an organisation that may make repos there
RULES = ("admin", "write")  # that may change the settings of all of its repos


class Right(Ability):
    """One right, whether we have it, and how that is known."""


@dataclass(frozen=True)
class Asker:
    """Who would release, and where.

    `account` is None where the Hub did not say who we are; `refusal` then says why.
    """

    hub: Hub
    account: Account | None
    refusal: HubpubError | None = None

    def rights(self, ref: RepoRef, *, private: bool, collection: str | None, owner: str) -> tuple[Right, ...]:
        """All rights that a release needs on one repo. `owner` is the collection's."""
        if self.account is None:
            return self._none()
        try:
            state = self.hub.state(ref)
        except HubpubError as fault:
            if fault.code != "HP-H03":
                raise
            write = Right("write", "missing", fault.what, fault.hint)
            return (
                self._create(ref),
                write,
                *(Right(n, "unknown", NOT_KNOWN) for n in ("settings", "collection")),
            )
        if state is None:
            create = self._create(ref)
            write = Right(
                "write",
                create.answer,
                "whoever makes it may write to it" if create.answer == "ok" else create.why,
                create.mend,
            )
        else:
            create = Right("create", "ok", "not needed: it is there")
            refusal = self.hub.refusal(ref, write=True)
            write = (
                Right("write", "missing", refusal.what, refusal.hint)
                if refusal
                else Right("write", "ok", "asked")
            )
        changes = (not private) if state is None else state.private != private
        settings = (
            self._settings(ref)
            if changes
            else Right("settings", "ok", "not needed: as visible as it shall be")
        )
        return create, write, settings, self._collection(ref, collection, owner, there=state is not None)

    def _none(self) -> tuple[Right, ...]:
        known = self.refusal is not None and self.refusal.code in ("HP-H02", "HP-H03")
        why = self.refusal.what if self.refusal else NOT_KNOWN
        answer: Answer = "missing" if known else "unknown"
        mend = self.refusal.hint if self.refusal else ""
        return tuple(Right(name, answer, why, mend) for name in ("create", "write", "settings", "collection"))

    def _create(self, ref: RepoRef) -> Right:
        if self.hub.is_keyless:
            return Right("create", "missing", "a keyless run makes no repo", RESERVE)
        return self._in_namespace("create", _owner(ref), MAKES)

    def _settings(self, ref: RepoRef) -> Right:
        if self.hub.is_keyless:
            return Right("settings", "missing", "a keyless run does not change who sees a repo", BY_HAND)
        return self._in_namespace("settings", _owner(ref), RULES, repo_id=ref.repo_id)

    def _collection(self, ref: RepoRef, title: str | None, owner: str, *, there: bool) -> Right:
        if title is None:
            return Right("collection", "ok", "not needed: the manifest names none")
        if there and self.hub.collection_of(ref, owner, title) is not None:
            return Right("collection", "ok", "not needed: it is in there")
        if self.hub.is_keyless:
            return Right("collection", "missing", "a keyless run touches no collection", BY_HAND)
        return self._in_namespace("collection", owner, RULES, scope="collection.write")

    def _in_namespace(
        self, name: str, owner: str, roles: tuple[str, ...], *, scope: str = "repo.write", repo_id: str = ""
    ) -> Right:
        """What the token's kind and scopes say, and our role in the namespace. A scope may be for one repo, too."""
        account = self.account
        assert account is not None
        if self.hub.host == "local":
            return Right(name, "ok", "the embedded Hub's owner may do everything")
        if account.role == "read":
            mend = f"a token that may write: {self.hub.endpoint}/settings/tokens, then: hf auth login"
            return Right(name, "missing", "the token may only read", mend)
        if account.role == "fineGrained":
            mend = f"give it that: {self.hub.endpoint}/settings/tokens"
            return _by_scope(name, account.scopes, (owner, repo_id), scope, mend)
        if owner not in (account.name, *account.organisations):
            mend = f"have {owner} take you in, or another owner: --owner {account.name}"
            return Right(name, "missing", f"{account.name} is neither {owner} nor a member of it", mend)
        if account.role != "write":
            return Right(name, "unknown", NOT_KNOWN)
        if owner == account.name:
            return Right(name, "ok", "a token that may write, in its own namespace")
        role = account.roles.get(owner, "")
        if role in roles:
            return Right(name, "ok", f"a token that may write, and the role {role} in {owner}")
        if role == "read":
            mend = f"have an admin of {owner} give you one of: {', '.join(roles)}"
            return Right(name, "missing", f"the role read in {owner}", mend)
        return Right(name, "unknown", NOT_KNOWN)


def _owner(ref: RepoRef) -> str:
    return ref.repo_id.split("/")[0]


def _by_scope(
    name: str, scopes: Mapping[str, frozenset[str]], places: tuple[str, ...], scope: str, mend: str
) -> Right:
    """What a fine-grained token was given. Scopes that the Hub does not name decide nothing."""
    if any(scope in scopes.get(place, ()) for place in places):
        return Right(name, "ok", f"a fine-grained token with {scope}")
    if not scopes or scope != "repo.write":
        return Right(name, "unknown", NOT_KNOWN)
    return Right(name, "missing", f"a fine-grained token without {scope} for {places[0]}", mend)
