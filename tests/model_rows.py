"""Models as they ship, loaded from a folder, and rows to ask them with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trivet.contracts.feature import FeatureRow, FeatureValue
from trivet.models.manifest import Manifest
from trivet.models.registry import Registry, adopt

__all__ = ["AT", "open_model", "row"]

AT = "2026-03-01T12:00:00.000000Z"


def open_model(folder: Path, name: str, version: str = "1.0.0", site: str = "north") -> tuple[Registry, Manifest]:
    """A registry over a folder that holds one shipped model."""
    adopt(name, version, folder)
    registry = Registry(folder, site)
    return registry, registry.manifest(name, version)


def row(manifest: Manifest, values: Mapping[str, float | None], *, newest: str = AT, at: str = AT) -> FeatureRow:
    """A feature row for a model's inputs; what is not given is absent."""
    held = []
    for one in manifest.inputs:
        value = values.get(one.name)
        held.append(FeatureValue(one.name, value, one.unit, (), "" if value is not None else "none", newest if value is not None else ""))
    return FeatureRow("p-1", at, 10, manifest.view, manifest.view_digest, tuple(held))
