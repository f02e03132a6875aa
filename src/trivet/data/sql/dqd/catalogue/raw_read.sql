CREATE TEMP TABLE raw AS FROM read_csv({files}, {layout})
