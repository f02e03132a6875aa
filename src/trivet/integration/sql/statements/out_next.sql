insert into out_counter (destination, last) values (?, 1)
on conflict (destination) do update set last = last + 1
returning last
