"""Lists, calendars and forms: the only files that name customers."""
