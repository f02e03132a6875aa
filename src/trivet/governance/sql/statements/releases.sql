SELECT model, version, digest, artefact, kind, output, tier, title, uses, population, developers, requested_by, lifetime_days, seq
FROM model_release WHERE :model = '' OR model = :model ORDER BY seq
