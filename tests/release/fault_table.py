"""Every fault that a Hub, or the way to it, may have, at every call where it matters, and how a release ends then.

This is the one place that says so: `test_release_faults.py` lets each row happen, and `docs/faults.md` is written
from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from publisher.errors import CATALOGUE
from publisher.hub.remote import ANSWER_S, CONNECT_S
from publisher.hub.retry import ATTEMPTS

# Call in words → the embedded Hub's name for it.
CALLS = {
    "create a repo": "ownership.create",
    "look at refs": "browse.refs",
    "list a tree": "browse.tree",
    "create a branch": "branches.create_branch",
    "ask how to send files": "commits.preupload",
    "ask where to send large files": "lfs.batch",
    "send a large file": "lfs.keep",
    "commit": "commits.commit",
    "fetch a file back": "resolve.resolve",
    "tag": "branches.create_tag",
    "change the visibility": "ownership.settings",
    "delete a branch": "branches.delete_branch",
}
# How often a call is made before a release gives up: by us, and by us and the client where it tries again by itself.
OURS, WITH_CLIENT = ATTEMPTS, 6 * ATTEMPTS
CLIENT_RETRIES = (
    "list a tree",
    "ask how to send files",
    "ask where to send large files",
    "send a large file",
)
WITH_BODY = ("send a large file", "commit")  # what a full disk stops half-way
FETCHING = ("list a tree", "fetch a file back")
SILENT_S = 1.0  # longer than the tests wait for an answer, shorter than anybody else would


@dataclass(frozen=True)
class Fault:
    """One fault in words, as a rule of the embedded Hub, and what comes of it.

    Attributes:
        code: the error that a release ends in while the fault lasts.
        passing: it is waited out, so that nobody notices one that goes by; else its first time is its last.
        harmless: calls where even a lasting one is not noticed, because what was done is found by looking.
        calls: where it may happen; `tried`: where its lasting is tried, if that would take too long elsewhere.
    """

    words: str
    rule: dict[str, Any]
    code: str
    passing: bool = True
    harmless: tuple[str, ...] = ()
    calls: tuple[str, ...] = tuple(CALLS)
    tried: tuple[str, ...] | None = None

    def tries(self, call: str) -> int:
        """How often the call is made before a release gives up."""
        if not self.passing:
            return 1
        return WITH_CLIENT if call in CLIENT_RETRIES else OURS

    @property
    def once(self) -> dict[str, str]:
        """Call → the error that a release ends in where the fault happens a single time."""
        return {} if self.passing else self.lasting

    @property
    def lasting(self) -> dict[str, str]:
        """Call → the error that a release ends in where the fault stays until it gives up."""
        calls = self.calls if self.tried is None else self.tried
        return {call: self.code for call in calls if call not in self.harmless}


FAULTS = (
    Fault("429 with `Retry-After`", {"status": 429, "retry_after": 1}, "HP-H06"),
    Fault("429", {"status": 429}, "HP-H06"),
    Fault("500", {"status": 500}, "HP-H06"),
    Fault("502", {"status": 502}, "HP-H06"),
    Fault("503", {"status": 503}, "HP-H06"),
    Fault("504", {"status": 504}, "HP-H06"),
    Fault("504, and the work was done", {"status": 504, "after_work": True}, "HP-H06", harmless=WITH_BODY),
    Fault("no answer in time", {"delay_s": SILENT_S}, "HP-H01", tried=("create a repo", "fetch a file back")),
    Fault("connection reset", {"drop": True}, "HP-H01"),
    Fault(
        "connection reset, and the work was done",
        {"drop": True, "after_work": True},
        "HP-H01",
        harmless=WITH_BODY,
    ),
    Fault("answer cut short", {"truncate_after": 1}, "HP-H01", calls=FETCHING),
    Fault("401", {"status": 401}, "HP-H02", passing=False),
    Fault("403", {"status": 403}, "HP-H03", passing=False),
    Fault("412", {"status": 412}, "HP-H05", passing=False),
    Fault("disk full on the Hub", {"disk_full_after": 0}, "HP-H06", passing=False, calls=WITH_BODY),
)


def page() -> str:
    """docs/faults.md."""
    rows = "\n".join(f"| {fault.words} | {_once(fault)} | {_stays(fault)} |" for fault in FAULTS)
    return PAGE.format(
        calls="\n".join(f"- {call} (`{endpoint}` on the embedded Hub)" for call, endpoint in CALLS.items()),
        rows=rows,
        attempts=ATTEMPTS,
        client=", ".join(CLIENT_RETRIES),
        fetching=" and ".join(FETCHING),
        with_body=" and ".join(WITH_BODY),
        answer=int(ANSWER_S),
        connect=int(CONNECT_S),
    )


def _once(fault: Fault) -> str:
    return "not noticed" if fault.passing else _stops(fault.code)


def _stays(fault: Fault) -> str:
    if not fault.passing:
        return "the same"
    harmless = f"; not noticed at: {', '.join(fault.harmless)}" if fault.harmless else ""
    tried = f" (tried at: {', '.join(fault.tried)})" if fault.tried else ""
    return _stops(fault.code) + tried + harmless


def _stops(code: str) -> str:
    return f"exit {int(CATALOGUE[code].exit)}, [{code}](errors.md#{code.lower()})"


PAGE = """# When the Hub, or the way to it, fails

What becomes of a release when a call fails, for every kind of failure at every call where it matters. Written from
[`tests/release/fault_table.py`](../tests/release/fault_table.py), whose every row is let happen by
[`tests/release/test_release_faults.py`](../tests/release/test_release_faults.py): over HTTP, to the unmodified client,
on the embedded Hub.

Where a release stops, the same command run again goes on. In the end the Hub has what it would have had without the
fault: the same files, one commit a repo on `main`, the tag, no branch, the visibility that was asked for.

The calls:

{calls}

| what happens | goes by | stays |
|---|---|---|
{rows}

- *Goes by*: each call fails the first time it is made; the second try ends well.
- *Stays*: a call fails until the release gives up. That is after {attempts} tries, 1, 2, 4 and 8 seconds apart, or as
  the Hub asks with `Retry-After` or `RateLimit`. The client makes six tries of each of ours, with waits of its own, at:
  {client}.
- *Answer cut short* can happen at: {fetching}.
- *Disk full on the Hub* can happen at: {with_body}.
- No answer in time means: {answer} seconds of silence, or {connect} until a connection stands.
- Work that was done although no answer said so is found by looking: a commit by its trailer, a file by its digest.

## A full disk here

Whatever runs out of room on this machine (an artifact, a card, the journal, a receipt, a download) ends in exit 4,
[HP-X01](errors.md#hp-x01), and says how much is free. Files are written aside and renamed, so nothing is half there;
of the journal a last line may be torn, which the next run reads over. Make room, and run the same command again.
"""
