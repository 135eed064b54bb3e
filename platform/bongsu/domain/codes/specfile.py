"""Codes of pipeline files: the text itself, YAML, shapes and single fields. The graph is in ``spec``."""

from bongsu.domain.problems import Code

# The file.
MISSING_FILE = Code(
    "spec.missing-file", "There is no file {path}.", "Check the path, or write one with `bongsu init`.", exit_code=3
)
UNREADABLE_FILE = Code(
    "spec.unreadable-file", "{path} cannot be read: {detail}.", "Name a regular file that you may read."
)
FILE_TOO_LARGE = Code(
    "spec.file-too-large",
    "The file is larger than {limit}.",
    "A pipeline file describes work and holds no data: put data into a data set and name it under inputs.",
)
ENCODING = Code("spec.encoding", "The file is not UTF-8: {detail}.", "Save it as UTF-8.")
CONTROL_CHARACTER = Code(
    "spec.control-character",
    "Here is the character {character}, which nobody can see.",
    "Delete it: it may come along when text is pasted. In double quotes, \\n and \\t stand for a new line and a tab.",
)
EMPTY_FILE = Code("spec.empty-file", "The file is empty.", "`bongsu init` writes a pipeline to start from.")

# YAML.
SYNTAX = Code("spec.syntax", "This is not YAML: {detail}.", "{hint}")
TAB = Code("spec.tab", "A tab stands where YAML wants spaces.", "Indent with spaces.")
SEVERAL_DOCUMENTS = Code(
    "spec.several-documents", "A second document starts here.", "Write one pipeline for each file."
)
DUPLICATE_KEY = Code(
    "spec.duplicate-key", "The key {key} stands here twice, first in line {first}.", "Keep one of the two."
)
NON_TEXT_KEY = Code("spec.non-text-key", "A key is {found}; keys are texts.", "Put the key into quotes.")
MERGE_KEY = Code(
    "spec.merge-key",
    "The merge key << is not part of YAML 1.2.",
    "Write the keys out, or use an alias for the whole value.",
)
TAG = Code("spec.tag", "The tag {tag} cannot be used here.", "Take it away; quotes make a text of a number: '1.0'.")
UNKNOWN_ALIAS = Code("spec.unknown-alias", "Nothing above has the anchor &{name}.", "Anchors above: {known}.")
RECURSIVE_ALIAS = Code(
    "spec.recursive-alias", "The alias *{name} stands inside what it names.", "Write the value out."
)
TOO_MANY_VALUES = Code(
    "spec.too-many-values",
    "Aliases written out, the file has more than {limit} values.",
    "Use fewer aliases of large values.",
)
TOO_LARGE_EXPANDED = Code(
    "spec.too-large-expanded",
    "Aliases written out and parameters filled in, the file has more than {limit} characters.",
    "Name long texts fewer times: put them into a data set, or let the command read them from a file.",
)
TEXT_TOO_LONG = Code(
    "spec.text-too-long",
    "With its templates filled in, this text would have {count} characters; at most {limit} are allowed.",
    "Use fewer templates in one text, or shorter values: put long texts into a data set.",
)
TOO_DEEP = Code("spec.too-deep", "Values are nested deeper than {limit} levels.", "Nest less.")
NUMBER = Code(
    "spec.number",
    "The number {text} cannot be kept as it is written.",
    "Use a finite number below 2^63, or put it into quotes if it is a text.",
)

# Shapes.
MISSING_KEY = Code("spec.missing-key", "The key {key} is missing.", "Add {key}: it is {expected}.")
UNKNOWN_KEY = Code("spec.unknown-key", "The key {key} is not known here.", "Keys here: {known}.")
MORE_UNKNOWN_KEYS = Code(
    "spec.more-unknown-keys",
    "{count} more keys of this mapping are not known here.",
    "Take them away: the first ones are told one by one.",
)
WRONG_TYPE = Code("spec.wrong-type", "This is {found}; it must be {expected}.", "Write {expected}.")
TEXT_OF_NUMBER = Code(
    "spec.unquoted-text", "{value} is read as {found}, and this must be text.", "Put it into quotes: '{value}'."
)
NUMBER_AS_TEXT = Code(
    "spec.quoted-number",
    "{value} in quotes is text, and this must be {expected}.",
    "Write it without quotes.",
)
FILLED_NUMBER = Code(
    "spec.unquoted-value",
    "{template} stands for {value}, which is {found}, and this must be text.",
    "Put {hint} into quotes: '{value}'.",
)
FILLED_TEXT = Code(
    "spec.quoted-value",
    "{template} stands for {value} in quotes, which is text, and this must be {expected}.",
    "Write {hint} without quotes.",
)
NOT_ALLOWED = Code("spec.not-allowed", "{value} is none of the allowed values.", "Allowed: {known}.")
OUT_OF_RANGE = Code("spec.out-of-range", "{value} is out of range.", "It must be {range}.")
LENGTH = Code("spec.length", "This has the wrong length.", "It must have {range}.")
WRONG_UNIT = Code("spec.wrong-unit", "{value} is not {expected}.", "Units are {units}, as in {example}.")
BAD_TEXT = Code("spec.bad-text", "{value} cannot stand here.", "Write {expected}.")
INVALID_VALUE = Code(
    "spec.invalid-value", "This value is refused: {detail}.", "`bongsu stages show NAME` explains the parameters."
)

