"""Targets with real pictures, and an endpoint that answers by script."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("openai")
pytest.importorskip("PIL")

from scripted_endpoint import scripted_endpoint

from publisher.data.aerial.scene import Box
from publisher.data.aerial.views import object_views
from publisher.data.enhance.prompt import load_prompt
from publisher.data.enhance.records import Target
from publisher.data.enhance.run import enhance
from publisher.manifest.enhance import EnhanceSettings

KEY = "sk-a-secret-of-tests"


@pytest.fixture(scope="session")
def served():
    with scripted_endpoint() as scripted:
        yield scripted


@pytest.fixture
def endpoint(served, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    served.forget()
    return served


@pytest.fixture(scope="session")
def targets():
    """Makes so many targets, each with other pictures and two expressions."""
    from PIL import Image

    def make(count):
        made = []
        for number in range(count):
            png = io.BytesIO()
            Image.new("RGB", (64, 48), (number, 90, 60)).save(png, format="PNG")
            views = object_views(png.getvalue(), Box(10, 10, 30, 24))
            said = (f"the red ship {number}", f"the ship {number} in the top left")
            made.append(Target(f"scene_{number}", number, "object", "ship", said, views))
        return made

    return make


@pytest.fixture
def settings(endpoint):
    """Makes settings for the scripted endpoint; failures are allowed unless a test says otherwise."""

    def make(**changed):
        fields = {
            "model": "scripted",
            "base_url": endpoint.url,
            "max_failures": 1.0,
            "retries": 1,
            "attempts": 1,
        }
        return EnhanceSettings(**(fields | changed))

    return make


@pytest.fixture
def ask(tmp_path):
    """Enhances targets with a cache in the test's own folder."""

    def run(targets, settings, prompt=None):
        return list(enhance(targets, settings, prompt or load_prompt(), tmp_path / "cache", lambda *_: None))

    return run
