"""How models and feature views come to a house."""

from __future__ import annotations

from pathlib import Path

from trivet.contracts.house import House
from trivet.data.features import FeatureViews
from trivet.models.registry import Registry

__all__ = ["features", "registry"]


def registry(house: House) -> Registry:
    """The models of a home, each re-hashed when it is loaded."""
    return Registry(Path(house.home) / "models", house.settings["site"]["id"])


def features(house: House) -> FeatureViews:
    """Feature views over the shelf."""
    return FeatureViews(house.shelf)
