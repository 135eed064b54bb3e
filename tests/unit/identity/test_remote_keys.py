"""Keys of an identity provider: kept, renewed when they are old or a new one comes, and asked for little."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest
from identity_provider import AUDIENCE, ISSUER, KEYS, NOW, Provider, claims, forged, good, signed, verifier
from joserfc.jwk import ECKey, Key
from prometheus_client import CollectorRegistry

from bongsu.identity.exchanging import FetchError
from bongsu.identity.public_keys import Keys, find_key, usable_keys
from bongsu.identity.refusals import Cause, TokenRefusedError
from bongsu.identity.remote_keys import MAX_WAITING, MAX_WAITING_FOR_ALL, RemoteKeys
from bongsu.identity.settings import TrustedIssuer
from bongsu.identity.verifier import TokenVerifier, Trust, trusting
from bongsu.service.observing.provider_keys import ProviderKeys

SETTINGS = TrustedIssuer(ISSUER, AUDIENCE, ("mnd",), refresh_after_s=10, max_age_s=3600, keep_s=7200)


def new_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


class Unreachable(Provider):
    """Cannot be reached while ``is_down``."""

    is_down = False

    def __call__(self) -> Keys:
        keys = super().__call__()
        if self.is_down:
            raise FetchError("it is down")
        return keys


def at(found: Key | None) -> str | None:
    return found.kid if found is not None else None


def test_keys_are_fetched_once_for_many_tokens() -> None:
    provider = Provider()
    checking = verifier(provider)
    for second in range(100):
        checking.verify(good(), NOW + second)
    assert provider.asked == 1


def test_nothing_is_fetched_for_a_token_that_cannot_hold_anyway() -> None:
    provider = Provider()
    checking = verifier(provider)
    for token in (good(iss="https://other.example"), forged({"alg": "none", "kid": "x"}, claims(), b"x"), "a.b.c"):
        with pytest.raises(TokenRefusedError):
            checking.verify(token, NOW)
    assert provider.asked == 0


def test_a_key_that_is_new_is_fetched_when_its_first_token_comes() -> None:
    provider = Provider(new_key("old"))
    checking = verifier(provider)
    checking.verify(signed(provider.keys[0], claims()), NOW)
    old, newer = provider.keys[0], new_key("new")
    provider.keys = (old, newer)
    assert checking.verify(signed(newer, claims()), NOW + 20).subject == "kim"
    assert checking.verify(signed(old, claims()), NOW + 21).subject == "kim"
    assert provider.asked == 2


def test_a_key_that_is_published_no_longer_is_believed_no_longer() -> None:
    provider = Provider(new_key("old"))
    old, newer = provider.keys[0], new_key("new")
    checking = verifier(provider)
    checking.verify(signed(old, claims()), NOW)
    provider.keys = (newer,)
    checking.verify(signed(newer, claims()), NOW + 20)
    with pytest.raises(TokenRefusedError) as caught:
        checking.verify(signed(old, claims()), NOW + 40)
    assert caught.value.cause is Cause.KEY


def test_old_keys_are_fetched_anew_though_none_is_missing() -> None:
    provider = Provider()
    keys = RemoteKeys(SETTINGS, provider)
    for second, asked in ((0, 1), (3600, 1), (3601, 2), (3700, 2)):
        assert at(keys.find("ec", "ES256", NOW + second)) == "ec"
        assert provider.asked == asked


def test_a_flood_of_unknown_keys_asks_the_provider_now_and_then() -> None:
    provider = Provider()
    keys = RemoteKeys(SETTINGS, provider)
    for number in range(1000):
        assert keys.find(f"k{number}", "ES256", NOW + number * 0.1) is None
    assert provider.asked <= 11
    assert at(keys.find("ec", "ES256", NOW + 100)) == "ec"


def test_a_clock_that_was_set_back_keeps_no_key_out() -> None:
    provider = Provider(new_key("old"))
    keys = RemoteKeys(SETTINGS, provider)
    keys.find("old", "ES256", NOW)
    provider.keys = (new_key("new"),)
    assert at(keys.find("new", "ES256", NOW - 3000)) == "new"


def test_known_keys_serve_while_the_provider_is_down_and_not_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    provider = Unreachable()
    keys = RemoteKeys(SETTINGS, provider)
    keys.find("ec", "ES256", NOW)
    registry = CollectorRegistry()
    registry.register(ProviderKeys([Trust(SETTINGS, keys)]))
    told = ("bongsu_provider_keys_unavailable", {"issuer": ISSUER})
    provider.is_down = True
    assert registry.get_sample_value(*told) == 0
    assert at(keys.find("ec", "ES256", NOW + 7000)) == "ec"
    assert registry.get_sample_value(*told) == 1
    assert f"The keys of {ISSUER} cannot be fetched: it is down" in caplog.messages
    with pytest.raises(TokenRefusedError) as caught:
        keys.find("ec", "ES256", NOW + 7300)
    assert caught.value.cause is Cause.KEYS_UNAVAILABLE
    provider.is_down = False
    assert at(keys.find("ec", "ES256", NOW + 7320)) == "ec"
    assert registry.get_sample_value(*told) == 0


def test_nobody_is_let_in_before_keys_were_fetched() -> None:
    provider = Unreachable()
    provider.is_down = True
    keys = RemoteKeys(SETTINGS, provider)
    for second in range(20):
        with pytest.raises(TokenRefusedError) as caught:
            keys.find("ec", "ES256", NOW + second)
        assert caught.value.cause is Cause.KEYS_UNAVAILABLE
    assert provider.asked == 2


class Slow(Provider):
    """Answers when it is let."""

    issuer = SETTINGS

    def __init__(self, *keys: Key) -> None:
        super().__init__(*keys)
        self.begun = threading.Event()
        self.answer = threading.Event()
        self.answer.set()

    def __call__(self) -> Keys:
        self.begun.set()
        self.answer.wait(10)
        return super().__call__()


def test_many_threads_at_once_fetch_once() -> None:
    provider = Slow()
    issuer = TokenVerifier([Trust(SETTINGS, RemoteKeys(SETTINGS, provider))])
    with ThreadPoolExecutor(MAX_WAITING) as threads:
        found = list(threads.map(lambda _: issuer.verify(good(), NOW).subject, range(MAX_WAITING)))
    assert found == ["kim"] * MAX_WAITING
    assert provider.asked == 1


def test_a_slow_provider_holds_up_strangers_and_nobody_with_a_known_key() -> None:
    provider = Slow()
    keys = RemoteKeys(SETTINGS, provider)
    keys.find("ec", "ES256", NOW)
    provider.answer.clear()
    provider.begun.clear()
    with ThreadPoolExecutor(MAX_WAITING) as threads:
        waiting = [threads.submit(keys.find, f"k{one}", "ES256", NOW + 20) for one in range(MAX_WAITING)]
        assert provider.begun.wait(10)
        assert at(keys.find("ec", "ES256", NOW + 20)) == "ec"
        # Old keys serve for as long as another thread is asking for newer ones.
        assert at(keys.find("ec", "ES256", NOW + 4000)) == "ec"
        provider.answer.set()
        assert [one.result(10) for one in waiting] == [None] * MAX_WAITING
    assert provider.asked == 2


def test_strangers_beyond_a_few_do_not_wait() -> None:
    provider = Slow()
    keys = RemoteKeys(SETTINGS, provider)
    keys.find("ec", "ES256", NOW)
    provider.answer.clear()
    with ThreadPoolExecutor(4 * MAX_WAITING) as threads:
        flood = [threads.submit(keys.find, f"k{one}", "ES256", NOW + 20) for one in range(4 * MAX_WAITING)]
        # As many as may wait are waiting, the others are answered although the provider is silent.
        done = 0
        while done < 3 * MAX_WAITING:
            done = sum(one.done() for one in flood)
        provider.answer.set()
    assert all(one.result() is None for one in flood)


@pytest.mark.parametrize("providers", [1, 2, 3, 5, 6, 12, 24])
def test_silent_providers_together_leave_threads_to_others(providers: int) -> None:
    silent = [Slow() for _ in range(providers)]
    trusts = trusting(silent)  # type: ignore[arg-type]
    for one in silent:
        one.answer.clear()
    asked = 2 * MAX_WAITING
    with ThreadPoolExecutor(providers * asked) as threads:
        flood = [
            threads.submit(trust.keys.find, f"k{number}", "ES256", NOW)
            for trust in trusts
            for number in range(asked)
        ]
        try:
            assert all(one.begun.wait(10) for one in silent)
            left = set(flood)
            while len(left) > MAX_WAITING_FOR_ALL:
                done, left = wait(left, 10, FIRST_COMPLETED)
                assert done, f"{len(left)} threads wait for {providers} providers"
            assert len(left) >= providers
        finally:
            for one in silent:
                one.answer.set()


def test_keys_that_cannot_verify_are_passed_over() -> None:
    document = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "p384"},
        KEYS["ES256"].as_dict(private=True) | {"kid": "private"},
        KEYS["ES256"].as_dict(private=False) | {"kid": "enc", "use": "enc"},
        KEYS["ES256"].as_dict(private=False) | {"kid": "x" * 201},
        KEYS["ES256"].as_dict(private=False) | {"kid": "off", "x": "AAAA"},
        KEYS["EdDSA"].as_dict(private=False) | {"kid": "x448", "crv": "X448"},
        {"kty": "EC", "kid": "empty", "crv": "P-256"},
        {"kty": "RSA", "kid": "small", "n": "wAAAAAAAAAE", "e": "AQAB"},
        {"kid": "none"},
        {"kty": ["EC"], "kid": "list"},
        "no key",
        KEYS["ES256"].as_dict(private=False),
    ]
    assert set(usable_keys({"keys": document})) == {("ec", "EC")}


def test_a_key_that_names_its_algorithm_serves_no_other() -> None:
    named = KEYS["EdDSA"].as_dict(private=False) | {"alg": "EdDSA"}
    keys = usable_keys({"keys": [named]})
    assert at(find_key(keys, "okp", "EdDSA")) == "okp"
    assert find_key(keys, "okp", "Ed25519") is None
