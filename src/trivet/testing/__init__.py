"""What proves the house: the sample hospital, and a conformance kit per port."""
