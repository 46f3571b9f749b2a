"""Who signs in and what they may: organisations, people, sessions, tokens, journal, their pages."""
