"""A directory as a drive."""

from telpher.drives.folder.drive import FolderDrive

__all__ = ["FolderDrive"]
