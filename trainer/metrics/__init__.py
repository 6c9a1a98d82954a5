"""The measurements of the paper: functions of features, latents and callables, on NumPy alone."""
