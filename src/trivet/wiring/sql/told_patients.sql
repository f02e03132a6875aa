-- patient records and their receipts, for the scorecard
select key, receipt from records where type = 'Patient'
