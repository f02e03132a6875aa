"""One file per way of running an artefact."""
