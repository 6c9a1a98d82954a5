"""What the experiments of the paper have in common; the folder above has one file for each."""
