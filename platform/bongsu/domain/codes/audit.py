"""Codes of the audit log: reading it, signing it, witnessing it, verifying it."""

from bongsu.domain.problems import Code

# Reading and signing.
UNKNOWN_LOG = Code(
    "audit.unknown-log",
    "There is no audit log of {tenant} here.",
    "Name a ministry in which you have a role, with --ministry; a home has but the one log that is read without it.",
    exit_code=3,
)
FORBIDDEN = Code(
    "audit.forbidden",
    "{actor} may not do this with the audit log of {tenant}: it takes the permission {permission}, and they are {held}"
    " there (rule {rule}).",
    "These roles have it: {having}. Ask one of them, or have an operator of the ministry give the role.",
    exit_code=4,
    rule="access.permission",
)
NO_ENTRY = Code(
    "audit.no-entry",
    "The log has no entry {position}; it has {size}, counted from 0.",
    "`bongsu audit list` shows the newest ones.",
    exit_code=3,
)
ABOVE_CLEARANCE = Code(
    "audit.above-clearance",
    "What entry {position} says is above your clearance, which is {clearance}; only its hash can be shown"
    " (rule {rule}).",
    "Ask an auditor whose clearance is high enough, or leave its text out.",
    exit_code=4,
    rule="access.clearance",
)
NO_SUCH_SIZE = Code(
    "audit.no-such-size",
    "The log has {size} entries and was never one of {asked}.",
    "Give a size from 0 to {size}. If a witness saw more entries, some are gone: docs/runbooks/restore.md says how a"
    " log goes on that was restored from an older backup.",
)
EMPTY = Code(
    "audit.empty",
    "The log has no entry yet, so there is nothing to sign.",
    "Submit a run or register a data set first.",
    exit_code=3,
)
DAMAGED = Code(
    "audit.damaged",
    "The stored audit log of {tenant} is not what it was: {detail}.",
    "Nothing more is signed of it. Compare it with an exported bundle and with what witnesses hold, and put a backup"
    " in its place; docs/runbooks/audit.md says how.",
    exit_code=8,
)
KEY_UNREADABLE = Code(
    "audit.key-unreadable",
    "The signing key {source} cannot be used: {detail}.",
    "Give a file of lines that begin with PRIVATE+KEY+, the current key first, or env:NAME for a variable that holds"
    " them.",
    exit_code=7,
)
KEY_OPEN = Code(
    "audit.key-open",
    "The signing key {source} can be read by others than its owner.",
    "Close it (`chmod 600`) and, as others may have read it, rotate it: `bongsu audit checkpoint --rotate-key`.",
    exit_code=7,
)
OTHER_SITE = Code(
    "audit.other-site",
    "The signing key {source} is that of {found}, and this server is called {site}.",
    "Start it with --site {found}; or, if its logs are to go on under another name, give a key of that name with"
    " --audit-key.",
    exit_code=7,
)
OTHER_KEY = Code(
    "audit.other-key",
    "The audit logs here were signed by {known} last, and this server has another key of the same name.",
    "Give every replica the same key with --audit-key. If that key is lost, choose another --site: to its witnesses it"
    " is another log from then on.",
    exit_code=7,
)
SERVERS_KEY = Code(
    "audit.servers-key",
    "The signing key of a server is changed where the server runs, and not by a command to it.",
    "Ask its operator, who follows docs/runbooks/audit.md; `--context local` means the home of this machine.",
)
BAD_KEY = Code(
    "audit.bad-key",
    "{key} is no public key: {detail}.",
    "Give it as `bongsu audit keys` prints it, name+id+base64, or a file of such lines.",
)
NO_KEYS = Code(
    "audit.no-keys",
    "{file} names no key.",
    "Nothing would be checked by it. Have the keys written anew: `bongsu audit keys > FILE` for those of a log,"
    " `bongsu audit witness ... -o COSIGNED > FILE` for that of a witness.",
)
NO_ENTRIES = Code(
    "audit.no-entries",
    "{file} has no entry in it.",
    "Nothing would be looked for. Give a file that has the text of an entry on each line, as `text` of"
    " `bongsu audit show POSITION --json` has it, or leave --entry out.",
)
MALFORMED = Code(
    "audit.malformed",
    "{file} cannot be read, line {line}: {detail}.",
    "Give a file as `bongsu audit export`, `checkpoint`, `show --proof` or `witness` wrote it.",
)

