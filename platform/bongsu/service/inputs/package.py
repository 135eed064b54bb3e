"""Files of an installed distribution, found by its record; nothing of it is imported."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path, PurePosixPath

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.service.inputs.files import FileSet, NotFound


def package_files(name: str, path: str) -> FileSet:
    """Files below ``path`` (or the file ``path``) in the distribution ``name``, e.g. ``konlpy``,
    ``konlpy/data/corpus``.

    Raises:
        NotFound: the distribution is not installed, or has no such files.
    """
    try:
        dist = distribution(name)
    except PackageNotFoundError:
        raise NotFound(
            phrase(N_("the package {name} is not installed"), name=name), _nearest_package(name)
        ) from None
    wanted = PurePosixPath(path)
    found = {}
    for entry in dist.files or ():
        inside = PurePosixPath(entry.as_posix())
        below = inside == wanted or wanted in inside.parents
        if below and not _is_compiled(inside):
            relative = inside.name if inside == wanted else inside.relative_to(wanted).as_posix()
            found[relative] = Path(str(dist.locate_file(entry)))
    if not found:
        nothing = phrase(N_("the package {name} has no files at {path}"), name=name, path=path)
        raise NotFound(nothing, _nearest_folder(name, dist, path))
    missing = sorted(relative for relative, file in found.items() if not file.is_file())
    if missing:
        raise NotFound(phrase(N_("the package {name} is damaged: {path} is gone"), name=name, path=missing[0]))
    version = dist.version
    location = f"package:{name}=={version}/{path}"
    return FileSet(location, tuple(sorted(found.items())), (_home(dist, wanted),))


def _home(dist: Distribution, wanted: PurePosixPath) -> tuple[Path, ...]:
    """The folder and those above it that belong to the distribution, not those that it is installed in."""
    folders = [folder for folder in (wanted, *wanted.parents) if folder.parts]
    return tuple(Path(str(dist.locate_file(folder))) for folder in folders)


def _is_compiled(path: PurePosixPath) -> bool:
    return "__pycache__" in path.parts or path.suffix == ".pyc"


def _nearest_package(name: str) -> str | None:
    from bongsu.domain.suggest import closest

    known = {one for many in packages_distributions().values() for one in many}
    best = closest(name, known)
    return f"package:{best}/..." if best else None


def _nearest_folder(name: str, dist: Distribution, path: str) -> str | None:
    from bongsu.domain.suggest import closest

    folders = {
        parent.as_posix() for entry in dist.files or () for parent in PurePosixPath(entry.as_posix()).parents
    }
    best = closest(path, {folder for folder in folders if folder != "."})
    return f"package:{name}/{best}" if best else None
