"""What holds at a server where nobody says otherwise; of those that serve, sign in and check tokens."""

from __future__ import annotations

REQUESTS_A_MINUTE = 6000
"""Of each actor, and of each address from which nobody signed in."""

REFUSALS_A_MINUTE = 20
"""Of each actor, that a log tells of; as many at once."""

LOG_DAYS = 90
"""For so long what an attempt wrote is kept after its end."""

ENVIRONMENT_DAYS = 30
"""For so long an environment of stages is kept after its last use."""

AUDIENCE = "bongsu"
"""``aud`` of tokens for this platform; of the built-in issuer's at any rate."""

BROWSER_CLIENT = "bongsu-browser"
"""``client_id`` of a server that people sign in to with a browser."""

MLFLOW_PATH = "/mlflow"
"""Below which a server has MLflow's own APIs and pages."""

CLI_CLIENT = "bongsu-cli"
"""``client_id`` of the command line where people sign in."""

LANGUAGE = "ko"
"""Of answers to who does not say what they read."""
