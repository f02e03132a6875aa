insert into notice (receipt, kind, system, code, locator, offset, length, times) values (?, ?, ?, ?, ?, ?, ?, ?)
