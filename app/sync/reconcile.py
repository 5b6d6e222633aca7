"""The merge: a record, what the CRM last told us, and what it says now. Values in, values out.

Field by field, by the rules in docs/architecture.md; nothing here knows a database, a network or a clock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from app.core.record import MISSING, CrmCopy, Fields, Stamp, same
from app.sync.policy import Winner

Order = Literal["newer", "same", "older"]
Decide = Callable[[str], Winner | None]
"""Says who wins a conflict on the field of this name."""

NONE_OF_THEIRS = -1
"""A version that no record of the CRM has, and no message leads on from: the next write is refused, and all fetched."""


@dataclass(frozen=True)
class Clash:
    """A field that both sides changed to different values; `winner` is None while nobody has decided."""

    name: str
    last_told: Any
    local: Any
    crm: Any
    winner: Winner | None


@dataclass
class Merged:
    """The outcome: `taken` came in, `stale` was older than what we knew, `ties` only the CRM can settle.

    `heard` is what the CRM has taken from us: field → what it held before, what it holds now.
    """

    local: Fields
    copy: CrmCopy
    heard: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    ties: list[str] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)


def merge(
    copy: CrmCopy, local: Fields, told: Fields, stamp: Stamp, decide: Decide, *,
    whole: bool, sent: Sequence[Fields] = (), answer_to: Fields | None = None,
) -> Merged:  # fmt: skip
    """Merge what the CRM told us at `stamp` into the record and its crm_copy.

    `whole` says that this is the record as it stands in the CRM, not a message about some fields. `sent` holds what
    we sent and have not heard about; `answer_to` is what this is the answer to.
    """
    merged = Merged(dict(local), replace(copy, fields=dict(copy.fields), stamps=dict(copy.stamps),
                                         same_as=dict(copy.same_as), held=list(copy.held)))  # fmt: skip
    answer_to = answer_to or {}
    for name, value in told.items():
        order = compare(stamp, copy.stamps.get(name))
        if order == "older":
            merged.stale.append(name)
        elif order == "same" and not whole and not same(value, copy.fields.get(name, MISSING)):
            merged.ties.append(name)
        else:
            _take_in(merged, name, value, decide, answer_to, sent)
            merged.copy.stamps[name] = stamp if stamp != Stamp() else copy.stamps.get(name, stamp)
    for name in answer_to.keys() - told.keys():
        merged.copy.same_as[name] = answer_to[name]  # it says nothing of this field: sending it again changes nothing
    merged.copy.version = _known_whole(copy, merged.copy.stamps, stamp, whole=whole)
    return merged


def known_no_more(version: int | None) -> int | None:
    """Return what to keep instead of the version of a record that we no longer claim to know whole."""
    return None if version is None else NONE_OF_THEIRS  # None: this CRM has no versions


def compare(stamp: Stamp, known: Stamp | None) -> Order:
    """Say whether `stamp` is newer than what is known: by the CRM's versions, else by its clock, else by arrival."""
    if known is None:
        return "newer"
    for new, old in ((stamp.version, known.version), (stamp.at, known.at)):
        if new is not None and old is not None:
            return "same" if new == old else "newer" if new > old else "older"  # type: ignore[operator]
    return "newer"


def owed(pushed: Sequence[str], local: Fields, copy: CrmCopy) -> Fields:
    """Return what the CRM has not heard of: the record minus the crm_copy, without what waits for a person."""
    return {name: local[name] for name in pushed if name not in copy.held and not _told(copy, name, local[name])}


def _told(copy: CrmCopy, name: str, mine: Any) -> bool:
    """Tell whether the CRM knows our value, in its own form or in one that counts as the same."""
    theirs = copy.fields.get(name, MISSING)
    if same(mine, theirs) or (theirs is MISSING and mine is None):
        return True
    return name in copy.same_as and same(copy.same_as[name], mine)


def _take_in(merged: Merged, name: str, value: Any, decide: Decide, answer_to: Fields, sent: Sequence[Fields]) -> None:
    copy, mine = merged.copy, merged.local.get(name)
    last_told = copy.fields.get(name, MISSING)
    unchanged_here = _told(copy, name, mine)
    if same(value, last_told) and name not in answer_to:
        return  # not a change there: an echo, or old news
    copy.fields[name] = value
    if not same(value, last_told) and (name in answer_to or _was_sent(sent, name, value)):
        merged.heard[name] = (None if last_told is MISSING else last_told, value)
    if name in answer_to:
        _answered(merged, name, value, answer_to[name], decide)
        return
    copy.same_as.pop(name, None)
    if same(value, mine):
        _release(copy, name)
    elif _was_sent(sent, name, value):
        return  # our own value on its way back; the record has moved on since
    elif unchanged_here:
        _overwrite(merged, name, value)
    elif not (last_told is MISSING and value is None):
        _clash(merged, name, last_told, value, decide(name))


def _answered(merged: Merged, name: str, value: Any, asked: Any, decide: Decide) -> None:
    """Take in the CRM's form of what we sent. A CRM that reformats must not start a loop."""
    merged.copy.same_as.pop(name, None)
    if same(value, asked) or not same(merged.local.get(name), asked):
        return  # as sent, or changed here since: then it is owed again
    if decide(name) == "crm":
        _overwrite(merged, name, value)
    else:
        merged.copy.same_as[name] = asked


def _clash(merged: Merged, name: str, last_told: Any, value: Any, winner: Winner | None) -> None:
    mine = merged.local.get(name)
    told = None if last_told is MISSING else last_told
    merged.clashes.append(Clash(name, told, mine, value, winner))
    if winner == "crm":
        _overwrite(merged, name, value)
    elif winner == "local":
        _release(merged.copy, name)  # a person was asked about an older value of theirs: that is over
    elif name not in merged.copy.held:
        merged.copy.held.append(name)


def _overwrite(merged: Merged, name: str, value: Any) -> None:
    merged.local[name] = value
    merged.taken.append(name)
    _release(merged.copy, name)


def _release(copy: CrmCopy, name: str) -> None:
    if name in copy.held:
        copy.held.remove(name)


def _was_sent(sent: Sequence[Mapping[str, Any]], name: str, value: Any) -> bool:
    return any(name in fields and same(fields[name], value) for fields in sent)


def _known_whole(copy: CrmCopy, stamps: Mapping[str, Stamp], stamp: Stamp, *, whole: bool) -> int | None:
    """Return the newest version of which we know every field: the one that is safe to overwrite.

    A message about some fields carries on from the version before it. After a gap the version stays behind, so that
    the next write is refused and the record fetched, instead of overwriting what we never saw.
    """
    if stamp.version is None and whole:
        return None  # a CRM without versions
    if stamp.version is None:  # a message that does not say: the first we hear of a record tells nothing of the rest
        return copy.version if copy.stamps else 0
    known = copy.version or 0  # 0: nothing is known whole yet, so the next write must be refused
    if whole:
        known = max(known, stamp.version)
    elif stamp.version == known + 1:
        known = stamp.version
    seen = {one.version for one in stamps.values()}
    while known + 1 in seen:
        known += 1
    return known
