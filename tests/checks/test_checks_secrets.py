"""Secrets: every issuer's shape is found wherever it hides, and nothing that only resembles one."""

from __future__ import annotations

import json
import pickle
import random
import string
import zipfile
from pathlib import Path

import pytest
from checks_samples import A_TOKEN

from publisher.checks.known.token_shapes import SHAPES
from publisher.checks.run import check_folder
from publisher.checks.secrets import find_secrets, mask
from publisher.records.findings import Severity

_CHANCE = random.Random(4)


def chars(count: int, kinds: str = string.ascii_letters + string.digits) -> str:
    """Characters as a key has them; put together here, so that no scanner of this repo takes it for one."""
    return "".join(_CHANCE.choices(kinds, k=count))


HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + "234567"
SECRETS = {
    "Anthropic": "sk-" + "ant-api03-" + chars(93) + "AA",
    "OpenAI project": "sk-" + "proj-" + chars(74) + "T3BlbkFJ" + chars(74),
    "OpenAI old": "sk-" + chars(48),
    "OpenRouter": "sk-" + "or-v1-" + chars(64, HEX),
    "Perplexity": "pp" + "lx-" + chars(48),
    "GitHub fine-grained": "github" + "_pat_" + chars(22) + "_" + chars(59),
    "GitHub app": "gh" + "s_" + chars(36),
    "GitLab": "gl" + "pat-" + chars(20),
    "GitLab runner": "gl" + "rt-" + chars(20),
    "npm": "np" + "m_" + chars(36),
    "PyPI": "pypi-" + "AgEIcHlwaS5vcmc" + chars(120),
    "RubyGems": "ruby" + "gems_" + chars(48, HEX),
    "AWS session": "AS" + "IA" + chars(16, UPPER),
    "Bedrock": "AB" + "SK" + chars(120),
    "Google": "AI" + "za" + chars(35),
    "DigitalOcean": "dop" + "_v1_" + chars(64, HEX),
    "Databricks": "da" + "pi" + chars(32, HEX),
    "Slack bot": "xox" + "b-" + chars(12, "0123456789") + "-" + chars(12, "0123456789") + "-" + chars(24),
    "Slack app": "xapp" + "-1-A" + chars(10, UPPER) + "-" + chars(13, "0123456789") + "-" + chars(64, HEX),
    "Stripe": "sk" + "_live_" + chars(24),
    "SendGrid": "S" + "G." + chars(22) + "." + chars(43),
    "Twilio": "S" + "K" + chars(32, HEX),
    "Square": "sq" + "0atp-" + chars(22),
    "Shopify": "shp" + "at_" + chars(32, HEX),
    "Grafana": "gl" + "sa_" + chars(32) + "_" + chars(8, HEX),
    "Sentry": "sntr" + "yu_" + chars(64, HEX),
    "Notion": "nt" + "n_" + chars(11, "0123456789") + chars(35),
    "Linear": "lin" + "_api_" + chars(40),
    "Postman": "PM" + "AK-" + chars(24, HEX) + "-" + chars(34, HEX),
    "Pulumi": "pu" + "l-" + chars(40, HEX),
    "Doppler": "dp" + ".pt." + chars(43),
    "Dynatrace": "dt0" + "c01." + chars(24, UPPER) + "." + chars(64, UPPER),
    "Vault": "hv" + "s." + chars(95),
    "Heroku": "HRKU" + "-AA" + chars(58),
    "Artifactory": "AK" + "Cp" + chars(69),
    "age": "AGE-" + "SECRET-KEY-1" + chars(58, UPPER),
    "Alibaba": "LT" + "AI" + chars(20),
}
JWT_IO = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0"
    ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
)
LED_TO = {
    "Azure storage": ("AccountName=a;AccountKey=", chars(86) + "==", ";EndpointSuffix=b"),
    "AWS secret": ("aws_secret_access_key = ", chars(40), "\n"),
    "AWS in Python": ('os.environ["AWS_SECRET_ACCESS_KEY"] = "', chars(40), '"'),
    "W&B variable": ("export WANDB_API_KEY=", chars(40, HEX), "\n"),
    "W&B command": ("wandb login ", chars(40, HEX), "\n"),
    "W&B call": ("wandb.login(key='", chars(40, HEX), "')"),
    "Slack webhook": ("https://hooks.slack.com/services/T00AB12CD/B00EF34GH/", chars(24), ""),
    "JWT": ("eyJ" + chars(30) + ".eyJ" + chars(60) + ".", chars(43), ""),
    "web address": ("postgres://me:", chars(14), "@db.acme.org/x"),
    "API key": ('"OPENAI_API_KEY": "', chars(32), '"'),
    "API key in Python": ("client = Client(api_key='", chars(32), "')"),
    "escaped in a notebook": ('"client_secret = \\"', chars(32), '\\"\\n"'),
    "password": ('password="', chars(20), '"'),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_every_issuers_shape_is_found_and_only_its_first_letters_are_ever_shown(secret: str) -> None:
    """A key in a public repo is used by others within minutes."""
    text = f"x = '{secret}'"

    assert [(5, 5 + len(secret), True)] == [(each.start, each.end, each.sure) for each in find_secrets(text)]
    assert f"x = '{secret[:4]}***'" == mask(text)


@pytest.mark.parametrize(("before", "secret", "after"), LED_TO.values(), ids=LED_TO.keys())
def test_a_key_without_a_shape_is_found_by_what_stands_before_it(
    before: str, secret: str, after: str
) -> None:
    """Most services give keys that look like nothing at all."""
    found = find_secrets(f"{before}{secret}{after}")

    assert [(len(before), len(before) + len(secret))] == [(each.start, each.end) for each in found]


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "hf_" + "x" * 34,
        "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
        "sk-" + "ant-api03-your-key-here" + "x" * 80,
        'api_key="your-openai-api-key-1234"',
        'api_key="<YOUR_API_KEY_GOES_HERE_1>"',
        'api_key = os.environ["OPENAI_API_KEY_2"]',
        'openai_api_key="EMPTY"',
        'password="correct horse battery staple"',
        '"hub_token": "<HUB_TOKEN>"',
        '"api_key": 12345, "access_token": 6789012345678901234567',
        "https://user:password@proxy.acme.org:8080",
        "https://github.com/a/b:c@v1.2.3",
        "postgres://admin:password123@db.acme.org/x",
        "git+https://oauth2:${GITLAB_TOKEN_1}@gitlab.com/a/b",
        JWT_IO,
        "-----BEGIN " + "PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----",
        '"auth_token": "meta-llama/Llama-3.1-8B-Instruct"',
        "sha256:" + chars(64, HEX),
        'secret_key="aaaaaaaa11111111aaaaaaaa"',
    ],
)
def test_what_documentation_writes_where_a_key_goes_is_no_secret(text: str) -> None:
    """An error on a sound card teaches people to leave the rule out."""
    assert () == find_secrets(text)


