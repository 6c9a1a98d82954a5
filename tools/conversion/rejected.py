"""What is raised about an image that cannot be used."""


class Rejected(Exception):
    """Why an image cannot be used; the text goes to rejected.csv."""
