"""The keys of a release: read in the first second, and never out of the project."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from signing_keys import KeyPair, make_pair, write_pair

from publisher.errors import HubpubError
from publisher.manifest.project import Project, ReleasePaths
from publisher.manifest.signing import SigningSettings
from publisher.pipeline.signing import Signing, private_key, public_key, signing_problems
from publisher.release.signing import PACKAGES, fingerprint

pytestmark = pytest.mark.models  # the extra `sign`, which comes with it in the tests


@pytest.fixture
def pair() -> KeyPair:
    return make_pair()


@pytest.fixture
def paths(tmp_path: Path) -> ReleasePaths:
    paths = Project(tmp_path / "project").release("demo")
    paths.folder.mkdir(parents=True)
    return paths


def _signing(pair: KeyPair, **settings: str) -> Signing:
    asked = SigningSettings.model_validate({"public_key": "release.pub", **settings})
    return Signing(asked, pair.public, ("adapter",))


def _code(signing: Signing, paths: ReleasePaths, **environment: str) -> tuple[str, str]:
    with pytest.raises(HubpubError) as caught:
        private_key(signing, paths, environment)
    return caught.value.code, caught.value.what


def test_the_private_key_is_read_from_a_file_outside_the_project(
    pair: KeyPair, paths: ReleasePaths, tmp_path: Path
) -> None:
    write_pair(pair, tmp_path / "release.pem", paths.folder / "release.pub")
    signing = _signing(pair, key=str(tmp_path / "release.pem"))

    assert pair.private.encode() == private_key(signing, paths, {}).pem


def test_the_private_key_is_read_from_the_environment_and_opened_with_its_password(
    paths: ReleasePaths,
) -> None:
    pair = make_pair(b"sesame")
    signing = _signing(pair, key_variable="THE_KEY", password_variable="THE_WORD")
    key = private_key(signing, paths, {"THE_KEY": pair.private, "THE_WORD": "sesame"})

    assert (pair.private.encode(), b"sesame") == (key.pem, key.password)
    assert "PrivateKey(…)" == repr(key)
    assert "HP-M13" == _code(signing, paths, THE_KEY=pair.private, THE_WORD="tahini")[0]
    assert "HP-M13" == _code(signing, paths, THE_KEY=pair.private)[0]


def test_a_private_key_in_the_project_is_refused(pair: KeyPair, paths: ReleasePaths) -> None:
    """Whoever commits the folder would publish it."""
    write_pair(pair, paths.folder / "release.pem", paths.folder / "release.pub")

    code, what = _code(_signing(pair, key="release.pem"), paths)

    assert ("HP-M13", True) == (code, "lies in the project" in what)


def test_the_key_of_another_pair_and_what_is_no_such_key_are_refused(
    pair: KeyPair, paths: ReleasePaths
) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    other = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    found = {
        name: _code(_signing(pair, key_variable="KEY"), paths, KEY=text)
        for name, text in {"pair": make_pair().private, "curve": other.decode(), "text": "hello"}.items()
    }

    assert {"HP-M13"} == {code for code, _ in found.values()}
    assert "the private key is not the one of release.pub" == found["pair"][1]
    assert "the private key is none of the curves P-256, P-384 and P-521" == found["curve"][1]
    assert found["text"][1].startswith("the private key cannot be opened")


def test_a_key_that_is_not_here_is_told_before_anything_is_made_unless_files_are_signed_already(
    pair: KeyPair, paths: ReleasePaths
) -> None:
    """A card revision needs no key: the lock has the signatures."""
    absent = _signing(pair, key="/nowhere/release.pem")

    assert ["HP-X06"] == [problem.code for problem in signing_problems(absent, paths, signed=False)]
    assert [] == list(signing_problems(absent, paths, signed=True))
    assert [] == list(signing_problems(None, paths, signed=False))


def test_a_public_key_that_is_missing_or_something_else_is_told(pair: KeyPair, tmp_path: Path) -> None:
    file = tmp_path / "release.pub"
    with pytest.raises(HubpubError) as absent:
        public_key(file)
    file.write_text(pair.private)
    with pytest.raises(HubpubError) as wrong:
        public_key(file)

    assert ("HP-M06", "HP-M13") == (absent.value.code, wrong.value.code)


def test_signatures_hold_for_a_public_key_wherever_the_private_one_lies(pair: KeyPair) -> None:
    """Where the key lies is no reason to sign again; another key is."""
    here, there = _signing(pair, key="~/a.pem"), _signing(pair, key_variable="B")

    assert here.digest == there.digest == f"{fingerprint(pair.public)} adapter"
    assert here.digest != _signing(make_pair(), key="~/a.pem").digest


@pytest.mark.parametrize("missing", PACKAGES)
def test_a_package_that_is_missing_is_told_even_where_everything_is_signed(
    pair: KeyPair, paths: ReleasePaths, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """The bill of materials is written with each card."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else real(name))
    told = list(signing_problems(_signing(pair), paths, signed=True))

    assert [("HP-E01", f"not installed: {missing}")] == [(problem.code, problem.what) for problem in told]
    assert 'pip install "hubpub[sign]"' == told[0].hint
