"""Artifacts in a bucket.

Keys below the prefix::

    trees/<digest>.json     the manifest and where its files lie; created once, with If-None-Match
    trees/<digest>.damaged  the same of a tree that was set aside
    data/<writer key>/<token>/...   the files of a tree; no two writers have the same token
    records/<key>           small create-only records
    checkpoints/<key>/      mutable space of training runs

Below the cache directory of a machine::

    sha256-.../             copies of trees (:mod:`.tree_cache`)
    staging/<key>.tree/     files that a stage writes by itself
    staging/<key>.journal   what an unfinished writer has uploaded; <key>.lock while somebody writes
"""

from __future__ import annotations

import json
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from pydantic import TypeAdapter

from bongsu.artifacts.checking import is_broken, not_a_manifest
from bongsu.artifacts.keys import check_key
from bongsu.artifacts.s3.client import CONFLICT, EXISTS, NOT_FOUND, connect, error_code, explained
from bongsu.artifacts.s3.reader import S3Reader
from bongsu.artifacts.s3.tree_cache import TreeCache
from bongsu.artifacts.s3.writer import S3Writer, listed
from bongsu.domain.artifact import Manifest
from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import DIGEST_PATTERN, Digest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONFLICT_TRIES = 5

_PIECES = TypeAdapter(dict[str, tuple[str, ...]])


class S3Store:
    """See the module's docstring.

    Args:
        bucket, prefix: where everything lies; the prefix has no slash at either end.
        cache: local directory for copies of trees and for files that stages write.
        client: a boto3 client; one is made if it is not given.
    """

    def __init__(self, bucket: str, prefix: str, cache: Path, client: S3Client | None = None) -> None:
        self.bucket = bucket
        self._prefix = prefix.strip("/")
        self.cache = cache
        self.copies = TreeCache(cache)
        self.client = client or connect(self.uri)

    @classmethod
    def from_uri(cls, uri: str, cache: Path | None = None) -> S3Store:
        parsed = urlparse(uri)
        if not parsed.netloc:
            raise codes.UNKNOWN_SCHEME.error(uri=uri)
        name = f"bongsu-{sha256(uri.encode()).hexdigest()[:16]}"
        return cls(parsed.netloc, parsed.path, cache or Path(tempfile.gettempdir()) / name)

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self._prefix}" if self._prefix else f"s3://{self.bucket}"

    def key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    # -- the protocol ------------------------------------------------------------------------------------------

    def writer(self, key: str) -> S3Writer:
        return S3Writer(self, check_key(key))

    def reader(self, digest: Digest) -> S3Reader:
        text = self.read_object(f"trees/{self._checked(digest)}.json")
        if text is None:
            raise codes.MISSING.error(digest=digest, store=self.uri)
        try:
            content = json.loads(text)
            manifest, prefix = Manifest.model_validate(content["manifest"]), str(content["prefix"])
            # Trees from before have none.
            pieces = _PIECES.validate_python(content.get("pieces", {}))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise codes.CORRUPT.error(path="(manifest)", digest=digest, detail=not_a_manifest(error)) from None
        if manifest.digest != digest:
            raise codes.CORRUPT.error(path="(manifest)", digest=digest, detail="it lists another tree")
        return S3Reader(self, digest, prefix, manifest, pieces)

    def has(self, digest: Digest) -> bool:
        return self.object_size(f"trees/{self._checked(digest)}.json") is not None

    def withdraw(self, digest: Digest) -> bool:
        name = f"trees/{self._checked(digest)}"
        text = self.read_object(f"{name}.json")
        # Who mends it meanwhile puts its files elsewhere, and says so there.
        if text is None or not is_broken(self, digest) or self.read_object(f"{name}.json") != text:
            return False
        self.write_object(f"{name}.damaged", text)
        self.delete_object(f"{name}.json")
        return True

    def put_record(self, key: str, data: bytes) -> bool:
        return self.create_once(f"records/{check_key(key)}", data)

    def get_record(self, key: str) -> bytes | None:
        return self.read_object(f"records/{check_key(key)}")

    def checkpoint_uri(self, key: str) -> str:
        return f"{self.uri}/checkpoints/{check_key(key)}"

    def clear_checkpoints(self, key: str) -> None:
        self.delete_prefix(f"checkpoints/{check_key(key)}/")

    # -- objects -----------------------------------------------------------------------------------------------

    def create_once(self, name: str, data: bytes) -> bool:
        """Create an object; False if it stands already. The server decides (If-None-Match: *)."""
        from botocore.exceptions import ClientError

        where: dict[str, Any] = {"Bucket": self.bucket, "Key": self.key(name)}
        left = CONFLICT_TRIES
        while True:
            try:
                with explained(self.uri):
                    self.client.put_object(**where, Body=data, IfNoneMatch="*", ChecksumAlgorithm="SHA256")
                return True
            except ClientError as error:
                if error_code(error) in EXISTS:
                    return False
                if error_code(error) not in CONFLICT or not left:
                    raise
                left -= 1

    def server_date(self) -> str:
        """The HTTP date of the server's answer to a look into the bucket; empty if it gives none."""
        with explained(self.uri):
            answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.key(""), MaxKeys=1)
        return answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")

    def write_object(self, name: str, data: bytes) -> None:
        with explained(self.uri):
            self.client.put_object(Bucket=self.bucket, Key=self.key(name), Body=data, ChecksumAlgorithm="SHA256")

    def read_object(self, name: str) -> bytes | None:
        from botocore.exceptions import ClientError

        try:
            with explained(self.uri):
                return self.client.get_object(Bucket=self.bucket, Key=self.key(name))["Body"].read()
        except ClientError as error:
            if error_code(error) in NOT_FOUND:
                return None
            raise

    def object_size(self, name: str) -> int | None:
        from botocore.exceptions import ClientError

        try:
            with explained(self.uri):
                return int(self.client.head_object(Bucket=self.bucket, Key=self.key(name))["ContentLength"])
        except ClientError as error:
            if error_code(error) in NOT_FOUND:
                return None
            raise

    def delete_object(self, name: str) -> None:
        with explained(self.uri):
            self.client.delete_object(Bucket=self.bucket, Key=self.key(name))

    def delete_prefix(self, name: str) -> None:
        with explained(self.uri):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.key(name))
            for entry in listed(pages):
                self.client.delete_object(Bucket=self.bucket, Key=entry["Key"])

    def end_uploads(self, name: str) -> None:
        """Forget the parts of uploads below ``name`` that nobody completed."""
        with explained(self.uri):
            uploads = self.client.get_paginator("list_multipart_uploads")
            for page in uploads.paginate(Bucket=self.bucket, Prefix=self.key(name)):
                for upload in page.get("Uploads", ()):
                    self.client.abort_multipart_upload(
                        Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )

    def listing(self, name: str) -> dict[str, tuple[int, str]]:
        """Size in bytes and ETag of all objects below ``name``, by the rest of their keys."""
        base = self.key(f"{name}/")
        with explained(self.uri):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=base)
            return {entry["Key"].removeprefix(base): (entry["Size"], entry["ETag"]) for entry in listed(pages)}

    def _checked(self, digest: Digest) -> Digest:
        if not DIGEST_PATTERN.fullmatch(digest):
            raise codes.MISSING.error(digest=ascii(digest), store=self.uri)
        return digest
