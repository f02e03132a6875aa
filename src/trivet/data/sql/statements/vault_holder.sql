select id, key_id from holder_key where holder = ? and destroyed = 0
