"""SQL on FHIR v2 views: a ViewDefinition and resources in, rows out. The meaning is written once here; engines compile what they can."""

from trivet.data.sof.definition import Column, Select, View, ViewError, read_view
from trivet.data.sof.rows import ViewRunner

__all__ = ["Column", "Select", "View", "ViewError", "ViewRunner", "read_view"]
