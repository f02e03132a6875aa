"""Trivet: the foundation that a health system puts under its AI."""

__version__ = "0.1.0"
