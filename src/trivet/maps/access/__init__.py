"""Who may read what, for which purpose: tables and policies that people approve."""
