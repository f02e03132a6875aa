"""Which event each record makes in the Medical Event Data Standard: tables that people approve."""
