"""Adversarial losses and regularisers: functions of tensors, without state."""
