"""Approved tables of C-CDA: templates, statements, sections, elements, codes, code systems, structure."""
