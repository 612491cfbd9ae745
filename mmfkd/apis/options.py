"""What a command's options do to a config."""

from mmengine.config import Config

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def merge_options(cfg: Config, options: dict) -> None:
    """Merges ``--cfg-options`` into a config; ``data_root`` reaches every data set that has one.

    Configs read ``data_root`` when they are parsed, so mmengine's merge alone would change a
    variable that nobody reads any more.

    Args:
        cfg: changed in place.
        options: dotted key to value.
    """
    cfg.merge_from_dict(options)
    if 'data_root' in options:
        for name in LOADERS:
            dataset = (cfg.get(name) or {}).get('dataset', {})
            if 'data_root' in dataset:
                dataset.data_root = options['data_root']
