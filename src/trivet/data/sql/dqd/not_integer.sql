-- numbers with a decimal point count as no integers even when nothing but zeros follows it
SELECT {show} FROM {table} AS t
WHERE t.{field} IS NOT NULL AND (TRY_CAST(t.{field} AS DOUBLE) IS NULL OR contains(CAST(t.{field} AS VARCHAR), '.'))
