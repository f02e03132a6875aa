DELETE FROM hypothesis
