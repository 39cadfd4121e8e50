"""One endpoint that speaks OpenAI's chat completions, through OpenAI's own client: ask, and say what went wrong."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from publisher.data.enhance.answer import Answer, Outcome
from publisher.data.enhance.prompt import answer_schema
from publisher.data.installed import found, installed
from publisher.errors import HubpubError
from publisher.manifest.enhance import EnhanceSettings
from publisher.records.facts import Json

_LONGEST_WAIT_S = 120  # the client's own bound for one wait between two tries
_SHOWN = 300  # characters of a server's message
_NO_KEY = "none"  # the client insists on one
_FILTERED = ("content_filter", "content_policy_violation")
_PASSING = (408, 409)  # tried again by the client, as 5xx are
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached")

_PROVIDERS = {
    "api.openai.com": "OpenAI",
    "api.anthropic.com": "Anthropic",
    "generativelanguage.googleapis.com": "Google",
    "router.huggingface.co": "Hugging Face",
    "api.mistral.ai": "Mistral AI",
    "openrouter.ai": "OpenRouter",
    "api.together.xyz": "Together AI",
    "api.fireworks.ai": "Fireworks AI",
    "api.groq.com": "Groq",
    "api.x.ai": "xAI",
    "dashscope-intl.aliyuncs.com": "Alibaba Cloud",
}


class NoAnswerError(Exception):
    """One request brought no answer, all tries done: `timed_out`, `rate_limited` or `unavailable`."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome: Outcome = outcome
        super().__init__(outcome)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    model: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None


def provider_of(settings: EnhanceSettings) -> str | None:
    """The public provider that serves the endpoint; None for any other host, whose name is nobody's business."""
    return _PROVIDERS.get(settings.host)


def ready(settings: EnhanceSettings) -> None:
    """Refuse in the first second what would be missed later.

    Raises:
        HubpubError: HP-E01, the `openai` package is not installed; HP-L01, there is no key.
    """
    found("openai", "enhance")
    key_from(os.environ, settings)


def key_from(environ: Mapping[str, str], settings: EnhanceSettings) -> str | None:
    """The endpoint's key; None where the manifest says that it wants none.

    Raises:
        HubpubError: HP-L01, the variable that the manifest names is not set.
    """
    if settings.api_key_env is None:
        return None
    key = environ.get(settings.api_key_env, "").strip()
    if not key:
        raise HubpubError(
            "HP-L01",
            f"the environment variable {settings.api_key_env} is not set: it holds the key of {settings.host}",
            hint=f"export {settings.api_key_env}=…, or enhance.api_key_env: null for an endpoint that wants no key",
            variable=settings.api_key_env,
        )
    return key


class Endpoint:
    """Asks one model. To be used, and closed, inside one event loop.

    Raises:
        HubpubError: HP-E01, the `openai` package is not installed; HP-L01, there is no key.
    """

    def __init__(self, settings: EnhanceSettings) -> None:
        self._settings = settings
        self._openai: ModuleType = installed("openai", "enhance")
        self._key = key_from(os.environ, settings)
        self._client = self._openai.AsyncOpenAI(
            api_key=self._key or _NO_KEY,
            base_url=settings.base_url,
            timeout=settings.timeout_s,
            max_retries=settings.retries,
        )
        # The client's timeout starts anew with every byte; a server that trickles is bounded by this one.
        self._longest_s = (settings.retries + 1) * settings.timeout_s + settings.retries * _LONGEST_WAIT_S

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def ask(self, words: str, views: Sequence[bytes], expressions: int, attempt: int) -> Answer:
        """Ask once. Failures that may pass are tried again by the client, after what `Retry-After` says.

        Args:
            words: what goes with the pictures.
            views: PNG bytes.
            expressions: how many variations the answer has to hold.
            attempt: counts from 0; another seed each time, or a seeded model would say the same again.

        Raises:
            NoAnswerError: this request failed; another may not.
            HubpubError: HP-L01, the key is refused; HP-L02, no request of this form can succeed.
        """
        openai = self._openai
        try:
            async with asyncio.timeout(self._longest_s):
                raw = await self._client.chat.completions.with_raw_response.create(
                    **self._request(words, views, expressions, attempt)
                )
            return _answer(raw.content)
        except (TimeoutError, openai.APITimeoutError) as fault:
            raise NoAnswerError("timed_out") from fault
        except (openai.APIConnectionError, openai.InternalServerError, ValidationError) as fault:
            raise NoAnswerError("unavailable") from fault
        except openai.RateLimitError as fault:
            if fault.code in _NO_CREDIT:
                raise self._refused(fault, "top up the account, then run this again") from fault
            raise NoAnswerError("rate_limited") from fault
        except openai.APIStatusError as fault:
            if fault.code in _FILTERED:  # a filter in front of the model: as final as the model's own refusal
                return Answer(None, finish_reason="content_filter")
            if fault.status_code in _PASSING:
                raise NoAnswerError("unavailable") from fault
            raise self._no_request_can(fault) from fault

    def _request(self, words: str, views: Sequence[bytes], expressions: int, attempt: int) -> dict[str, Json]:
        settings = self._settings
        pictures = [
            {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{base64.b64encode(view).decode()}"},
            }
            for view in views
        ]
        request: dict[str, Json] = {
            "model": settings.model,
            "messages": [{"role": "user", "content": [*pictures, {"type": "text", "text": words}]}],
            "max_completion_tokens": settings.max_output_tokens,
        }
        if settings.structured:
            schema = answer_schema(expressions, settings.unique)
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "expressions", "strict": True, "schema": schema},
            }
        if settings.temperature is not None:
            request["temperature"] = settings.temperature
        if settings.seed is not None:
            request["seed"] = settings.seed + attempt
        return request

    def _no_request_can(self, fault: Any) -> HubpubError:
        settings = self._settings
        if fault.status_code in (401, 403):
            # What the server says is left out: some repeat the key in it.
            return HubpubError(
                "HP-L01",
                f"{settings.host} does not accept the key (HTTP {fault.status_code})",
                hint=f"put a valid key into {settings.api_key_env or 'a variable, and name it in enhance.api_key_env'}",
                status=fault.status_code,
            )
        if fault.status_code == 404:
            return self._refused(fault, "correct enhance.model or enhance.base_url")
        if settings.structured and fault.status_code in (400, 422):
            return self._refused(
                fault, "correct enhance.model; if it knows no response_format: enhance.structured: false"
            )
        return self._refused(fault, "correct enhance: in release.yaml")

    def _refused(self, fault: Any, hint: str) -> HubpubError:
        said = " ".join(_message(fault).split())
        if self._key:
            said = said.replace(self._key, "…")
        return HubpubError(
            "HP-L02",
            f"{self._settings.host} refuses the request (HTTP {fault.status_code}): {said[:_SHOWN]}",
            hint=hint,
            status=fault.status_code,
        )


def _message(fault: Any) -> str:
    """What the server says: OpenAI's form, FastAPI's form, or the text as it is."""
    body = fault.body if isinstance(fault.body, dict) else {}
    return str(body.get("message") or body.get("detail") or fault.response.text)


def _answer(body: bytes) -> Answer:
    completion = _Completion.model_validate_json(body)
    if not completion.choices:
        return Answer(None, model=completion.model)
    choice, usage = completion.choices[0], completion.usage or _Usage()
    return Answer(
        text=choice.message.content,
        refusal=choice.message.refusal,
        finish_reason=choice.finish_reason,
        model=completion.model,
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
    )
