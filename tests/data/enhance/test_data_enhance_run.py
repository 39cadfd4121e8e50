"""Enhancement against a server that speaks the wire: what is sent, what comes back, and what becomes of each fault."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_endpoint import Reply, completion, fault, obliging, words_of

from publisher.data.enhance.prompt import load_prompt
from publisher.data.enhance.run import enhance
from publisher.errors import HubpubError

pytestmark = pytest.mark.models


def test_each_expression_gets_a_variation_and_each_target_two_new_ones(endpoint, targets, settings, ask):
    """Whatever the model's typing, the dataset has lower case and no full stop."""
    one, two = ask(targets(2), settings())

    assert (
        ("the red ship 0", "look for the red ship 0"),
        ("the ship 0 in the top left", "look for the ship 0 in the top left"),
    ) == one.variations
    assert ("the one with mark 1", "the one with mark 2") == one.unique
    assert ("enhanced", "enhanced") == (one.outcome, two.outcome)
    assert 1 == two.target.item_id


def test_a_request_holds_both_pictures_the_words_the_schema_and_the_bounds(endpoint, targets, settings, ask):
    """Unset options are not sent: some endpoints refuse a temperature or a seed."""
    (target,) = targets(1)
    ask([target], settings())
    (body,) = endpoint.asked
    first, second, words = body["messages"][0]["content"]
    prefix = "data:image/png;base64,"

    assert target.views == tuple(
        base64.b64decode(part["image_url"]["url"].removeprefix(prefix)) for part in (first, second)
    )
    assert "1. the red ship 0\n2. the ship 0 in the top left\n" in words["text"]
    assert {"model", "messages", "max_completion_tokens", "response_format"} == body.keys()
    schema = body["response_format"]["json_schema"]
    assert schema["strict"]
    assert 2 == schema["schema"]["properties"]["variations"]["minItems"]


def test_a_seed_is_another_one_at_the_next_attempt(endpoint, targets, settings, ask):
    """A model with a fixed seed would give the same useless answer again."""
    endpoint.script = lambda number, body: obliging(body) if number else completion("Sure! Here you go.")
    (one,) = ask(targets(1), settings(seed=7, temperature=0.5, attempts=2))

    assert [(7, 0.5), (8, 0.5)] == [(body["seed"], body["temperature"]) for body in endpoint.asked]
    assert ("enhanced", 2) == (one.outcome, len(one.answers))


GOOD = {"variations": [{"number": 1, "text": "a"}, {"number": 2, "text": "b"}], "unique": ["c", "d"]}


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (completion("I would be glad to help! Here are some expressions."), "not_json"),
        (completion(json.dumps(GOOD)[:-9]), "not_json"),
        (completion(None), "not_json"),
        (completion(json.dumps({"expressions": []})), "wrong_schema"),
        (completion(json.dumps(GOOD | {"unique": ["c"]})), "wrong_schema"),
        (completion(json.dumps(GOOD | {"variations": GOOD["variations"][:1] * 2})), "wrong_schema"),
        (completion(json.dumps(GOOD | {"unique": ["c", " . "]})), "wrong_schema"),
        (completion(json.dumps(GOOD | {"unique": ["c", "d\u202e"]})), "wrong_schema"),
        (completion(None, refusal="I cannot describe this."), "refused"),
        (completion("", finish_reason="content_filter"), "refused"),
        (fault(400, "the prompt was filtered", "content_filter"), "refused"),
        (completion(json.dumps(GOOD)[:30], finish_reason="length"), "cut_off"),
        (fault(500, "out of memory"), "unavailable"),
        (Reply(b"<html>the proxy's own page</html>", headers={"content-type": "text/html"}), "unavailable"),
        (fault(429, "slow down", retry_after="0.01"), "rate_limited"),
    ],
)
def test_an_answer_of_no_use_is_counted_as_what_it_is_and_the_others_go_on(
    endpoint, targets, settings, ask, reply, outcome
):
    """One item of three fails; the target's own expressions stand."""
    endpoint.script = lambda number, body: reply if "ship 1" in words_of(body) else obliging(body)
    results = ask(targets(3), settings(retries=0))

    assert ["enhanced", outcome, "enhanced"] == [one.outcome for one in results]
    assert ((), ()) == (results[1].variations, results[1].unique)


