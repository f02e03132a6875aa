-- was something that takes this message's place delivered already
select count(*) from out_message where destination = ? and thread = ? and number > ? and state = 'delivered'
