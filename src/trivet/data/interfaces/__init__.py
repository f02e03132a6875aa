"""The interface register: what each feed really carries, written by its traffic; and interfaces that an engine's export describes.

In: translated units with their account of elements. Out: sums by feed and day, a document, its difference between two dates.
Refused: a patient's value; of values only codes are kept, and only those that come again and again.
"""
