-- of these records those that rest on something else too: a version about nobody or somebody else, out of another unit
select distinct key from record_version
where key in (select value from json_each(:keys))
  and coalesce(subject, '') not in (select value from json_each(:subjects))
  and receipt not in (select value from json_each(:gone))
