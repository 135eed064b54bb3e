"""The row filter: every statement that MLflow's own stores send to a governed database is asked in somebody's name,
and finds only what exists for them.

Three locks on one door. A statement of the ORM gets the criteria of :mod:`bongsu.tracking.governed.criteria`, lazy
loads and subqueries included. A statement that is no query of the ORM is refused unless it is known. And the text that
reaches the database is looked at once more: what reads governed tables with fewer criteria than tables is refused.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Mapping
from typing import Any

from mlflow.store.model_registry.dbmodels.models import SqlModelVersion
from mlflow.store.workspace.dbmodels.models import SqlWorkspace
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql.functions import max as max_function

from bongsu.tracking.governed import bulk_writes, changes, guest_cells, propagation, showing
from bongsu.tracking.governed.criteria import LoaderCriteria, mapped_classes
from bongsu.tracking.governed.labelling import UNFILTERED, only_look
from bongsu.tracking.governed.sight import ensure_sight
from bongsu.tracking.governed.viewer import Acting, current_actor

_log = logging.getLogger(__name__)
# What MLflow sets for each session of SQLite; it reads nothing.
_PRAGMA = re.compile(r"^\s*PRAGMA\s+(foreign_keys|busy_timeout|case_sensitive_like)\s*=", re.IGNORECASE)
_MARKS = re.compile(r"FROM bongsu_marks\b|'bongsu_marks'")
_NO_ACTOR = "Nobody asks for these rows"


class Ungoverned(RuntimeError):
    """A statement that could show rows to somebody for whom they do not exist, or that nobody asks. A fault in this
    program or a change of MLflow's; never the caller's. It stands in the log, because MLflow keeps some to itself."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        _log.error("%s", why)


