"""Codes of the artifact store."""

from bongsu.domain.problems import Code

MISSING = Code(
    "artifact.missing",
    "The artifact {digest} is not in the store {store}.",
    "Check the digest, or run the stage that makes it again.",
    exit_code=3,
)
CORRUPT = Code(
    "artifact.corrupt",
    "The file {path} of artifact {digest} does not match its manifest: {detail}.",
    "The stored bytes changed after they were written. Restore them from a backup, or delete the artifact and"
    " run its stage again.",
    exit_code=8,
)
UNSAFE_PATH = Code(
    "artifact.unsafe-path",
    "The path {path} cannot be part of an artifact: {detail}.",
    "Use relative paths of regular files, without '..', links, devices or control characters.",
)
