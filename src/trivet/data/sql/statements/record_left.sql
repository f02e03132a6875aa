-- record versions without those of persons whom a lens leaves out
select v.* from ({versions}) as v where v.person is null or v.person not in (select person from left_out)
