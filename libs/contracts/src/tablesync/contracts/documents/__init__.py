"""What is generated from the contracts for others: schemas and AsyncAPI, and what breaks them."""
