from image_file_helpers import drawn, folder

__all__ = ["drawn", "folder"]  # fixtures
