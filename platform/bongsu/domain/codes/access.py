"""Codes of who may do what."""

from bongsu.domain.problems import Code

FORBIDDEN = Code(
    "access.forbidden",
    "{actor} may not do this in {ministry}: it needs the permission {permission}, and they are {held} there"
    " (rule {rule}).",
    "These roles have it: {having}. An operator of {ministry} gives roles.",
    exit_code=4,
    rule="access.permission",
)
NOT_A_MEMBER = Code(
    "access.not-a-member",
    "{actor} is nothing in a ministry called {ministry} (rule {rule}).",
    "They act in: {ministries}. An operator of a ministry takes people in.",
    exit_code=3,
    rule="access.visible",
)
NO_MINISTRY = Code(
    "access.no-ministry",
    "{actor} is nothing in any ministry of this server, and this is done in one (rule {rule}).",
    "An operator of a ministry makes them something there: `bongsu people give-role {actor} ROLE`. `bongsu whoami`"
    " shows it then.",
    exit_code=3,
    rule="access.visible",
)
PEOPLE_DECIDE = Code(
    "access.people-decide",
    "The permission {permission} is for people: {actor} is a service account (rule {rule}).",
    "Have somebody do it who answers for it.",
    exit_code=4,
    rule="access.people",
)
SEVERAL_MINISTRIES = Code(
    "access.several-ministries",
    "In which ministry? {actor} acts in {ministries}.",
    "Name one: --ministry with a command, `bongsu context use NAME --ministry MINISTRY` for all, or `ministry` in the"
    " address.",
)
"""A name means something in one ministry only."""
ABOVE_CLEARANCE = Code(
    "access.above-clearance",
    "The label of this would be above your clearance, which is {clearance} (rule {rule}).",
    "Nobody makes what they may not see: state a lower label, leave out the inputs that are labelled so, or have"
    " somebody do it who may.",
    exit_code=4,
    rule="access.clearance",
)
"""The label is not named: known bytes may carry one whose compartments the asker has never heard of."""
