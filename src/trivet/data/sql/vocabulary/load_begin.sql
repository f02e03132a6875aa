insert into load (digest, kind, release, files, state, started) values (?, ?, ?, ?, 'loading', ?) returning id