class RowFilter:
    """Attached to the databases that it governs until :meth:`detach`; one for each process.

    Args:
        urls: of the governed databases; engines are told by them, because MLflow makes several for each.
    """

    def __init__(self, urls: frozenset[URL]) -> None:
        self._urls = urls
        self._reading = LoaderCriteria(unsealed=False)
        self._changing = LoaderCriteria(unsealed=True)
        self._hooks: tuple[tuple[Any, str, Any], ...] = (
            (Session, "do_orm_execute", self._on_execute),
            (Session, "before_flush", self._on_flush),
            (Session, "after_flush", self._after_flush),
            (Session, "after_flush_postexec", self._flushed),
            (Session, "before_commit", self._before_commit),
            (Session, "after_soft_rollback", self._rolled_back),
            (Engine, "before_cursor_execute", self._on_cursor),
        )

    def attach(self) -> None:
        for target, name, hook in self._hooks:
            event.listen(target, name, hook)
        showing.attach()
        guest_cells.attach()

    def detach(self) -> None:
        for target, name, hook in self._hooks:
            event.remove(target, name, hook)
        showing.detach()
        guest_cells.detach()

    def _governs(self, session: Session) -> bool:
        bind = session.bind
        engine = bind.engine if isinstance(bind, Engine | Connection) else None
        return engine is not None and engine.url in self._urls

    def _on_execute(self, state: ORMExecuteState) -> None:
        if not self._governs(state.session):
            return
        actor = current_actor()
        if actor is None:
            if not _is_pragma(state):
                raise Ungoverned(_NO_ACTOR)
            return
        if not isinstance(actor, Acting):
            return
        actor.is_flushing = False  # a flush that found no work does not say that it is over
        if state.is_orm_statement:
            ensure_sight(actor, state.session.connection())
            self._narrow(state, actor)
        elif state.is_insert:
            bulk_writes.check(state, actor)
        elif not _is_pragma(state):
            raise Ungoverned(f"A statement outside of the ORM: {state.statement}")

    def _narrow(self, state: ORMExecuteState, actor: Acting) -> None:
        if state.is_column_load or _asks_next_version(state):
            # Further columns of a row that was found or made in this session, for which SQLAlchemy takes no criteria;
            # and the next number of a version: one that a hidden version has would be given out twice.
            state.update_execution_options(**UNFILTERED)
            return
        is_change = state.is_update or state.is_delete
        if is_change and not actor.may_write:
            raise only_look()
        if is_change:
            bulk_writes.note_statement(state.statement, state.session.connection(), actor)
        if state.is_insert:
            raise Ungoverned(f"Rows of unknown label: {state.statement}")
        if state.is_select:
            showing.note_columns(state.statement, actor)
        criteria = self._changing if is_change else self._reading
        asked = guest_cells.narrowed(state.statement) if state.is_select else state.statement
        state.statement = asked.options(*criteria.of(asked))

    def _on_flush(self, session: Session, _context: Any, _instances: Any) -> None:
        if not self._governs(session):
            return
        actor = current_actor()
        if actor is None:
            raise Ungoverned(_NO_ACTOR)
        propagation.before_flush(session, actor)
        if isinstance(actor, Acting):
            actor.is_flushing = True

    def _after_flush(self, session: Session, _context: Any) -> None:
        actor = current_actor()
        if self._governs(session) and actor is not None:
            propagation.after_flush(session, actor)

    def _before_commit(self, session: Session) -> None:
        if self._governs(session):
            changes.before_commit(session, current_actor())

    def _flushed(self, session: Session, _context: Any) -> None:
        self._end_flush(session)

    def _rolled_back(self, session: Session, _transaction: Any) -> None:
        if self._governs(session):
            propagation.rolled_back(session)
            changes.rolled_back(current_actor())
        self._end_flush(session)

    def _end_flush(self, session: Session) -> None:
        actor = current_actor()
        if self._governs(session) and isinstance(actor, Acting):
            actor.is_flushing = False

    def _on_cursor(
        self, connection: Connection, _cursor: Any, text: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        if connection.engine.url not in self._urls:
            return
        actor = current_actor()
        if isinstance(actor, Acting):
            if not _is_narrowed(text, actor.is_flushing) and not _is_unfiltered(context):
                raise Ungoverned(f"A statement without a filter: {text}")
        elif actor is None and _tables_in(text):
            raise Ungoverned(_NO_ACTOR)


def _is_unfiltered(context: Any) -> bool:
    options: Mapping[str, Any] = getattr(context, "execution_options", None) or {}
    return UNFILTERED.items() <= options.items()


def _is_pragma(state: ORMExecuteState) -> bool:
    return not state.is_orm_statement and _PRAGMA.match(str(state.statement)) is not None


def _asks_next_version(state: ORMExecuteState) -> bool:
    """``SELECT max(version)`` and nothing else: MLflow asks it before it makes a version."""
    columns = list(getattr(state.statement, "selected_columns", ()))
    return (
        state.is_select
        and len(columns) == 1
        and isinstance(columns[0], max_function)
        and [clause.name for clause in columns[0].clauses] == [SqlModelVersion.version.name]
        and columns[0].clauses.clauses[0].table is SqlModelVersion.__table__
    )


@functools.cache
def _governed_tables() -> re.Pattern[str]:
    names = [c.__table__.name for c in mapped_classes() if c is not SqlWorkspace]  # type: ignore[attr-defined]
    return re.compile(
        rf'(?:\bFROM|\bJOIN|\bUPDATE|\bINTO|,)\s+"?({"|".join(sorted(names, key=len, reverse=True))})"?(?=[\s,;()]|$)',
        re.IGNORECASE,
    )


@functools.lru_cache(maxsize=2000)
def _tables_in(text: str) -> frozenset[str]:
    return frozenset(name.lower() for name in _governed_tables().findall(text))


@functools.lru_cache(maxsize=4000)
def _is_narrowed(text: str, is_flushing: bool) -> bool:
    """True if a statement may be sent in a viewer's name."""
    tables = len(_governed_tables().findall(text))
    if tables == 0:
        return True
    verb = text.lstrip()[:6].upper()
    criteria = len(_MARKS.findall(text))
    if verb in ("UPDATE", "DELETE"):
        # Which rows are changed is decided by the first; or each row was looked at before.
        return criteria > 0 or is_flushing
    # Each table has one criterion at least.
    if criteria >= tables:
        return True
    return verb == "INSERT" and _tables_in(text) <= bulk_writes.WRITABLE
