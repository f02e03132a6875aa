-- a relation with columns that a lens keeps blank
select shown.* replace ({blank}) from ({shown}) as shown
