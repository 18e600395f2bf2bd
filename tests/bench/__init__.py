"""The benchmark's parts; nothing here depends on how long anything takes."""
