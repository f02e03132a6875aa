-- readings anew of a unit that is gone, except those on which a version still rests
delete from lineage_again
where receipt = ? and not exists (select 1 from record_version where record_version.receipt = ? and record_version.known_seq = lineage_again.since)
