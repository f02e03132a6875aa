"""Tables that people approve: no code but the loader that finds them."""
