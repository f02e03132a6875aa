"""The keys: one command, one flow."""
