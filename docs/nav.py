"""A hook of MkDocs: the pages of docs/results/ are listed below "Results"."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig


def on_config(config: MkDocsConfig) -> None:
    """Adds what is there, in the order of the names; titles are the pages' own."""
    docs = Path(config.docs_dir)
    pages = [path.relative_to(docs).as_posix() for path in sorted(docs.glob('results/**/*.md'))]
    section = next(entry['Results'] for entry in config.nav if 'Results' in entry)
    section.extend(pages)
