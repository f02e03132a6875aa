"""Exports of an interface engine: all in them is found, no secret comes out, what breaks off is quarantined with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.contracts.inventory import Inventory
from trivet.integration.exports import code
from trivet.integration.exports.mirth import read
from trivet.integration.exports.xmlitems import DEPTH, BadExport, items
from trivet.kernel.clock import FrozenClock
from trivet.wiring.build import init_home, open_home
from trivet.wiring.exporting import import_exports, plain
from trivet.wiring.shadow import rebuild_home
from trivet.wiring.suites import run

SECRET = "Zq7-open-sesame"
NOW = "2026-03-01T08:00:00.000000Z"
STEP = "com.mirth.connect.plugins.javascriptstep.JavaScriptStep"
RULE = "com.mirth.connect.plugins.javascriptrule.JavaScriptRule"


def connector(tag: str, number: int, name: str, transport: str, properties: str, *, more: str = "", enabled: str = "true") -> str:
    """One end of a channel."""
    return (
        f'<{tag} version="3.12.0"><metaDataId>{number}</metaDataId><name>{name}</name>'
        f'<properties class="x" version="3.12.0">{properties}</properties>{more}'
        f"<transportName>{transport}</transportName><mode>X</mode><enabled>{enabled}</enabled></{tag}>"
    )


def channel(version: str = "3.12.0") -> str:
    """A channel with one of everything that can be wrong."""
    script = (
        f"var password = '{SECRET}';\n"
        f"// var old = msg['PID']['PID.5'].toString();\n"
        f"var c = DatabaseConnectionFactory.createDatabaseConnection('d', 'jdbc:postgresql://db.site:5432/lab', 'u', '{SECRET}');\n"
        "/* a word of prose about what comes */\n"
        f"http.setRequestProperty('Authorization', 'Basic {'QWxhZGRpbjpvcGVuIHNlc2FtZQ=='}');\n"
        "router.routeMessage('Archive', msg);\n"
        "var fine = $cfg('password'); var token = '${token}';"
    )
    filters = (
        f"<filter><elements><{RULE}><name>only ADT</name><sequenceNumber>0</sequenceNumber><enabled>true</enabled>"
        f"<script>return true;</script></{RULE}><{RULE}><name>off</name><sequenceNumber>1</sequenceNumber><enabled>false</enabled>"
        f"<script>return msg.size() &gt; 2;&#x1c;</script></{RULE}></elements></filter>"
    )
    transformer = (
        f"<transformer><elements><{STEP}><name>look up</name><sequenceNumber>0</sequenceNumber><enabled>true</enabled>"
        f"<script>{script.replace('&', '&amp;').replace('<', '&lt;')}</script></{STEP}></elements>"
        "<inboundTemplate encoding='base64'>TVNIfF5+XCZ8QQ==</inboundTemplate><inboundDataType>HL7V2</inboundDataType></transformer>"
    )
    source = connector(
        "sourceConnector",
        0,
        "sourceConnector",
        "TCP Listener",
        "<listenerConnectorProperties><host>0.0.0.0</host><port>6661</port></listenerConnectorProperties>",
        more=filters + transformer,
    )
    queue = "<destinationConnectorProperties><queueEnabled>{}</queueEnabled></destinationConnectorProperties>"
    header = f"<headers><entry><string>Authorization</string><list><string>Bearer {SECRET}</string></list></entry></headers>"
    ends = [
        connector("connector", 1, "web", "HTTP Sender",
                  queue.format("false") + f"<host>https://u:{SECRET}@api.site/x?token={SECRET}</host>" + header),
        connector(
            "connector", 2, "database", "Database Writer",
            queue.format("true") + f"<url>jdbc:oracle:thin:u/{SECRET}@db.site:1521:x</url><password>{SECRET}</password>",
        ),
        connector("connector", 3, "old", "TCP Sender",
                  queue.format("true") + "<remoteAddress>10.0.0.7</remoteAddress><remotePort>6662</remotePort>", enabled="false"),
        connector("connector", 4, "next", "Channel Writer", queue.format("false") + "<channelId>c-2</channelId>"),
    ]  # fmt: skip
    stock = "// This script executes once\nreturn;"
    return (
        f'<channel version="{version}"><id>c-1</id><name>Admissions</name><description></description>{source}'
        f"<destinationConnectors>{''.join(ends)}</destinationConnectors><preprocessingScript>{stock}</preprocessingScript>"
        f"<deployScript>{stock}</deployScript><properties><messageStorageMode>DEVELOPMENT</messageStorageMode><encryptData>false</encryptData>"
        "<storeAttachments>true</storeAttachments></properties><exportData><metadata><enabled>false</enabled>"
        "<lastModified><time>1534349264566</time></lastModified></metadata></exportData></channel>"
    )


def backup(*channels: str) -> bytes:
    """A full backup."""
    library = (
        '<codeTemplateLibrary version="3.12.0"><id>l-1</id><name>Tools</name><codeTemplates><codeTemplate version="3.12.0"><id>t-1</id>'
        "<name>pad</name><properties><type>FUNCTION</type><code>/**\n\treturn x;\n*/\nfunction pad(x) {\n\treturn x;\n}</code></properties>"
        "</codeTemplate></codeTemplates></codeTemplateLibrary>"
    )
    return (
        f'<serverConfiguration version="3.12.0"><date>2026-03-01</date><channelGroups><channelGroup><id>g-1</id><name>All</name>'
        f"</channelGroup></channelGroups><channels>{''.join(channels)}</channels><globalScripts><entry><string>Deploy</string>"
        f"<string>logger.info('up');</string></entry></globalScripts><codeTemplateLibraries>{library}</codeTemplateLibraries>"
        f"<serverSettings><smtpPassword>{SECRET}</smtpPassword></serverSettings></serverConfiguration>"
    ).encode()


def said(found: Inventory) -> str:
    """All that comes out of a reading."""
    return json.dumps([plain(one) for one in found.interfaces]) + repr(found.rejects)


def test_a_group_is_exported_with_its_channels() -> None:
    """Each channel of an exported group is an interface as if it came alone; in a backup a group only refers to channels, by id."""
    alone = read(channel().encode()).interfaces
    whole = f'<channelGroup version="3.12.0"><id>g-1</id><name>All</name><channels>{channel()}</channels></channelGroup>'
    group, *inside = read(whole.encode()).interfaces
    assert (group.kind, group.name, group.connectors, group.scripts) == ("channel group", "All", (), ())
    for one, same in zip(inside, alone, strict=True):
        assert one.id == same.id
        assert [(end.name, end.endpoint) for end in one.connectors] == [(end.name, end.endpoint) for end in same.connectors]
        assert [step.name for step in one.steps] == [step.name for step in same.steps]
    assert [len(one.findings) for one in inside] == [len(one.findings) for one in alone]
    stub = '<channel version="3.12.0"><id>c-1</id><revision>0</revision></channel>'
    backed = f"<list><channelGroup><id>g-1</id><name>All</name><channels>{stub}</channels></channelGroup></list>"
    assert [one.kind for one in read(backed.encode()).interfaces] == ["channel group"]


def test_one_of_everything_that_can_be_wrong_is_found() -> None:
    """Ends, rules, steps, scripts with their lines, and every kind of finding, each with a line; no secret and no message comes out."""
    found = read(channel().encode())
    [one] = found.interfaces
    assert (one.name, one.kind, one.enabled, one.described, one.modified[:10]) == ("Admissions", "channel", False, False, "2018-08-15")
    assert [(end.role, end.name, end.secure, end.queue) for end in one.connectors] == [
        ("source", "sourceConnector", "no", ""),
        ("destination", "web", "yes", "off"),
        ("destination", "database", "no", "on"),
        ("destination", "old", "no", "on"),
        ("destination", "next", "", "off"),
    ]
    assert [end.endpoint for end in one.connectors] == [
        "0.0.0.0:6661",
        "https://api.site/x",
        "jdbc:oracle:thin:@db.site:1521:x",
        "10.0.0.7:6662",
        "",
    ]
    assert [(step.role, step.name, step.enabled) for step in one.steps] == [
        ("filter", "only ADT", True),
        ("filter", "off", False),
        ("transformer", "look up", True),
    ]
    sizes = {script.name: (script.lines, script.comments, script.dead) for script in one.scripts}
    assert sizes["look up"] == (5, 2, 1)
    assert sizes["Admissions"] == (0, 1, 0)
    kinds = {finding.kind for finding in one.findings}
    assert kinds == {
        "secret", "endpoint", "plain-transport", "no-description", "no-owner", "disabled-channel", "disabled-destination", "disabled-step",
        "commented-code", "queue-off", "unencrypted-store", "pruning-off", "attachments-kept", "sample-message", "end-of-support",
    }  # fmt: skip
    secrets = [finding.detail for finding in one.findings if finding.kind == "secret"]
    assert sorted(secrets) == [
        "assigned in a script", "authorization header", "given to a database connection", "in an address", "in an address",
        "in the entry Authorization", "in the setting password",
    ]  # fmt: skip
    assert one.needs == ("c-2", "Archive")
    assert all(finding.line > 0 for finding in one.findings)
    for hidden in (SECRET, "QWxhZGRpbjpv", "TVNIfF5"):
        assert hidden not in said(found)


def test_a_full_backup_is_taken_apart() -> None:
    """Channels, groups, libraries with their templates, global scripts and settings, in the order of the file."""
    found = read(backup(channel(), channel("4.5.2")))
    assert [one.kind for one in found.interfaces] == [
        "channel group", "channel", "channel", "global scripts", "code template library", "code template", "server",
    ]  # fmt: skip
    assert [script.lines for one in found.interfaces for script in one.scripts if one.kind == "code template"] == [3]
    assert [script.role for one in found.interfaces for script in one.scripts if one.kind == "global scripts"] == ["Deploy"]
    assert [finding.kind for finding in found.interfaces[-1].findings] == ["secret"]
    assert [any(finding.kind == "end-of-support" for finding in one.findings) for one in found.interfaces[1:3]] == [True, False]
    assert SECRET not in said(found)


def test_what_breaks_off_is_quarantined_with_its_place() -> None:
    """Channels before the break stand; the reject names line and byte; strange roots, entities and too many levels are refused."""
    whole = backup(channel(), channel())
    cut = read(whole[: len(whole) // 2 + 900])
    assert [reject.code for reject in cut.rejects] == ["E810"]
    assert 0 < cut.rejects[0].offset <= len(whole)
    assert [one.kind for one in cut.interfaces if one.kind == "channel"] == ["channel"]
    assert read(b"<html><channel/></html>").rejects[0].code == "E813"
    assert read(b"<list></list>").rejects[0].code == "E814"
    assert read(b"").rejects[0].code == "E810"
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><channel><name>&b;</name></channel>'
    assert read(bomb).rejects[0].code == "E811"
    assert read(b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><channel/>').rejects[0].code == "E811"
    deep = b"<channel>" + b"<a>" * (DEPTH + 1) + b"</a>" * (DEPTH + 1) + b"</channel>"
    assert read(deep).rejects[0].code == "E812"


@given(st.binary(max_size=300), st.integers(0, 4000), st.integers(0, 200))
def test_broken_bytes_never_raise(junk: bytes, place: int, gone: int) -> None:
    """Whatever is written over an export, it is read or quarantined."""
    whole = channel().encode()
    found = read(whole[:place] + junk + whole[place + gone :])
    assert found.interfaces or found.rejects
    assert len(found.rejects) <= 1


@given(st.text(max_size=200))
def test_any_script_is_counted(text: str) -> None:
    """Counting a script ends, whatever stands in it, and never counts more lines than there are."""
    count = code.counted(text)
    assert count.lines <= len(text.splitlines())
    assert count.dead <= count.comments
    code.literal_secrets(text)
    code.addresses(text)


def test_items_are_read_one_at_a_time() -> None:
    """A wrong place behind many items leaves them, and the reader holds one of them at a time."""
    names = frozenset(("channel",))
    raw = b"<list>" + b"".join(b"<channel><name>%d</name></channel>" % number for number in range(1000)) + b"<channel><oops></list>"
    seen = []
    reading = items(raw, names, frozenset(("list",)))
    for _ in range(1000):
        seen.append(next(reading).said("name"))
    with pytest.raises(BadExport):
        next(reading)
    assert seen == [str(number) for number in range(1000)]


def test_exports_stand_in_the_register_and_open_in_the_debt(tmp_path: Path) -> None:
    """Imported once however often; published; owed, with places; made again by a rebuild; no secret in any table, ledger entry or debt."""
    home = tmp_path / "home"
    init_home(home, clock=FrozenClock(NOW)).close()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.xml").write_bytes(backup(channel()))
    (tmp_path / "in" / "b.xml").write_bytes(backup(channel())[:3000])
    house = open_home(home, clock=FrozenClock(NOW))
    found = import_exports(house, [tmp_path / "in"])
    assert [export["state"] for export in found["exports"]] == ["read", "quarantined"]
    again = import_exports(house, [tmp_path / "in"])
    assert [export["new"] for export in again["exports"]] == [False, False]
    _, rows = house.shelf.query("select interface, origin, destinations, lines, findings from interfaces where kind = 'channel'")
    assert rows == [("Admissions", "export", 4, 6, len(found["interfaces"][1]["findings"]))]
    assert {row["name"] for row in house.role("register").listing() if row["origin"] == "export"} >= {"Admissions", "Tools"}
    owed = {item.kind: item for item in house.role("assessment").debt()["items"] if item.kind.startswith("engine-")}
    assert owed.keys() == {
        "engine-secret", "engine-plain-transport", "engine-undocumented", "engine-dead", "engine-endpoint", "engine-delivery",
        "engine-storage", "engine-dependency", "engine-unsupported", "engine-script",
    }  # fmt: skip
    assert owed["engine-dependency"].asset.startswith("Admissions -> ")
    answer = rebuild_home(house, repair=False, report=lambda _: None)
    assert answer["same"], answer["differing"]
    out = [json.dumps(found), str(owed), *(body.decode() for _, body in house.ledger.bodies(0, house.ledger.size()))]
    for name in ("interface", "interface_part", "interface_finding", "interface_export"):
        out.append(str(house.store.read(f"select * from {name}")))
    house.close()
    assert not [text for text in out if SECRET in text]
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


@pytest.mark.corpora
def test_every_end_script_and_secret_of_others_is_found(corpora: Path) -> None:
    """The suite's independent walk and our reader count the same in every file."""
    result = run("interface-engine-exports", corpora)
    assert result.failed == {}
    assert result.measures["found"]["script"] >= 48
