"""HL7 v3 data types to FHIR data types, each with the leaves behind its parts.

In: an element, a `Context`. Out: `Made`, or None where the source says nothing (a nullFlavor, an empty element). `BadValue` where it
says something that cannot be. Types and maps follow HL7's C-CDA on FHIR guide (data types page).
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Any

from trivet.integration.formats.ccda.made import BadValue, Context, How, Made, words_of
from trivet.integration.formats.ccda.quantities import age, bounds, decimal, integer, interval, minutes, quantity, ratio, repeats
from trivet.integration.formats.ccda.rules import OID, UUID, codes, nameless, system_uri
from trivet.integration.formats.ccda.tree import Leaf, Node
from trivet.integration.moments import with_offset

__all__ = ["HOW", "BadValue", "Context", "Made", "moment"]

TIME = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(\.\d+)?)?)?)?)?)?([+-]\d{4}|Z)?")
ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")  # what XML calls a date
ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
NULLS = frozenset(("NI", "UNK", "NA", "NASK", "ASKU", "NAV", "OTH", "MSK", "NP", "INV", "UNC", "DER", "QS", "TRC"))  # that stand as a code
SCHEMES = {"tel": "phone", "mailto": "email", "fax": "fax", "http": "url", "https": "url"}


def moment(text: str, zone: str) -> str:
    """FHIR dateTime with the precision of an HL7 v3 time stamp; an hour without minutes is kept as its day. ValueError for none."""
    found = TIME.fullmatch(text.replace(" ", "")) or ISO.fullmatch(text)
    if found is None:
        raise ValueError("not a time stamp")
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    parts = [int(part or least) for part, least in ((year, 1), (month, 1), (day, 1), (hour, 0), (minute, 0), (second, 0))]
    when = datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001
    if minute is None:
        return "-".join(part for part in (year, month, day) if part)
    if offset is None:
        full = with_offset(when, zone)
        return full[:19] + (fraction or "") + full[19:]
    away = "Z" if offset == "Z" else f"{offset[:3]}:{offset[-2:]}"
    return f"{when.isoformat()}{fraction or ''}{away}"


def _when(context: Context, node: Node) -> Made | None:
    leaf = node.attrs.get("value")
    if leaf is None or not leaf.length:
        return None
    try:
        return Made(moment(leaf.text.strip(), context.zone), (("", leaf),), "DateTime")
    except ValueError:
        raise BadValue(leaf, "not a date or time") from None


def _date(context: Context, node: Node, _: str) -> Made | None:
    made = _when(context, node)
    return None if made is None else Made(made.value[:10], made.parts)


def _point(context: Context, node: Node, _: str) -> Made | None:
    """A dateTime: the value, else the beginning of an interval, else its centre."""
    made = _when(context, node)
    for name in ("low", "center", "high") if made is None else ():
        bound = node.first(name)
        made = _when(context, bound) if bound is not None else None
        if made is not None:
            break
    return made


def _period(context: Context, node: Node, _: str) -> Made | None:
    value, parts = {}, []
    for name, target in (("low", "start"), ("high", "end")):
        bound = node.first(name)
        made = _when(context, bound) if bound is not None else None
        if made is not None:
            value[target] = made.value
            parts.append((target, made.parts[0][1]))
    if "end" in value and value["end"][:10] < value.get("start", "")[:10]:
        # A period cannot end before it begins; senders write the first day of their calendar for an end that is open.
        context.reject("E247", "an end before its beginning", parts.pop()[1])
        del value["end"]
    if not value and (made := _when(context, node)) is not None:
        value["start"], parts = made.value, [("start", made.parts[0][1])]
    return Made(value, tuple(parts), "Period") if value else None


def _time(context: Context, node: Node, argument: str) -> Made | None:
    """dateTime[x]: an interval with both ends or an end only is a Period, otherwise a dateTime."""
    return _period(context, node, "") if node.first("high") is not None and _said(node.first("high")) else _point(context, node, argument)


def _said(node: Node | None) -> bool:
    return node is not None and bool(node.get("value"))


def _coding(context: Context, node: Node, oid: str = "codeSystem") -> tuple[dict[str, str], list[tuple[str, Leaf]]]:
    coding, parts = {}, []
    for name, target in ((oid, "system"), ("codeSystemVersion", "version"), ("code", "code"), ("displayName", "display")):
        leaf = node.attrs.get(name)
        if leaf is not None and leaf.length:
            coding[target] = _system(context, leaf) if target == "system" else " ".join(leaf.text.split())
            parts.append((target, leaf))
    return coding, parts


def _system(context: Context, leaf: Leaf) -> str:
    """The address of a root; a root that is no OID, UUID or address is a name of the sender's own."""
    uri = system_uri(leaf.text)
    return uri if ABSOLUTE.match(uri) else f"{context.own}/root/{uri}"


