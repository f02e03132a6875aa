INSERT INTO model_release
  (digest, model, version, artefact, kind, output, tier, title, uses, population, developers, requested_by, lifetime_days, registered_at, seq)
VALUES
  (:digest, :model, :version, :artefact, :kind, :output, :tier, :title, :uses, :population, :developers, :requested_by, :lifetime_days,
   :registered_at, :seq)
