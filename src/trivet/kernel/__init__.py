"""Pure tools that everything may lean on: no I/O, no knowledge of health care, no state."""
