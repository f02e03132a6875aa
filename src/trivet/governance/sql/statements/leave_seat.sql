UPDATE seat SET until = :at, reason = :reason WHERE system = :system AND seat = :seat AND until = ''