def _concept(context: Context, node: Node, _: str) -> Made | None:
    value: dict[str, Any] = {}
    parts: list[tuple[str, Leaf]] = []
    for one in (node, *node.all("translation")):
        coding, found = _coding(context, one)
        if "code" not in coding or (one.get("nullFlavor") and coding["code"] in NULLS):
            continue
        at = len(value.setdefault("coding", []))
        value["coding"].append(coding)
        parts += [(f"coding[{at}].{path}", leaf) for path, leaf in found]
    made = words_of(context, node.first("originalText"))
    if made is not None:
        value["text"] = made.value
        parts += [("text", leaf) for _, leaf in made.parts]
    elif node.children and (said := node.all("qualifier")):
        _qualified(context, node, said, value, parts)
    elif "coding" not in value and node.attrs.get("displayName", Leaf("", 0, 0, "")).length:
        value["text"] = " ".join(node.get("displayName").split())
        parts.append(("text", node.attrs["displayName"]))
    return Made(value, tuple(parts), "CodeableConcept") if value else None


def _qualified(context: Context, node: Node, said: list[Node], value: dict[str, Any], parts: list[tuple[str, Leaf]]) -> None:
    """What qualifies a code (Laterality: Left) as its text: FHIR has one code for both, or words."""
    named = [one.attrs["displayName"] for one in (node, *(part for each in said for part in each.all("value"))) if one.get("displayName")]
    if len(named) != 1 + len(said):
        return
    value["text"] = ", ".join(" ".join(leaf.text.split()) for leaf in named)
    parts += [("text", leaf) for leaf in named]
    for each in said:
        for leaf in each.leaves():
            context.carry(leaf, "ccda/qualifier-in-words")


def _code(context: Context, node: Node, argument: str) -> Made | None:
    """One coding, for elements of type Coding."""
    coding, parts = _coding(context, node)
    return Made(coding, tuple(parts)) if "code" in coding else None


def _mapped(context: Context, node: Node, argument: str) -> tuple[dict[str, str], Leaf] | None:
    """The row of a code map for the attribute that it names (`map` or `map@attribute`); unknown is a notice, never a guess."""
    name, _, attribute = argument.partition("@")
    leaf = node.attrs.get(attribute or "code")
    if leaf is None or not leaf.length:
        return None
    row = codes(name).get(leaf.text.strip())
    if row is None:
        context.notice("unknown-code", f"ccda/{name}", leaf.text.strip()[:64], leaf)
        return None
    return (row, leaf) if row.get("code") else None


def _map_code(context: Context, node: Node, argument: str) -> Made | None:
    found = _mapped(context, node, argument)
    return None if found is None else Made(found[0]["code"], (("", found[1]),))


def _map_concept(context: Context, node: Node, argument: str) -> Made | None:
    found = _mapped(context, node, argument)
    return None if found is None else Made({"coding": [dict(found[0])]}, (("coding[0].code", found[1]),))


def _constant(context: Context, node: Node, argument: str) -> Made | None:
    return Made({"true": True, "false": False}.get(argument, argument))


def _constant_concept(context: Context, node: Node, argument: str) -> Made | None:
    name, _, source = argument.partition(":")
    return Made({"coding": [dict(codes(name)[source])]})


def _flag(context: Context, node: Node, argument: str) -> Made | None:
    """What a true attribute makes (`@name=value`): `negationInd=not-done`."""
    name, _, value = argument.partition("=")
    leaf = node.attrs.get(name)
    if leaf is None or leaf.text.strip().lower() not in ("true", "1"):
        return None
    return Made({"true": True, "false": False}.get(value, value), (("", leaf),))


def _flag_concept(context: Context, node: Node, argument: str) -> Made | None:
    value = argument.partition("=")[2]
    made = _flag(context, node, argument)
    return None if made is None else Made(_constant_concept(context, node, value).value, (("coding[0].code", made.parts[0][1]),))  # type: ignore[union-attr]


def _plain(context: Context, node: Node, argument: str) -> Made | None:
    """A text; with an argument, the attribute of that name."""
    leaf = node.attrs.get(argument or "value")
    if argument or (leaf is not None and leaf.length):
        return Made(" ".join(leaf.text.split()), (("", leaf),), "String") if leaf is not None and leaf.length else None
    return words_of(context, node)


def _boolean(context: Context, node: Node, _: str) -> Made | None:
    leaf = node.attrs.get("value")
    if leaf is None or not leaf.length:
        return None
    if leaf.text.strip().lower() not in ("true", "false", "1", "0"):
        raise BadValue(leaf, "neither true nor false")
    return Made(leaf.text.strip().lower() in ("true", "1"), (("", leaf),), "Boolean")


