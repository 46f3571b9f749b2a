"""The doors: pygeoapi, HTTP, pages. The only room that knows them."""
