"""Exports of Mirth Connect and of the engines that descend from it: what there is, how it is wired, what is wrong with it.

In: channels, channel groups, code templates and their libraries, full backups, as XML. Out: `Inventory`. A file that is none of these,
or breaks off, is quarantined with its byte and line; the channels before that place stand. No secret, no message and no script leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from trivet.contracts.inventory import Connector, Finding, Interface, Inventory, Script, Step
from trivet.integration.exports import code
from trivet.integration.exports.findings import found_in_channel, found_in_script, secrets_of
from trivet.integration.exports.xmlitems import BadExport, Node, items
from trivet.kernel.clock import instant
from trivet.kernel.errors import Rejected

__all__ = ["read"]

ITEMS = frozenset(
    ("channel", "codeTemplate", "codeTemplateLibrary", "channelGroup", "globalScripts", "serverSettings", "alertModel", "configurationMap")
)
ROOTS = frozenset(
    (
        *ITEMS, "list", "serverConfiguration", "channels", "codeTemplates", "codeTemplateLibraries", "channelGroups",
        "com.mirth.connect.model.Channel", "com.mirth.connect.model.ServerConfiguration", "map", "set",
    )
)  # fmt: skip
NAMES = {
    "channel": "channel",
    "codeTemplate": "code template",
    "codeTemplateLibrary": "code template library",
    "channelGroup": "channel group",
    "globalScripts": "global scripts",
    "serverSettings": "server",
    "alertModel": "alert",
    "configurationMap": "configuration map",
}
CODE = {"script", "code", "preprocessingScript", "postprocessingScript", "deployScript", "undeployScript", "shutdownScript", "batchScript"}
KEYED = {"javascript.script"}  # values of maps that are code
ROLES = {"filter": "filter", "transformer": "transformer", "responseTransformer": "response"}
CONNECTORS = {"sourceConnector": "source", "connector": "destination"}


def read(raw: bytes) -> Inventory:
    """An export's inventory. Never raises for what the file holds."""
    made: list[Interface] = []
    try:
        for node in items(raw, ITEMS, ROOTS):
            made += interfaces(node)
    except BadExport as bad:
        place = f"line {bad.line}"
        reject = Rejected(bad.code, str(bad), place, bad.offset, max(0, len(raw) - bad.offset), help="export it again, whole")
        return Inventory(tuple(made), (reject,))
    if not made:
        reject = Rejected("E814", "nothing in it is an interface, a code template or a setting of an engine", "line 1", 0, len(raw))
        return Inventory((), (reject,))
    return Inventory(tuple(made), ())


def interfaces(node: Node) -> Iterator[Interface]:
    """An item, and what it carries with it: code templates and libraries, the channels of an exported group. A backup's group has of
    each channel the id alone, which is a reference."""
    yield interface(node)
    for inner in node.walk():
        carried = inner.tag in ("codeTemplateLibrary", "codeTemplate") or (inner.tag == "channel" and bool(inner.said("name")))
        if inner is not node and carried:
            yield interface(inner)


