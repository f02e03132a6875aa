"""What the rooms say to each other: frozen types and Protocols. Nothing here does any work."""
