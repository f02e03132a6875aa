CREATE INDEX IF NOT EXISTS evidence_of ON evidence (digest, requirement, site)
