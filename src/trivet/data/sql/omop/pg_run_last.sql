SELECT cdm_etl_reference FROM {schema}cdm_source
