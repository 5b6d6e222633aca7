"""What records refer to must be there: said to whoever writes them, with the field that is wrong."""

from collections.abc import Collection, Sequence

from app.core.errors import Invalid, Messages
from app.core.record import Fields, Record
from app.core.schema import summary
from app.store.work import Work


def refuse_unknown(work: Work, records: Sequence[Record], changed: Collection[str] | None = None) -> None:
    """Raise Invalid when a record refers to nobody; only what `changed` is looked at, if that is given."""
    for found in unknown(work, [record.fields for record in records], changed):
        if found:
            raise Invalid(summary(found), errors=found)


def unknown(work: Work, drafts: Sequence[Fields], changed: Collection[str] | None = None) -> list[Messages]:
    """Return for each draft what is wrong with what it refers to, with a statement for each resource."""
    kinds = work.resource.references
    looked_at = {name for name, kind in kinds.items() if changed is None or {name, kind.beside} & set(changed)}
    if not looked_at:
        return [{} for _ in drafts]
    return [
        {
            name: [f"There is no such record among the {kinds[name].target(fields)}."]
            for name, (_, target) in targets.items()
            if name in looked_at and (target is None or not target.is_live)
        }
        for fields, targets in zip(drafts, work.links.targets(drafts), strict=True)
    ]
