"""Exports of interface engines, read into an inventory: Mirth Connect and what descends from it."""
