"""Text of HTML pages: one line for each block, in document order."""

from __future__ import annotations

import re

_BLOCKS = (
    "address,article,aside,blockquote,body,br,caption,dd,div,dl,dt,fieldset,figcaption,figure,footer,form,"
    "h1,h2,h3,h4,h5,h6,header,hr,li,main,ol,p,pre,section,table,td,th,tr,ul"
)
_UNSEEN = "head,script,style,noscript,template,nav,iframe,object,svg"
_BREAK = "\x1e"  # a control character that no HTML text has: whitespace of the source is not a line break
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")
_BREAKS = re.compile(rf"(?: ?{_BREAK} ?)+")

DEEPEST = 5_000
"""Elements within elements. The time of a parser goes with the square of the depth; pages of people stay below 100."""
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
# Without an end tag, by the standard or by its leave: a thousand of them make no depth.
_UNNESTED = frozenset(
    re.findall(
        "[a-z]+",
        "area base body br col colgroup dd dt embed head hr html img input li link meta optgroup option p param rp rt "
        "source tbody td tfoot th thead tr track wbr",
    )
)


def html_text(page: str) -> str:
    """The visible text of ``page``: blocks separated by line breaks, other whitespace collapsed to one space.

    Scripts, styles, navigation and the head are left out; line breaks inside ``<pre>`` are kept.

    Raises:
        ValueError: elements lie within elements deeper than DEEPEST.
    """
    from selectolax.lexbor import LexborHTMLParser

    if _depth(page) > DEEPEST:
        raise ValueError(f"more than {DEEPEST} elements within each other")
    tree = LexborHTMLParser(page.replace(_BREAK, " "))
    for node in tree.css(_UNSEEN):
        node.decompose()
    for block in tree.css("pre"):
        for node in [n for n in block.traverse(include_text=True) if n.tag == "-text"]:
            node.replace_with(node.text().replace("\n", _BREAK))
    for node in tree.css(_BLOCKS):
        if node.tag != "body":
            node.insert_before(_BREAK)
            node.insert_after(_BREAK)
    text = tree.body.text() if tree.body else ""
    lines = _BREAKS.sub("\n", _SPACE.sub(" ", text))
    return lines.strip()


def _depth(page: str) -> int:
    """Most elements that are open at once, as far as tags tell without a parser."""
    open_now = deepest = 0
    for closing, name in _TAG.findall(page):
        if name.lower() not in _UNNESTED:
            open_now = max(0, open_now - 1) if closing else open_now + 1
            deepest = max(deepest, open_now)
    return deepest
