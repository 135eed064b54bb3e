"""Use cases of GPU grants: give, adjust, close, reclaim, look, set aside, count again, show what was used by whom.

Each takes the platform and the actor who asks. A grant has two sides: the giver's programme managers change it, and
people of the giver and of the receiver look at it. For everybody else there is no such grant. In a home that no
ministries share, its owner (:data:`bongsu.service.owner.OWNER`) is on both sides of every grant.
"""
