"""Many callers at once over real sockets: keys that repeat, versions that are stale, one e-mail, one record."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.support import faults_own_stack as hurt
from tests.support.faults_own_checks import in_crm, is_problem, rows, well

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PEOPLE, TURNS = 8, 50


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def service(request, tmp_path_factory):
    with hurt.shared(request, tmp_path_factory) as stack:
        yield stack


def at_once(count, call):
    """Run `call(number)` in so many threads that start together; return what they return."""
    start = threading.Barrier(count)

    def run(number):
        start.wait()
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def users_like(stack, pattern):
    return rows(stack, "SELECT id FROM users WHERE email LIKE :pattern", pattern=pattern)


def test_one_idempotency_key_again_and_in_parallel_is_one_user_and_one_answer(service):
    hurt.fault(service, "slow", seconds=1, method="POST", path="/crm/users")

    answers = at_once(12, lambda _: service.create("key.one@example.com", **{"Idempotency-Key": "one"}))
    later = service.create("key.one@example.com", **{"Idempotency-Key": "one"})

    assert {answer.status_code for answer in [*answers, later]} == {201}
    assert all(answer.json() == later.json() for answer in answers)
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 11
    assert len(users_like(service, "key.one%")) == 1
    well(service, [later.json()])


def test_one_idempotency_key_with_another_body_is_refused_and_stores_nothing(service):
    answers = at_once(10, lambda number: service.create(f"key.{number % 2}@example.com", **{"Idempotency-Key": "two"}))

    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [422] * 5
    for answer in answers:
        if answer.status_code == 422:
            is_problem(answer, 422)
    assert len(users_like(service, "key.0%")) + len(users_like(service, "key.1%")) == 1


def test_of_twenty_who_edit_one_version_one_wins_and_the_others_are_stale(service):
    user = service.create("versions@example.com").json()
    url = f"{service.api}/users/{user['id']}"
    tag = requests.get(url, timeout=5).headers["ETag"]

    def edit(number):
        return requests.patch(url, json={"name": f"Name {number}"}, headers={"If-Match": tag}, timeout=20)

    answers = at_once(20, edit)

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    for answer in answers:
        if answer.status_code == 412:
            is_problem(answer, 412)
    is_problem(requests.delete(url, headers={"If-Match": tag}, timeout=20), 412)
    is_problem(requests.put(url, json={"name": "N", "email": user["email"], "version": 1}, timeout=20), 412)
    assert service.user(user["id"])["name"] == winner["name"]
    well(service, [winner])


def test_of_fifty_who_take_one_email_one_gets_it(service):
    answers = at_once(50, lambda n: service.create("Taken@Example.com" if n % 2 else "taken@example.com"))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    for answer in answers:
        if answer.status_code == 409:
            assert is_problem(answer, 409)["code"] == "taken"
    assert len(users_like(service, "taken%")) + len(users_like(service, "Taken%")) >= 1
    assert len([one for one in in_crm(service) if one["email"].lower() == "taken@example.com"]) == 1
    well(service, [next(answer.json() for answer in answers if answer.status_code == 201)])


def test_four_hundred_edits_of_one_record_by_eight_callers_lose_none(service):
    user = service.create("crowded@example.com").json()
    url = f"{service.api}/users/{user['id']}"

    def edit(person):
        with requests.Session() as session:
            return [
                session.patch(url, json=change(person, turn), headers=hurt.ASYNC, timeout=30) for turn in range(TURNS)
            ]

    answers = [answer for some in at_once(PEOPLE, edit) for answer in some]

    assert {answer.status_code for answer in answers} == {200}, {answer.text for answer in answers if not answer.ok}
    found = service.user(user["id"])
    ours = "SELECT version FROM journal WHERE record_id = :id AND origin = 'api'"
    versions = sorted(version for (version,) in rows(service, ours, id=user["id"]))
    assert versions == list(range(1, 1 + 1 + PEOPLE * TURNS))
    assert found["version"] == 1 + PEOPLE * TURNS
    well(service, [found])


def change(person, turn):
    """Return what one caller writes: of each three, one a field; no two write the same."""
    text = f"{person}-{turn}"
    return [{"name": f"Name {text}"}, {"email": f"crowded-{text}@example.com"}, {"phone": f"555-01{person}-{turn:04}"}][
        person % 3
    ]
