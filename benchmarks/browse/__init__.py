"""How long a page of `/files` and `/find` takes beside what the drive itself takes, and how much memory, as drives grow."""
