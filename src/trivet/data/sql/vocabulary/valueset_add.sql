insert or replace into valueset (load, url, version, body) values (?, ?, ?, ?)
