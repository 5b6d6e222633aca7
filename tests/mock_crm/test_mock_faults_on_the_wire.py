"""Injected faults that only a real connection can show."""

import threading
import time

import pytest
import requests

HEADERS = {"X-API-Key": "demo-api-key"}


@pytest.mark.parametrize(("mode", "stored"), [("cut_before", 0), ("cut_after", 1)])
def test_the_connection_is_cut_without_an_answer(url, fault, ann, users, *, mode, stored):
    fault(mode)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/crm/users", json=ann, headers=HEADERS, timeout=5)
    assert len(users()) == stored


def test_half_an_answer_comes_with_the_whole_length(url, fault, ann, users):
    fault("truncated")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.post(f"{url}/crm/users", json=ann, headers=HEADERS, timeout=5)
    assert len(users()) == 1


def test_a_hanging_call_is_never_answered(url, fault, ann, users):
    fault("hang", seconds=0.3)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/crm/users", json=ann, headers=HEADERS, timeout=5)
    assert users() == []


def test_a_hanging_call_outlasts_the_callers_patience(url, fault):
    fault("hang", seconds=60)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{url}/crm/users", headers=HEADERS, timeout=0.2)


def test_healing_ends_the_wait_of_a_call(crm, url, fault):
    fault("slow", seconds=60)
    healer = threading.Timer(0.2, crm.delete, ["/crm/_faults"])
    healer.start()
    assert requests.get(f"{url}/crm/users", headers=HEADERS, timeout=5).status_code == 200
    healer.join()


def test_a_slow_answer_is_the_right_one(url, fault, ann):
    fault("slow", seconds=0.2)
    started = time.monotonic()
    assert requests.post(f"{url}/crm/users", json=ann, headers=HEADERS, timeout=5).status_code == 201
    assert time.monotonic() - started >= 0.2


def test_a_dripped_answer_never_lets_the_read_time_out(url, fault, ann):
    fault("drip", seconds=0.003)
    started = time.monotonic()
    answer = requests.post(f"{url}/crm/users", json=ann, headers=HEADERS, timeout=0.5)
    assert answer.json()["crm_id"] == "CRM1001"
    assert time.monotonic() - started >= 0.003 * len(answer.content)


def test_a_huge_answer_is_streamed(url, fault):
    fault("huge", megabytes=100_000)
    with requests.get(f"{url}/crm/users", headers=HEADERS, timeout=5, stream=True) as answer:
        pieces = answer.iter_content(1_000_000)
        assert sum(len(next(pieces)) for _ in range(5)) > 1_000_000
