select format, count(*) from receipt where source = ? group by format order by 2 desc, 1
