-- a poll ended: well (code empty) or with a problem
insert into wire (source, polled_at, heard_at, code, what, failures)
values (:source, :at, case when :code = '' then :at end, :code, :what, case when :code = '' then 0 else 1 end)
on conflict (source) do update set polled_at = :at, heard_at = case when :code = '' then :at else heard_at end, code = :code, what = :what,
  failures = case when :code = '' then 0 else failures + 1 end
