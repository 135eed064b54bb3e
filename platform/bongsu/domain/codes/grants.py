"""Codes of GPU grants: what pays for GPUs, and who may give it."""

from bongsu.domain.problems import Code

UNKNOWN = Code(
    "grants.unknown",
    "There is no grant {grant} here.",
    "See `bongsu grants list`, or ask your programme manager for one.",
    exit_code=3,
)
NOT_PAID = Code(
    "grants.not-paid",
    "Of {ministry} there is no grant {grant} that could pay for the GPUs of this plan (rule {rule}).",
    "Name a grant of {ministry} under spec.grant (`bongsu grants list`), or ask your programme manager for one.",
    exit_code=4,
    rule="grants.owned",
)
OTHER_USE = Code(
    "grants.other-use",
    "The grant {grant} pays for {allowed}, and this plan is for {asked} (rule {rule}).",
    "Name a grant for {asked} under spec.grant, or ask {giver} to give one.",
    exit_code=4,
    rule="grants.use",
)
OTHER_ACCELERATOR = Code(
    "grants.other-accelerator",
    "The grant {grant} pays for {accelerator}, and {stages} would hold {asked} (rule {rule}).",
    "Write accelerator: {accelerator} under resources there, or name a grant for {asked}. A stage that asks for GPUs"
    " and does not say which is taken to ask for {assumed}.",
    exit_code=4,
    rule="grants.accelerator",
)
NOT_BEGUN = Code(
    "grants.not-begun",
    "The grant {grant} pays from {begins} on, and now it is {now} (rule {rule}).",
    "Wait until then, or name another grant under spec.grant.",
    exit_code=4,
    rule="grants.window",
)
ENDED = Code(
    "grants.ended",
    "The grant {grant} paid until {ends} (rule {rule}).",
    "Name another grant under spec.grant, or ask {giver} to give one.",
    exit_code=4,
    rule="grants.window",
)
CLOSED = Code(
    "grants.closed",
    "The grant {grant} was closed on {closed} (rule {rule}).",
    "Name another grant under spec.grant, or ask {giver} to give one.",
    exit_code=4,
    rule="grants.window",
)
WINDOW_TOO_SHORT = Code(
    "grants.window-too-short",
    "The grant {grant} pays until {ends}, and this plan holds GPUs until {until} at the earliest (rule {rule}).",
    "Make a plan that takes {excess} less, or ask {giver} for a grant that ends later.",
    exit_code=4,
    rule="grants.window",
)
NOT_ESTIMATED = Code(
    "grants.not-estimated",
    "Nobody can tell how long {stages} will hold GPUs, so the grant {grant} cannot set anything aside (rule {rule}).",
    "Give each of these stages a timeout: timeout times GPUs is set aside, and what is not used comes back.",
    exit_code=4,
    rule="grants.estimate",
)
EXCEEDED = Code(
    "grants.exceeded",
    "This plan needs {needed} GPU-hours, and the grant {grant} has {available} left: {given} given, {used} used,"
    " {reserved} set aside for runs under way, which are {runs} (rule {rule}).",
    "One of three: make the plan smaller by {lacking} GPU-hours; ask {giver} for {lacking} more; or wait: {waiting}.",
    exit_code=4,
    rule="grants.amount",
)
FORBIDDEN = Code(
    "grants.forbidden",
    "{actor} may not do this to the grant {grant}: it takes the permission {permission} in {ministry}, and they are"
    " {held} there (rule {rule}).",
    "These roles have it: {having}. Ask one of them.",
    exit_code=4,
    rule="access.permission",
)
NO_GPUS = Code(
    "grants.no-gpus",
    "The ministry {ministry} owns no GPUs, so it has none to give (rule {rule}).",
    "Ask a ministry that owns some for a grant. Who installed the server says which do: `bongsu ministries gpus`.",
    exit_code=4,
    rule="grants.giver",
)
NO_SUCH_MINISTRY = Code(
    "grants.no-such-ministry",
    "No ministry {ministry} takes part here.",
    "`bongsu ministries receivers` lists those that do; or have it added first.",
    exit_code=3,
)
NAME_TAKEN = Code(
    "grants.name-taken",
    "A grant cannot be given under the name {grant}: the name is taken.",
    "Give it another name; a grant that stands is changed with `bongsu grants adjust`.",
)
BAD_NAME = Code(
    "grants.bad-name",
    "{name} cannot be the {what} of a grant.",
    "Write lower-case letters, digits and hyphens, starting with a letter, at most 40 characters.",
)
BAD_AMOUNT = Code(
    "grants.bad-amount",
    "{hours} GPU-hours cannot be booked here.",
    "Write a number of GPU-hours other than 0, and more than 0 to give or take back; at most {most}.",
)
BAD_WINDOW = Code(
    "grants.bad-window",
    "A grant cannot pay from {begins} until {ends}.",
    "Let it end after it begins.",
)
OVER = Code(
    "grants.window-over",
    "A grant that pays until {ends} would be over already: now it is {now}.",
    "Let it end later than now.",
)
LONG_WINDOW = Code(
    "grants.window-too-long",
    "A grant cannot pay from {begins} until {ends}: at most {years} years are given at once, and none that end later"
    " than {years} years from now (rule {rule}).",
    "Let it end earlier; what goes on for longer is given by another grant.",
    rule="permits.period",
)
BAD_DATE = Code(
    "grants.bad-date",
    "{date} is no date.",
    "Write a day such as 2026-07-01, or a time such as 2026-07-01T09:00+09:00. A day without a time begins at 00:00"
    " UTC.",
)
UNKNOWN_ACCELERATOR = Code(
    "grants.unknown-accelerator",
    "Nobody here knows a GPU of type {accelerator}.",
    "Write one of {known}.",
)
NO_REASON = Code(
    "grants.no-reason",
    "The entry has no reason.",
    "Say in a sentence why it is booked; the ledger keeps it.",
)
BELOW_USE = Code(
    "grants.below-use",
    "The grant {grant} cannot be made smaller by {hours} GPU-hours: {available} are neither used nor set aside"
    " (rule {rule}).",
    "Take back at most {available} GPU-hours, or cancel runs that have set some aside (`bongsu grants show {grant}`).",
    exit_code=4,
    rule="grants.reclaim",
)
NO_NOTICE = Code(
    "grants.no-notice",
    "No reclaim of the grant {grant} has been announced.",
    "Announce it first: `bongsu grants reclaim {grant} --gpu-hours HOURS --reason WHY`.",
    exit_code=3,
)
NOTICE_CARRIED_OUT = Code(
    "grants.notice-carried-out",
    "What was announced of the grant {grant} was taken back at {at}: {hours} GPU-hours.",
    "Book them back with a reason, if they are to be used after all: `bongsu grants adjust {grant}`.",
)
NOTICE_STANDS = Code(
    "grants.notice-stands",
    "A reclaim of the grant {grant} is announced already: {hours} GPU-hours from {due} on.",
    "Carry it out then, or withdraw it first (`bongsu grants reclaim {grant} --withdraw`).",
)
NOTICE_RUNS = Code(
    "grants.notice-runs",
    "The reclaim of the grant {grant} takes effect on {due}, and now it is {now} (rule {rule}).",
    "Carry it out then; until that moment {receiver} may still use what is left.",
    exit_code=4,
    rule="grants.reclaim",
)
NOTICE_TOO_SHORT = Code(
    "grants.notice-too-short",
    "{days} days are too short a notice for a reclaim of the grant {grant} (rule {rule}).",
    "Give at least {least} days; a grant that is closed, or whose window is over, needs none.",
    rule="grants.reclaim",
)
KEY_REUSED = Code(
    "grants.key-reused",
    "Under the key {key} something else was booked on the grant {grant} before.",
    "Send a new key with a new request, and the same key only with the same request.",
)
BAD_PERIOD = Code(
    "grants.bad-period",
    "There is nothing from {begins} until {ends}.",
    "Let the period end after it begins.",
)
