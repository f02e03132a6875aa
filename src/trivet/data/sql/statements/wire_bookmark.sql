insert into wire (source, bookmark) values (?, ?) on conflict (source) do update set bookmark = excluded.bookmark
