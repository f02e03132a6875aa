delete from repair_version where not exists (
  select 1 from record_version where record_version.key = repair_version.record and record_version.version = repair_version.version
)
