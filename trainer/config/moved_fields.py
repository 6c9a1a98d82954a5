"""Fields that are somewhere else than they were: for older runs, and for old habits."""

# Where fields were before the networks, the penalties and the schedule had sections of their own.
MOVED = {
    "generator.learning_rate": ("schedule.generator.learning_rate",),
    "generator.regularize_every": ("generator.path_length_every",),
    "generator.ema_half_life_images": ("schedule.average.half_life_images",),
    "discriminator.learning_rate": ("schedule.discriminator.learning_rate",),
    "discriminator.regularize_every": ("penalties.r1_every", "penalties.gradient_penalty_every"),
    "discriminator.r1_gamma": ("penalties.r1_gamma",),
    "discriminator.gradient_penalty_weight": ("penalties.gradient_penalty_weight",),
    "loss.wasserstein_drift": ("loss.drift",),
    "training.adam_beta_1": (
        "schedule.generator.adam_beta_1",
        "schedule.discriminator.adam_beta_1",
    ),
    "training.adam_beta_2": (
        "schedule.generator.adam_beta_2",
        "schedule.discriminator.adam_beta_2",
    ),
    "training.adam_epsilon": (
        "schedule.generator.adam_epsilon",
        "schedule.discriminator.adam_epsilon",
    ),
}
