"""Codes of the command line itself."""

from bongsu.domain.problems import Code

UNKNOWN_CODE = Code(
    "cli.unknown-code",
    "No error has the code {code}.",
    "`bongsu explain` lists them all.",
    exit_code=3,
)
UNKNOWN_STAGE = Code(
    "cli.unknown-stage",
    "No stage named {name} is installed.",
    "`bongsu stages list` lists them all.",
    exit_code=3,
)
FILE_EXISTS = Code(
    "cli.file-exists",
    "The file {path} already exists.",
    "Choose another name, or remove it first; nothing was changed.",
)
EXTRA_MISSING = Code(
    "cli.extra-missing",
    "This needs the package {package}, which is not installed.",
    "Install Bongsu with its extra: pip install 'bongsu[{extra}]'.",
    exit_code=7,
)
BAD_SET = Code(
    "cli.bad-set",
    "{value} is not of the form NAME=VALUE.",
    "Write for example --set steps=100.",
)
