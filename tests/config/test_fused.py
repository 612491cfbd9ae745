"""Where fused images lie, and the configs of what is trained on them."""

import pytest

from mmfkd.config.fused import fused_folder


@pytest.mark.parametrize('folder, wanted', [
    ('{split}/vi', '{split}/fused'), ('visible/{split}', 'fused/{split}'),
    ('data/{video}/visible', 'data/{video}/fused'), ('rgb/{case}/{split}', 'fused/{case}/{split}'),
    ('{split}', 'fused/{split}'), ('vi_{split}', 'fused/vi_{split}'), ('rgb', 'fused'),
    ('*/vi/{split}', '*/fused/{split}'), ('/data/visible/{split}', '/data/fused/{split}'),
    ('.', 'fused')])
def test_the_last_part_without_a_placeholder_is_replaced(folder, wanted):
    assert fused_folder(folder) == wanted
