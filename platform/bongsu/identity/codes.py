"""Codes that the built-in issuer makes up, and how they are proven: random, short-lived, kept only as hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

# Consonants without their look-alikes: no words come of them (RFC 8628, section 6.1). 20 to the 8th are 34 bits.
USER_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
USER_LENGTH = 8
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_secret() -> str:
    """256 random bits, for codes and tokens that programs carry."""
    return secrets.token_urlsafe(32)


def kept_as(secret: str) -> str:
    """Under which a random code is kept: its SHA-256. Nobody guesses 256 bits, so there is no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_user_code() -> str:
    return "".join(secrets.choice(USER_ALPHABET) for _ in range(USER_LENGTH))


def shown_user_code(code: str) -> str:
    """``BCDF-GHJK``."""
    return f"{code[: USER_LENGTH // 2]}-{code[USER_LENGTH // 2 :]}"


def read_user_code(typed: str) -> str:
    """What somebody meant: case, hyphens and blanks are of no account. Empty if it can be no code."""
    code = re.sub(r"[\s-]", "", typed[:50]).upper()
    return code if len(code) == USER_LENGTH and set(code) <= set(USER_ALPHABET) else ""


def is_challenge(text: str) -> bool:
    """True if it can be the S256 of a verifier."""
    return _CHALLENGE.fullmatch(text) is not None


def challenge_of(verifier: str) -> str:
    """S256 of RFC 7636, section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def proves(verifier: str, challenge: str) -> bool:
    """Whether whoever has the verifier made the challenge."""
    return _VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(challenge_of(verifier), challenge)
