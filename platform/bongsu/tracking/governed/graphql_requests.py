"""What asks MLflow's GraphQL and is none: MLflow would fail at it, and say so as if it were the server's fault."""

from __future__ import annotations

import json

from graphql import GraphQLError, parse

MOST_TOKENS = 10_000
"""Of a query; MLflow takes a thousand selections."""


def fault_of(body: bytes) -> str | None:
    """What is wrong with the body of a request; None if it is one query."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return "The body is no JSON."
    if not isinstance(asked, dict):
        return "The body is no JSON object: one query is asked at a time."
    query = asked.get("query")
    if not isinstance(query, str):
        return "The body has no text `query`."
    for name, kind in (("variables", dict), ("operationName", str)):
        if not isinstance(asked.get(name), kind | None):
            return f"`{name}` is of another kind than it has to be."
    try:
        parse(query, no_location=True, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        return f"The query cannot be read: {error.message}"
    except RecursionError:
        return "The query is nested too deeply."
    return None
