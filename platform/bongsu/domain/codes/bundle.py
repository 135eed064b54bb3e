"""Codes of bundles: models that leave the house as one file, and come in from one."""

from bongsu.domain.problems import Code

MALFORMED = Code(
    "bundle.malformed",
    "{file} is not a bundle of a model as it was written, at byte {offset}: {detail}.",
    "Take the file anew from where it was exported, and compare both sizes and SHA-256 sums; nothing of it was taken.",
)
MISSING = Code(
    "bundle.missing",
    "There is no file {file}.",
    "Check the path; `bongsu models export MODEL --to TARGET -o FILE` writes a bundle.",
    exit_code=3,
)
UNREADABLE = Code("bundle.unreadable", "{file} cannot be read: {detail}.", "Name a regular file that you may read.")
TRUNCATED = Code(
    "bundle.truncated",
    "{file} is cut off: {detail}.",
    "Copy it again: it has to have the size that `bongsu models export` told. Nothing of it was taken.",
)
BAD_DOCUMENT = Code(
    "bundle.bad-document",
    "What {file} says of its model cannot be relied on: {detail}.",
    "Have the giver export the model again, and tell them: no bundle that Bongsu writes is so.",
)
DOCUMENT_CHANGED = Code(
    "bundle.document-changed",
    "What is signed in {file} is not the document that stands before it.",
    "One of the two was changed since, or damaged on its way. Take the file anew from where it was exported.",
)
WRONG_SIGNATURE = Code(
    "bundle.wrong-signature",
    "A signature in {file} says that it is by {key}, and it is not (rule {rule}).",
    "Take nothing from this file: somebody changed it, or signed it who is not who they say. Ask the giver.",
    exit_code=4,
    rule="bundle.signed",
)
UNSIGNED = Code(
    "bundle.unsigned",
    "No key that you gave has signed {file}; it says that it comes from {origin} (rule {rule}).",
    "Get the giver's public key by another way than this file (`bongsu audit keys` prints it there), and name it with"
    " --key.",
    exit_code=4,
    rule="bundle.signed",
)
FILE_CHANGED = Code(
    "bundle.file-changed",
    "{path} in {file} is not the file that was signed: its SHA-256 is {found}, and {expected} was signed.",
    "Take the bundle anew from where it was exported; nothing of it was taken.",
)
OTHER_TARGET = Code(
    "bundle.other-target",
    "{file} was approved for {target}, and this is {here} (rule {rule}).",
    "Have the giver propose, approve and export it for {here}; or take it in where it was approved for.",
    exit_code=4,
    rule="bundle.target",
)
TARGET_UNSTATED = Code(
    "bundle.target-unstated",
    "{file} was approved for {target}, and a home of one person does not say whose it is (rule {rule}).",
    "If this home is theirs, say so: --ministry {target}. That you did is recorded.",
    exit_code=4,
    rule="bundle.target",
)
BAD_TARGET = Code(
    "bundle.bad-target",
    "{target} is not what a bundle can be for.",
    "Name a ministry, or a ministry and the name of its installation: msit or msit/bongsu.msit.example.",
)
DOCUMENT_TOO_LONG = Code(
    "bundle.document-too-long",
    "What a bundle of {object} has to say of its files takes {size} bytes; {most} are read.",
    "Write its weights into fewer, larger files with shorter paths: save it again with larger shards.",
)
TOO_MANY_FILES = Code(
    "bundle.too-many-files",
    "{object} has {count} files; a bundle holds {most}.",
    "Write its weights into fewer, larger files: save it again with larger shards.",
)
