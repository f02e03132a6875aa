select through from intake
