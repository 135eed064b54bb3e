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
CANNOT_WRITE = Code(
    "cli.cannot-write",
    "{path} cannot be written: {detail}.",
    "Name a file in a directory that exists and that you may write to.",
)
EMPTY_HOME = Code(
    "cli.empty-home",
    "The value of --home is empty.",
    "Give a directory, or leave --home out for BONGSU_HOME or .bongsu of the current folder. Is a variable not set?",
)
FOLDER_GONE = Code(
    "cli.folder-gone",
    "The current folder does not exist any more.",
    "Change to another one (`cd`), or name the state directory in full with --home or BONGSU_HOME.",
    exit_code=7,
)
UNKNOWN_LANGUAGE = Code(
    "cli.unknown-language",
    "Bongsu has no texts in the language {language}.",
    "Choose ko (Korean) or en (English), with --lang or BONGSU_LANG.",
)
UNDECODABLE_ARGUMENT = Code(
    "cli.undecodable-argument",
    "The argument {argument} is not UTF-8.",
    "Type it again on a terminal that uses UTF-8; a file whose name is in another encoding has to be renamed.",
)

# The command line as it was typed.
UNKNOWN_COMMAND = Code(
    "cli.unknown-command", "There is no command {name}.", "`{command} --help` lists the commands."
)
UNKNOWN_OPTION = Code(
    "cli.unknown-option", "`{command}` has no option {option}.", "`{command} --help` lists what it takes."
)
MISSING_ARGUMENT = Code(
    "cli.missing-argument", "`{command}` needs {argument}.", "`{command} --help` lists what it takes."
)
MISSING_VALUE = Code(
    "cli.missing-value", "The option {option} needs a value.", "`{command} --help` lists what it takes."
)
EXTRA_ARGUMENT = Code(
    "cli.extra-argument",
    "`{command}` takes no such argument: {argument}.",
    "`{command} --help` lists what it takes.",
)
BAD_CHOICE = Code("cli.bad-choice", "{name} does not take this value.", "It takes one of {known}.")
TOO_SMALL = Code("cli.too-small", "The value of {name} is too small.", "It must be at least {limit}.")
TOO_LARGE = Code("cli.too-large", "The value of {name} is too large.", "It must be at most {limit}.")
NOT_A_NUMBER = Code("cli.not-a-number", "{name} needs a whole number.", "`{command} --help` lists what it takes.")
BAD_VALUE = Code(
    "cli.bad-value", "The value of {name} cannot be used: {detail}.", "`{command} --help` lists what it takes."
)
WRONG_USAGE = Code(
    "cli.wrong-usage", "The command line cannot be read: {detail}.", "`{command} --help` lists what it takes."
)

# The surroundings.
SYSTEM_ERROR = Code(
    "cli.system-error",
    "The operating system refused: {detail}.",
    "Check that the place exists, has room and may be written to; `bongsu doctor` examines this machine.",
    exit_code=7,
)
BAD_SET = Code(
    "cli.bad-set",
    "{value} is not of the form NAME=VALUE.",
    "Write for example --set steps=100.",
)
ONLY_HERE = Code(
    "cli.only-here",
    "`{command}` works on this machine, and {context} is a server, {url}.",
    "Leave --context and BONGSU_CONTEXT out, or name `local`; what the server does is its operator's.",
)
NO_MINISTRIES = Code(
    "cli.no-ministries",
    "A home on one machine has no ministries among which --ministry could choose.",
    "Leave --ministry out, or work with a server: `bongsu login URL`.",
)
NO_TOKEN_HERE = Code(
    "cli.no-token-here",
    "Commands speak to this machine, where nobody signs in: there is no token.",
    "Sign in at a server with `bongsu login URL`, or name one with --context.",
)
NEEDS_SERVER = Code(
    "cli.needs-server",
    "Without a server nobody would go on with the run once this command has ended.",
    "`bongsu run` runs a pipeline here; `bongsu login URL` makes the commands speak to a server.",
)
ADDRESS = Code(
    "cli.address",
    "{address} is no address to listen at.",
    "Write host and port, such as 127.0.0.1:9464, or [::1]:9464.",
)
NO_DIGEST = Code(
    "cli.no-digest",
    "{text} is no digest of a proposal: those are sha256- and 64 hexadecimal digits.",
    "Look at the proposal with `bongsu approvals show {proposal}`, and give the digest that it prints.",
)
