"""What is wrong with an interface, by rules over its export. Each finding has a place and a line; none repeats a secret or a message.

In: elements and counts. Out: findings, whose kinds are rows of `maps/register/findings.csv`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from trivet.contracts.inventory import Connector, Finding, Script, Step
from trivet.integration.exports import code
from trivet.integration.exports.xmlitems import Node
from trivet.integration.tables import table

__all__ = ["found_in_channel", "found_in_script", "secrets_of"]

SECRET_TAG = re.compile(r"(?i)(?:pass(?:word|phrase|wd)|secret|token|api_?key|access_?key|credential|keypw|storepw|private_?key)$")
NOT_SECRET = re.compile(r"(?i)(?:token(?:type|url|endpoint|uri)|usestoken|passwordtype)$")
TEMPLATES = ("inboundTemplate", "outboundTemplate")
MESSAGE = re.compile(r"MSH[|^~]|<ClinicalDocument|\"resourceType\"|ISA\*|UEsD|TVNI")  # HL7, CDA, FHIR, X12; TVNI is MSH in base64
CODE_TAGS = {"script", "code"}


def secrets_of(item: Node, nodes: Iterable[Node]) -> list[Finding]:
    """Secrets in settings: elements and map entries called like one, headers, addresses with a password in them."""
    found = []
    name = item.said("name") or item.tag
    for node in nodes:
        text = node.text.strip()
        if node.tag == "entry" and len(node.children) >= 2:
            key, value = node.children[0].text.strip(), node.children[1]
            told = value.text.strip() or next((inner.text.strip() for inner in value.walk() if inner.text.strip()), "")
            if hard(told) and (secret_name(key) or key.lower() in ("authorization", "proxy-authorization", "x-api-key")):
                found.append(Finding("secret", name, f"in the entry {key[:40]}", value.place, value.line))
        elif node.tag == "property" and secret_name(node.attrs.get("name", "")) and hard(text):
            found.append(Finding("secret", name, f"in the property {node.attrs['name'][:40]}", node.place, node.line))
        elif not node.children and secret_name(node.tag) and hard(text):
            found.append(Finding("secret", name, f"in the setting {node.tag[:40]}", node.place, node.line))
        elif not node.children and len(text) < 4_000 and node.tag not in CODE_TAGS and "Script" not in node.tag and code.url_secret(text):
            found.append(Finding("secret", name, "in an address", node.place, node.line))
    return found


def secret_name(name: str) -> bool:
    """Is a setting called like a secret?"""
    return bool(SECRET_TAG.search(name)) and not NOT_SECRET.search(name)


def hard(text: str) -> bool:
    """Is it written down, and not a variable, a flag or nothing?"""
    return bool(text) and not code.VARIABLE.fullmatch(text) and text.lower() not in ("true", "false", "none", "null")


def found_in_script(script: Script, text: str, node: Node) -> list[Finding]:
    """Secrets, addresses and dead code of a script."""
    found = [Finding("secret", script.name, kind, node.place, node.line + line) for kind, line in code.literal_secrets(text)]
    found += [Finding("endpoint", script.name, address, node.place, node.line + line) for address, line in code.addresses(text)]
    if script.dead:
        found.append(Finding("commented-code", script.name, f"{script.dead} lines of code in comments", node.place, node.line))
    return found


def found_in_channel(channel: Node, version: str, ends: Sequence[Connector], steps: Sequence[Step], enabled: bool) -> list[Finding]:
    """What its settings tell."""
    name, at = channel.said("name"), (channel.place, channel.line)
    lines = {node.place: node.line for node in channel.walk()}
    found = [Finding("no-owner", name, "an export has no place for an owner; nobody is named", *at)]
    if not channel.said("description"):
        found.append(Finding("no-description", name, "the description is empty", *at))
    if not enabled:
        found.append(Finding("disabled-channel", name, "it is not deployed", *at))
    for end in ends:
        where = (end.place, lines.get(end.place, channel.line))
        if not end.enabled:
            found.append(Finding("disabled-destination", f"{name}: {end.name}", f"{end.role}, {end.transport}", *where))
        if end.secure == "no":
            found.append(Finding("plain-transport", f"{name}: {end.name}", f"{end.transport} {end.endpoint}".strip(), *where))
        if end.queue == "off" and "channel" not in end.transport.lower():
            found.append(Finding("queue-off", f"{name}: {end.name}", f"{end.transport} sends without a queue", *where))
        if end.role == "destination" and end.endpoint and "$" not in end.endpoint:
            found.append(Finding("endpoint", f"{name}: {end.name}", end.endpoint, *where))
    for step in steps:
        if not step.enabled:
            found.append(
                Finding(
                    "disabled-step", f"{name}: {step.name}", f"{step.role}, {step.type}", step.place, lines.get(step.place, channel.line)
                )
            )
    return [*found, *storage(channel, name), *samples(channel, name), *support(version, name, at)]


def storage(channel: Node, name: str) -> list[Finding]:
    """What the engine keeps, how long, and whether it is encrypted."""
    properties = channel.first("properties")
    if properties is None:
        return []
    at = (properties.place, properties.line)
    found = []
    mode = properties.said("messageStorageMode")
    if mode in ("DEVELOPMENT", "PRODUCTION", "RAW", "METADATA"):
        if properties.said("encryptData") == "false":
            found.append(Finding("unencrypted-store", name, f"messages are kept unencrypted (storage {mode})", *at))
        pruning = channel.first("exportData", "metadata", "pruningSettings")
        held = pruning or properties
        if not held.said("pruneMetaDataDays") and not held.said("pruneContentDays"):
            found.append(Finding("pruning-off", name, "messages are kept for ever", held.place, held.line))
    if mode == "DISABLED":
        found.append(Finding("not-stored", name, "messages are not kept: what fails is lost", *at))
    if properties.said("storeAttachments") == "true" and properties.said("removeAttachmentsOnCompletion") != "true":
        found.append(Finding("attachments-kept", name, "attachments stay after the message is done", *at))
    return found


def samples(channel: Node, name: str) -> list[Finding]:
    """Message templates that hold a message: somebody's data may be in it."""
    found = []
    for node in channel.walk():
        if node.tag in TEMPLATES and MESSAGE.search(node.text[:20_000]):
            found.append(Finding("sample-message", name, f"{node.tag} holds a message", node.place, node.line))
    return found


def support(version: str, name: str, at: tuple[str, int]) -> list[Finding]:
    """Is the engine that wrote it still looked after? By `maps/register/engines.csv`."""
    number = numbers(version)
    for row in table("register/engines.csv", "engine", "below", "why"):
        if number and number < numbers(row["below"]):
            return [Finding("end-of-support", name, f"version {version}: {row['why']}", *at)]
    return []


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers; () for what is none."""
    return tuple(int(part) for part in version.split(".")) if re.fullmatch(r"\d{1,3}(\.\d{1,4}){1,3}", version) else ()