def test_json_in_a_code_fence_is_json(endpoint, targets, settings, ask):
    """Local models without structured output write it so."""
    endpoint.script = lambda *_: completion(f"```json\n{json.dumps(GOOD)}\n```")

    assert "enhanced" == ask(targets(1), settings(structured=False))[0].outcome
    assert "response_format" not in endpoint.asked[0]


def test_too_many_requests_are_waited_out_as_long_as_the_server_says(endpoint, targets, settings, ask):
    """The client's own first wait would be half a second."""
    limited = fault(429, "slow down", retry_after="1.5")
    endpoint.script = lambda number, body: obliging(body) if number else limited
    (one,) = ask(targets(1), settings())

    assert "enhanced" == one.outcome
    assert endpoint.at[1] - endpoint.at[0] >= 1.5


def test_a_server_that_hangs_costs_the_timeout_and_no_more(endpoint, targets, settings, ask):
    """The other targets have their answers meanwhile."""
    hanging = Reply(b"", hang_s=60)
    endpoint.script = lambda number, body: hanging if "ship 0" in words_of(body) else obliging(body)
    results = ask(targets(3), settings(timeout_s=0.3, retries=0))

    assert ["timed_out", "enhanced", "enhanced"] == [one.outcome for one in results]


def test_no_more_requests_are_open_than_the_manifest_allows(endpoint, targets, settings, ask):
    """Providers lock out who asks too much at once."""
    endpoint.script = lambda _, body: replace(obliging(body), hang_s=0.05)
    ask(targets(9), settings(concurrency=3))

    assert 3 == endpoint.most_open


def test_what_was_answered_is_not_asked_again(endpoint, targets, settings, ask):
    """Neither is what was refused: it was paid for too."""
    endpoint.script = lambda _, body: completion("No.") if "ship 1" in words_of(body) else obliging(body)
    first = ask(targets(3), settings())
    again = ask(targets(4), settings(concurrency=1, retries=9, timeout_s=5, max_failures=0.5))

    assert 4 == len(endpoint.asked)
    assert [one.outcome for one in first] == [one.outcome for one in again[:3]]
    assert [0, 0, 0, 1] == [one.asked for one in again]


def test_more_attempts_ask_again_only_what_failed(endpoint, targets, settings, ask):
    """Otherwise the way out of `max_failures` would be to pay for everything anew."""
    endpoint.script = lambda _, body: completion("No.") if "ship 1" in words_of(body) else obliging(body)
    ask(targets(3), settings())
    endpoint.script = lambda _, body: obliging(body)
    results = ask(targets(3), settings(attempts=2))

    assert 4 == len(endpoint.asked)
    assert [("enhanced", 0), ("enhanced", 1), ("enhanced", 0)] == [
        (one.outcome, one.asked) for one in results
    ]


@pytest.mark.parametrize(
    "changed", [{"model": "another"}, {"temperature": 1.0}, {"max_output_tokens": 9}, {"unique": 1}]
)
def test_another_question_is_asked_anew(endpoint, targets, settings, ask, changed):
    """An answer of one model must not pass for another's."""
    ask(targets(1), settings())
    ask(targets(1), settings(**changed))

    assert 2 == len(endpoint.asked)


def test_a_prompt_of_ones_own_is_another_question(endpoint, targets, settings, ask, tmp_path):
    """Its version, from its bytes, goes to the card."""
    own = tmp_path / "prompt.txt.j2"
    own.write_text("Say it anew:\n{% for one in expressions %}{{ loop.index }}. {{ one }}\n{% endfor %}")
    ask(targets(1), settings())
    ask(targets(1), settings(unique=0), load_prompt(own))

    assert "Say it anew:\n1. the red ship 0\n2. the ship 0 in the top left\n" == words_of(endpoint.asked[1])
    assert load_prompt(own).version.startswith("own-")


def test_a_damaged_file_of_the_cache_is_asked_again(endpoint, targets, settings, ask, tmp_path):
    """A disk that ran full may leave one; nobody would find it by hand."""
    ask(targets(1), settings())
    (file,) = (tmp_path / "cache").rglob("*.json")
    file.write_bytes(file.read_bytes()[:40])

    assert "enhanced" == ask(targets(1), settings())[0].outcome
    assert 2 == len(endpoint.asked)