# Witnessing.
UNKNOWN_ORIGIN = Code(
    "audit.unknown-origin",
    "This witness has no key of the log {origin} (rule {rule}).",
    "Get the log's key from its ministry by a way that you trust, and give it with --log-key.",
    exit_code=4,
    rule="audit.known-log",
)
SHRUNK = Code(
    "audit.shrunk",
    "The log {origin} has {size} entries now, and a checkpoint that was seen before has {seen}.",
    "A log never shrinks: entries were taken away, or it was restored from an older backup. Keep both checkpoints and"
    " ask its ministry which; docs/runbooks/restore.md says how a restored log goes on.",
    exit_code=8,
)
FORK = Code(
    "audit.fork",
    "The log {origin} signed two different roots for {size} entries.",
    "A log has one history: entries were changed, or it went on from an older backup. Keep both checkpoints and ask"
    " its ministry which; docs/runbooks/restore.md says how a restored log goes on.",
    exit_code=8,
)
INCONSISTENT = Code(
    "audit.inconsistent",
    "Nothing shows that the log {origin} of {size} entries begins with the {seen} that were seen before.",
    "Ask once for a new proof from {seen} entries on. If there is none, entries were changed, or the log went on from"
    " an older backup: keep both checkpoints and ask its ministry which; docs/runbooks/restore.md says how a restored"
    " log goes on.",
    exit_code=8,
)
OTHER_START = Code(
    "audit.other-start",
    "The request begins at {old} entries, and this witness saw {seen} of {origin} last.",
    "Have the request made anew: `bongsu audit checkpoint --since {seen}`.",
)
BAD_MEMORY = Code(
    "audit.bad-memory",
    "What this witness remembers cannot be read from {file}: {detail}.",
    "Restore the file from a backup. Without it a rewritten log cannot be noticed.",
    exit_code=8,
)
BAD_MEMORY_OF_LOG = Code(
    "audit.bad-memory-of-log",
    "What this witness remembers of the log {origin} cannot be read from {file}: {detail}. Other logs are signed as"
    " before.",
    "Put this log's part of the file back from a backup. Without it a rewritten log cannot be noticed.",
    exit_code=8,
)
NOTE_TOO_LARGE = Code(
    "audit.note-too-large",
    "With the signature of {witness} below it, nobody could read the checkpoint of {size} entries of {origin}:"
    " {detail}.",
    "Have its ministry make the request anew with `bongsu audit checkpoint --since`, whose checkpoints have three"
    " lines. If it is the name of the witness that is too long, begin one with another name and key.",
)
NOT_COSIGNED = Code(
    "audit.not-cosigned",
    "The file has no signature of the witness {witness}.",
    "Give the witness's own key, and the checkpoint as the witness gave it back.",
)
NO_WITNESS_KEY = Code(
    "audit.no-witness-key",
    "The key of {witness} cannot witness the log {origin}: {detail}.",
    "Give the key that `bongsu audit witness` prints; it is drawn by whoever is not to trust this log.",
)
TOO_MANY_COSIGNATURES = Code(
    "audit.too-many-cosignatures",
    "The checkpoint of {size} entries of {origin} has signatures of {most} witnesses, and no more are kept below one.",
    "Have the witness sign a newer checkpoint, which has room for as many: `bongsu audit checkpoint --since`. Who"
    " brought the {most} stands in the log: `bongsu audit list --action audit.cosign`.",
)

# Verifying.
ENTRY_CHANGED = Code(
    "audit.entry-changed",
    "Entry {position} does not have the hash that stands beside it: it was changed.",
    "Take nothing of this file for true; get another copy, and ask who had this one.",
    exit_code=8,
)
COLUMNS_CHANGED = Code(
    "audit.columns-changed",
    "Entry {position} is kept under something else than its text says ({columns}): who searches the log is misled.",
    "The text and its hash are right. Have the operator restore the database from a backup, and find out who wrote"
    " into it.",
    exit_code=8,
)
ENTRY_MISSING = Code(
    "audit.entry-missing",
    "Entries {first} to {last} are missing.",
    "Take nothing of this file for true; get another copy, and ask who had this one.",
    exit_code=8,
)
ENTRY_OUT_OF_ORDER = Code(
    "audit.entry-out-of-order",
    "Entry {position} stands where entry {expected} should: it was put in, repeated or moved.",
    "Take nothing of this file for true; get another copy, and ask who had this one.",
    exit_code=8,
)
TRUNCATED = Code(
    "audit.truncated",
    "The file ends at entry {found}, and {size} are signed.",
    "Get the whole file; what is there may be right, and what is gone is not known.",
    exit_code=8,
)
ROOT_DIFFERS = Code(
    "audit.root-differs",
    "Entries {first} to {last} are not those that were signed: the tree has another root at {size} entries.",
    "Take nothing of this file for true; get another copy, and ask who had this one.",
    exit_code=8,
)
OTHER_LOG = Code(
    "audit.other-log",
    "This is a checkpoint of {found}, and the file is about {origin}.",
    "Verify each log by its own checkpoints.",
    exit_code=8,
)
WRONG_SIGNATURE = Code(
    "audit.wrong-signature",
    "The signature of {name} under the checkpoint of {size} entries is not that of its key.",
    "Take nothing of this file for true; get another copy, and ask who had this one.",
    exit_code=8,
)
UNSIGNED = Code(
    "audit.unsigned",
    "The checkpoint of {size} entries carries no signature of a key that was given for {origin}.",
    "Compare keys: the log may have a new one, which its ministry publishes; give it with --key.",
    exit_code=8,
)
NOT_INCLUDED = Code(
    "audit.not-included",
    "The entry is not in the log at position {position}.",
    "Take it for false until somebody shows a proof that verifies.",
    exit_code=8,
)
UNKNOWN_ENTRY = Code(
    "audit.unknown-entry",
    "The entry on line {line} of {file} is nowhere in the bundle.",
    "If the bundle begins later, get one that reaches back to it; else take the entry for false.",
    exit_code=8,
)
UNKNOWN_WITNESS = Code(
    "audit.unknown-witness",
    "The checkpoint of {size} entries carries a signature of {name}, whose key is not known here; it counts for"
    " nothing.",
    "If you trust this witness, give its key with --witness.",
    exit_code=8,
)
NOT_WITNESSED = Code(
    "audit.not-witnessed",
    "The witness {name} signed nothing in this file.",
    "Have a checkpoint witnessed (`bongsu audit checkpoint --since`, `witness`, `accept`) and export again.",
    exit_code=8,
)
NO_CHECKPOINT = Code(
    "audit.no-checkpoint",
    "The file holds no checkpoint, so nothing of it is signed.",
    "Export again with `bongsu audit export`.",
    exit_code=8,
)
