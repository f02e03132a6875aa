"""Who may see what: tables of de-identification."""
