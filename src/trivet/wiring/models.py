"""How feature views, the registry of models and shadow work come to a house."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trivet.contracts.house import House

__all__ = ["features", "registry", "shadow"]


def features(house: House) -> Any:
    """Feature views over the shelf; places and the history of links come from the store."""
    from trivet.data.features import FeatureViews
    from trivet.data.links import LinkHistory
    from trivet.data.places import PlaceVersions

    return FeatureViews(house.shelf, PlaceVersions(house.store), LinkHistory(house.store))


def registry(house: House) -> Any:
    """Models of the home's folder. Those that come with the package are copied there once; what stands there is never written over."""
    from trivet.models.registry import Registry, adopt, shipped

    folder = Path(house.home) / "models"
    for name, version in shipped():
        adopt(name, version, folder)
    return Registry(folder, house.settings["site"]["id"])


def shadow(house: House) -> Any:
    """Where challengers run."""
    from trivet.models.shadow import ShadowDesk

    return ShadowDesk()
