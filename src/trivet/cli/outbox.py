"""`trivet outbox`: what goes out because of decisions, and what became of it."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import fail, home_option, json_option, opened, progress, show, table
from trivet.cli.suspend import who
from trivet.kernel.errors import Locked

__all__ = ["command"]

STATES = ("waiting", "sending", "delivered", "dead", "held", "superseded")
COLUMNS = ("destination", "number", "decision_id", "event", "state", "attempts", "reason", "at", "done_at")


@click.group("outbox")
def command() -> None:
    """What must leave the house because of decisions: queued with the decision itself, sent until somebody has it.

    \b
    Examples:
      trivet outbox list
      trivet outbox resend ehr 12
    """


@command.command("list")
@click.option("--destination", default="", help="Only this destination's messages.")
@click.option("--state", default="", type=click.Choice(["", *STATES]), help="Only messages in this state.")
@click.option("--decision", default="", help="Only messages about this decision.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1), help="At most so many.")
@home_option
@json_option
def list_(destination: str, state: str, decision: str, limit: int, home: Path, as_json: bool) -> None:
    """How each destination stands; with a filter, its messages.

    \b
    Examples:
      trivet outbox list
      trivet outbox list --state dead --json
    """
    with opened(home) as house:
        outbox = house.role("outbox")
        if destination or state or decision:
            rows = [message.as_dict() for message in outbox.messages(destination, state, decision, limit)]
            show(as_json, {"messages": rows}, table(COLUMNS, ([row[name] for name in COLUMNS] for row in rows)))
            return
        held = {row["destination"]: row for row in outbox.summary()}
        blank = {
            "waiting": 0,
            "delivered": 0,
            "dead": 0,
            "held": 0,
            "superseded": 0,
            "oldest": "",
            "last_delivered": "",
            "last_failure": "",
        }
        for name in [name for name, entry in house.settings["destinations"].items() if entry["kind"] != "subscriptions"]:
            held.setdefault(name, {"destination": name, **blank})
        names = ("destination", *blank)
        show(as_json, {"destinations": list(held.values())}, table(names, ([row[name] for name in names] for row in held.values())))


@command.command("show")
@click.argument("destination")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--body", is_flag=True, help="Also the message itself, out of the vault. That somebody looked is written down first.")
@click.option("--reason", default="", help="Why somebody looks: treatment, quality review, complaint, audit.")
@click.option("--as", "principal", default="", help="Who looks; whoever sits at this machine if not given.")
@home_option
@json_option
def show_(destination: str, number: int, body: bool, reason: str, principal: str, home: Path, as_json: bool) -> None:
    """One message with every attempt and the ledger positions that prove them.

    \b
    Examples:
      trivet outbox show ehr 12
      trivet outbox show ehr 12 --body --reason audit
    """
    with opened(home) as house:
        outbox = house.role("outbox")
        message = outbox.message(destination, number)
        told = {**message.as_dict(), "tries": outbox.attempts(destination, number)}
        lines = [f"{name}: {value}" for name, value in message.as_dict().items() if value not in ("", -1)]
        lines += [
            f"  attempt {one['attempt']} at {one['at']}: {one['result'] or 'on its way'} {one['reason']}"
            f" (entries {one['sent_seq']}, {one['end_seq']})"
            for one in told["tries"]
        ]
        if body:
            from trivet.flows.access import reveal

            record = outbox.record(message)
            reveal(house, record.person, reason, door="outbox show", by=who(principal))
            told["body"] = outbox.body(message).decode("utf-8") if message.blob else ""
            lines += ["", told["body"].replace("\r", "\n")]
        show(as_json, told, lines)


@command.command("send")
@click.argument("destinations", nargs=-1)
@home_option
@json_option
def send(destinations: tuple[str, ...], home: Path, as_json: bool) -> None:
    """Deliver what waits, now, without `trivet up`. Exit 7 when something still waits, because a peer did not take it.

    \b
    Examples:
      trivet outbox send
      trivet outbox send ehr --json
    """
    from trivet.wiring.outgoing import send_now

    with opened(home) as house:
        told = send_now(house, destinations, progress)
        show(as_json, {"destinations": told}, table(("destination", "delivered", "waiting"), (row.values() for row in told)))
    left = [row["destination"] for row in told if row["waiting"]]
    if left:
        fail(
            as_json, Locked("E864", "messages still wait", where=", ".join(left), why="a peer did not take them", help="trivet outbox list")
        )


@command.command("resend")
@click.argument("destination")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--fresh", is_flag=True, help="Make the message anew, under a new key: for one that was refused as it was.")
@click.option("--as", "principal", default="", help="Who asks; whoever sits at this machine if not given.")
@home_option
@json_option
def resend(destination: str, number: int, fresh: bool, principal: str, home: Path, as_json: bool) -> None:
    """Let a dead, held or delivered message wait again: the same bytes under the same key.

    \b
    Examples:
      trivet outbox resend ehr 12
      trivet outbox resend ehr 12 --fresh --as j.okafor
    """
    with opened(home) as house:
        message = house.role("outbox").resend(destination, number, who(principal), fresh=fresh)
        show(as_json, message.as_dict(), [f"{destination} {number}: {message.state}"])


@command.command("prune")
@click.option("--before", required=True, help="Forget what was delivered before this instant or ledger date (RFC 3339 with zone).")
@home_option
@json_option
def prune(before: str, home: Path, as_json: bool) -> None:
    """Forget rows of what was delivered long ago. What is unsent, held or dead is never deleted; the ledger keeps all.

    \b
    Examples:
      trivet outbox prune --before 2026-01-01T00:00:00Z
      trivet outbox prune --before 2026-01-01T00:00:00Z --json
    """
    from trivet.kernel.clock import instant, parse_instant
    from trivet.kernel.errors import Usage

    try:
        moment = instant(parse_instant(before))
    except ValueError as error:
        raise Usage("E733", "--before is not an instant", why=str(error), help="--before 2026-01-01T00:00:00Z") from None
    with opened(home) as house:
        gone = house.role("outbox").prune(moment)
        show(as_json, {"pruned": gone}, [f"{gone} messages forgotten"])


@command.command("key")
@json_option
def key(as_json: bool) -> None:
    """A new webhook key. Put it as the first line of the destination's secret file; take the old line away when the receiver has it.

    \b
    Examples:
      trivet outbox key > trivet-home/keys/ward-app.secret
      trivet outbox key --json
    """
    import base64
    import secrets

    made = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    show(as_json, {"key": made}, [made])
