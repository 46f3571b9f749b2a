"""Who and where: territories, people, service points, and what is wrong with them."""
