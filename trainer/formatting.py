"""Numbers and times as people read them."""


def short_number(number: float) -> str:
    """Returns up to three digits in at most seven characters: 950, -0.021, 1.28M, -3e-07."""
    for unit, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= 0.9995 * unit:
            return f"{number / unit:.3g}{suffix}"
    digits = 0 if 0 < abs(number) < 1e-3 else 2 if abs(number) < 0.1 else 3
    return f"{number:.0e}" if digits == 0 else f"{number:.{digits}g}"


def duration(seconds: float) -> str:
    """Returns a time to read: 45s, 12m05s, 16h02m, 12d03h, ? for years."""
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours == 0:
        return f"{minutes}m{seconds % 60:02d}s"
    if days == 0:
        return f"{hours}h{minutes % 60:02d}m"
    return f"{days}d{hours % 24:02d}h" if days < 1000 else "?"
