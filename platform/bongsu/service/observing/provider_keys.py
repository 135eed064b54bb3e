"""Of which identity providers no keys can be fetched: those that are known serve on, a withdrawn one too."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bongsu.identity.remote_keys import RemoteKeys
from bongsu.identity.verifier import Trust


class ProviderKeys(Collector):
    """Args:
    trusts: of this process; those whose keys are in it cannot fail.
    """

    def __init__(self, trusts: Iterable[Trust]) -> None:
        self._keys = {one.issuer.issuer: one.keys for one in trusts if isinstance(one.keys, RemoteKeys)}

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        told = GaugeMetricFamily(
            "bongsu_provider_keys_unavailable",
            "1 for each identity provider whose keys could not be fetched at the last attempt.",
            labels=["issuer"],
        )
        for issuer, keys in self._keys.items():
            told.add_metric([issuer], float(keys.is_failing))
        yield told
