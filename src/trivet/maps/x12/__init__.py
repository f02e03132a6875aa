"""Approved tables of X12: how transaction sets are cut, their loops, and what becomes of their elements. No licensed code list."""
