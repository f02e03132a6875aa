"""The corridors: one use case per file, written only against `contracts.ports`, one screen long."""
