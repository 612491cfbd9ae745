"""Hooks of MkDocs: the pages of docs/results in the navigation, and formulas as MathML."""

import html
import re
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig

# What pymdownx.arithmatex makes of $...$ and $$...$$.
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_config(config: MkDocsConfig) -> None:
    """Adds the pages that are there, in the order of their names; titles are the pages' own."""
    docs = Path(config.docs_dir)
    pages = [path.relative_to(docs).as_posix() for path in sorted(docs.glob('results/**/*.md'))]
    section = next(entry['Results'] for entry in config.nav if 'Results' in entry)
    section.extend(pages)


def on_page_content(content: str, page: object, config: object, files: object) -> str:
    """Writes formulas as MathML, which browsers draw themselves, without network or script."""
    return FORMULA.sub(mathml, content)


def mathml(match: re.Match) -> str:
    """A formula of a page as MathML, inline or as a block of its own."""
    tag, latex = match.groups()
    return convert(html.unescape(latex).strip(), display='block' if tag == 'div' else 'inline')
