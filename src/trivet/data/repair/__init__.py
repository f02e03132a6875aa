"""Repairs: what a failing check proposes, with evidence, and what becomes of it when a person has decided. Nothing repairs itself."""
