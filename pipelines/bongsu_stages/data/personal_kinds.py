"""Kinds of Korean personal data, apart from the forms that find them: reading a pipeline compiles no form."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Kinds of personal data, those first that win where two forms fit.

    The first three are unique identifiers in the sense of the Personal Information Protection Act, article 24
    (the registration number of a foreigner has the form of a resident's).
    """

    RESIDENT = "resident-number"
    PASSPORT = "passport-number"
    DRIVER = "driver-licence"
    SERVICE = "service-number"
    EMAIL = "email"
    PHONE = "phone"
    ACCOUNT = "bank-account"
    BUSINESS = "business-number"


DEFAULT_KINDS = tuple(kind for kind in Kind if kind is not Kind.BUSINESS)
