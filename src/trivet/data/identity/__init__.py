"""Identity: which records are of one person. Links with a reason and a score, doubtful ones queued, every one undoable."""

from __future__ import annotations

from trivet.data.identity.linker import StoreLinker

__all__ = ["StoreLinker"]
