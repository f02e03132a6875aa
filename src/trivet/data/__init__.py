"""The storeroom and the kitchen. Data knows meanings: persons, codes, units, time, quality, features."""
