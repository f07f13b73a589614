"""What a drive is (`port.py`), and one folder for each drive there is."""
