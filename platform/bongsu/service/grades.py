"""The grades of the site: which there are, refusing others, saying and changing which there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.audit import Author
from bongsu.domain.codes import labels as codes
from bongsu.domain.grades import N2SF, GradeScheme, OutsideGrades, SchemeName
from bongsu.domain.labels import Grade, Label
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, joined, phrase
from bongsu.domain.tenants import HOME, Tenant
from bongsu.service.platform import Platform
from bongsu.store import grades as store
from bongsu.store.audit import append_all
from bongsu.store.people import list_ministries

_CARRYING = {
    "account": N_("{count} accounts cleared for {grade}"),
    "model": N_("{count} model versions of {grade}"),
    "dataset": N_("{count} versions of data sets of {grade}"),
    "run": N_("{count} runs under way of {grade}"),
}


@dataclass(frozen=True)
class StatedGrades:
    """What somebody says of the site; None for what they leave as it is."""

    name: SchemeName | None = None
    restricted: Grade | None = None

    def over(self, known: GradeScheme) -> GradeScheme:
        """``known``, as far as nothing else is said; in another scheme, 대외비 stands under S if nothing is said of it.

        Raises ``label.restricted-outside``.
        """
        name = self.name or known.name
        usual = known.restricted if name is known.name else N2SF.restricted
        restricted = self.restricted or usual
        try:
            return GradeScheme(name, restricted)
        except ValueError:
            known_here = _listed(GradeScheme(name).grades)
            raise codes.RESTRICTED_OUTSIDE.error(None, "restricted", grade=restricted, known=known_here) from None


def grades_of(platform: Platform) -> GradeScheme:
    """Of the site, at this moment."""
    with platform.read() as connection:
        return store.grades_of_site(connection)


def read_grade(grades: GradeScheme, written: str, field: str = "grade") -> Grade:
    """The grade that somebody wrote. Raises ``label.grade-outside``."""
    try:
        return grades.grade(written)
    except OutsideGrades:
        args = {"grade": written, "known": _listed(grades.grades), "restricted": grades.restricted}
        raise codes.OUTSIDE.error(None, field, **args) from None


def refuse_other_grades(grades: GradeScheme, label: Label, field: str = "grade") -> None:
    """Raises ``label.grade-outside`` for a label that may not be stated here, or given as a clearance."""
    read_grade(grades, label.grade, field)


def refuse_while_stating(connection: Connection, label: Label, field: str = "grade") -> None:
    """As :func:`refuse_other_grades`; nobody changes the grades until the transaction ends."""
    refuse_other_grades(store.grades_while_stating(connection), label, field)


def settle_grades(platform: Platform, stated: StatedGrades) -> GradeScheme:
    """The grades of a site whose server starts: those that are in the database, or, the first time, those stated.

    Raises:
        BongsuError: ``label.other-grades`` if others are stated than the database has; ``label.grades-in-use`` if
            something carries others the first time; ``label.restricted-outside``.
    """
    with platform.database.write() as connection:
        store.hold_grades(connection)
        found = store.settled_grades(connection)
        wanted = stated.over(found or N2SF)
        if found is None:
            _refuse_in_use(connection, wanted)
            _set(platform, connection, N2SF, wanted)
        elif found != wanted:
            raise codes.OTHER_GRADES.error(stated=in_words(wanted), found=in_words(found))
        return wanted


def change_grades(platform: Platform, stated: StatedGrades) -> GradeScheme:
    """Change which grades the site has, for all of its processes at once; by whoever keeps it. It is recorded in the
    log of each ministry.

    Raises:
        BongsuError: ``label.grades-in-use`` while something carries a grade that would be none any more;
            ``label.restricted-outside``.
    """
    with platform.database.write() as connection:
        store.hold_grades(connection)
        found = store.grades_of_site(connection)
        wanted = stated.over(found)
        if wanted != found:
            _refuse_in_use(connection, wanted)
        _set(platform, connection, found, wanted)
        return wanted


def in_words(grades: GradeScheme) -> Phrase:
    """``O, S, C, with 대외비 under S``."""
    words = N_("{known}, with 대외비 under {restricted}")
    return phrase(words, known=_listed(grades.grades), restricted=grades.restricted.value)


def _set(platform: Platform, connection: Connection, old: GradeScheme, new: GradeScheme) -> None:
    now = platform.clock()
    store.set_grades(connection, new, now)
    if new == old:
        return
    facts = {"from": _recorded(old), "to": _recorded(new)}
    tenants = [Tenant(one.name) for one in list_ministries(connection)] or [HOME]
    append_all(connection, (Author(one).did("site.grades", "site:grades", now, facts=facts) for one in tenants))


def _recorded(grades: GradeScheme) -> dict[str, str]:
    return {"scheme": grades.name.value, "restricted": grades.restricted.value}


def _refuse_in_use(connection: Connection, wanted: GradeScheme) -> None:
    found = [
        phrase(_CARRYING[one.kind], count=one.count, grade=one.grade.value)
        for one in store.carrying_others(connection, wanted)
    ]
    if found:
        raise codes.GRADES_IN_USE.error(wanted=in_words(wanted), found=joined(found, ", "))


def _listed(grades: Iterable[Grade]) -> str:
    return ", ".join(grades)
