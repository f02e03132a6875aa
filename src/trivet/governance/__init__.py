"""The office. Governance knows people and promises: who may, who must, what was proven, what happened."""
