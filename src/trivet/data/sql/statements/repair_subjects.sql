-- whom a record ever was about
select count(distinct subject) from record_version where key = ?
