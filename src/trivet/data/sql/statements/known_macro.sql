-- the as-of rule, in one place: a version stood at a ledger position if it was known by then and no newer one was
CREATE OR REPLACE TEMP MACRO stood(known_seq, until_seq, as_of) AS known_seq <= as_of AND (until_seq IS NULL OR until_seq > as_of)
