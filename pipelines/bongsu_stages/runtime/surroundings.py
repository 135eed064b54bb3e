"""What of a worker's environment a process that runs other people's code gets to see: a list, and never a secret.

The worker has the environment of whoever submitted the run or started the executor: keys of clouds, tokens of
forges, passwords of databases. Commands and interpreters of a stage's own get what programs need to run here, and
what the pipeline file gives them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ALLOWED = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "TERM",
        "TZ",
        "LANG",
        "LANGUAGE",
        "TMPDIR",
        "TMP",
        "TEMP",
        "XDG_CACHE_HOME",
        "LD_LIBRARY_PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "HF_HOME",
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
    ]
)
_FAMILIES = (
    "LC_",
    "CUDA_",
    "NVIDIA_",
    "NCCL_",
    "GLOO_",
    "OMP_",
    "GOMP_",
    "KMP_",
    "MKL_",
    "OPENBLAS_",
    "TORCH_",
    "PYTORCH_",
    "TRITON_",
    "TOKENIZERS_",
    "RAY_",
    "BONGSU_",
)
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:SECRETS?|TOKENS?|PASSWORD|PASSWD|PASSPHRASE|PASS|CREDENTIALS?|API_?KEY|KEY|AUTH|COOKIE)(?:_|$)",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"://[^/\s]*@|[?&][^=&\s]*(?:token|secret|passw|credential|signature|auth|key)[^=&\s]*=", re.IGNORECASE
)
"""An address with a name, a token or a password in it, such as that of a proxy or a database."""
_SECRET_PROXY = re.compile(r"^(?://)?[^/\s]*@")
"""The same without a scheme, which proxies need not have; elsewhere such a value is a user's name or address."""


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of ``environment`` that a process of a stage's own is given."""
    return {
        name: value
        for name, value in environment.items()
        if (name.upper() in _ALLOWED or name.startswith(_FAMILIES))
        and not _SECRET_NAME.search(name)
        and not _lets_in(name, value)
    }


def _lets_in(name: str, value: str) -> bool:
    """True for an address with something in it to log in with."""
    is_proxy = name.upper().endswith("_PROXY")
    return bool(_SECRET_VALUE.search(value) or (is_proxy and _SECRET_PROXY.search(value)))


def to_reach_store(uri: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What a process needs beyond :func:`inherited` to open the artifact store at ``uri`` itself."""
    if not uri.startswith("s3:"):
        return {}
    return {name: value for name, value in environment.items() if name.startswith("AWS_")}


def to_install(environment: Mapping[str, str]) -> dict[str, str]:
    """What pip needs beyond :func:`inherited`: the index and proxies of this machine, with their passwords."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(("PIP_", "UV_")) or name.upper().endswith("_PROXY")
    }
