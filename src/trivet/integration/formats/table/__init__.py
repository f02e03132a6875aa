"""Tables of departments: each row a unit with its header in front, each column mapped by a table that a person approved."""

from trivet.integration.formats.table.format import TableFormat

__all__ = ["TableFormat"]
