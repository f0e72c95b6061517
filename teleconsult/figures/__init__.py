"""What a service is judged by, in numbers: how long people wait, what is held, what a consult spared."""
