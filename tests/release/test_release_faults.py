"""Each row of the table of faults happens here, over HTTP, to the unmodified client."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fault_table import CALLS, FAULTS, Fault, page
from huggingface_hub.utils import get_session
from release_family import Family, Seen, look

from publisher.errors import HubpubError
from publisher.hub import remote
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import Kind
from publisher.staging.server import EmbeddedHub

KIND: Kind = "adapter"
RUNS = len(CALLS) + 1
DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The waits between attempts are left out, and who is silent for a blink has been silent long enough."""
    monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr(remote, "ANSWER_S", 0.3)
    yield
    get_session().timeout = None


def _family(place: Path) -> Family:
    return Family(place / "files", "acme", (KIND,), (KIND,))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The end of a release to which nothing happens."""
    place = tmp_path_factory.mktemp("calm")
    with EmbeddedHub(place / "data") as served:
        hub = RemoteHub(served.url, served.token, "local")
        _family(place).release(hub)
        return look(hub, _family(place).ref(KIND))


def _meet(place: Path, fault: Fault, tries: dict[str, int]) -> tuple[dict[str, str], set[str], Seen]:
    """Release again and again on a Hub where each call fails so often at first.

    Returns:
        Call → the error of the run that ended at it; the calls that the fault struck; what the Hub has at the end.
    """
    rules = [
        {"endpoint": CALLS[call], "at": list(range(1, count + 1)), **fault.rule}
        for call, count in tries.items()
    ]
    (place / "faults.yaml").write_text(json.dumps({"rules": rules}))
    calls = {endpoint: call for call, endpoint in CALLS.items()}
    ended: dict[str, str] = {}
    with EmbeddedHub(place / "data", faults=place / "faults.yaml") as served:
        hub = RemoteHub(served.url, served.token, "local")
        for _ in range(RUNS):
            try:
                _family(place).release(hub)
            except HubpubError as error:
                ended[calls[_struck(place)[-1]]] = error.code
            else:
                struck = {calls[endpoint] for endpoint in _struck(place)}
                return ended, struck, look(hub, _family(place).ref(KIND))
    raise AssertionError(f"no end after {RUNS} runs, which ended in {ended}")


def _struck(place: Path) -> list[str]:
    """The endpoints whose calls failed on purpose, in order."""
    lines = (place / "data" / "faults.jsonl").read_text().splitlines()
    return [json.loads(line)["endpoint"] for line in lines]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.words)
def test_a_fault_that_goes_by_at_every_call(fault: Fault, tmp_path: Path, undisturbed: Seen) -> None:
    """A passing one is not noticed; a refusal stops the run, and the next one goes on from there."""
    ended, struck, end = _meet(tmp_path, fault, dict.fromkeys(fault.calls, 1))

    assert fault.once == ended
    assert set(fault.calls) == struck
    assert undisturbed == end


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.passing], ids=lambda fault: fault.words)
def test_a_fault_that_stays_until_the_release_gives_up_at_every_call(
    fault: Fault, tmp_path: Path, undisturbed: Seen
) -> None:
    """One run after the other ends at the next call, and the last one completes what they began."""
    calls = fault.calls if fault.tried is None else fault.tried
    ended, struck, end = _meet(tmp_path, fault, {call: fault.tries(call) for call in calls})

    assert fault.lasting == ended
    assert set(calls) == struck
    assert undisturbed == end


def test_the_page_of_faults_is_what_the_table_says() -> None:
    """A table that nobody proves drifts; this one is written from what the tests above let happen."""
    if os.environ.get("UPDATE_GOLDEN"):
        (DOCS / "faults.md").write_text(page(), encoding="utf-8")

    assert page() == (DOCS / "faults.md").read_text(encoding="utf-8")
