-- the administrative side: does the person pay alone (by the financial class known last), claims refused, what payers left to the patient, and appointments missed,
-- each in twelve months
WITH answered AS (
  SELECT c.case_id, b.record, b.version, b.answered_at, b.claim_status,
    list_filter(b.totals, lambda t: t.category.coding[1].code = 'patientresponsibility')[1].amount.value AS left_to_patient,
    list_position(list_transform(b.totals, lambda t: t.category.coding[1].code), 'patientresponsibility') AS place
  FROM cohort AS c
  JOIN explanation_of_benefit AS b ON b.person = c.person AND stood(b.known_seq, b.until_seq, c.as_of)
    AND b.answered_at <= c.instant AND b.answered_at > c.instant - to_days(365)
)
SELECT c.case_id, 'self_pay' AS feature, CAST(w.item IS NOT NULL AS DOUBLE) AS value, v.start_at AS newest_at, CAST(NULL AS VARCHAR) AS why,
  [{'record': v.record, 'version': v.version, 'path': 'type.coding[0].code'}] AS facts
FROM cohort AS c
JOIN insurance AS v ON v.person = c.person AND stood(v.known_seq, v.until_seq, c.as_of) AND coalesce(v.start_at, c.instant) <= c.instant
LEFT JOIN self_pay_class AS w ON w.item = upper(v.type_code)
WHERE coalesce(v.status, 'active') = 'active' AND v.type_code IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY c.case_id ORDER BY v.known_seq DESC, v.record DESC) = 1
UNION ALL
SELECT case_id, 'refused_claims_12m', CAST(count(*) AS DOUBLE), max(answered_at), NULL,
  list({'record': record, 'version': version, 'path': 'supportingInfo[0].code.coding[0].code'} ORDER BY record, version)
FROM answered WHERE claim_status = '4' GROUP BY case_id
UNION ALL
SELECT case_id, 'patient_share_12m', CAST(sum(left_to_patient) AS DOUBLE), max(answered_at), NULL,
  list({'record': record, 'version': version, 'path': 'total[' || (place - 1) || '].amount.value'} ORDER BY record, version)
FROM answered WHERE left_to_patient IS NOT NULL GROUP BY case_id
UNION ALL
SELECT c.case_id, 'missed_appointments_12m', CAST(count(*) AS DOUBLE), max(a.scheduled_at), NULL,
  list({'record': a.record, 'version': a.version, 'path': 'status'} ORDER BY a.record, a.version)
FROM cohort AS c
JOIN appointment AS a ON a.person = c.person AND stood(a.known_seq, a.until_seq, c.as_of)
  AND a.scheduled_at <= c.instant AND a.scheduled_at > c.instant - to_days(365)
WHERE a.status = 'noshow'
GROUP BY c.case_id
