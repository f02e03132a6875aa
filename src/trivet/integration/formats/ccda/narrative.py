"""The narrative of a section as XHTML (FHIR Narrative): the same words in the same order, in the elements that FHIR admits.

In: the `text` element of a section. Out: one `div`. Pictures and styles are left out, their words are not.
"""

from __future__ import annotations

from html import escape

from trivet.integration.formats.ccda.tree import Node

__all__ = ["xhtml"]

TAGS = {
    "paragraph": "p", "list": "ul", "item": "li", "caption": "caption", "table": "table", "thead": "thead", "tbody": "tbody",
    "tfoot": "tfoot", "tr": "tr", "th": "th", "td": "td", "content": "span", "sub": "sub", "sup": "sup", "br": "br",
    "linkHtml": "span", "footnote": "span", "div": "div", "span": "span", "p": "p", "ul": "ul", "ol": "ol", "li": "li", "b": "b",
    "i": "i", "em": "em", "strong": "strong", "col": "col", "colgroup": "colgroup",
}  # fmt: skip
EMPTY = ("br", "col")


def xhtml(node: Node) -> str:
    """The `div` of a narrative."""
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{_inside(node)}</div>'


def _inside(node: Node) -> str:
    if not node.children:
        return "".join([_escaped(leaf.text) for _, leaf in node.texts])
    if not node.texts:
        return "".join([_one(child, node.tag) for child in node.children])
    out: list[str] = []
    texts: dict[int, list[str]] = {}
    for place, leaf in node.texts:
        texts.setdefault(place, []).append(_escaped(leaf.text))
    for number in range(len(node.children) + 1):
        out += texts.get(number, ())
        if number < len(node.children):
            out.append(_one(node.children[number], node.tag))
    return "".join(out)


def _one(node: Node, within: str) -> str:
    tag = TAGS.get(node.tag, "")
    if node.tag == "list" and node.get("listType") == "ordered":
        tag = "ol"
    if tag == "caption" and within != "table":
        tag = "b" if within != "list" else "li"
    if tag in EMPTY:
        return f"<{tag}/>"
    inside = _inside(node)
    if not tag:
        return inside
    if tag not in ("td", "th") or not node.attrs:
        return f"<{tag}>{inside}</{tag}>"
    spans = "".join(f' {name}="{escape(node.get(name))}"' for name in ("rowspan", "colspan") if node.get(name).isdigit())
    return f"<{tag}{spans}>{inside}</{tag}>"


def _escaped(text: str) -> str:
    return escape(text, quote=False) if "&" in text or "<" in text or ">" in text else text