def test_a_tokenizer_full_of_hashes_and_beginnings_of_keys_is_quiet(tmp_path: Path) -> None:
    """A vocabulary holds every beginning of a key, and a repo holds hashes and packed pictures."""
    pieces = [shape.prefix + chars(_CHANCE.randint(0, 9)) for shape in SHAPES for _ in range(50)]
    data = {"vocab": dict.fromkeys(pieces, 1), "hashes": [chars(64, HEX) for _ in range(500)]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    (tmp_path / "README.md").write_text(
        f"![a](data:image/png;base64,{chars(20_000, string.ascii_letters + string.digits + '+/')})"
    )

    report = check_folder(tmp_path, select=["SEC082"])

    assert () == report.findings
    assert () == report.skipped


def test_a_token_is_found_in_a_vocabulary_a_notebook_a_board_log_and_a_torch_archive(tmp_path: Path) -> None:
    """Trainers write their whole configuration, token and all, into files that nobody opens."""
    (tmp_path / "tokenizer.json").write_text(json.dumps({"vocab": {A_TOKEN: 1}}))
    cell = {"cell_type": "code", "source": [f'login("{A_TOKEN}")\n']}
    (tmp_path / "run.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "events.out.tfevents.1.host").write_bytes(
        b"\x18\0\0\0\0\0\0\0%" + A_TOKEN.encode() + b"\0\xff"
    )
    with zipfile.ZipFile(tmp_path / "training_args.bin", "w") as archive:
        archive.writestr("training_args/data.pkl", pickle.dumps({"hub_token": A_TOKEN}))
    (tmp_path / "old.pkl").write_bytes(pickle.dumps({"key": SECRETS["npm"]}, protocol=0))

    found = {
        (finding.path, finding.line)
        for finding in check_folder(tmp_path, select=["SEC082"]).findings
        if finding.severity is Severity.ERROR
    }

    assert {
        ("tokenizer.json", 1),
        ("run.ipynb", 1),
        ("events.out.tfevents.1.host", None),
        ("training_args.bin", None),
        ("old.pkl", None),
    } == found


def test_what_only_looks_like_a_key_is_a_warning_and_not_looked_for_in_other_peoples_words(
    tmp_path: Path,
) -> None:
    """A dataset's rows may hold a thousand passwords of forums; the publisher's own code may not."""
    line = f'client = Client(api_key="{chars(32)}")\n'
    (tmp_path / "train.py").write_text(line)
    (tmp_path / "train.jsonl").write_text(line)

    findings = check_folder(tmp_path, select=["SEC082"]).findings

    assert [("train.py", 1, Severity.WARNING)] == [
        (finding.path, finding.line, finding.severity) for finding in findings
    ]
