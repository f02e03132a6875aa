"""Approved tables of OHDSI's DataQualityDashboard: check types, and per table, field and concept what is checked with which threshold."""
