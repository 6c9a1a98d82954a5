"""From images to results: features once, then every metric, with the whole protocol beside them."""
