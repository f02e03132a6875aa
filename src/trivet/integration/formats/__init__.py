"""One package per format: bytes to units, units to records with lineage and coverage, and back byte for byte."""
