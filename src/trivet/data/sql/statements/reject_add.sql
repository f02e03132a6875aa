insert into reject (receipt, ordinal, code, reason, locator, offset, length, help) values (?, ?, ?, ?, ?, ?, ?, ?)
