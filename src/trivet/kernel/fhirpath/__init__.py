"""FHIRPath (HL7 FHIRPath 2.0.0 with FHIR R4 types): text to a syntax tree, tree to a function over collections.

In: an expression, a resource as a plain dict, the element types of the FHIR release (`Types`, made from `maps/fhir/elements.csv`
by whoever calls). Out: a collection of items. Refused: expressions that do not parse or that ask for what does not exist,
as `PathError` with the place in the text; no expression ever runs code, reads a file or the clock.
"""

from trivet.kernel.fhirpath.compile import ask, compile_path
from trivet.kernel.fhirpath.nodes import Node
from trivet.kernel.fhirpath.parser import PathError, parse
from trivet.kernel.fhirpath.types import Types
from trivet.kernel.fhirpath.values import Item

__all__ = ["Item", "Node", "PathError", "Types", "ask", "compile_path", "parse"]
