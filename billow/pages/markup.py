"""Render the little Markdown that merchants write in their texts: bold, italic and links."""

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

SCHEMES = ("https://", "http://", "mailto:")


class Inline(MarkdownIt):
    """Knows emphasis and links, and no other markup; HTML is text."""

    def __init__(self) -> None:
        super().__init__("zero", {"html": False})
        self.enable(["emphasis", "link"])
        self.add_render_rule("link_open", opened)

    def validateLink(self, url: str) -> bool:
        return url.lower().startswith(SCHEMES)


def opened(_: Any, tokens: Sequence[Any], at: int, *__: Any) -> str:
    """Return the start of a link, which opens beside the page, so that nothing that was entered is lost."""
    return f'<a href="{escape(tokens[at].attrs["href"])}" target="_blank" rel="noreferrer">'


INLINE = Inline()


def rendered(text: str | None) -> Markup:
    """Render a merchant's text; all that is no markup of ours stays text.

    >>> str(rendered("**Now** [terms](https://a.example) <b>"))
    '<strong>Now</strong> <a href="https://a.example" target="_blank" rel="noreferrer">terms</a> &lt;b&gt;'
    """
    return Markup(INLINE.renderInline(text or ""))  # noqa: S704 - the renderer escapes what is no markup
