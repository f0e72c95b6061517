"""What people are told, on screen, by mail, SMS or push. Never clinical content; a secret only in the mail itself."""
