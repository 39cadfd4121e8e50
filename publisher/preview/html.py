"""Markdown as the Hub shows it → HTML that can do nothing: no script, no request to anywhere, no style of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping, Sequence
from functools import cache, partial
from html import escape
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import nh3
from latex2mathml import converter
from latex2mathml import exceptions as math_faults
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from publisher.card.readme import BLOCK
from publisher.card.trace import Span
from publisher.preview.marking import carried, mark, unmarked, with_spans

Locate = Callable[[str], str | None]  # repo path of a file → where the page finds it; None: it is not there

LONGEST = 1_000_000  # characters; a longer card is shown as it was written
TABLE_CELLS = (
    20_000  # more in one card are shown as they were written: no reader scrolls there, and browsers hang
)
ID_PREFIX = "card-"  # ids of a card stay apart from those of the page

MATHML = {
    "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup",
    "munder", "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose",
}  # fmt: skip
TAGS = (nh3.ALLOWED_TAGS | MATHML | {"input", "section"}) - {"map", "area"}
EVERYWHERE = {"align", "id", "title", "data-line", "dir", "lang"}
ATTRIBUTES = {
    "*": EVERYWHERE,
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height"},
    "input": {"type", "checked", "disabled"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
    "details": {"open"},
    "math": {"display"},
    "mo": {"stretchy", "fence", "form"},
    "mi": {"mathvariant"},
    "mspace": {"width"},
}
CLASSES = {
    "span": set(STANDARD_TYPES.values()) - {""},
    "pre": {"code"},
    "li": {"task-list-item", "footnote-item"},
    "ul": {"contains-task-list"},
    "a": {"outside", "footnote-backref"},
    "section": {"footnotes"},
    "sup": {"footnote-ref"},
}
MATH = re.compile(r"\$\$(?P<block>.+?)\$\$|\\\\\((?P<inline>.+?)\\\\\)", re.DOTALL)
MATH_FAULTS: tuple[type[Exception], ...] = (
    *(fault for fault in vars(math_faults).values() if isinstance(fault, type) and issubclass(fault, Exception)),
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip


def card_html(text: str, first_line: int, body: int, spans: Sequence[Span], locate: Locate) -> str:
    """Render the body of a card, its numbers marked.

    What is shown is what the Hub shows: where a mark would make Markdown read a line in another way, it goes.

    Args:
        text: the whole card.
        first_line: the line of the file that the body begins in.
        body: where the body begins, in characters.
        spans: those to be marked, as offsets of the whole card.
        locate: finds the files that lie beside the card.
    """
    start = len(text[:body].encode())
    plain = safe_html(text[body:], first_line, locate)
    for line_starts in (True, False):
        marked = mark(text, spans, start, line_starts=line_starts)
        html = safe_html(marked, first_line, locate, marked=True)
        if unmarked(html) == plain:
            return with_spans(html, spans)
    return plain


def metadata_html(text: str, body: int, spans: Sequence[Span]) -> str:
    """The front matter as it is written, its numbers marked; arguments as of `card_html`."""
    front = text[:body]
    ahead = [span for span in spans if span.start < len(front.encode())]
    match = BLOCK.match(mark(front, ahead))
    return with_spans(escape(match["yaml"].strip()), spans) if match else ""


def safe_html(markdown: str, first_line: int, locate: Locate, *, marked: bool = False) -> str:
    """Markdown → sanitised HTML. Blocks carry the line that they stand in as `data-line`."""
    if not marked:
        markdown = unmarked(markdown)
    if len(markdown) > LONGEST or markdown.count("|") > TABLE_CELLS:
        return f"<pre>{escape(markdown)}</pre>"
    tokens = _parser().parse(markdown, {})
    for token in tokens:
        if token.map and token.nesting >= 0:
            token.attrSet("data-line", str(first_line + token.map[0]))
        style = token.attrs.pop("style", None)
        if isinstance(style, str):  # how a column of a table is aligned
            token.attrSet("align", style.rpartition(":")[2])
    html = _parser().renderer.render(tokens, _parser().options, {})
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        attribute_filter=partial(_address, locate),
        url_schemes={"http", "https", "mailto"},
        id_prefix=ID_PREFIX,
    )


@cache
def _parser() -> MarkdownIt:
    parser = (
        MarkdownIt("gfm-like", {"html": True, "linkify": True}).use(tasklists_plugin).use(footnote_plugin)
    )
    parser.inline.ruler.before("escape", "math", _math_rule)
    parser.normalizeLink = partial(_link, parser.normalizeLink)  # type: ignore[method-assign]
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("math", _math)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("heading_open", _heading)
    return parser


def _link(normal: Callable[[str], str], address: str) -> str:
    return normal(unmarked(address))


def _math_rule(state: StateInline, silent: bool) -> bool:
    r"""Formulas as the Hub reads them: `$$ … $$`, and inline `\\( … \\)`. A single dollar is money."""
    match = MATH.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        token = state.push("math", "math", 0)
        token.content = match["block"] or match["inline"]
        token.markup = "block" if match["block"] else "inline"
    state.pos = match.end()
    return True


def _math(_renderer: RendererHTML, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    formula = unmarked(tokens[at].content).strip()
    try:
        return converter.convert(formula, display=tokens[at].markup)
    except MATH_FAULTS:  # half a formula, as while it is being typed
        return f"<code>{escape(formula)}</code>"


def _fence(_renderer: RendererHTML, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    token = tokens[at]
    language = unmarked(token.info).strip().split(" ")[0].strip("{}.")
    code = unmarked(token.content)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False) if language else None
    except ClassNotFound:
        lexer = None
    html = highlight(code, lexer, HtmlFormatter(nowrap=True)) if lexer else escape(code)
    line = f' data-line="{token.attrs["data-line"]}"' if "data-line" in token.attrs else ""
    return f'<pre class="code"{line}><code>{carried(token.content, html)}</code></pre>\n'


def _image(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    token = tokens[at]
    source = str(token.attrs.get("src", ""))
    words = unmarked(renderer.renderInlineAsText(token.children or [], options, env))
    host = urlsplit(source).netloc if "//" in source else ""
    if host:
        return f'<a class="outside" href="{escape(source)}">{escape(words or "image")} (at {escape(host)}, not fetched)</a>'
    return f'<img src="{escape(source)}" alt="{escape(words)}">'


def _heading(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    """Headings can be linked to, by the names that GitHub and the Hub give them."""
    words = renderer.renderInlineAsText(tokens[at + 1].children or [], options, env)
    slug = re.sub(r"[^\w\- ]", "", unmarked(words).strip().lower()).replace(" ", "-")
    seen = env.setdefault("headings", {})
    seen[slug] = seen.get(slug, -1) + 1
    tokens[at].attrSet("id", slug if not seen[slug] else f"{slug}-{seen[slug]}")
    return renderer.renderToken(tokens, at, options, env)


def _address(locate: Locate, _tag: str, attribute: str, value: str) -> str | None:
    """Where links and images lead: to a place of the card, to a file beside it, or elsewhere by a click; never by loading."""
    if attribute not in ("href", "src"):
        return value
    if value.startswith("#"):
        return f"#{ID_PREFIX}{value[1:]}"
    parts = urlsplit(value)
    if parts.scheme or parts.netloc:
        return value if attribute == "href" else None
    return locate(unquote(parts.path).removeprefix("./"))


def in_address(path: str) -> str:
    """A repo path as a part of an address."""
    return quote(path, safe="/")
