"""kill -9 in the middle of an enhancement, and what the next run asks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from scripted_endpoint import obliging, words_of

pytestmark = pytest.mark.models

CLIENT = """
    import pickle, sys
    from pathlib import Path
    from publisher.data.enhance.prompt import load_prompt
    from publisher.data.enhance.run import enhance

    targets, settings = pickle.loads(Path(sys.argv[1]).read_bytes())
    for one in enhance(targets, settings, load_prompt(), Path(sys.argv[2]), lambda *_: None):
        print(one.outcome, flush=True)
"""


def test_after_a_kill_no_answered_request_is_repeated(endpoint, targets, settings, ask, tmp_path):
    """Each answer costs money. Only what was in flight at the kill may be asked twice."""
    import pickle
    from dataclasses import replace

    endpoint.script = lambda _, body: replace(obliging(body), hang_s=0.05)
    made, chosen = targets(24), settings(concurrency=2)
    given = tmp_path / "given.pickle"
    given.write_bytes(pickle.dumps((made, chosen)))
    client = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CLIENT), str(given), str(tmp_path / "cache")],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )
    for _ in range(4):
        assert b"enhanced\n" == client.stdout.readline()
    client.send_signal(signal.SIGKILL)
    client.wait(10)
    client.stdout.close()
    time.sleep(0.3)  # what was in flight arrives at the server
    before = [words_of(body) for body in endpoint.asked]
    kept = len(list((tmp_path / "cache").rglob("*.json")))
    results = ask(made, chosen)
    after = [words_of(body) for body in endpoint.asked[len(before) :]]

    assert ["enhanced"] * 24 == [one.outcome for one in results]
    assert 4 <= kept < 24
    assert 24 - kept == len(after)
    assert len(set(before) & set(after)) <= chosen.concurrency


def test_whoever_takes_only_some_of_the_results_leaves_no_request_open(endpoint, targets, settings, tmp_path):
    """A build that stops for another reason must not go on paying."""
    from publisher.data.enhance.prompt import load_prompt
    from publisher.data.enhance.run import enhance

    run = enhance(targets(40), settings(concurrency=2), load_prompt(), tmp_path / "cache", lambda *_: None)
    next(run)
    run.close()
    asked = len(endpoint.asked)
    time.sleep(0.3)

    assert asked == len(endpoint.asked) < 40
