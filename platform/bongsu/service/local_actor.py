"""Who acts in a home without a server: the user of the operating system."""

from __future__ import annotations

import os
import pwd

from bongsu.domain.audit import Author
from bongsu.domain.people import Actor, Role
from bongsu.domain.tenants import HOME


def local_actor() -> Actor:
    """The user of this process. In a home of their own they are everything that a person can be."""
    user = user_name()
    return Actor(id=f"local:{user}", name=user, roles={HOME: frozenset(Role)})


def local_author() -> Author:
    """In whose name this process records what it does."""
    return Author(HOME, local_actor().id)


def user_name() -> str:
    """As the operating system knows them; their number, if it has no name for it."""
    user = os.geteuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
