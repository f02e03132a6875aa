select seq, source, origin, bytes, covered from file where covered <> bytes order by seq limit 100
