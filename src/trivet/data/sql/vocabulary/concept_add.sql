insert into concept (edition, code, display, active, abstract, since, until) values (?, ?, ?, ?, ?, ?, ?)
on conflict (edition, code) do update set display = case excluded.display when '' then display else excluded.display end,
  active = excluded.active, abstract = excluded.abstract, since = excluded.since, until = excluded.until
