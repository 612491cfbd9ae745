"""What tools call. Import from its modules: ``distributed`` must load without mmseg's models."""
