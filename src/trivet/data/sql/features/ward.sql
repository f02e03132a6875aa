-- the ward a patient lies on at the instant: beds taken of beds open, nurses present of nurses required, by the newest count that was known.
-- where a patient lies says the admission system, or bed management where it does not. A ward is recognised by a word: a name or identifier that the stay's location, or one that holds it, shares with the place counted
WITH RECURSIVE said AS (
  SELECT case_id, 1 AS rank, start_at, record, location FROM index_stay WHERE location IS NOT NULL
  UNION ALL
  SELECT case_id, 2, start_at, record, location FROM bed_now WHERE location IS NOT NULL
),
here AS (
  SELECT case_id, location FROM said
  QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY rank, start_at DESC, record DESC) = 1
),
chain AS (
  SELECT h.case_id, c.as_of, h.location AS place, 0 AS depth FROM here AS h JOIN cohort AS c USING (case_id)
  UNION ALL
  SELECT k.case_id, k.as_of, l.part_of, k.depth + 1
  FROM chain AS k JOIN known_place AS l ON l.record = k.place AND stood(l.known_seq, l.until_seq, k.as_of)
  WHERE l.part_of IS NOT NULL AND k.depth < 5
),
word AS (SELECT record, known_seq, until_seq, unnest(words) AS word FROM known_place),
day AS (SELECT case_id, instant, as_of, CAST(instant AS DATE) - CAST(back AS INTEGER) AS day FROM cohort CROSS JOIN range(0, 4) AS b(back)),
counted AS (
  SELECT c.case_id, c.as_of, s.place, s.taken_at, s.record, s.version, s.element, s.value, r.feature, r.part
  FROM (SELECT *, unnest(codes) AS coding FROM staffing) AS s
  JOIN feature_ratio AS r ON r.system = s.coding.system AND r.code = s.coding.code
  JOIN feature AS f ON f.name = r.feature
  JOIN day AS c ON c.day = CAST(s.taken_at AS DATE)
  WHERE s.taken_at <= c.instant AND s.taken_at > c.instant - to_seconds(f.within) AND stood(s.known_seq, s.until_seq, c.as_of)
),
ours AS (
  SELECT DISTINCT n.* FROM counted AS n
  JOIN chain AS k ON k.case_id = n.case_id
  JOIN word AS w ON w.record = k.place AND stood(w.known_seq, w.until_seq, n.as_of)
  JOIN word AS p ON p.record = n.place AND p.word = w.word AND stood(p.known_seq, p.until_seq, n.as_of)
),
latest AS (
  SELECT * FROM ours
  QUALIFY taken_at = max(taken_at) OVER (PARTITION BY case_id, feature) AND count(*) OVER (PARTITION BY case_id, feature, part, taken_at) = 1
),
paired AS (
  SELECT t.case_id, t.feature, t.taken_at, t.value AS top, b.value AS bottom, t.record, t.version, t.element,
    b.record AS b_record, b.version AS b_version, b.element AS b_element
  FROM latest AS t JOIN latest AS b USING (case_id, feature, taken_at)
  WHERE t.part = 'of' AND b.part = 'to' AND b.value > 0
)
SELECT case_id, feature, top / bottom AS value, taken_at AS newest_at, CAST(NULL AS VARCHAR) AS why,
  [{'record': record, 'version': version, 'path': element}, {'record': b_record, 'version': b_version, 'path': b_element}] AS facts
FROM paired
UNION ALL
SELECT b.case_id, 'ward_moves', CAST(count(*) - 1 AS DOUBLE), max(b.start_at), NULL,
  list({'record': b.record, 'version': b.version, 'path': 'period.start'} ORDER BY b.start_at, b.record)
FROM bed_now AS b GROUP BY b.case_id
