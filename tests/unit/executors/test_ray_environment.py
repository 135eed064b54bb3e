"""What Ray and its workers are set up with, and what an operator has set."""

from __future__ import annotations

import pytest

from bongsu.executors.local_ray.session import SHARING_THREADS, RaySettings, ray_environment


def test_threads_share_the_machine_unless_the_operator_says_how_they_wait() -> None:
    (name, value), *_ = SHARING_THREADS.items()
    assert ray_environment({}, RaySettings())[name] == value
    assert ray_environment({name: "7"}, RaySettings())[name] == "7"
    assert name not in ray_environment({"OMP_WAIT_POLICY": "active"}, RaySettings())


def test_a_cluster_that_others_use_is_not_taken_for_ours() -> None:
    assert "RAY_ADDRESS" not in ray_environment({"RAY_ADDRESS": "127.0.0.1:6399"}, RaySettings())


def test_each_ray_that_is_started_here_asks_for_a_secret_of_its_own() -> None:
    found = [ray_environment({}, RaySettings()) for _ in range(2)]
    assert [one["RAY_AUTH_MODE"] for one in found] == ["token", "token"]
    drawn = {one["RAY_AUTH_TOKEN"] for one in found}
    assert len(drawn) == 2
    assert all(len(one) == 64 for one in drawn)


def test_the_mode_alone_which_ray_leaves_behind_is_given_a_secret_too() -> None:
    given = ray_environment({"RAY_AUTH_MODE": "token"}, RaySettings())
    assert len(given["RAY_AUTH_TOKEN"]) == 64
    assert "RAY_AUTH_TOKEN" not in ray_environment({"RAY_AUTH_MODE": "disabled"}, RaySettings())
    assert ray_environment({"RAY_AUTH_TOKEN": "t"}, RaySettings())["RAY_AUTH_MODE"] == "token"


def test_what_an_operator_says_about_secrets_of_ray_holds() -> None:
    chosen = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": "/run/secrets/ray"}
    for settings in (RaySettings(), RaySettings(address="127.0.0.1:6379")):
        given = ray_environment(chosen, settings)
        assert {name: value for name, value in given.items() if "AUTH" in name} == chosen
    assert "RAY_AUTH_MODE" not in ray_environment({}, RaySettings(address="127.0.0.1:6379"))


@pytest.mark.parametrize("address", [None, "127.0.0.1:6379"])
def test_nothing_is_reported_to_anybody(address: str | None) -> None:
    assert ray_environment({}, RaySettings(address=address))["RAY_USAGE_STATS_ENABLED"] == "0"
