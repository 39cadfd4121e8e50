"""The one place that speaks huggingface_hub: the port, over the unmodified client."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote, urlsplit

from publisher.errors import HubpubError
from publisher.hub.oidc import CiJob, one_token_a_repo
from publisher.hub.port import (
    Account,
    Add,
    Commit,
    Copy,
    Heard,
    JobRequest,
    Operation,
    Proposal,
    RemoteFile,
    RepoState,
)
from publisher.hub.refusals import in_our_words, no_token
from publisher.hub.retry import retried
from publisher.records.artifacts import RepoRef

if TYPE_CHECKING:
    from huggingface_hub import HfApi

HF = "https://huggingface.co"
PIECE = 1 << 20
CONNECT_S = 20.0
NO_REPO = "hubpub/doctor"  # whether it exists is no matter: whoever says no has answered
ANSWER_S = 120.0  # of silence; a commit of many large files is long in coming

Result = TypeVar("Result")


@one_token_a_repo
@dataclass(frozen=True)
class RemoteHub:
    """A Hub over HTTP.

    `token` is kept out of every representation, message and file. A keyless CI `job` has none, and gets one for
    each repo; `about` is the repo that a call is about.
    """

    endpoint: str
    token: str | None = field(repr=False)
    host: str
    job: CiJob | None = None
    about: RepoRef | None = None

    def __post_init__(self) -> None:
        # The client's own words about a token that no header can carry would show it.
        if self.token and not re.fullmatch(r"[!-~]+", self.token):
            raise HubpubError(
                "HP-H02",
                "the token for this Hub has a space, a line break or another character that no token has",
                where=self.endpoint,
                hint="copy it again: hf auth login, or HF_TOKEN",
            )

    @property
    def on_this_machine(self) -> bool:
        """Whether every resolved address of the endpoint is loopback."""
        name = urlsplit(self.endpoint).hostname or ""
        try:
            found = {str(info[4][0]) for info in socket.getaddrinfo(name, None)}
        except OSError:
            return False
        return bool(found) and all(a == "::1" or a.startswith("127.") for a in found)

    @property
    def is_keyless(self) -> bool:
        """Whether each repo is written with a token of its own, that a CI job was given."""
        return self.job is not None

    @property
    def sends_chunks(self) -> bool:
        """Whether large files go over Xet: chunk by chunk, and only those that the Hub does not have."""
        settle_client(self.on_this_machine)
        from huggingface_hub import constants

        return not constants.HF_HUB_DISABLE_XET and importlib.util.find_spec("hf_xet") is not None

    def _about_repo(self, ref: RepoRef) -> RemoteHub:
        """This Hub, holding the repo's token where each repo has one of its own."""
        return replace(self, about=ref) if self.is_keyless else self

    def for_reading(self) -> RemoteHub:
        """This Hub for what is not ours, a base: a keyless job reads it as a user who trusts it, or as anyone may."""
        return replace(self, job=self.job.as_user()) if self.job else self

    @property
    def _api(self) -> HfApi:
        settle_client(self.on_this_machine)
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self._present_token, library_name="hubpub")

    @property
    def _present_token(self) -> str | Literal[False]:
        """The token to send now. An hour's token is made anew in time, so it is asked for before each request."""
        if self.job is not None and self.about is not None:
            settle_client(self.on_this_machine)
            return self.job.token_for(self.about, self._ask)
        return self.token or False

    def account(self) -> Account:
        """Who we are.

        Raises:
            HubpubError: HP-H01 unreachable, HP-H02 no valid token.
        """
        if self.job is not None:  # a token for one repo is nobody's, so there is no use in asking whose it is
            settle_client(self.on_this_machine)
            return Account(self.job.who(self._ask), ())
        if not self.token:
            raise no_token(self.endpoint)
        who: dict[str, Any] = retried(self._who)
        token = (who.get("auth") or {}).get("accessToken") or {}
        return Account(
            who["name"],
            tuple(org["name"] for org in who.get("orgs", ())),
            role=str(token.get("role") or ""),
            roles={org["name"]: str(org.get("roleInOrg") or "") for org in who.get("orgs", ())},
            scopes=_scopes(token.get("fineGrained") or {}),
        )

    def unreachable(self) -> HubpubError | None:
        """Why no Hub answers there; None where one does, whatever it says. Asked once, and without a token."""
        try:
            with in_our_words(self.endpoint):
                self._api.repo_info(NO_REPO, timeout=ANSWER_S, token=False)
        except HubpubError as fault:
            return fault if fault.code in ("HP-H01", "HP-H06") else None
        return None

    def _who(self) -> dict[str, Any]:
        try:
            with in_our_words(self.endpoint):
                return dict(self._api.whoami())
        except HubpubError as fault:
            if fault.code == "HP-H01":  # the first question to a Hub: a mistyped address is told at once
                fault.data["passing"] = False
            raise

    def state(self, ref: RepoRef) -> RepoState | None:
        """The repo's state; None where it does not exist or may not be seen."""
        try:
            info: Any = self._ask(  # the client sets no limit here unless it is given one
                lambda: self._api.repo_info(ref.repo_id, repo_type=ref.repo_type, timeout=ANSWER_S)
            )
        except HubpubError as fault:
            if fault.code == "HP-H04":
                return None
            raise
        refs = self._ask(lambda: self._api.list_repo_refs(ref.repo_id, repo_type=ref.repo_type))
        branches = {b.name: b.target_commit for b in refs.branches}
        tags = {t.name: t.target_commit for t in refs.tags}
        now = RepoRef(info.id, ref.repo_type)
        return RepoState(now, bool(info.private), bool(info.gated), branches.get("main"), branches, tags)

    def tree(self, ref: RepoRef, revision: str) -> tuple[RemoteFile, ...]:
        """All files at a revision, sorted by path."""
        api = self._api  # first: it settles what the client reads at its import
        from huggingface_hub.hf_api import RepoFile

        entries = self._ask(
            lambda: list(
                api.list_repo_tree(ref.repo_id, recursive=True, revision=revision, repo_type=ref.repo_type)
            )
        )
        files = [
            RemoteFile(e.path, e.size, e.blob_id, e.lfs.sha256 if e.lfs else None)
            for e in entries
            if isinstance(e, RepoFile)
        ]
        return tuple(sorted(files, key=lambda file: file.path))

    def read(self, ref: RepoRef, revision: str, path: str) -> Iterator[bytes]:
        """A file's bytes, as served. A body that ends early is HP-H01."""
        with in_our_words(self.endpoint), self._served(ref, revision, path) as response:
            yield from response.iter_bytes(PIECE)

    def read_range(self, ref: RepoRef, revision: str, path: str, start: int, stop: int) -> bytes:
        """The bytes of a file from `start` up to `stop`, fewer where it ends before; no others are fetched."""
        return self._ask(lambda: self._part(ref, revision, path, start, stop))

    def _part(self, ref: RepoRef, revision: str, path: str, start: int, stop: int) -> bytes:
        part = bytearray()
        with self._served(ref, revision, path, {"Range": f"bytes={start}-{stop - 1}"}) as response:
            if start > 0 and response.status_code != 206:  # what comes is the file from its first byte
                raise HubpubError(
                    "HP-H06",
                    "this Hub hands out whole files only",
                    where=self.endpoint,
                    hint="hf download the repo, and check the folder",
                )
            for piece in response.iter_bytes(PIECE):
                part += piece
                if len(part) >= stop - start:
                    break
        return bytes(part[: stop - start])

    @contextmanager
    def _served(
        self, ref: RepoRef, revision: str, path: str, more: Mapping[str, str] | None = None
    ) -> Iterator[Any]:
        """The Hub's answer to a request for a file, its body still to be read."""
        settle_client(self.on_this_machine)
        from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

        url = f"{self.endpoint}/{ref.path}/resolve/{quote(revision, safe='')}/{quote(path)}"
        headers = build_hf_headers(token=self._present_token, library_name="hubpub")
        headers = {**headers, "Accept-Encoding": "identity", **(more or {})}
        with get_session().stream("GET", url, headers=headers, follow_redirects=True) as response:
            hf_raise_for_status(response)
            yield response

    def commits(self, ref: RepoRef, revision: str) -> tuple[Commit, ...]:
        """The history of a revision, newest first."""
        found = self._ask(
            lambda: list(self._api.list_repo_commits(ref.repo_id, revision=revision, repo_type=ref.repo_type))
        )
        return tuple(Commit(c.commit_id, c.title, c.message, ", ".join(c.authors)) for c in found)

    def create(self, ref: RepoRef, *, private: bool) -> None:
        """Create a repo; one that exists already is left as it is."""
        self._refuse_where_keyless(f"makes no repo, so not {ref.repo_id}")
        self._ask(
            lambda: self._api.create_repo(
                ref.repo_id, private=private, repo_type=ref.repo_type, exist_ok=True
            )
        )

    def commit(
        self,
        ref: RepoRef,
        branch: str,
        operations: Sequence[Operation],
        *,
        title: str,
        body: str,
        parent: str,
        on_bytes: Heard | None = None,
    ) -> str:
        """Make ONE commit; see the port. Large files go first, each retried by the client itself."""
        settle_client(self.on_this_machine)
        from huggingface_hub import CommitOperationCopy, CommitOperationDelete

        from publisher.hub.upload import CountedAdd

        heard = on_bytes or (lambda size, known: None)
        wire: list[Any] = []
        for operation in operations:
            if isinstance(operation, Add):
                wire.append(CountedAdd(operation.path, operation.source, heard))
            elif isinstance(operation, Copy):
                wire.append(
                    CommitOperationCopy(operation.path, operation.path, src_revision=operation.from_revision)
                )
            else:
                wire.append(CommitOperationDelete(operation.path))
        with in_our_words(self.endpoint):
            adds = [op for op in wire if isinstance(op, CountedAdd)]
            for add in adds:
                self._api.preupload_lfs_files(  # asked for anew each time: many hours' files need many tokens
                    ref.repo_id, [add], repo_type=ref.repo_type, revision=branch, free_memory=False
                )
                add.settled()
            made = self._api.create_commit(
                ref.repo_id,
                wire,
                commit_message=title,
                commit_description=body,
                repo_type=ref.repo_type,
                revision=branch,
                parent_commit=parent,
            )
        for add in adds:
            add.committed()
        return str(made.oid)

    def create_branch(self, ref: RepoRef, branch: str, *, at: str) -> None:
        """Create a branch at a commit."""
        self._ask(
            lambda: self._api.create_branch(
                ref.repo_id, branch=branch, revision=at, repo_type=ref.repo_type, exist_ok=True
            )
        )

    def delete_branch(self, ref: RepoRef, branch: str) -> None:
        """Delete a branch; one that is not there is no fault."""
        try:
            self._ask(lambda: self._api.delete_branch(ref.repo_id, branch=branch, repo_type=ref.repo_type))
        except HubpubError as fault:
            if fault.code != "HP-H04":
                raise

    def create_tag(self, ref: RepoRef, tag: str, *, at: str, message: str) -> None:
        """Create an annotated tag at a commit; a tag of that name at another commit is HP-H05."""
        state = self.state(ref)
        found = state.tags.get(tag) if state else None
        if found is None:
            self._ask(
                lambda: self._api.create_tag(
                    ref.repo_id,
                    tag=tag,
                    revision=at,
                    tag_message=message,
                    repo_type=ref.repo_type,
                    exist_ok=True,
                )
            )
        elif found != at:
            raise HubpubError(
                "HP-H05",
                f"tag {tag} of {ref.repo_id} is at {found[:8]}, not at {at[:8]}",
                where=f"{self.endpoint}/{ref.repo_id}",
                hint="release the next version",
            )

    def delete_tag(self, ref: RepoRef, tag: str) -> None:
        """Delete a tag; one that is not there is no fault."""
        try:
            self._ask(lambda: self._api.delete_tag(ref.repo_id, tag=tag, repo_type=ref.repo_type))
        except HubpubError as fault:
            if fault.code != "HP-H04":
                raise

    def set_visibility(self, ref: RepoRef, *, private: bool) -> None:
        """Make a repo private or public."""
        self._refuse_where_keyless(f"changes no settings, so {ref.repo_id} stays as visible as it is")
        self._ask(
            lambda: self._api.update_repo_settings(ref.repo_id, private=private, repo_type=ref.repo_type)
        )

    def move(self, old: RepoRef, new: RepoRef) -> None:
        """Give a repo another name; the old one leads to it from then on."""
        self._refuse_where_keyless(f"changes no settings, so {old.repo_id} keeps its name")
        with in_our_words(self.endpoint):
            self._api.move_repo(old.repo_id, new.repo_id, repo_type=old.repo_type)

    def proposals(self, ref: RepoRef) -> tuple[Proposal, ...]:
        """All pull requests of a repo, newest first."""
        found = self._ask(
            lambda: list(
                self._api.get_repo_discussions(
                    ref.repo_id, repo_type=ref.repo_type, discussion_type="pull_request"
                )
            )
        )
        proposals = [Proposal(each.num, each.title, each.status, each.author) for each in found]
        return tuple(sorted(proposals, key=lambda proposal: -proposal.number))

    def propose(self, ref: RepoRef, *, title: str, text: str) -> None:
        """Make a draft of a pull request that changes nothing yet."""
        with in_our_words(self.endpoint):
            self._api.create_pull_request(ref.repo_id, title=title, description=text, repo_type=ref.repo_type)

    def retitle_proposal(self, ref: RepoRef, number: int, title: str) -> None:
        """Give a pull request another title."""
        self._ask(
            lambda: self._api.rename_discussion(ref.repo_id, number, new_title=title, repo_type=ref.repo_type)
        )

    def comments(self, ref: RepoRef, number: int) -> tuple[str, ...]:
        """What was said in a pull request, oldest first."""
        api = self._api  # first: it settles what the client reads at its import
        from huggingface_hub.community import DiscussionComment

        details = self._ask(lambda: api.get_discussion_details(ref.repo_id, number, repo_type=ref.repo_type))
        return tuple(event.content for event in details.events if isinstance(event, DiscussionComment))

    def comment(self, ref: RepoRef, number: int, text: str) -> None:
        """Say something in a pull request."""
        with in_our_words(self.endpoint):
            self._api.comment_discussion(ref.repo_id, number, text, repo_type=ref.repo_type)

    def open_proposal(self, ref: RepoRef, number: int) -> None:
        """Make an open pull request of a draft."""
        self._ask(
            lambda: self._api.change_discussion_status(ref.repo_id, number, "open", repo_type=ref.repo_type)
        )

    def add_to_collection(self, owner: str, title: str, refs: Sequence[RepoRef]) -> str:
        """Put repos into the owner's collection of that title, made if need be; returns its slug."""
        if self.is_keyless:
            slugs = [self.collection_of(ref, owner, title) for ref in refs]
            if slugs and all(slugs):  # nothing to do
                return str(slugs[0])
        self._refuse_where_keyless(f"touches no collection, so not {title!r}")
        made = self._ask(lambda: self._api.create_collection(title, namespace=owner, exists_ok=True))
        for ref in refs:
            self._add_item(made.slug, ref)
        return str(made.slug)

    def collection_of(self, ref: RepoRef, owner: str, title: str) -> str | None:
        """The slug of the owner's collection of that title, if the repo is seen in it."""
        item = f"{ref.repo_type}s/{ref.repo_id}"
        found = self._ask(lambda: list(self._api.list_collections(owner=owner, item=item)))
        return next((str(each.slug) for each in found if each.title == title), None)

    def fill_bucket(self, bucket: str, files: Mapping[str, Path]) -> None:
        """Put files into a bucket, made private if need be; others that are in it stay."""
        self._refuse_where_keyless(f"makes no bucket, so not {bucket}")
        added: list[tuple[str | Path | bytes, str]] = [(file, path) for path, file in files.items()]
        self._ask(lambda: self._api.create_bucket(bucket, private=True, exist_ok=True))
        self._ask(lambda: self._api.batch_bucket_files(bucket, add=added))

    def run_job(self, request: JobRequest) -> str:
        """Have a command run, and return the address that it can be watched at."""
        self._refuse_where_keyless("starts no job")
        secrets = {name: self._secret(name) for name in request.secrets}
        api = self._api  # first: it settles what the client reads at its import
        from huggingface_hub import Volume

        with in_our_words(self.endpoint):
            job = api.run_job(
                image=request.image,
                command=list(request.command),
                flavor=request.flavor,
                timeout=request.timeout_s,
                name=request.name,
                secrets=secrets,
                volumes=[Volume(type="bucket", source=request.bucket, mount_path=request.mount)],
                namespace=request.namespace,
            )
        return str(job.url)

    def _secret(self, name: str) -> str:
        """The value of a secret now: this Hub's own token, or a variable of the environment."""
        value = self.token if name == "HF_TOKEN" else os.environ.get(name)
        if value:
            return value
        if name == "HF_TOKEN":
            raise no_token(self.endpoint)
        raise HubpubError(
            "HP-M09", f"the job needs {name}, which is not set here", hint=f"export {name}=…", name=name
        )

    def refusal(self, ref: RepoRef, *, write: bool = False) -> HubpubError | None:
        """Why the files of a repo may not be read, or written; None where they may."""
        try:
            self._ask(lambda: self._api.auth_check(ref.repo_id, repo_type=ref.repo_type, write=write))
        except HubpubError as fault:
            if fault.code in ("HP-H02", "HP-H03", "HP-H04"):
                return fault
            raise
        return None

    def _refuse_where_keyless(self, what: str) -> None:
        if self.is_keyless:
            raise HubpubError(
                "HP-H03",
                f"a keyless run {what}",
                where=self.endpoint,
                hint="do it once by hand, with a token; hubpub doctor NAME lists what a keyless run lacks",
            )

    def _add_item(self, slug: str, ref: RepoRef) -> None:
        self._ask(lambda: self._api.add_collection_item(slug, ref.repo_id, ref.repo_type, exists_ok=True))

    def _ask(self, call: Callable[[], Result]) -> Result:
        """One idempotent call: faults in our words, passing ones retried."""

        def spoken() -> Result:
            with in_our_words(self.endpoint):
                return call()

        return retried(spoken)


def _scopes(fine_grained: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Namespace or repo → what a fine-grained token may do there; what is not told in that way is left out."""
    scoped = [each for each in fine_grained.get("scoped") or () if (each.get("entity") or {}).get("name")]
    return {each["entity"]["name"]: frozenset(each.get("permissions") or ()) for each in scoped}


def settle_client(on_this_machine: bool) -> None:
    """Settle what the client reads from the environment once, at its import.

    Xet's chunk store is a second path; towards a Hub on this machine the release goes over LFS, which carries
    every guarantee. HF_HUB_DISABLE_XET=0 asks for Xet all the same.
    """
    if on_this_machine:
        os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import httpx2
    from huggingface_hub.utils import get_session

    # The client itself would wait for ever for a Hub that has gone silent.
    get_session().timeout = httpx2.Timeout(ANSWER_S, connect=CONNECT_S)
