"""Source → spool → upload session → checksum; saves its progress as it becomes true."""

from telpher.transfers.carrier import Carrier

__all__ = ["Carrier"]
