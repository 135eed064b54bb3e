"""The connection to S3, and its errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bongsu.domain.codes import artifact as codes
from bongsu.domain.problems import Code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 16
NOT_FOUND = frozenset({"NoSuchKey", "404", "NotFound"})
OUT_OF_RANGE = frozenset({"InvalidRange", "416"})
NO_BUCKET = frozenset({"NoSuchBucket"})
UNKNOWN_CALLER = frozenset(
    {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
        "XAdminUserNotFound",  # versitygw
    }
)
DENIED = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled", "MethodNotAllowed"})
SKEWED = frozenset({"RequestTimeTooSkewed"})
EXISTS = frozenset({"PreconditionFailed", "412"})
# Two conditional writes at once: neither is refused for good, and S3 says to try again.
CONFLICT = frozenset({"ConditionalRequestConflict", "409"})


def connect(store: str) -> S3Client:
    """A client with boto3's usual chain of credentials, region and endpoint (``AWS_ENDPOINT_URL_S3``), as they are now.

    Args:
        store: URI, for errors.

    Raises:
        BongsuError: ``artifact.credentials``, ``artifact.remote-unreachable``.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "max_attempts": 6},
        connect_timeout=10,
        read_timeout=60,
    )
    with explained(store):
        return boto3.Session().client("s3", config=config)


def error_code(error: BaseException) -> str:
    """S3's word for an error, e.g. ``NoSuchKey``; empty for anything else."""
    response: Any = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _refusal(code: str) -> Code:
    kinds = {
        codes.NO_BUCKET: NO_BUCKET,
        codes.CREDENTIALS: UNKNOWN_CALLER,
        codes.DENIED: DENIED,
        codes.CLOCK: SKEWED,
    }
    return next((kind for kind, words in kinds.items() if code in words), codes.REMOTE_REFUSED)


@contextmanager
def explained(store: str) -> Iterator[None]:
    """Turn what boto3 raises for reasons outside of this program into errors that say what to do."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        CredentialRetrievalError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
    )

    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code in NOT_FOUND | EXISTS | CONFLICT | OUT_OF_RANGE:
            raise
        raise _refusal(code).error(store=store, detail=str(error)) from error
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound) as error:
        raise codes.CREDENTIALS.error(store=store, detail=str(error)) from error
    except BotoCoreError as error:
        raise codes.REMOTE_UNREACHABLE.error(store=store, detail=str(error)) from error