# Parameters.
DUPLICATE_PARAMETER = Code(
    "spec.duplicate-parameter", "Two parameters are named {name}.", "Give one of them another name."
)
UNKNOWN_OVERRIDE = Code(
    "spec.unknown-override",
    "`--set {name}` names no parameter of this pipeline.",
    "Parameters of this pipeline: {known}.",
)
OVERRIDE_TYPE = Code(
    "spec.override-type",
    "`--set {name}={value}` is not {expected}, as the default {default} is.",
    "Give {expected}.",
)
OVERRIDE_CHARACTER = Code(
    "spec.override-character",
    "`--set {name}=...` holds the character {character}.",
    "Values hold text that can be seen; type it again, or write it into the file.",
)

# Fields that depend on each other.
RESERVED_NAME = Code(
    "spec.reserved-name", "A stage cannot be named {name}.", "The word has a meaning of its own: use another."
)
INPUT_SOURCE = Code(
    "spec.input-source", "An input has exactly one of model and dataset.", "Keep one of the two, or add one."
)
INPUT_URI = Code(
    "spec.input-uri",
    "{uri} is not the address of a {kind}.",
    "Write one of {known}.",
)
NOT_DISTRIBUTED = Code(
    "spec.not-distributed",
    "{uses} runs on one worker, and {workers} are asked for.",
    "Take workers away, or raise cpusPerWorker or gpusPerWorker.",
)
ACCELERATOR_WITHOUT_GPU = Code(
    "spec.accelerator-without-gpu",
    "The accelerator {accelerator} is asked for, and no GPU.",
    "Add gpusPerWorker, or take accelerator away.",
)
GPU_WITHOUT_GRANT = Code(
    "spec.gpu-without-grant",
    "This stage asks for GPUs, and the pipeline names no grant that pays for them.",
    "Add grant: NAME under spec, or take gpusPerWorker away.",
)
MEMORY_TOO_SMALL = Code(
    "spec.memory-too-small",
    "No worker starts in {value} bytes of memory.",
    "Write a size with a unit, such as {value}Gi.",
)
ZERO_TIMEOUT = Code("spec.zero-timeout", "A timeout of zero stops every attempt.", "Give a longer one, or none.")
BACKOFF_TOO_LONG = Code(
    "spec.backoff-too-long",
    "The first wait, backoff: {backoff}, is longer than the longest one, maxBackoff: {longest}.",
    "Shorten backoff, or write maxBackoff: {backoff} or more.",
)
SEVERAL_ENVIRONMENTS = Code(
    "spec.several-environments",
    "A stage has at most one environment, and here are {found}.",
    "Keep one of interpreter, requirements and image.",
)
IMAGE_NOT_PINNED = Code(
    "spec.image-not-pinned",
    "The image {image} is not pinned.",
    "Name it by digest, such as registry/name@sha256:<64 hex digits>, so that the same bytes run again.",
)
VARIABLE_NAME = Code(
    "spec.variable-name",
    "{name} cannot be the name of an environment variable.",
    "Use letters, digits and underscores, not starting with a digit.",
)
STAGE_NOT_LOADED = Code(
    "spec.stage-not-loaded",
    "The stage {name} is installed and cannot be loaded: {detail}.",
    "Mend or reinstall the package that brings it.",
    exit_code=7,
)
CONDITION_TEMPLATE = Code(
    "spec.condition-template",
    "In a condition, names stand without ${{ }}.",
    "Write {name}.",
)
