"""Notices to people, outside: by mail today. Never clinical content; a secret only in the mail itself."""
