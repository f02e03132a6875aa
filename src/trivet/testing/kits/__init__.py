"""Conformance kits, one per port: a third party's implementation is accepted when the kit passes."""