def test_more_failures_than_allowed_stop_with_one_error_that_counts_them(endpoint, targets, settings, ask):
    """And name the file in which the answer can be read."""
    endpoint.script = lambda _, body: completion("No.") if "ship 1" in words_of(body) else obliging(body)
    with pytest.raises(HubpubError) as caught:
        ask(targets(4), settings(max_failures=0.2))

    error = caught.value
    assert ("HP-L03", {"not_json": 1}) == (error.code, error.data["reasons"])
    assert "1 of 4 items could not be enhanced, max_failures allows 20%: not_json 1" == error.what
    assert "attempts: 2" in error.hint
    assert '"No."' in Path(error.where).read_text()


def test_ten_failures_at_the_start_stop_whatever_share_is_allowed(endpoint, targets, settings, ask):
    """Half of a thousand requests to a model that cannot do it would be money for nothing."""
    endpoint.script = lambda *_: completion("No.")
    with pytest.raises(HubpubError) as caught:
        ask(targets(40), settings(max_failures=0.9, concurrency=2))

    assert "HP-L03" == caught.value.code
    assert 10 <= len(endpoint.asked) < 20


@pytest.mark.parametrize(
    ("reply", "code", "hint"),
    [
        (fault(401, "Incorrect API key provided: sk-a-secret-of-tests"), "HP-L01", "OPENAI_API_KEY"),
        (fault(404, "The model `scripted` does not exist"), "HP-L02", "enhance.model"),
        (fault(400, "response_format is not supported"), "HP-L02", "structured: false"),
        (fault(429, "You exceeded your quota", "insufficient_quota"), "HP-L02", "top up"),
    ],
)
def test_what_no_request_can_get_past_stops_at_once(endpoint, targets, settings, ask, reply, code, hint):
    """One clear error with exit code 3, and the key in no word of it."""
    endpoint.script = lambda *_: reply
    with pytest.raises(HubpubError) as caught:
        ask(targets(30), settings(concurrency=2, retries=0))

    error = caught.value
    assert (code, 3) == (error.code, error.exit_code)
    assert hint in error.hint
    assert "secret" not in f"{error} {error.hint} {error.data}"
    assert len(endpoint.asked) < 10


def test_nobody_there_is_one_error_that_says_so(endpoint, targets, settings, ask):
    """The port of a server that is gone."""
    with pytest.raises(HubpubError) as caught:
        ask(targets(3), settings(base_url="http://127.0.0.1:9/v1", max_failures=0, retries=0))

    assert ("HP-L02", {"unavailable": 1}) == (caught.value.code, caught.value.data["reasons"])


def test_without_a_key_nothing_begins(endpoint, targets, settings, ask, monkeypatch):
    """Before the first target is looked at."""
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(HubpubError) as caught:
        enhance(targets(1), settings(), load_prompt(), None, None)

    assert ("HP-L01", 3) == (caught.value.code, caught.value.exit_code)
    assert "export OPENAI_API_KEY=" in caught.value.hint


def test_without_the_openai_package_nothing_begins(endpoint, targets, settings, monkeypatch):
    """It is an extra of its own: most who publish a model never ask one."""
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(HubpubError) as caught:
        enhance(targets(1), settings(), load_prompt(), None, None)

    assert ("HP-E01", 4) == (caught.value.code, caught.value.exit_code)
    assert 'pip install "hubpub[enhance]"' == caught.value.hint


def test_an_endpoint_that_wants_no_key_gets_none(endpoint, targets, settings, ask, monkeypatch):
    """Not even one that happens to be there."""
    ask(targets(1), settings(api_key_env=None))

    assert ["Bearer none"] == endpoint.keys


def test_the_key_is_in_no_file(endpoint, targets, settings, ask, tmp_path):
    """The cache is read by people, and copied."""
    ask(targets(2), settings())

    assert ["Bearer sk-a-secret-of-tests"] * 2 == endpoint.keys
    assert not any(b"secret" in file.read_bytes() for file in tmp_path.rglob("*.json"))
