-- events of others in which one of these took part
select id, other, moved from link_event
where other in (select value from json_each(:subjects))
  or exists (select 1 from json_each(link_event.moved) as one where one.value in (select value from json_each(:subjects)))
