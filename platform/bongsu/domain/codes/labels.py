"""Codes of the grades that a site has."""

from bongsu.domain.problems import Code

OUTSIDE = Code(
    "label.grade-outside",
    "{grade} is no grade of this site, whose grades are {known}.",
    "State one of these, or `대외비` for {restricted}. Whoever keeps the server sees and changes the grades with"
    " `bongsu database grades`.",
)
KNOWN_LOWER = Code(
    "label.known-lower",
    "The bytes of {title} are known here as {known} ({digest}), and they are sent with {stated} (rule {rule}).",
    "Send them without a label, and without a card above them that says more. Others work with them: whoever may"
    " register data states that they are worth more, with a reason: `bongsu labels raise {digest} --grade ... --reason"
    " ...`.",
    exit_code=4,
    rule="label.known",
)
RESTRICTED_OUTSIDE = Code(
    "label.restricted-outside",
    "A site with the grades {known} cannot have 대외비 under {grade}.",
    "Name one of these that is above O.",
)
OTHER_GRADES = Code(
    "label.other-grades",
    "This process was told that the site's grades are {stated}, and in the database they are {found}.",
    "Start every replica with the same --grades and --restricted-as, or with neither: then what the database holds"
    " counts. `bongsu database grades` changes it.",
    exit_code=7,
)
GRADES_IN_USE = Code(
    "label.grades-in-use",
    "The grades cannot become {wanted}: {found} would be left with grades that the site no longer has.",
    "Before the change, clear these people for a grade that stays (`bongsu people clearance`), lower what is to be"
    " lower with two approvers (`bongsu approvals propose downgrade`; its target may be a grade of the scheme to come),"
    " and let these runs end or cancel them.",
)
