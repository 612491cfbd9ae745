"""``mmfkd analyze feature_scale`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['analyze', 'feature_scale', *sys.argv[1:]]))
