"""The `telpher` command."""


def main() -> int:
    return 0
