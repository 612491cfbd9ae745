"""A page in the browser that shows what networks predict: ``mmfkd demo``."""
