INSERT INTO route (use, site, version, active, fallbacks, shadows, view, instead, at, seq)
VALUES (:use, :site, :version, :active, :fallbacks, :shadows, :view, :instead, :at, :seq)
