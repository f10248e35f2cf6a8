"""The seeded world: property definitions, people's names and the records made of them."""
