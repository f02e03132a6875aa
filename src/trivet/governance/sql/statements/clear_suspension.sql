DELETE FROM suspension
