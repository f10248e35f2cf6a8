"""The help: pages in Markdown beside this module, in folders by what they explain."""
