"""`enhance:` in a manifest: what is refused before any key is read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from publisher.manifest.enhance import EnhanceSettings


def test_the_short_form_asks_openai_with_its_usual_key():
    """A model's name is all that has no default."""
    settings = EnhanceSettings(model="gpt-5-mini")

    assert ("api.openai.com", "OPENAI_API_KEY") == (settings.host, settings.api_key_env)


@pytest.mark.parametrize(
    "fields",
    [
        {"base_url": "https://evil.example/v1", "api_key_env": "HF_TOKEN"},
        {"base_url": "https://huggingface.co.evil.example/v1", "api_key_env": "HUGGING_FACE_HUB_TOKEN"},
        {"base_url": "http://gpu-7.example/v1"},
        {"base_url": "https://sk-1234@gateway.example/v1"},
        {"base_url": "https://gateway.example/v1?key=sk-1234"},
        {"base_url": "gateway.example"},
        {"api_key_env": "sk-proj-1234"},
    ],
)
def test_a_key_goes_only_where_it_belongs_and_stands_in_no_manifest(fields):
    """A manifest may come by pull request, and it is public."""
    with pytest.raises(ValidationError):
        EnhanceSettings(model="m", **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"base_url": "https://router.huggingface.co/v1", "api_key_env": "HF_TOKEN"},
        {"base_url": "http://127.0.0.1:8000/v1"},
        {"base_url": "http://gpu-7.example/v1", "api_key_env": None},
    ],
)
def test_the_hubs_own_router_local_servers_and_keyless_ones_are_fine(fields):
    """The three usual ways besides a provider's."""
    EnhanceSettings(model="m", **fields)
