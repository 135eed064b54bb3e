"""Where the tracking server shows a model; noted when it is told of the bytes, so that nobody has to ask it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from bongsu.domain.ids import Digest
from bongsu.domain.publication import ModelPage
from bongsu.store.schema import model_pages
from bongsu.store.upsert import put


def put_pages(connection: Connection, found: Iterable[ModelPage]) -> None:
    """Note pages, in place of those that the same bytes had in the same pipeline."""
    for _, page in sorted({(page.digest, page.pipeline): page for page in found}.items()):
        put(connection, model_pages, page.model_dump())


def pages_of(connection: Connection, digests: Sequence[Digest], pipeline: str) -> dict[Digest, str]:
    """The path of each model's page; in this pipeline's experiment if there is one, else in another's."""
    query = select(model_pages).where(model_pages.c.digest.in_(digests)).order_by(model_pages.c.pipeline)
    rows = sorted(connection.execute(query), key=lambda row: row.pipeline == pipeline)
    return {Digest(row.digest): row.path for row in rows}
