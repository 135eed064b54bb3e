"""Keys and certificates of an API server that lives for a day."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=30)


@dataclass(frozen=True)
class Certificates:
    """Files that the API server reads.

    Attributes:
        client_ca: whose certificates clients may show; nobody has one of it, but the server wants an authority.
        proxy_ca: of what the server shows to APIs that it passes requests on to. Another one than ``client_ca``, or the
            server does not start.
        proxy, proxy_key: that it shows to them.
        accounts_key: signs tokens of service accounts.
        tokens: of people.
        admin: the token of ``admin``, who may do everything.
    """

    client_ca: Path
    proxy_ca: Path
    proxy: Path
    proxy_key: Path
    accounts_key: Path
    tokens: Path
    admin: str


def make_certificates(folder: Path) -> Certificates:
    """In ``folder``, for its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    client_key, proxy_ca_key = _key(), _key()
    proxy_ca = _certificate("proxy-ca", proxy_ca_key)
    leaf_key, admin = _key(), secrets.token_hex(16)
    made = Certificates(
        client_ca=folder / "client-ca.crt",
        proxy_ca=folder / "proxy-ca.crt",
        proxy=folder / "proxy.crt",
        proxy_key=folder / "proxy.key",
        accounts_key=folder / "accounts.key",
        tokens=folder / "tokens.csv",
        admin=admin,
    )
    _write(made.client_ca, _pem(_certificate("client-ca", client_key)))
    _write(made.proxy_ca, _pem(proxy_ca))
    _write(made.proxy, _pem(_certificate("aggregator", leaf_key, (proxy_ca, proxy_ca_key))))
    _write(made.proxy_key, _private(leaf_key))
    _write(made.accounts_key, _private(_key()))
    _write(made.tokens, f"{admin},admin,admin,system:masters\n".encode())
    return made


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
) -> x509.Certificate:
    """Of an authority, or by ``issuer``."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _write(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)
