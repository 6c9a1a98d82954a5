"""Networks to and from the files in which others keep them."""
