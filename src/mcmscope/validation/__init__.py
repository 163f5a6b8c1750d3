"""The model beside what was published of chips that exist: cases as data, and what runs them."""
