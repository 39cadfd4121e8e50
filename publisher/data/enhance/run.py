"""Enhancement: every target to a language model, a few at a time, each answer kept at once; failures are counted."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.data.enhance.answer import Outcome
from publisher.data.enhance.cache import AnswerCache
from publisher.data.enhance.endpoint import Endpoint, NoAnswerError, ready
from publisher.data.enhance.prompt import Prompt
from publisher.data.enhance.question import Question
from publisher.data.enhance.records import Enhanced, Target
from publisher.errors import HubpubError
from publisher.manifest.enhance import EnhanceSettings

_HOPELESS = 10  # the first ones all failed: the rest would too, and costs
_AHEAD = 4  # targets under way for each request that may be open: a slow one does not hold up the others


def enhance(
    targets: Collection[Target],
    settings: EnhanceSettings,
    prompt: Prompt,
    cache_folder: Path,
    on_progress: Callable[[int, int], None],
) -> Iterator[Enhanced]:
    """Have a model say what the rules say, in other words. What was answered before is not asked again.

    Args:
        targets: taken one by one, so that their views need not all be in memory.
        settings: the model, its endpoint and the bounds.
        prompt: what it is told.
        cache_folder: keeps every answer; may be deleted when it may all be asked again.
        on_progress: called with the targets done and the targets in all.

    Returns:
        One record for each target, in their order, as they come in.

    Raises:
        HubpubError: HP-E01, `openai` is not installed; HP-L01, no key, or a wrong one; HP-L02, the endpoint refuses
            such requests or cannot be reached; HP-L03, more targets failed than `max_failures` allows; HP-C02, the
            prompt has an error.
    """
    ready(settings)
    return _enhanced(targets, settings, _Asker.of(settings, prompt, cache_folder), on_progress)


@dataclass(frozen=True)
class _Asker:
    """How one target is settled."""

    settings: EnhanceSettings
    prompt: Prompt
    cache: AnswerCache
    endpoint: Endpoint
    gate: asyncio.Semaphore  # one place for each request that may be open

    @classmethod
    def of(cls, settings: EnhanceSettings, prompt: Prompt, cache_folder: Path) -> _Asker:
        gate = asyncio.Semaphore(settings.concurrency)
        return cls(settings, prompt, AnswerCache(cache_folder), Endpoint(settings), gate)

    async def settle(self, target: Target) -> Enhanced | HubpubError:
        """Ask until there is an answer to use, or no more attempt. An error is handed back: its turn may never come."""
        question = Question.of(target, self.settings, self.prompt)
        answers = self.cache.answers(question.key)
        asked = 0
        try:
            while not question.is_settled(answers):
                async with self.gate:
                    answer = await self.endpoint.ask(
                        question.words, target.views, len(target.expressions), attempt=len(answers)
                    )
                asked += 1
                answers = (*answers, answer)
                self.cache.keep(question.key, answers)
        except NoAnswerError as failure:
            return Enhanced(target, (), (), failure.outcome, answers, asked)
        except HubpubError as error:
            return error
        reading = question.reading(answers)
        assert reading is not None
        variations = tuple(zip(target.expressions, reading.variations, strict=False))
        return Enhanced(target, variations, reading.unique, reading.outcome, answers, asked)

    def file_of(self, target: Target) -> Path:
        """Where the answers to it are kept."""
        return self.cache.path(Question.of(target, self.settings, self.prompt).key)


def _enhanced(
    targets: Collection[Target],
    settings: EnhanceSettings,
    asker: _Asker,
    on_progress: Callable[[int, int], None],
) -> Iterator[Enhanced]:
    failed = Counter[Outcome]()
    first: Path | None = None  # of the answers that were of no use
    # Leaving the runner ends what is still under way: after an error, or when nobody takes the rest.
    with asyncio.Runner() as runner:
        try:
            for done, one in enumerate(_in_order(targets, asker, runner), start=1):
                if one.outcome != "enhanced":
                    failed[one.outcome] += 1
                    first = first or (asker.file_of(one.target) if one.answers else None)
                    if why := _too_many(failed.total(), done, len(targets), settings):
                        raise _stopped(why, failed, settings, first)
                on_progress(done, len(targets))
                yield one
        finally:
            runner.run(asker.endpoint.close())


def _in_order(targets: Iterable[Target], asker: _Asker, runner: asyncio.Runner) -> Iterator[Enhanced]:
    under_way: deque[asyncio.Task[Enhanced | HubpubError]] = deque()
    for target in targets:
        under_way.append(runner.get_loop().create_task(asker.settle(target)))
        if len(under_way) == _AHEAD * asker.settings.concurrency:
            yield runner.run(_outcome(under_way.popleft()))
    while under_way:
        yield runner.run(_outcome(under_way.popleft()))


async def _outcome(task: asyncio.Task[Enhanced | HubpubError]) -> Enhanced:
    result = await task
    if isinstance(result, HubpubError):
        raise result
    return result


def _too_many(failed: int, done: int, total: int, settings: EnhanceSettings) -> str | None:
    """Why to stop here, if that is so."""
    if failed > settings.max_failures * total:
        return f"{failed} of {total} items could not be enhanced, max_failures allows {settings.max_failures:.0%}"
    if settings.max_failures < 1 and failed == done == _HOPELESS:
        return f"none of the first {done} items could be enhanced"
    return None


def _stopped(
    why: str, failed: Mapping[Outcome, int], settings: EnhanceSettings, first: Path | None
) -> HubpubError:
    told = ", ".join(f"{reason} {count}" for reason, count in sorted(failed.items()))
    if first is None:  # nothing came back from any of them
        return HubpubError(
            "HP-L02",
            f"{why}: {told}",
            hint="see that the endpoint is up, then run this again: what was answered is kept",
            where=settings.host,
            reasons=dict(failed),
        )
    return HubpubError(
        "HP-L03",
        f"{why}: {told}",
        hint="read what came back; then ask these again with enhance.attempts: "
        f"{settings.attempts + 1}, or raise enhance.max_failures",
        where=str(first),
        reasons=dict(failed),
    )
