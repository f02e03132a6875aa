with recursive above (code) as (
  select ?2 union select edge.parent from above join edge on edge.edition = ?1 and edge.child = above.code
) select 1 from above where code = ?3 limit 1
