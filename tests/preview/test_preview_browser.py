"""The page in a real browser."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from preview_browser import Browser
from preview_runs import NAME, Preview

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = """\
<script>window.harmed = "script"</script>
<img src="https://evil.example/broken.png" onerror="window.harmed = 'onerror'">
<svg onload="window.harmed = 'svg'"><script>window.harmed = 'svg script'</script></svg>
<iframe srcdoc="<script>parent.harmed = 'frame'</script>"></iframe>
<style>body { display: none }</style>
<div style="position: fixed; inset: 0" class="trouble" id="preview">over everything</div>
<form action="https://evil.example"><button>send</button></form>
<img src="https://evil.example/pixel.png"> ![pixel](https://evil.example/other.png)

[a link](javascript:window.harmed='link') <a href="javascript:window.harmed='anchor'" class="wicked">another</a>

$$\\href{javascript:window.harmed='math'}{x}$$
"""


@pytest.fixture
def words(preview: Preview) -> Iterator[Path]:
    """A prose file that a test may change; it stands above the training section."""
    file = preview.prose("intended_use.md")
    before = file.read_text()
    yield file
    file.write_text(before)


@pytest.fixture(autouse=True)
def _desk(browser: Browser) -> None:
    browser.look(width=1280, height=900)


def text_of(browser: Browser, selector: str) -> str:
    return str(browser.run(f"document.querySelector('{selector}').innerText"))


def opened(browser: Browser, preview: Preview, tab: str = "merged") -> None:
    """A page that hears of changes."""
    browser.open(preview.url + tab, "document.querySelector('.state')?.textContent === 'live'")


def test_the_page_shows_what_a_model_page_of_the_hub_shows(browser: Browser, preview: Preview) -> None:
    """An author judges the card by it before anybody else sees it."""
    opened(browser, preview)

    assert "hubpub-demo/smollm2-aerial" in text_of(browser, "header h1")
    assert ["licence: apache-2.0", "en", "transformers", "text-generation", "aerial"] == browser.run(
        "[...document.querySelectorAll('.chip')].slice(0, 5).map(e => e.textContent)"
    )
    assert "hubpub-demo/aerial-scenes-synthetic" in text_of(browser, ".datasets")
    assert ["HuggingFaceTB/SmolLM2-135M-Instruct", "this model finetune"] == browser.run(
        "[...document.querySelectorAll('.tree li')].map(e => e.innerText.trim()).filter((_, n) => n % 2 === 0)"
    )
    assert "134.5M" in text_of(browser, ".weights")
    assert "1.2603" in text_of(browser, ".scores")
    assert "model.safetensors" in text_of(browser, ".files")
    assert browser.run("document.querySelectorAll('article table').length") > 3
    assert browser.run("document.querySelectorAll('article pre .k, article pre .kn').length") > 0
    assert ["base", "dataset", "adapter", "merged", "nf4"] == browser.run(
        "[...document.querySelectorAll('.tabs a')].map(e => e.textContent)"
    )


def test_nothing_is_asked_of_anybody_else(browser: Browser, preview: Preview) -> None:
    """A preview works on a train, and tells nobody what is being written."""
    opened(browser, preview)

    assert {urlsplit(preview.url).netloc} == {urlsplit(address).netloc for address in browser.requests}
    assert [] == browser.messages


def test_a_click_on_a_number_shows_its_evidence(browser: Browser, preview: Preview) -> None:
    """Whoever doubts a number is one click away from the file that it was read from."""
    opened(browser, preview)
    browser.click("article .number[title='merged.parameters']")

    shown = text_of(browser, ".evidence")
    assert "merged.parameters" in shown
    assert "134515008" in shown
    assert "evidence/merge.json" in shown
    assert "/merged.parameters" in shown


def test_a_result_of_the_front_matter_shows_its_evidence_too(browser: Browser, preview: Preview) -> None:
    """These numbers are what the Hub's leaderboards read."""
    opened(browser, preview)
    browser.click(".scores .number")

    assert "evaluate.merged.loss" in text_of(browser, ".evidence")


def test_a_number_in_the_front_matter_shows_its_evidence_where_it_stands(
    browser: Browser, preview: Preview
) -> None:
    """A wrong value there is what the Hub shows beside the card, and is mended in no other place."""
    opened(browser, preview)
    browser.run("document.querySelector('details.metadata').open = true")
    browser.click(".metadata .number[title='evaluate.merged.loss']")

    assert "evidence/evaluate.json" in text_of(browser, ".evidence")


def test_a_picture_in_the_prose_is_shown_before_any_stage_has_copied_it(
    browser: Browser, preview: Preview, words: Path
) -> None:
    """It lies beside the prose; on the Hub it will lie beside the card, under the same name."""
    picture = words.parent / "assets" / "a plan.png"
    picture.parent.mkdir()
    picture.write_bytes(PIXEL)
    words.write_text("![the plan](assets/a%20plan.png)\n")
    opened(browser, preview)
    browser.until("document.querySelector('article img[alt=\"the plan\"]')?.complete")

    assert [1, 1] == browser.run(
        "(i => [i.naturalWidth, i.naturalHeight])(document.querySelector('article img[alt=\"the plan\"]'))"
    )
    assert "assets/a plan.png" in text_of(browser, ".files")


def test_the_keyboard_is_enough(browser: Browser, preview: Preview) -> None:
    """Not everybody has a mouse."""
    opened(browser, preview)
    for _ in range(30):
        browser.press("Tab")
        if browser.run("'span' in document.activeElement.dataset"):
            break

    assert "train.examples_seen" in text_of(browser, ".evidence")
    browser.press("Escape")
    assert browser.run("document.querySelector('.evidence').hidden")
    browser.press("Enter")
    assert not browser.run("document.querySelector('.evidence').hidden")


def test_what_is_saved_appears_at_once_and_the_reader_stays_where_they_are(
    browser: Browser, preview: Preview, words: Path
) -> None:
    """Writing and looking go on side by side; a page that jumps to its top is closed after a minute."""
    opened(browser, preview)
    browser.run("window.sameDocument = true")
    browser.run("document.querySelector('#card-training-loss').scrollIntoView()")
    browser.click("#card-training-loss ~ p .number")
    place = "document.querySelector('#card-training-loss').getBoundingClientRect().top"
    before = browser.run(place)
    words.write_text("Written just now.\n\n" + "And one more line.\n\n" * 20)
    took = browser.until("document.querySelector('article').textContent.includes('Written just now.')")

    assert browser.run("window.sameDocument")
    assert abs(browser.run(place) - before) < 2
    assert not browser.run("document.querySelector('.evidence').hidden")
    assert took < 3  # half a second on a machine that does nothing else


def test_a_number_without_evidence_stands_out(browser: Browser, preview: Preview, words: Path) -> None:
    """The one that the author made up is found while it is being typed."""
    opened(browser, preview)
    words.write_text("It is right in 93.7 of 100 cases.\n")
    browser.until("document.querySelector('.number.unaccounted')")
    browser.click(".number.unaccounted")

    assert "stated:" in text_of(browser, ".evidence")


def test_a_finding_leads_to_its_line(browser: Browser, preview: Preview, words: Path) -> None:
    """A list of line numbers of a file that nobody opens helps nobody."""
    opened(browser, preview)
    words.write_text("[More Information Needed]\n")
    browser.until("document.querySelector('.findings [data-goto]')")
    browser.click(".findings [data-goto]")

    assert "[More Information Needed]" == text_of(browser, ".pointed")
    assert browser.run("document.querySelector('.pointed').classList.contains('faulty')")


def test_a_fault_in_a_template_is_shown_at_its_line_and_goes_when_it_is_mended(
    browser: Browser, preview: Preview
) -> None:
    """The card as it was stays below, so that the author sees what they were at."""
    opened(browser, preview)
    template = preview.root / "templates" / "partials" / "limitations.md.j2"
    template.parent.mkdir(parents=True)
    template.write_text("## Limitations\n\n{{ fact('train.nonsense') }}\n")
    browser.until("document.querySelector('.trouble')")

    assert "HP-C01" in text_of(browser, ".trouble h2")
    assert "train.nonsense" in text_of(browser, ".trouble .at")
    assert "templates/partials/limitations.md.j2:3" in text_of(browser, ".trouble")
    assert "SmolLM2 Aerial" in text_of(browser, "article")
    template.unlink()
    browser.until("!document.querySelector('.trouble')")


def test_a_fault_in_the_manifest_is_shown_with_its_line(browser: Browser, preview: Preview) -> None:
    """It is edited in the same minute as the prose."""
    opened(browser, preview)
    manifest = preview.prose("release.yaml")
    before = manifest.read_text()
    manifest.write_text(before + "nonsense: 1\n")
    browser.until("document.querySelector('.trouble')")

    assert "nonsense" in text_of(browser, ".trouble .at")
    manifest.write_text(before)
    browser.until("!document.querySelector('.trouble')")


def test_a_hostile_card_does_nothing(browser: Browser, preview: Preview, words: Path) -> None:
    """Cards come from strangers: pull requests, published repos."""
    words.write_text(HOSTILE)
    opened(browser, preview)
    assert "over everything" in text_of(browser, "article")
    browser.run("[...document.querySelectorAll('article a:not([href])')].forEach(link => link.click())")
    browser.run("new Promise(done => setTimeout(done, 200))")

    assert None is browser.run("window.harmed")
    assert 0 == browser.run(
        "document.querySelectorAll('article :is(script, style, iframe, form, svg)').length"
    )
    assert 0 == browser.run(
        "[...document.querySelectorAll('article *')].flatMap(e => [...e.attributes])"
        ".filter(a => a.name.startsWith('on') || a.name === 'style' || /javascript:/.test(a.value)).length"
    )
    assert [] == [address for address in browser.requests if "evil" in address]
    assert ["preview"] == browser.run(
        "[...document.querySelectorAll('#preview, .trouble')].map(e => e.id || e.innerText)"
    )


def test_a_huge_table_does_not_stop_the_page(browser: Browser, preview: Preview, words: Path) -> None:
    """A table of a hundred thousand cells takes a browser down."""
    words.write_text("| a | b |\n|---|---|\n" + "| c | d |\n" * 40_000)
    opened(browser, preview)

    assert "| a | b |" in browser.run("document.querySelector('article pre').textContent")
    assert browser.run("document.querySelectorAll('*').length") < 10_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_light_and_in_dark(browser: Browser, preview: Preview, scheme: str) -> None:
    """Text on its ground has the contrast that WCAG asks of normal text, 4.5 to 1."""
    browser.look(width=1280, height=900, scheme=scheme)
    opened(browser, preview)
    colours = browser.run(
        "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
        ".map(c => c.match(/\\d+/g).slice(0, 3).map(Number))"
    )
    light, dark = sorted((luminance(colour) for colour in colours), reverse=True)

    assert (light + 0.05) / (dark + 0.05) > 4.5
    assert (scheme == "light") == (luminance(colours[1]) > 0.5)


def luminance(colour: list[int]) -> float:
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_phone_scrolls_down_and_never_sideways(browser: Browser, preview: Preview) -> None:
    """Wide tables scroll inside themselves."""
    browser.look(width=390, height=844, phone=True)
    opened(browser, preview)

    assert 390 == browser.run("document.documentElement.scrollWidth")


def test_one_file_shows_everything_without_a_server(browser: Browser, preview: Preview) -> None:
    """Over ssh, and for whoever is to read the card before it is published."""
    file = preview.root / ".hubpub" / NAME / "preview.html"
    browser.open(f"file://{file}")
    browser.click(".tabs a:last-of-type")
    browser.until("location.hash === '#tab-nf4'")
    browser.click("#tab-nf4 article .number")

    assert [file.name] == [Path(urlsplit(address).path).name for address in browser.requests]
    assert ["tab-nf4"] == browser.run("[...document.querySelectorAll('.page:not([hidden])')].map(e => e.id)")
    assert "sha256" in text_of(browser, "#tab-nf4 .evidence")
    assert [] == browser.messages
