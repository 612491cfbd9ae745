"""Defaults that the decode heads share with mmseg's."""

BATCH_NORM = dict(type='BN')
CROSS_ENTROPY = dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=True)
