"""Names of use classes that stand for force.

A name says without a sentence what ``forbidden`` and ``pairs`` look for in sentences: an act of force, what it is done
with, or a target. Upkeep of arms and the public's engagement are neither.
"""

from __future__ import annotations

from bongsu.policy import vocabulary as v
from bongsu.policy.act_words_en import UPKEEP_EN
from bongsu.policy.act_words_ko import UPKEEP_KO
from bongsu.policy.forbidden import Forbidden
from bongsu.policy.pairs import ARMS_EN, ARMS_KO, UPKEEP

_OF_PEOPLE = v.en("public", "citizens?", "civic", "community", "users?", "customers?", "staff", "employees?")

CLASS_OF_FORCE = Forbidden(
    "class-of-force",
    (v.FORCE, ARMS_EN, ARMS_KO, v.WEAPON_EN, v.WEAPON_KO, v.TARGET_EN, v.TARGET_KO),
    unless="|".join(map(str, (UPKEEP, UPKEEP_EN, UPKEEP_KO, _OF_PEOPLE))),
)
