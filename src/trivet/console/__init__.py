"""The windows: server-rendered pages over the same flows that the command line calls."""
