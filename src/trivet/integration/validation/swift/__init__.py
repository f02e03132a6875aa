"""The quick way through the validator: what it answers is what the walk would have found, or that the walk must be asked.

For each resource type a reader is made from the same tables as the walk: typed decoding in C, then straight-line checks, then the
verdicts of the walk itself on small elements, remembered by their bytes (decision record "a quick way through the validator").
In: the bytes of one resource. Out: all findings, or None where only the walk can tell.
"""

from trivet.integration.validation.swift.bundle import Shallow, shallow
from trivet.integration.validation.swift.element import Rows
from trivet.integration.validation.swift.reader import NARRATIVE, Swift

__all__ = ["NARRATIVE", "Rows", "Shallow", "Swift", "shallow"]
