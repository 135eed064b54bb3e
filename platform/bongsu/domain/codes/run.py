"""Codes of runs and of the state that holds them."""

from bongsu.domain.problems import Code

NEWER_DATABASE = Code(
    "run.newer-database",
    "The database {url} was written by a newer Bongsu: {detail}.",
    "Use that version, or restore a backup made by this one.",
    exit_code=7,
)
SCHEMA_UNKNOWN = Code(
    "run.schema-unknown",
    "This version of Bongsu knows no schema {revision}.",
    "Its schemas are {first} to {last}; `head` is the last one.",
)
SCHEMA_DOWN = Code(
    "run.schema-down",
    "Going from the schema {found} down to {revision} loses whatever only the newer one has a place for.",
    "End all servers, take a backup (docs/runbooks/backup.md), and ask again with --lose-newer.",
)
DATABASE_UNUSABLE = Code(
    "run.database-unusable",
    "The database {url} cannot be used: {detail}.",
    "Check that the place is there, that it may be read and written, and that it has room.",
    exit_code=7,
)
DATABASE_FULL = Code(
    "run.database-full",
    "The database {url} has no room to grow: {detail}.",
    "Free some space; what was acknowledged before stands, and `bongsu resume` goes on.",
    exit_code=7,
)
DATABASE_DISK_ERROR = Code(
    "run.database-disk-error",
    "The disk failed while the database {url} was used: {detail}.",
    "See whether the disk is full, and what the system's log says of it; then run `bongsu doctor`, and put a backup in"
    " the database's place if that finds damage.",
    exit_code=7,
)
DATABASE_READ_ONLY = Code(
    "run.database-read-only",
    "The database {url} may only be read: {detail}.",
    "Look with `bongsu runs`, `show`, `models`, `lineage` or `report -o`; to change something, make the place writable,"
    " name the server that takes writes, or use another --home.",
    exit_code=7,
)
DATABASE_BUSY = Code(
    "run.database-busy",
    "Another program holds the database {url}: {detail}.",
    "Try again in a moment; if it stays so, look which process has the file open, or which session of the server has"
    " a transaction open (pg_stat_activity), and end it.",
    exit_code=7,
)
DATABASE_DAMAGED = Code(
    "run.database-damaged",
    "The database {url} is damaged: {detail}.",
    "Put a backup in its place, or save what can be read with `sqlite3 FILE .recover`; artifacts are not affected.",
    exit_code=8,
)
DATABASE_LOST = Code(
    "run.database-lost",
    "The database {url} is not whole, although there is earlier work beside it: {detail}.",
    "Put a backup in its place. To begin anew, move the whole directory away; what it holds stays readable.",
    exit_code=8,
)
HOME_NOT_LOCAL = Code(
    "run.home-not-local",
    "{home} is an address, and the state directory has to be a directory of this machine.",
    "Set --home or BONGSU_HOME to a plain path such as /srv/bongsu.",
)
HOME_IS_A_FILE = Code(
    "run.home-is-a-file",
    "{home} is a file, and state lies in a directory.",
    "Give a directory with --home or BONGSU_HOME; it is made if it does not exist.",
)
UNDECODABLE_VARIABLE = Code(
    "run.undecodable-variable",
    "The environment variable {name} is not UTF-8.",
    "Write its value in letters, digits and signs of UTF-8, or unset it.",
    exit_code=7,
)
HOME_CLOSED = Code(
    "run.home-closed",
    "The state directory {home} belongs to {owner}, and {user} may not look into it.",
    "Use a directory of your own with --home or BONGSU_HOME, or have its owner run the command.",
    exit_code=7,
)
S3_ENDPOINT = Code(
    "run.s3-endpoint",
    "The address of the S3 server, {endpoint}, is no URL.",
    "Write it with http:// or https:// in AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL.",
)
S3_ENDPOINT_SECRET = Code(
    "run.s3-endpoint-secret",
    "The address of the S3 server, {endpoint}, holds a name or a password, which would be written into the home.",
    "Leave them out of AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
    "use a profile.",
)
HOME_READ_ONLY = Code(
    "run.home-read-only",
    "The state directory {home} may only be read: {detail}.",
    "Look with `bongsu runs`, `show`, `models`, `lineage` or `report -o`; to change something, make the place writable"
    " or use another --home.",
    exit_code=7,
)
HOME_NAME = Code(
    "run.home-name",
    "State cannot lie in {home}: its name has the character {character}.",
    "Give another directory with --home or BONGSU_HOME.",
)
OTHER_STORE = Code(
    "run.other-store",
    "The artifacts of {home} lie in {recorded}, and the environment names {asked}.",
    "Unset BONGSU_ARTIFACTS and AWS_ENDPOINT_URL_S3 to work with what is there, or use another --home; if the store"
    " itself was moved, write its new address into artifacts.json there.",
)
STORE_RECORD = Code(
    "run.store-record",
    "The file {file} does not say where the artifacts lie: {detail}.",
    "Put it back from a backup, or write it anew; docs/runbooks/artifacts-in-s3.md shows what it holds.",
    exit_code=8,
)
DATASET_NAME = Code(
    "run.dataset-name",
    "{name} cannot be the name of a data set.",
    "Use lower-case letters, digits and hyphens, at most 63, such as korean-law.",
)
COMPARTMENT_NAME = Code(
    "run.compartment-name",
    "{name} cannot be the name of a compartment.",
    "Use lower-case letters a to z, digits and Hangul, with hyphens inside, at most 40 characters, such as logistics.",
)
NO_RUN_YET = Code(
    "run.none-yet",
    "There is no run yet.",
    "`bongsu run FILE` makes one. State lies in .bongsu/ of the current folder, or where BONGSU_HOME says.",
    exit_code=3,
)
NO_RUN_SEEN = Code(
    "run.none-seen",
    "There is no run at this server that {actor} sees.",
    "`bongsu submit FILE` begins one, if you are an engineer of a ministry. You see the runs of ministries where your"
    " role reads them, up to your clearance: `bongsu whoami` tells both.",
    exit_code=3,
)
UNKNOWN_RUN = Code(
    "run.unknown",
    "There is no run {run}.",
    "`bongsu runs` lists them; a unique beginning of the id or `latest` is enough.",
    exit_code=3,
)
AMBIGUOUS_RUN = Code(
    "run.ambiguous",
    "{run} is the beginning of {count} run ids.",
    "Give more of the id; `bongsu runs` lists them.",
    exit_code=3,
)
NOTHING_TRACKED = Code(
    "run.nothing-tracked",
    "MLflow has heard of no run in {home}.",
    "Run a pipeline first (`bongsu run FILE`), or name the home of the runs that you look for (`--home`, BONGSU_HOME).",
    exit_code=3,
)
PORT_TAKEN = Code(
    "run.port-taken",
    "Nothing can be served at port {port} of this machine: {detail}.",
    "End the program that listens there, or choose another port (`bongsu mlflow --port 5001`); links that Bongsu "
    "prints have port 5000 then.",
    exit_code=7,
)
UNKNOWN_STAGE = Code(
    "run.unknown-stage",
    "The run {run} has no stage {stage}.",
    "`bongsu show {run}` lists its stages.",
    exit_code=3,
)
NOT_CANCELLABLE = Code(
    "run.not-cancellable",
    "The run {run} is already {state}.",
    "There is nothing to cancel.",
)
NOT_RESUMABLE = Code(
    "run.not-resumable",
    "The run {run} has {state}; nothing of it is left to do.",
    "Submit the pipeline again for a new run.",
)
CODE_CHANGED = Code(
    "run.code-changed",
    "The stage {stage} was planned with other code of {uses} than is installed now.",
    "`bongsu run` plans the file anew; what did not change comes from the cache.",
)
REQUIREMENTS_CHANGED = Code(
    "run.requirements-changed",
    "The stage {stage} was planned with other requirements than {path} has now.",
    "`bongsu run` plans the file anew; what did not change comes from the cache.",
)
SECRET_CHANGED = Code(
    "run.secret-changed",
    "The stage {stage} was planned with another value of {name} than is set now.",
    "Set {name} as it was, or `bongsu run` the file, which plans it anew.",
)
STILL_CANCELLING = Code(
    "run.still-cancelling",
    "The run {run} is being cancelled.",
    "`bongsu cancel {run}` sees it to its end; then resume it.",
)
MADE_SUSPENDED = Code(
    "run.made-suspended",
    "The run {run} does not go on: it made {models}, which is suspended (rule {rule}).",
    "Run the pipeline anew and have it register under another name, or have the suspension lifted by two approvers:"
    " `bongsu models lift`.",
    exit_code=4,
    rule="model.suspended",
)
UNKNOWN_ATTEMPT = Code(
    "run.unknown-attempt",
    "The stage {stage} has no attempt {number}; it has {known}.",
    "Leave the number out for the newest one.",
    exit_code=3,
)
UNKNOWN_DIGEST = Code(
    "run.unknown-digest",
    "No run made or took an artifact {digest}.",
    "`bongsu show` lists the digests of a run; a unique beginning of at least 6 characters is enough.",
    exit_code=3,
)
EMPTY_SEARCH = Code(
    "run.empty-search",
    "There is nothing to look for, or too much: a search takes 1 to {limit} characters.",
    "Give a part of a name or title, or the beginning of an id or a digest.",
)
AMBIGUOUS_DIGEST = Code(
    "run.ambiguous-digest",
    "{digest} is the beginning of several digests.",
    "Give more of the digest; `bongsu artifacts list` lists them.",
    exit_code=3,
)
DRIVEN_ELSEWHERE = Code(
    "run.driven-elsewhere",
    "Another process (pid {pid}) already drives the runs in {home}.",
    "Wait for it, watch it with `bongsu show`, or use another --home.",
    exit_code=7,
)
FAILED = Code(
    "run.failed",
    "The run {run} failed: {reason}.",
    "`bongsu show {run}` tells why. Mend the cause and `bongsu resume {run}`; if it is in the file, mend that and"
    " `bongsu run` it: what is done comes from the cache.",
    exit_code=5,
)
CANCELLED = Code(
    "run.cancelled",
    "The run {run} was cancelled.",
    "`bongsu resume {run}` goes on with it.",
    exit_code=6,
)
UNKNOWN_MODEL = Code(
    "run.unknown-model",
    "There is no model version {model}.",
    "`bongsu models` lists them; write NAME@3, NAME/3 or NAME@alias, or "
    "models://MINISTRY/NAME/VERSION for what another ministry shares.",
    exit_code=3,
)
UNKNOWN_DATASET = Code(
    "run.unknown-dataset",
    "There is no version {dataset} of a data set.",
    "`bongsu datasets list` lists them; write datasets:/NAME/VERSION, or "
    "datasets://MINISTRY/NAME/VERSION for what another ministry shares.",
    exit_code=3,
)
INPUT_MISSING = Code(
    "run.input-missing",
    "The input {name} ({uri}) cannot be found: {detail}.",
    "Check the address: file: is relative to the pipeline file, or to the folder in which `bongsu datasets add` is"
    " called; package: names an installed distribution, and datasets:// and models:// name what another ministry's"
    " custodian shares for the purpose of this run.",
    exit_code=3,
)
INPUT_SCHEME = Code(
    "run.input-scheme",
    "The input {name} ({uri}) has no known form.",
    "Use file:PATH, package:DISTRIBUTION/PATH, artifact:sha256-..., datasets:/NAME/VERSION, models:/NAME/VERSION, "
    "models:/NAME@ALIAS, or datasets://MINISTRY/NAME/VERSION and models://MINISTRY/NAME/VERSION of another ministry.",
)
INVALID_MOVE = Code(
    "run.invalid-move",
    "The {subject} cannot go from {old} to {new}.",
    "This is a fault of Bongsu; report it with the run's id.",
    exit_code=8,
)
NOT_MASKED_HERE = Code(
    "run.not-masked-here",
    "The documents of the input {name} ({uri}) are not known to have been made here: "
    "personal data in them may not be masked.",
    "Give the texts that they were made from to data.curate, unless you know that it was done.",
)
LABEL_UNKNOWN = Code(
    "run.label-unknown",
    "Nobody in this home knows what the bytes of the input {name} ({uri}) are labelled.",
    "Ask whoever made them and state it: `label: S` beside the address in a pipeline, `--grade S` for `datasets add`.",
)
NOT_MASKED = Code(
    "run.not-masked",
    "The stage {stage} learns from the files of the input {name} ({uri}) as they are: "
    "nothing masks personal data in them.",
    "Mask personal data in the files before you give them, unless you know that there is none.",
)
INPUT_NOT_A_MODEL = Code(
    "run.input-not-a-model",
    "The input {name} ({uri}) is not a model: {detail}.",
    "A model is a directory as transformers writes it, with config.json; name data with `dataset:`.",
)
TOO_MUCH_BESIDE = Code(
    "run.too-much-beside",
    "The requirements files that go with the pipeline are too large or too many: {detail}.",
    "Send {most} files at most, each of {each} bytes and all of {all} bytes at most; leave out those that no stage"
    " needs.",
)
UNSAFE_FILE = Code(
    "run.unsafe-file",
    "The file {path} does not lie below the pipeline's folder.",
    "Files that stages name go with the pipeline to the server: put them beside it or in folders below it.",
)
