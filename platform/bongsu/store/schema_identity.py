"""What the built-in issuer keeps: sign-ins under way, refresh tokens, secrets of service accounts, all as hashes; the
sessions of browsers at this server; and which ministries somebody was sent to."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from bongsu.store.metadata import ID, NAME, metadata

SUBJECT = String(255)

device_grants = Table(
    "device_grants",
    metadata,
    Column("code", ID, primary_key=True),
    Column("user_code", String(20), nullable=False),
    Column("client", NAME, nullable=False),
    Column("scope", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("polled_at", Double),
    Column("state", String(20), nullable=False),
    Column("subject", SUBJECT, nullable=False),
    Column("family", ID, nullable=False, server_default=""),
    UniqueConstraint("user_code"),
    Index(None, "expires_at"),
)

code_grants = Table(
    "code_grants",
    metadata,
    Column("code", ID, primary_key=True),
    Column("client", NAME, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("challenge", ID, nullable=False),
    Column("nonce", String(500), nullable=False),
    Column("subject", SUBJECT, nullable=False),
    Column("expires_at", Double, nullable=False),
    # Of the tokens that were given for it; empty while none were.
    Column("family", ID, nullable=False),
    Index(None, "expires_at"),
)

session_families = Table(
    "session_families",
    metadata,
    Column("id", ID, primary_key=True),
    Column("client", NAME, nullable=False),
    Column("subject", SUBJECT, nullable=False),
    Column("scope", Text, nullable=False),
    Column("signed_in_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("ended_at", Double),
    Index(None, "subject"),
    Index(None, "expires_at"),
)

refresh_grants = Table(
    "refresh_grants",
    metadata,
    Column("token", ID, primary_key=True),
    Column("family", ID, nullable=False),
    Column("expires_at", Double, nullable=False),
    # Since when another one took its place; whoever brings it then has a copy.
    Column("used_at", Double),
    ForeignKeyConstraint(["family"], ["session_families.id"], ondelete="CASCADE"),
    Index(None, "family"),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    # Hash of the secret that the browser has.
    Column("id", ID, primary_key=True),
    Column("person", NAME, nullable=False),
    Column("issuer", String(500), nullable=False),
    # Sealed by the same secret.
    Column("tokens", Text, nullable=False),
    # After which another token is asked for, and after which there is none.
    Column("token_ends_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    # Until then a process asks for another token; who finds that takes what there is, or waits.
    Column("renewed_until", Double, nullable=False),
    ForeignKeyConstraint(["person"], ["people.id"], ondelete="CASCADE"),
    Index(None, "person"),
    Index(None, "ends_at"),
)

secondments = Table(
    "secondments",
    metadata,
    Column("person", NAME, nullable=False),
    # Whose operators may make the person something there. No reference: who sends somebody is not told whether there
    # is such a ministry.
    Column("ministry", NAME, nullable=False),
    Column("since", Double, nullable=False),
    PrimaryKeyConstraint("person", "ministry"),
    ForeignKeyConstraint(["person"], ["people.id"], ondelete="CASCADE"),
    Index(None, "ministry"),
)

service_secrets = Table(
    "service_secrets",
    metadata,
    Column("person", NAME, nullable=False),
    # Says which secret is meant, and nothing of it.
    Column("id", ID, nullable=False),
    Column("hash", String(200), nullable=False),
    Column("created_at", Double, nullable=False),
    # After which it holds no longer; none for one that was not replaced.
    Column("ends_at", Double),
    PrimaryKeyConstraint("person", "id"),
    ForeignKeyConstraint(["person"], ["people.id"], ondelete="CASCADE"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    # One of a fixed number of places that names fall into: strangers cannot make the table grow.
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("failures", Integer, nullable=False),
    Column("last_at", Double, nullable=False),
)