TYPES: dict[str, How] = {
    "PQ": quantity, "REAL": quantity, "MO": quantity, "IVL_PQ": interval, "IVL_INT": interval, "IVL_REAL": interval,
    "CD": _concept, "CE": _concept, "CV": _concept, "CO": _concept, "CS": _concept, "ST": _plain, "ED": _plain, "SC": _plain,
    "INT": integer, "BL": _boolean, "TS": lambda context, node, _: _when(context, node), "IVL_TS": _time, "RTO": ratio,
    "RTO_PQ_PQ": ratio, "RTO_INT_INT": ratio,
}  # fmt: skip


def _any(context: Context, node: Node, argument: str) -> Made | None:
    """`value[x]` by its `xsi:type`; without a known one by what it holds."""
    named = node.get("xsi:type") or next((leaf.text for name, leaf in node.attrs.items() if name.endswith(":type")), "")
    sort = named.rpartition(":")[2]
    if sort not in TYPES:
        sort = "CD" if node.get("code") else "PQ" if node.get("unit") else "IVL_PQ" if node.first("low") or node.first("high") else "ST"
    return TYPES[sort](context, node, "")


def _identifier(context: Context, node: Node, _: str) -> Made | None:
    root, extension = node.attrs.get("root"), node.attrs.get("extension")
    if node.get("nullFlavor") or not ((root and root.length) or (extension and extension.length)):
        return None
    value: dict[str, Any] = {}
    parts: list[tuple[str, Leaf]] = []
    if extension is None or not extension.length:
        assert root is not None
        name = root.text.strip()
        if nameless(name):
            context.carry(root, "ccda/system-without-a-number")
            return None
        urn = f"urn:oid:{name}" if OID.fullmatch(name) else f"urn:uuid:{name.lower()}" if UUID.fullmatch(name) else name
        system = "urn:ietf:rfc:3986" if ABSOLUTE.match(urn) else f"{context.own}/root"
        return Made({"system": system, "value": urn}, (("value", root),))
    if root is not None and root.length:
        value["system"] = _system(context, root)
        parts.append(("system", root))
    value["value"] = extension.text.strip()
    parts.append(("value", extension))
    assigner = node.attrs.get("assigningAuthorityName")
    if assigner is not None and assigner.length:
        value["assigner"] = {"display": " ".join(assigner.text.split())}
        parts.append(("assigner.display", assigner))
    return Made(value, tuple(parts))


def _name(context: Context, node: Node, _: str) -> Made | None:
    value: dict[str, Any] = {}
    parts: list[tuple[str, Leaf]] = []
    for child in node.children:
        words = child.words()
        if child.tag == "validTime" and (made := _period(context, child, "")) is not None:
            value["period"] = made.value
            parts += [(f"period.{path}", leaf) for path, leaf in made.parts]
        if not words or child.tag not in ("given", "family", "prefix", "suffix"):
            continue
        if child.tag == "family":
            value["family"] = f"{value['family']} {child.string()}" if "family" in value else child.string()
            parts += [("family", leaf) for leaf in words]
            continue
        items = value.setdefault(child.tag, [])
        parts += [(f"{child.tag}[{len(items)}]", leaf) for leaf in words]
        items.append(child.string())
    if node.texts and not value:
        value["text"] = " ".join(" ".join(leaf.text for _, leaf in node.texts).split())
        parts += [("text", leaf) for _, leaf in node.texts]
    return _used(context, node, "name-use", value, parts)


def _address(context: Context, node: Node, _: str) -> Made | None:
    value: dict[str, Any] = {}
    parts: list[tuple[str, Leaf]] = []
    plain = {"city": "city", "state": "state", "postalCode": "postalCode", "country": "country", "county": "district"}
    for child in node.children:
        words = child.words()
        if not words:
            continue
        if child.tag in plain and plain[child.tag] not in value:
            value[plain[child.tag]] = child.string()
            parts += [(plain[child.tag], leaf) for leaf in words]
        elif child.tag in ("streetAddressLine", "additionalLocator", "streetName", "houseNumber", "unitID", "postBox"):
            lines = value.setdefault("line", [])
            parts += [(f"line[{len(lines)}]", leaf) for leaf in words]
            lines.append(child.string())
        elif child.tag == "useablePeriod" and (made := _period(context, child, "")) is not None:
            value["period"] = made.value
            parts += [(f"period.{path}", leaf) for path, leaf in made.parts]
    if node.texts and not value:
        value["text"] = " ".join(" ".join(leaf.text for _, leaf in node.texts).split())
        parts += [("text", leaf) for _, leaf in node.texts]
    return _used(context, node, "address-use", value, parts)


