insert into blob_key (blob, holder_key, wrap) values (?, ?, ?) on conflict (blob, holder_key) do nothing
