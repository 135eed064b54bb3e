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
    "The stored bytes changed after they were written. A run that reads them sets the artifact aside, and the next one"
    " makes it again; or restore them from a backup.",
    exit_code=8,
)
UNSAFE_PATH = Code(
    "artifact.unsafe-path",
    "The path {path} cannot be part of an artifact: {detail}.",
    "Use relative paths of regular files, without '..', links, devices or control characters.",
)
UNKNOWN_SCHEME = Code(
    "artifact.unknown-scheme",
    "{uri} is not the address of an artifact store.",
    "Use file:///absolute/path, a path, or s3://bucket/prefix.",
)
UNSAFE_KEY = Code(
    "artifact.unsafe-key",
    "{key} cannot be the key of a record or a checkpoint.",
    "Use letters, digits, '.', '_', '-', '=' and '/' between them, at most 512 characters.",
)
EMPTY_TREE = Code(
    "artifact.empty-tree",
    "The output {key} is empty: no file was written into it.",
    "Let the stage write at least one file there.",
)
NO_SPACE = Code(
    "artifact.no-space",
    "The artifact store {store} has no room left: {detail}.",
    "Free some space or move the store; what was committed before is untouched.",
    exit_code=7,
)
READ_ONLY = Code(
    "artifact.read-only",
    "The artifact store {store} cannot be written: {detail}.",
    "Look with `bongsu show`, `models` or `lineage`, which write nothing; to run something, make the place writable"
    " or use another --home.",
    exit_code=7,
)
NOT_A_BUCKET = Code(
    "artifact.not-a-bucket",
    "BONGSU_ARTIFACTS is {uri}, and that is no address in S3.",
    "Write s3://bucket/prefix with letters, digits, '.', '_', '-' and '='; without it, artifacts lie in the state"
    " directory.",
)
NO_BUCKET = Code(
    "artifact.no-bucket",
    "There is no bucket for the artifact store {store}.",
    "Make the bucket, or correct its name in BONGSU_ARTIFACTS; a server of your own is named by AWS_ENDPOINT_URL_S3.",
    exit_code=7,
)
CREDENTIALS = Code(
    "artifact.credentials",
    "The artifact store {store} does not know these credentials: {detail}.",
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN if they are temporary), or AWS_PROFILE;"
    " temporary ones may have run out.",
    exit_code=7,
)
DENIED = Code(
    "artifact.denied",
    "The artifact store {store} does not let these credentials do that: {detail}.",
    "Have their owner granted s3:ListBucket, GetObject, PutObject, DeleteObject, AbortMultipartUpload and"
    " ListBucketMultipartUploads for the bucket and the prefix.",
    exit_code=7,
)
CLOCK = Code(
    "artifact.clock",
    "The clock of this machine and that of the artifact store {store} differ: {detail}.",
    "Set the clock by NTP, such as with `timedatectl set-ntp true`; S3 refuses requests from 15 minutes on.",
    exit_code=7,
)
NO_CONDITION = Code(
    "artifact.no-conditional-writes",
    "The artifact store {store} overwrites an object that was to be created only if it did not exist.",
    "Use a server that keeps to If-None-Match, as Amazon S3 does: without it, one of two writers loses its record.",
    exit_code=7,
)
REMOTE_REFUSED = Code(
    "artifact.remote-refused",
    "The artifact store {store} refused: {detail}.",
    "Check that the bucket exists and that the credentials may read and write it.",
    exit_code=7,
)
REMOTE_UNREACHABLE = Code(
    "artifact.remote-unreachable",
    "The artifact store {store} cannot be reached: {detail}.",
    "Check AWS_ENDPOINT_URL_S3, the network and the credentials.",
    exit_code=7,
)
UNREADABLE_CARD = Code(
    "artifact.unreadable-card",
    "A card among the files of {archive} cannot be read, so nobody knows what they are: {detail}.",
    "Mend that card, or take it away and state the label yourself; then send the files again.",
)
NOT_AN_ARCHIVE = Code(
    "artifact.not-an-archive",
    "What was sent as {archive} is no archive of plain files: {detail}.",
    "Send a tar archive without compression, whose members are files with paths below its root; `bongsu` does so.",
)