def _used(context: Context, node: Node, uses: str, value: dict[str, Any], parts: list[tuple[str, Leaf]]) -> Made | None:
    if not value:
        return None
    leaf = node.attrs.get("use")
    if leaf is not None and leaf.length:
        use = codes(uses).get(leaf.text.split()[0])
        if use is None:
            context.notice("unknown-code", f"ccda/{uses}", leaf.text[:64], leaf)
        elif use.get("code"):
            value = {"use": use["code"], **value}
            parts = [("use", leaf), *parts]
    return Made(value, tuple(parts))


def _telecom(context: Context, node: Node, _: str) -> Made | None:
    leaf = node.attrs.get("value")
    if leaf is None or not leaf.length:
        return None
    scheme, sign, rest = leaf.text.strip().partition(":")
    system = SCHEMES.get(scheme.lower()) if sign else None
    text = leaf.text.strip() if system in (None, "url") else rest.strip()
    if not text:
        return None
    if system == "phone" and "PG" in node.get("use").split():
        system = "pager"
    value = {"system": system or ("email" if "@" in text else "phone" if re.fullmatch(r"[-+() .\d x]+", text) else "other"), "value": text}
    return _used(context, node, "telecom-use", value, [("value", leaf)])


def _in_text(context: Context, node: Node, _: str) -> Made | None:
    """A CodeableConcept of a text alone."""
    made = words_of(context, node)
    return None if made is None else Made({"text": made.value}, tuple(("text", leaf) for _, leaf in made.parts))


def _instant(context: Context, node: Node, argument: str) -> Made | None:
    """An instant; a moment that is not as exact as that is none."""
    made = _point(context, node, argument)
    return made if made is not None and len(made.value) > 16 else None


def _once(context: Context, node: Node, _: str) -> Made | None:
    return Made(1)


def _absent(context: Context, node: Node, _: str) -> Made | None:
    """An element that must be there and that the source does not give (data-absent-reason)."""
    return Made({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]})


def _base64(context: Context, node: Node, _: str) -> Made | None:
    """The text as base64; what is base64 already stays."""
    words = node.words()
    if not words:
        made = words_of(context, node)
        return None if made is None else Made(base64.b64encode(made.value.encode()).decode())
    said = "".join(leaf.text for leaf in words)
    if node.get("representation") == "B64":
        return Made("".join(said.split()), tuple(("", leaf) for leaf in words))
    for leaf in words:
        context.carry(leaf, "ccda/text-as-base64")
    return Made(base64.b64encode(said.encode()).decode())


def _moment_text(context: Context, node: Node, argument: str) -> Made | None:
    """A moment where FHIR has only a text for it."""
    made = _point(context, node, argument)
    return None if made is None else made._replace(suffix="String")


def _present(context: Context, node: Node, _: str) -> Made | None:
    return Made(True, (), "Boolean")


def _map_word(context: Context, node: Node, argument: str) -> Made | None:
    """A concept by the word that stands for it, in any letters: the text, or the name of a code of the sender's own."""
    name = node.attrs.get("displayName")
    made = Made(name.text, (("", name),)) if name is not None and name.length else words_of(context, node)
    row = codes(argument).get(made.value.strip().lower()) if made is not None else None
    return None if made is None or row is None else Made({"coding": [dict(row)]}, tuple(("coding[0].code", leaf) for _, leaf in made.parts))


def _map_coding(context: Context, node: Node, argument: str) -> Made | None:
    """One coding by a code map; other codes than those of the map are no matter."""
    leaf = node.attrs.get("code")
    row = codes(argument).get(leaf.text.strip()) if leaf is not None else None
    return None if leaf is None or row is None else Made(dict(row), (("code", leaf),))


def _birth(context: Context, node: Node, argument: str) -> Made | None:
    made = _date(context, node, argument)
    return None if made is None else made._replace(suffix="Date" if len(made.value) == 10 else "String")


HOW: dict[str, How] = {
    "name-concept": _in_text, "text-concept": _in_text, "instant": _instant, "constant-1": _once, "decimal": decimal,
    "absent": _absent, "base64": _base64, "birth": _birth,
    "age": age, "moment-text": _moment_text, "present": _present, "minutes": minutes, "repeats": repeats,
    "map-coding": _map_coding, "earliest": _point, "map-word": _map_word,
    "text-concept-if-none": _in_text,
    "date": _date, "moment": _point, "period": _period, "time": _time, "concept": _concept, "coding": _code, "map-code": _map_code,
    "map-concept": _map_concept, "constant": _constant, "constant-concept": _constant_concept, "flag": _flag,
    "flag-concept": _flag_concept, "quantity": quantity, "range": bounds, "ratio": ratio, "text": _plain, "integer": integer,
    "boolean": _boolean, "any": _any, "identifier": _identifier, "name": _name, "address": _address, "telecom": _telecom,
}  # fmt: skip
