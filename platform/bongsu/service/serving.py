"""The control plane as a server has it: the composition root of ``bongsu serve`` and ``bongsu up``."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from bongsu.domain.audit import SYSTEM, Author
from bongsu.domain.codes import database as database_codes
from bongsu.domain.codes import identity as identity_codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.phrases import phrase
from bongsu.domain.server_defaults import LANGUAGE, MLFLOW_PATH, REQUESTS_A_MINUTE
from bongsu.identity.exchanging import provider_client
from bongsu.identity.fetching import KeyFetcher
from bongsu.identity.oauth import CLI, OAuthClient, browser_client, console_client
from bongsu.identity.relying_party import Provider, RemoteProvider
from bongsu.identity.secret_hashes import SECRET_COST, SecretHasher
from bongsu.identity.settings import TrustedIssuer, is_loopback, is_safe_url
from bongsu.identity.verifier import TokenVerifier, Trust, trusting
from bongsu.machine.certificates import trusted_certificates
from bongsu.reconciler.leadership import Leadership
from bongsu.reconciler.lock import ServerLock
from bongsu.reconciler.session_lock import SessionLock
from bongsu.service.artifact_place import ArtifactPlace, place_of, stores_at
from bongsu.service.audit.checkpoints import refuse_other_keys
from bongsu.service.authenticating import open_authenticator
from bongsu.service.browsers.providers import OwnProvider
from bongsu.service.browsers.settings import Browsers, BrowserSettings
from bongsu.service.browsers.signing_in import PAGES
from bongsu.service.control_plane import ControlPlane, SignInPlace
from bongsu.service.embedded import lasting_key, open_home
from bongsu.service.grades import StatedGrades, settle_grades
from bongsu.service.home import CONSOLE_SECRET, DATABASE, LOCK
from bongsu.service.issuing.issuer import Issuer, IssuerSettings, open_issuer
from bongsu.service.leading import lead
from bongsu.service.mlflow_mount import DATABASE as MLFLOW_DATABASE
from bongsu.service.mlflow_mount import mounted, publisher_of, settings_of
from bongsu.service.observing.executor_gauge import ExecutorGauge
from bongsu.service.observing.identifying import counted
from bongsu.service.observing.provider_keys import ProviderKeys
from bongsu.service.observing.reconciling import Watched
from bongsu.service.observing.store_gauges import StoreGauges
from bongsu.service.observing.telemetry import Telemetry, TelemetrySettings, open_telemetry
from bongsu.service.platform import Platform
from bongsu.service.retention import Kept
from bongsu.service.signing_keys import KeyUse, signing_keys
from bongsu.service.upkeep import chores
from bongsu.store.addresses import is_same, is_sqlite, parsed, shown
from bongsu.store.scope import EVERYTHING

END_S = 30.0
_log = logging.getLogger("bongsu.server")
# What stands before it has nothing that an address begins with.
_FOR_MINISTRIES = re.compile("([^=:/]+)=(.*)")
_THE_SERVER = Actor(SYSTEM, SYSTEM, kind=ActorKind.SERVICE)


@dataclass(frozen=True)
class ServerSettings:
    """Attributes:
    home: directory for what is of this process: keys, logs, artifacts unless they lie in a bucket.
    database_url: of PostgreSQL; None for a file in the home, for one process on one machine.
    ray_address: of a Ray that runs already.
    site: name of the installation, as its records have it.
    issuers: identity providers whose tokens are taken.
    built_in_issuer: URL of the one in this process; None switches it off.
    console_url: where a console is whose people sign in at the built-in issuer; None if there is none.
    service_issuer: URL at which this process gives tokens to service accounts, where people sign in elsewhere.
    leads: whether this process may drive runs.
    mlflow: whether MLflow's own APIs are served, below ``/mlflow``.
    mlflow_database_url: of MLflow's own database; None for a file in the home, where the control plane's is one too.
    audit_key: path of the keys that the audit logs are signed by, or ``env:NAME``; empty for a file in the home.
    requests_a_minute: how many each actor may make, and each address from which nobody signed in.
    drain_s: for how long the server goes on taking connections once it is asked to end, so that whoever distributes
        requests can notice that it is not ready any more; in seconds.
    kept: for how long what is kept for a time.
    telemetry: where metrics are served, and where traces go.
    worker_url: where workers reach this server, to ask for leave to read; None if this process starts none.
    grades: which grades the site has, as far as this process was told; they have to be those of the database.
    browsers: how people sign in with a browser, to MLflow's pages; None if they do not.
    language: of what is told to whoever asks for none: ``ko`` or ``en``.
    """

    home: Path
    database_url: str | None = None
    ray_address: str | None = None
    site: str = "bongsu"
    issuers: tuple[TrustedIssuer, ...] = ()
    built_in_issuer: str | None = None
    console_url: str | None = None
    service_issuer: str | None = None
    leads: bool = True
    mlflow: bool = True
    mlflow_database_url: str | None = None
    audit_key: str = ""
    requests_a_minute: int = REQUESTS_A_MINUTE
    drain_s: float = 0.0
    kept: Kept = field(default_factory=Kept)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    worker_url: str | None = None
    grades: StatedGrades = field(default_factory=StatedGrades)
    browsers: BrowserSettings | None = None
    language: str = LANGUAGE


@dataclass(frozen=True)
class Served:
    """What a server serves, and its own identity provider if it has one."""

    plane: ControlPlane
    issuer: Issuer | None
    settings: ServerSettings
    mlflow: ASGIApp | None = None
    telemetry: Telemetry = field(default_factory=Telemetry)
    browsers: Browsers | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Drive runs, or wait for the turn to, until the end of the block."""
        if not self.settings.leads:
            yield
            return
        stop = threading.Event()
        thread = threading.Thread(target=self._lead, args=(stop,), name="leading", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(END_S)

    def _lead(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.plane.base.executor_trouble()  # whoever is to run stages is knocked at before there is one
                lead(
                    self.plane.base,
                    stop,
                    lambda words: _log.info("%s", words),
                    lambda platform: chores(platform, self.plane.log_keys, self.settings.kept),
                )
            except Exception:
                _log.exception("driving runs failed; it is begun anew")
                stop.wait(2.0)


def trusted(stated: Iterable[str], audience: str, ministry_claim: str = "") -> tuple[TrustedIssuer, ...]:
    """Identity providers as they are stated where the server is started.

    Args:
        stated: each ``URL``, or ``MINISTRY,MINISTRY=URL`` where it serves these alone.
        audience: that tokens have to be for.
        ministry_claim: that names the ministry in tokens of those that do not serve exactly one; empty for none.

    Raises:
        BongsuError: ``identity.setting``.
    """
    return tuple(_trusted(one, audience, ministry_claim) for one in stated)


def _trusted(stated: str, audience: str, ministry_claim: str) -> TrustedIssuer:
    written = _FOR_MINISTRIES.fullmatch(stated)
    names, url = written.groups() if written else ("", stated)
    ministries = tuple(names.split(",")) if names else ()
    claim = "" if len(ministries) == 1 else ministry_claim
    return TrustedIssuer(issuer=url, audience=audience, ministries=ministries, ministry_claim=claim)


@contextmanager
def open_served(settings: ServerSettings, environment: Mapping[str, str]) -> Iterator[Served]:
    """Everything that a server works on, until the end of the block.

    Raises:
        BongsuError: ``run.no-mlflow-database``, ``run.one-database``, ``run.database-address``;
            what :func:`bongsu.service.grades.settle_grades` and
            :func:`bongsu.service.embedded.open_home`, :func:`open_issuer` raise; of the audit logs' keys
            ``audit.other-key``, and as :func:`bongsu.service.audit.keys.site_keys`.
    """
    _refuse_unshared_mlflow(settings)
    with contextlib.ExitStack() as undo:
        home = open_home(
            settings.home, environment, settings.ray_address, settings.database_url, settings.worker_url
        )
        undo.callback(home.close)
        base = _shared(home, place_of(home.home, environment), undo)
        settle_grades(base, settings.grades)
        public_url = settings.browsers.url if settings.browsers else ""
        governed = settings_of(base, settings.mlflow_database_url, public_url)
        governed = replace(governed, language=settings.language)
        telemetry = undo.enter_context(open_telemetry(settings.telemetry))
        watched = Watched(telemetry.metrics, telemetry.tracing)
        publisher = publisher_of(governed)
        undo.callback(publisher.close)
        base = replace(base, publisher=publisher, observer=watched)
        telemetry.metrics.registry.register(StoreGauges(base))
        telemetry.metrics.registry.register(ExecutorGauge(base.executor_trouble))
        issuer = _issuer(settings, base)
        base = replace(
            base, own_issuer=issuer.settings.issuer if issuer else "", issuers=_issuers(settings, issuer)
        )
        certificates = trusted_certificates()

        def fetcher(one: TrustedIssuer) -> KeyFetcher:
            # With connections of its own: a provider that is slow holds up those who ask it for that, and nobody else.
            return KeyFetcher(one, undo.enter_context(provider_client(certificates)))

        trusts = [*trusting(map(fetcher, settings.issuers)), *([issuer.trust()] if issuer else [])]
        telemetry.metrics.registry.register(ProviderKeys(trusts))
        plane = _plane(settings, base, issuer, trusts)
        plane = replace(plane, identify=counted(plane.identify, telemetry.metrics))
        browsers = _browsers(settings, plane, issuer, trusts, fetcher)
        mlflow: ASGIApp | None = None
        if settings.mlflow:
            mlflow = undo.enter_context(mounted(plane, governed, telemetry.metrics, browsers))
        yield Served(plane, issuer, settings, mlflow, telemetry, browsers)


def _refuse_unshared_mlflow(settings: ServerSettings) -> None:
    """Before anything is opened: what replicas share is in the databases, and MLflow's rows are told of to people."""
    own = parsed(settings.database_url or f"sqlite:///{settings.home / DATABASE}")
    if settings.mlflow_database_url:
        if is_same(own, parsed(settings.mlflow_database_url)):
            raise database_codes.ONE_DATABASE.error(url=shown(own))
    elif is_same(own, parsed(f"sqlite:///{settings.home / MLFLOW_DATABASE}")):
        raise database_codes.ONE_DATABASE.error(url=shown(own))
    elif not is_sqlite(own):
        raise database_codes.NO_MLFLOW_DATABASE.error(url=shown(own))


def _issuer(settings: ServerSettings, base: Platform) -> Issuer | None:
    if settings.built_in_issuer:
        clients = (CLI, *_console(base.home, settings.console_url), *_browser_client(settings.browsers))
        chosen = IssuerSettings(issuer=settings.built_in_issuer, clients=clients)
        return open_issuer(base.home, base.database, chosen, base.clock)
    if settings.service_issuer:
        url = settings.service_issuer
        chosen = IssuerSettings(issuer=url, network=not is_loopback(urlsplit(url).hostname or ""))
        return open_issuer(base.home, base.database, chosen, base.clock, with_people=False)
    return None


def _issuers(settings: ServerSettings, own: Issuer | None) -> tuple[TrustedIssuer, ...]:
    """Whose tokens are taken. Raises ``identity.setting`` for one that is stated twice: of which ministry its tokens
    are would be left to chance."""
    found = (*settings.issuers, *((own.trust().issuer,) if own else ()))
    urls = [one.issuer for one in found]
    for url in urls:
        if urls.count(url) > 1:
            raise identity_codes.SETTING.error(name="issuer", issuer=url, detail=phrase(N_("it is stated twice")))
    return found


def _console(home: Path, url: str | None) -> Iterator[OAuthClient]:
    """The console as Streamlit comes back to it. Its secret lies in the home, where whoever starts it reads it.

    Raises ``identity.setting``.
    """
    if url is not None:
        if not is_safe_url(url):
            words = phrase(N_("{url} is no https:// address, nor an http:// one of this machine"), url=url)
            raise identity_codes.SETTING.error(name="console", issuer="/issuer", detail=words)
        secret = SecretHasher(SECRET_COST).hashed(lasting_key(home / CONSOLE_SECRET))
        yield console_client(f"{url.rstrip('/')}/oauth2callback", secret)


def _browser_client(browsers: BrowserSettings | None) -> Iterator[OAuthClient]:
    if browsers is not None:
        yield browser_client(browsers.redirect_uri)


def _browsers(
    settings: ServerSettings,
    plane: ControlPlane,
    issuer: Issuer | None,
    trusts: list[Trust],
    fetcher: Callable[[TrustedIssuer], KeyFetcher],
) -> Browsers | None:
    """Raises ``identity.public-url`` if there is nowhere to sign in."""
    if settings.browsers is None:
        return None
    clock = plane.base.clock
    providers: dict[str, Provider] = {}
    if issuer is not None and issuer.accounts is not None:
        providers[issuer.settings.issuer] = OwnProvider(issuer)
    for one in settings.issuers:
        providers[one.issuer] = RemoteProvider(fetcher(one), clock)
    if not providers:
        words = phrase(N_("no identity provider is stated"))
        raise identity_codes.PUBLIC_URL.error(url=settings.browsers.url, detail=words)
    verifier = TokenVerifier(trusts)
    return Browsers(settings.browsers, providers, plane.base.database, verifier, plane.identify, clock)


def _plane(settings: ServerSettings, base: Platform, issuer: Issuer | None, trusts: list[Trust]) -> ControlPlane:
    keys = signing_keys(base.home, KeyUse.ATTEMPTS, base.clock)
    door = open_authenticator(base.database, trusts, keys)
    own = issuer.settings.issuer if issuer else ""
    providers = [own] if issuer and issuer.accounts else [one.issuer for one in settings.issuers]
    place = SignInPlace(providers[0]) if providers else None
    plane = ControlPlane(
        base,
        lambda token: door.actor(token, base.clock()),
        place,
        settings.site,
        audit_key=settings.audit_key,
        service_issuer=own,
        pages=f"{settings.browsers.url}{PAGES}" if settings.browsers and settings.mlflow else "",
    )
    refuse_other_keys(base, plane.log_keys())
    return plane


def _shared(home: Platform, place: ArtifactPlace, undo: contextlib.ExitStack) -> Platform:
    """A home as the ministries share it: each has its own part of the artifact store, and this process drives them
    all."""

    # This process stays, and sees to it itself that the tracking server is told.
    shared = replace(
        home,
        stores=stores_at(place),
        scope=EVERYTHING,
        actor=_THE_SERVER,
        author=Author(),
        on_leftover=None,
        pages=MLFLOW_PATH,
    )
    if home.database.engine.dialect.name == "sqlite":
        return replace(shared, lock=ServerLock(home.home / LOCK))
    leadership = Leadership(home.database)
    undo.callback(leadership.close)
    turn = SessionLock(home.database.engine.url, "tracking")
    undo.callback(turn.close)
    return replace(shared, lock=leadership, publisher_turn=turn)
