"""Text and files of others that would steer a terminal, the console, a disk or a reader."""
