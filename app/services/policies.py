"""What somebody may ask of a run or set for all of them: a policy that speaks of what is synced."""

from app.core.errors import Invalid
from app.core.resource import Registry
from app.sync import policy

LONGEST = 1000


def checked(registry: Registry, text: str) -> str:
    """Return a policy in the form of CONFLICT_POLICY, if it speaks of what is synced. Raises Invalid."""
    try:
        parsed = policy.parse(text)
    except ValueError as error:
        raise Invalid(str(error).removeprefix("CONFLICT_POLICY: ")) from error
    unknown = [scope for scope in parsed.special if not _is_synced(registry, scope)]
    if unknown:
        raise Invalid(f"There is no such resource or field: {', '.join(unknown)}.")
    if not text.strip(" ,") or len(str(parsed)) > LONGEST:
        raise Invalid(f"Must be a policy of 1 to {LONGEST} characters.")
    return str(parsed)


def _is_synced(registry: Registry, scope: str) -> bool:
    name, dot, field = scope.partition(".")
    return name in registry and (not dot or field in registry[name].pushed_fields)
