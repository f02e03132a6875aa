select number, attempts, sent_seq, decision_id from out_message where destination = ? and state = 'sending'
