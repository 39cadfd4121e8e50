"""What a user writes under `enhance:`: the language model that says expressions in other words, and its bounds."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from publisher.manifest.section import Section

OPENAI = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
LOOPBACK = ("127.0.0.1", "::1", "localhost")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HUB_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


class PriceSettings(Section):
    """What the endpoint's provider asks for: the estimate is in tokens only where this is left out."""

    input_per_million: float = Field(ge=0, description="Price of a million tokens that are sent.")
    output_per_million: float = Field(ge=0, description="Price of a million tokens that come back.")
    currency: str = Field("USD", min_length=1, max_length=8, description="As the estimate prints it.")


class EnhanceSettings(Section):
    """Have a language model with eyes say the expressions in other words."""

    model: str = Field(min_length=1, description="As the endpoint calls it.")
    base_url: str = Field(OPENAI, description="Any endpoint that speaks OpenAI's chat completions.")
    api_key_env: str | None = Field(
        OPENAI_KEY, description="The environment variable that holds its key; null where it wants none."
    )
    prompt: str | None = Field(
        None, description="A prompt of your own: a Jinja file, relative to the manifest. Left out: ours."
    )
    unique: int = Field(
        2, ge=0, le=10, description="Further expressions of each item, written from the pictures."
    )
    structured: bool = Field(
        True, description="Ask for JSON by its schema; false for an endpoint that knows no `response_format`."
    )
    temperature: float | None = Field(None, ge=0, le=2, description="Left out: the endpoint's own.")
    seed: int | None = Field(None, description="For endpoints that know one.")
    max_output_tokens: int = Field(
        4096, ge=1, description="Most tokens of one answer, what a model thinks before it answers included."
    )
    concurrency: int = Field(4, ge=1, le=64, description="Most requests at a time.")
    timeout_s: float = Field(120, gt=0, description="Seconds that one request may take.")
    retries: int = Field(
        4,
        ge=0,
        le=20,
        description="Times that a request is sent again: too many requests, a failure, a timeout.",
    )
    attempts: int = Field(
        2,
        ge=1,
        le=10,
        description="Times that a model is asked while its answer is none: prose, refusal, cut off.",
    )
    max_failures: float = Field(
        0.05, ge=0, le=1, description="Share of the items that may stay without; more stop the build."
    )
    image_tokens: int | None = Field(
        None, ge=0, description="What a picture costs, for the estimate. Left out: OpenAI's rule for GPT-4o."
    )
    price: PriceSettings | None = Field(None, description="For an estimate in money, not in tokens alone.")

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address such as https://api.openai.com/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "must hold no name, key or query: a key belongs into the environment (api_key_env)"
            )
        return value.rstrip("/")

    @field_validator("api_key_env")
    @classmethod
    def _a_variable(cls, value: str | None) -> str | None:
        if value is not None and not _VARIABLE.fullmatch(value):
            raise ValueError("must be the name of an environment variable, never the key itself")
        return value

    @model_validator(mode="after")
    def _key_to_whom_it_belongs(self) -> EnhanceSettings:
        # A manifest comes by pull request too: it must not be able to send this account's Hub token elsewhere.
        if self.api_key_env in _HUB_TOKENS and not _is_hugging_face(self.host):
            raise ValueError(f"{self.api_key_env} is sent to huggingface.co only")
        if self.api_key_env and self.base_url.startswith("http:") and self.host not in LOOPBACK:
            raise ValueError(f"{self.api_key_env} is not sent in the clear: use https, or api_key_env: null")
        return self

    @property
    def host(self) -> str:
        """The endpoint's host, without the port."""
        return urlsplit(self.base_url).hostname or ""


def _is_hugging_face(host: str) -> bool:
    return host == "huggingface.co" or host.endswith(".huggingface.co")
