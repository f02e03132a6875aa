insert into intake (one, through) values (1, ?) on conflict (one) do update set through = excluded.through
