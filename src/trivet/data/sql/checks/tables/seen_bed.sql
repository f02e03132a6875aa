-- one row per stay in a bed
CREATE OR REPLACE TEMP TABLE seen_bed AS
SELECT record, person, source, known_seq, location, start_at, end_at FROM bed_stay WHERE start_at IS NOT NULL AND coalesce(status, '') <> 'cancelled'
