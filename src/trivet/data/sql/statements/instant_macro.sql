-- the UTC instant of a FHIR date, dateTime or instant; a partial date counts from its first moment; null for anything else
CREATE OR REPLACE TEMP MACRO instant_of(text) AS
  timezone('UTC', TRY_CAST(CASE length(text) WHEN 4 THEN text || '-01-01' WHEN 7 THEN text || '-01' ELSE text END AS TIMESTAMPTZ))
