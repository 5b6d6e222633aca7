"""`flask sync conflicts`, `resolve` and `rules`: where both sides disagreed, and what a person decides."""

from typing import Any, get_args

import click
from flask.cli import AppGroup, with_appcontext

from app.commands import shown
from app.commands.options import AS_JSON, BY, PLAIN, Commands, leave, show
from app.core import strict_json
from app.core.errors import ServiceError
from app.core.field import POLICIES
from app.services import operations, resolutions
from app.services.resolutions import Decision, Use
from app.store.conflicts import Kind
from app.sync.engine import Engine
from app.sync.resolve import Choice

FILTERS = (
    click.option("--resource", type=PLAIN, help="Only of this resource."),
    click.option("--field", type=PLAIN, help="Only about this field."),
    click.option("--kind", type=click.Choice(get_args(Kind)), help="Only of this kind."),
    click.option("--run", "run_id", type=PLAIN, help="Only what this run found."),
)
ORDERS = (
    click.argument("ids", metavar="[ID]...", nargs=-1, type=PLAIN),
    click.option("--all", "everything", is_flag=True, help="Every open one that fits the filters; name at least one."),
    *FILTERS,
    click.option("--use", type=click.Choice(get_args(Use)), required=True, help="Which side is right, or a value."),
    click.option("--value", "text", metavar="JSON", help="With --use value: what both sides shall hold."),
    click.option("--rule", "make_rule", is_flag=True, help="Let this side win on this field from now on."),
    click.option("--recreate", is_flag=True, help="With --use local, of a deletion: create it in the CRM again."),
    AS_JSON,
)


def register(group: AppGroup, engine: Engine) -> None:
    """Add the commands to `flask sync`."""
    _add_conflicts(group)
    _add_resolve(group, engine)
    _add_rules(group, engine)


def _add_conflicts(group: AppGroup) -> None:
    def conflicts(limit: int, as_json: bool, **filters: str | None) -> None:
        found, total = operations.list_conflicts(_given(filters), limit, 0)
        text = "\n".join(shown.conflict(one) for one in found) or "No conflicts."
        show({"total": total, "conflicts": found}, text, as_json=as_json)

    status = click.option("--status", type=click.Choice(["open", "resolved"]), help="Only these.")
    limit = click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
    _add(group, "conflicts", "List where both sides disagreed.", conflicts, status, *FILTERS, limit, AS_JSON)


def _add_resolve(group: AppGroup, engine: Engine) -> None:
    def resolve(
        ids: tuple[str, ...], everything: bool, use: Use, text: str | None, make_rule: bool, recreate: bool,
        as_json: bool, **filters: str | None,
    ) -> None:  # fmt: skip
        _check(ids, _given(filters), everything=everything, make_rule=make_rule)
        if recreate and use != "local":
            raise click.UsageError("--recreate goes with --use local.")
        decision = Decision(Choice(use, _value(use, text), recreate), make_rule, BY)
        found = (
            resolutions.resolve_many(engine, _given(filters), decision) if everything else _each(engine, ids, decision)
        )
        lines = [f"{found['resolved']} resolved.", *(f"Left: {one['id']}  {one['detail']}" for one in found["left"])]
        show(found, "\n".join(lines), as_json=as_json)
        leave(well=not found["left"])

    _add(group, "resolve", "Decide open conflicts: some by their ids, or --all that fit filters.", resolve, *ORDERS)


def _add(group: AppGroup, name: str, text: str, command: Any, *options: Any) -> None:
    for option in reversed(options):
        command = option(command)
    group.command(name, help=text)(command)


def _given(filters: dict[str, str | None]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None}


def _check(ids: tuple[str, ...], filters: dict[str, Any], *, everything: bool, make_rule: bool) -> None:
    if bool(ids) == everything:
        raise click.UsageError("Say which: the ids of conflicts, or --all with a filter.")
    if everything != bool(filters):
        raise click.UsageError("--all and the filters go together: name at least one of them.")
    if make_rule and everything:
        raise click.UsageError("--rule goes with an id: it takes the other open conflicts on the field along.")


def _value(use: Use, text: str | None) -> Any:
    if (use == "value") != (text is not None):
        raise click.UsageError("--use value and --value go together.")
    try:
        return None if text is None else strict_json.parse(text)
    except ValueError as error:
        raise click.BadParameter("It must be JSON; a text needs quotes: '\"…\"'.", param_hint="--value") from error


def _each(engine: Engine, ids: tuple[str, ...], decision: Decision) -> dict[str, Any]:
    left = []
    for identity in dict.fromkeys(ids):
        try:
            resolutions.resolve(engine, identity, decision)
        except ServiceError as error:
            left.append({"id": identity, "code": error.code, "detail": error.detail})
    return {"resolved": len(set(ids)) - len(left), "left": left}


def _add_rules(group: AppGroup, engine: Engine) -> None:
    @group.group("rules", cls=Commands, invoke_without_command=True, help="List the rules; or set or drop one.")
    @AS_JSON
    @click.pass_context
    @with_appcontext
    def rules(context: click.Context, as_json: bool) -> None:
        if context.invoked_subcommand is None:
            _show_rules(as_json=as_json)

    @rules.command("set", help="Let a policy hold for a field, such as users.phone, from now on.")
    @click.argument("field", type=PLAIN)
    @click.argument("policy", type=click.Choice(POLICIES))
    @AS_JSON
    def set_rule(field: str, policy: str, as_json: bool) -> None:
        resolutions.set_rule(engine, field, policy, BY)
        _show_rules(as_json=as_json)

    @rules.command("drop", help="Forget a rule.")
    @click.argument("field", type=PLAIN)
    @AS_JSON
    def drop_rule(field: str, as_json: bool) -> None:
        resolutions.drop_rule(field)
        _show_rules(as_json=as_json)


def _show_rules(*, as_json: bool) -> None:
    found = resolutions.list_rules()
    rows = [(one["field"], one["policy"], f"by {one['set_by']}", one["set_at"]) for one in found]
    show({"rules": found}, shown.table(rows) if rows else "No rules.", as_json=as_json)
