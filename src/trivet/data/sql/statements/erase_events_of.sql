select id from link_event
where subject in (select value from json_each(:subjects))
  or other in (select value from json_each(:subjects))
  or exists (select 1 from json_each(link_event.moved) as one where one.value in (select value from json_each(:subjects)))
