-- what another release says of the codes of this one: gone, retired, back, renamed; then the new ones
select old.code, old.display, coalesce(new.display, ''),
  case when new.code is null then 'gone' when new.active < old.active then 'retired' when new.active > old.active then 'back' else 'renamed' end
from concept old left join concept new on new.edition = ?2 and new.code = old.code
where old.edition = ?1 and (new.code is null or new.active <> old.active or new.display <> old.display)
union all
select new.code, '', new.display, 'new' from concept new
where new.edition = ?2 and not exists (select 1 from concept old where old.edition = ?1 and old.code = new.code)
order by 4, 1
