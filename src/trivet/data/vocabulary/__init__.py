"""Code systems, value sets and concept maps in a file of the home: loaded from releases, asked by code, by meaning and by words."""

from __future__ import annotations

from trivet.data.vocabulary.embedded import Embedded, open_embedded

__all__ = ["Embedded", "open_embedded"]
