"""Whether to ask once more within one push, and after how long: tenacity decides, our world sleeps."""

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from app.core.world import World
from app.crm.errors import CircuitOpen, CRMError, Unavailable

FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0
PATIENCE = 10.0
"""Seconds a call waits inside one push when the CRM names a time; beyond that the push is scheduled anew."""


def full_jitter(world: World, attempt: int) -> float:
    """Return seconds before the next attempt: anywhere up to an exponentially growing cap.

    The spread keeps many clients from coming back together (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015).
    """
    return world.random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)))


def retrying(world: World, attempts: int, deadline: float | None) -> Retrying:
    """Return the loop for one push: at most `attempts`, over by `deadline` (monotonic seconds), last error raised."""

    def wait(state: RetryCallState) -> float:
        asked = _error(state).retry_after or 0.0
        return max(asked, full_jitter(world, state.attempt_number))

    def worth_it(error: BaseException) -> bool:
        if not isinstance(error, Unavailable) or isinstance(error, CircuitOpen) or error.is_about_credentials:
            return False
        asked = error.retry_after or 0.0
        return asked <= PATIENCE and (deadline is None or world.monotonic() + asked < deadline)

    def out_of_time(state: RetryCallState) -> bool:
        return deadline is not None and world.monotonic() + state.upcoming_sleep >= deadline

    return Retrying(
        stop=lambda state: stop_after_attempt(attempts)(state) or out_of_time(state),
        wait=wait,
        retry=retry_if_exception(worth_it),
        sleep=world.sleep,
        reraise=True,
    )


def _error(state: RetryCallState) -> CRMError:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert isinstance(error, CRMError)
    return error
