-- an event later than a day after its arrival, or later than a day after today
SELECT r.record, r.person, r.known_seq, r.valid_at > least(m.received_at, (SELECT CAST(now_text AS TIMESTAMP) FROM today)) + INTERVAL 1 DAY AS breaks,
  r.type || ' of ' || r.source || ' later than its arrival' AS why
FROM seen_record AS r JOIN seen_message AS m ON m.receipt = r.receipt
WHERE r.valid_at IS NOT NULL AND r.type NOT IN ('Appointment', 'Slot', 'Schedule', 'CarePlan', 'Coverage', 'ServiceRequest', 'Task', 'MedicationRequest')
