"""The script as a service that starts with the machine: its unit, its installation, and what it tells systemd."""
