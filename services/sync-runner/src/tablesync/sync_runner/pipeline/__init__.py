"""From a page of records to acknowledged rows, remembered so that nothing is done twice."""