def own(node: Node) -> Iterator[Node]:
    """The elements of an item without those of the items inside it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(child for child in reversed(one.children) if child.tag not in ("codeTemplateLibrary", "codeTemplate", "channel"))


def interface(node: Node) -> Interface:
    """One item."""
    kind = NAMES[node.tag]
    version = node.attrs.get("version", "") or node.said("version")
    name = node.said("name") or node.said("serverName") or kind
    connectors = [(role, inner) for inner in own(node) if (role := CONNECTORS.get(inner.tag)) and inner.first("transportName") is not None]
    ends = [connector(role, inner) for role, inner in connectors]
    scripts, findings = scripts_of(node, name)
    steps = [step for inner in own(node) if inner.tag in ROLES for step in steps_of(inner, holder(inner, connectors))]
    metadata = node.first("exportData", "metadata")
    enabled = (metadata.said("enabled") if metadata is not None else "") or node.said("enabled") or "true"
    needs = sorted({text for inner in own(node) if inner.tag in ("channelId", "targetChannelId") if (text := literal_id(inner.text))})
    needs += sorted({target for target in routed(node) if target not in needs})
    findings += secrets_of(node, own(node))
    findings += found_in_channel(node, version, ends, steps, enabled == "true") if kind == "channel" else []
    return Interface(
        id=node.said("id"),
        name=name[:200],
        kind=kind,
        engine="mirth",
        version=version[:20],
        enabled=enabled == "true",
        described=bool(node.said("description")) or kind not in ("channel", "code template library"),
        modified=moment(metadata or node),
        connectors=tuple(ends),
        steps=tuple(steps),
        scripts=tuple(scripts),
        findings=tuple(sorted(findings, key=lambda finding: (finding.line, finding.kind, finding.about, finding.detail))),
        needs=tuple(needs),
    )


def moment(node: Node) -> str:
    """When it was changed last: milliseconds since 1970, as text."""
    text = node.said("lastModified", "time")
    return instant(datetime.fromtimestamp(int(text) / 1000, UTC)) if text.isdigit() and len(text) < 15 else ""


def holder(part: Node, connectors: list[tuple[str, Node]]) -> str:
    """The name of the connector that a filter or transformer belongs to."""
    return next((name_of(role, node) for role, node in connectors if part.place.startswith(node.place + "/")), "")


def name_of(role: str, node: Node) -> str:
    """How a connector is called; an engine gives the source no name of its own."""
    return node.said("name") or role


def connector(role: str, node: Node) -> Connector:
    """One end: its transport, its address, whether the wire is safe."""
    properties = node.first("properties") or node
    transport = node.said("transportName")
    pairs = {child.attrs["name"]: child.text.strip() for child in properties.children if child.tag == "property" and "name" in child.attrs}

    def said(*names: str) -> str:
        found = (inner.text.strip() for name in names for inner in properties.walk() if inner.tag == name and inner.text.strip())
        return next(found, "") or next((pairs[name] for name in names if pairs.get(name)), "")

    host, port = said("remoteAddress", "host", "listenerAddress", "smtpHost"), said("remotePort", "port", "listenerPort", "smtpPort")
    url = said("wsdlUrl", "locationURI", "url", "URL")
    address = url or (host if "://" in host else f"{host}:{port}" if host and port else host)
    queued = said("queueEnabled") if role == "destination" else ""
    return Connector(
        role=role,
        name=name_of(role, node)[:200],
        transport=transport[:80],
        enabled=node.said("enabled") != "false",
        endpoint=code.clean(address),
        secure=secure(transport, properties, address, said("scheme"), said("tls", "useTLS", "encryption")),
        queue="" if role == "source" else "on" if queued == "true" else "off",
        inbound=node.said("transformer", "inboundDataType"),
        outbound=node.said("transformer", "outboundDataType"),
        place=node.place,
    )


def secure(transport: str, properties: Node, address: str, scheme: str, tls: str) -> str:
    """Is what goes over this wire encrypted? "" for what is no wire: a channel, a file on a disk, a script."""
    plugins = properties.first("pluginProperties")
    for plugin in plugins.walk() if plugins is not None else ():
        if re.search(r"(?i)tls|ssl", plugin.tag) and any(
            child.tag in ("isTlsManagerEnabled", "enabled", "useTls") and child.text.strip() == "true" for child in plugin.children
        ):
            return "yes"
    word, where = transport.lower(), address.lower()
    if scheme.lower() in ("ftp", "smb", "webdav"):
        return "no"
    if scheme.lower() in ("sftp", "ftps", "s3"):
        return "yes"
    if where.startswith(("https:", "ftps:", "sftp:", "ldaps:", "wss:", "ssl:")):
        return "yes"
    if where.startswith(("http:", "ftp:", "ldap:", "ws:", "tcp:")):
        return "no"
    if any(name in word for name in ("tcp", "llp", "http", "web service", "dicom", "jms", "soap")):
        return "yes" if tls.lower() in ("true", "tls", "ssl", "aes", "yes") else "no"
    if "smtp" in word:
        return "no" if tls.lower() in ("", "none", "false") else "yes"
    if "database" in word and where:
        return "yes" if re.search(r"(?i)(ssl|encrypt|sslmode)\s*=\s*(true|require|verify)", next_url(properties)) else "no"
    return ""


def next_url(properties: Node) -> str:
    """The address of a database with its options; it does not leave this module."""
    return next((inner.text for inner in properties.walk() if inner.tag == "url"), "")


def steps_of(part: Node, of: str) -> Iterator[Step]:
    """Rules and steps, nested ones too: what has a number in its row."""
    for node in part.walk():
        if node is not part and node.first("sequenceNumber") is not None:
            kind = node.tag.rpartition(".")[2] if "." in node.tag else node.said("type") or node.tag
            enabled = node.said("enabled") != "false"
            yield Step(of, ROLES[part.tag], (node.said("name") or node.said("sequenceNumber"))[:200], kind[:80], enabled, node.place)


def scripts_of(item: Node, name: str) -> tuple[list[Script], list[Finding]]:
    """Every piece of code of an item, counted, with what is wrong in it."""
    scripts, findings = [], []
    for role, node, above in coded(item):
        text = node.text
        count = code.counted(text)
        about = above.said("name") or name
        made = Script(about[:200], role, about[:200], count.lines, count.comments, count.dead, node.place)
        scripts.append(made)
        findings += found_in_script(made, text, node)
    return scripts, findings


def coded(item: Node) -> Iterator[tuple[str, Node, Node]]:
    """(role, element, element around it) of every non-empty piece of code."""
    waiting = [(item, item)]
    while waiting:
        node, _ = waiting.pop()
        key = ""
        for child in node.children:
            if child.tag in ("codeTemplateLibrary", "codeTemplate", "channel"):
                continue
            is_code = child.tag in CODE and not child.children
            is_keyed = node.tag == "entry" and child.tag == "string" and (key in KEYED or (item.tag == "globalScripts" and bool(key)))
            if (is_code or is_keyed) and child.text.strip():
                yield (child.tag if is_code else key), child, node
            if node.tag == "entry" and child.tag == "string":
                key = key or child.text.strip()
        waiting.extend(
            (child, node) for child in reversed(node.children) if child.tag not in ("codeTemplateLibrary", "codeTemplate", "channel")
        )


def literal_id(text: str) -> str:
    """A channel's id that is written down, not a variable and not "none"."""
    word = text.strip()
    return word if word and word.lower() not in ("none", "sink") and "$" not in word and len(word) <= 64 else ""


ROUTE = re.compile(r"""\brouteMessage(?:ByChannelId|ToChannel)?\w*\s*\(\s*["']([^"'$]{1,200})["']""")


def routed(item: Node) -> Iterator[str]:
    """Channels that scripts send messages to by name or id."""
    for _, node, _ in coded(item):
        yield from (found[1] for found in ROUTE.finditer(code.bare(node.text)))
