"""Erasing a person: what is removed, what others keep, and what a rebuild needs so that nothing comes back."""

from trivet.data.erasure.store import StoreErasures

__all__ = ["StoreErasures"]
